package leadertest

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"scaleio-framework/internal/zkconn"
	"scaleio-framework/leader"
)

// Store holds the znodes that outlive every term.
type Store struct {
	mu     sync.Mutex
	nodes  map[string]leader.Entry
	epoch  uint64
	fence  int32
	orders int
}

// NewStore is what a first candidate leaves: the layout, the epoch and empty
// containers.
func NewStore() *Store {
	s := &Store{nodes: map[string]leader.Entry{}}
	s.nodes[leader.PathVersion] = leader.Entry{Data: fmt.Appendf(nil, "{\n  \"layout\": %d\n}\n", leader.Layout)}
	s.nodes[leader.PathEpoch] = leader.Entry{}
	for _, p := range containers() {
		s.nodes[p] = leader.Entry{}
	}
	return s
}

func containers() []string {
	return []string{leader.PathNodes, leader.PathGrowth, leader.PathOrders, leader.PathOrdersRefused}
}

// Put creates or edits a znode behind the leader's back; its version grows.
func (s *Store) Put(p string, data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p == leader.PathEpoch {
		s.fence++
	}
	s.set(p, data)
}

// Order places an order as scaleioctl does, and returns its path.
func (s *Store) Order(data []byte) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := fmt.Sprintf("%s/%010d", leader.PathOrders, s.orders)
	s.orders++
	s.set(p, data)
	return p
}

// Remove deletes a znode and everything below it behind the leader's back.
func (s *Store) Remove(p string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.nodes, func(q string, _ leader.Entry) bool {
		return q == p || strings.HasPrefix(q, p+"/")
	})
}

// Tree is what a leader would load.
func (s *Store) Tree() leader.Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	tree := leader.Snapshot{}
	for p, entry := range s.nodes {
		if len(entry.Data) > 0 || !slices.Contains(containers(), p) {
			tree[p] = leader.Entry{Data: slices.Clone(entry.Data), Version: entry.Version}
		}
	}
	return tree
}

// set writes a znode; the caller holds the lock.
func (s *Store) set(p string, data []byte) leader.Entry {
	entry, exists := s.nodes[p]
	if exists {
		entry.Version++
	}
	entry.Data = slices.Clone(data)
	s.nodes[p] = entry
	return entry
}

// writeEpoch moves the fence; the caller holds the lock.
func (s *Store) writeEpoch(epoch uint64, instance string) {
	s.epoch = epoch
	s.fence++
	s.set(leader.PathEpoch, fmt.Appendf(nil, "{\n  \"epoch\": %d,\n  \"instance\": %q\n}\n", epoch, instance))
}

// apply runs all operations or none; the caller holds the lock.
func (s *Store) apply(ops []leader.Op) ([]leader.Result, error) {
	before := maps.Clone(s.nodes)
	results := make([]leader.Result, len(ops))
	for i, op := range ops {
		if err := s.refusal(op); err != nil {
			s.nodes = before
			return nil, &leader.ConflictError{Path: op.Path, Op: op, Err: err}
		}
		if op.Kind == leader.KindDelete {
			delete(s.nodes, op.Path)
			continue
		}
		results[i].Version = s.set(op.Path, op.Data).Version
	}
	return results, nil
}

// refusal is why ZooKeeper would refuse an operation.
func (s *Store) refusal(op leader.Op) error {
	entry, exists := s.nodes[op.Path]
	switch {
	case op.Kind == leader.KindCreate && exists:
		return zkconn.ErrNodeExists
	case op.Kind == leader.KindCreate:
		if _, parent := s.nodes[path.Dir(op.Path)]; !parent && path.Dir(op.Path) != "/" {
			return zkconn.ErrNoNode
		}
		return nil
	case !exists:
		return zkconn.ErrNoNode
	case entry.Version != op.Version:
		return zkconn.ErrBadVersion
	}
	if op.Kind == leader.KindDelete {
		for p := range s.nodes {
			if strings.HasPrefix(p, op.Path+"/") {
				return zkconn.ErrNotEmpty
			}
		}
	}
	return nil
}
