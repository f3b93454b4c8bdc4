package sim_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/zkconn"
	"scaleio-framework/internal/zkconn/zkmodel"
	"scaleio-framework/leader"
)

// keeper is what the world knows of ZooKeeper: all that was ever written, as it
// was applied.
type keeper struct {
	// Told by the ensemble, under its own lock, and taken by the world later.
	mu   sync.Mutex
	told []any // zkmodel.Applied, or a note

	znodes map[string]leader.Entry // by path below the root
	reign  reign
	reigns map[uint64]string // who was elected, by epoch
}

// reign is the time of a leader, as ZooKeeper sees it.
type reign struct {
	epoch  uint64
	client string
	fence  int32
}

// openZooKeeper makes the ensemble of a seed.
func (w *world) openZooKeeper() {
	w.keeper = &keeper{znodes: make(map[string]leader.Entry), reigns: make(map[uint64]string)}
	s := w.scenario
	w.zk = zkmodel.New(zkmodel.Options{
		Seed: s.seed, Latency: s.latency, Lag: s.lag,
		Fate: func(c zkmodel.Call) zkmodel.Fate {
			if w.quiet.Load() || c.Client == operator {
				return zkmodel.Fate{}
			}
			fate := s.fate(c)
			if fate != (zkmodel.Fate{}) {
				w.keeper.tell(fmt.Sprintf(">>> %s of %s: %+v", c.Op, c.Client, fate))
			}
			return fate
		},
		Observe: func(a zkmodel.Applied) { w.keeper.tell(a) },
	})
}

func (k *keeper) tell(what any) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.told = append(k.told, what)
}

// observe takes in what was written since, and holds it against the rules. The
// caller has the world's lock.
func (w *world) observe() {
	if w.keeper == nil {
		return
	}
	w.keeper.mu.Lock()
	told := w.keeper.told
	w.keeper.told = nil
	w.keeper.mu.Unlock()
	for _, what := range told {
		switch what := what.(type) {
		case string:
			w.note("%s", what)
		case zkmodel.Applied:
			w.written(what)
		}
	}
}

// written holds R1: whatever is no part of an election is written by the one
// that was elected last, behind a check of its fence.
func (w *world) written(a zkmodel.Applied) {
	k := w.keeper
	var ops []leader.Op
	elects := false
	for _, op := range a.Ops {
		path := strings.TrimPrefix(op.Path, root)
		elects = elects || op.Kind == zkconn.OpCreate && path == leader.PathLeader
		k.mirror(op, path)
		if op.Kind != zkconn.OpCheck {
			ops = append(ops, leader.Op{Kind: kindOf(op.Kind), Path: path, Data: op.Data, Version: op.Version})
		}
	}
	switch {
	case elects:
		w.elected(a)
	case a.Client == "" || a.Client == operator || !slices.ContainsFunc(ops, ruled):
	case !fenced(a.Ops[0], k.reign.fence) || a.Client != k.reign.client:
		w.violate("%s writes %s without the fence; epoch %d is of %s", a.Client, told(ops), k.reign.epoch, k.reign.client)
	case ops[0].Path == leader.PathLeader:
		w.note("%s hands epoch %d over", a.Client, k.reign.epoch)
	default:
		if t := w.termOf(k.reign.epoch); t != nil {
			w.checkCommit(t, ops)
		}
	}
	for _, op := range ops {
		if op.Kind == leader.KindCreate && strings.HasPrefix(op.Path, leader.PathOrders+"/") {
			p := &placed{raw: op.Data}
			p.order, _ = model.ParseOrder(op.Data) // what is malformed is refused
			w.orders[op.Path] = p
			if len(w.terms) > 0 {
				w.deliverOrder(w.current(), op.Path)
			}
		}
	}
}

// mirror keeps the world's copy of what is stored.
func (k *keeper) mirror(op zkconn.Op, path string) {
	switch op.Kind {
	case zkconn.OpCreate:
		k.znodes[path] = leader.Entry{Data: op.Data}
	case zkconn.OpSet:
		k.znodes[path] = leader.Entry{Data: op.Data, Version: k.znodes[path].Version + 1}
	case zkconn.OpDelete:
		delete(k.znodes, path)
	}
}

func kindOf(kind zkconn.OpKind) leader.OpKind {
	switch kind {
	case zkconn.OpCreate:
		return leader.KindCreate
	case zkconn.OpSet:
		return leader.KindSet
	default:
		return leader.KindDelete
	}
}

// ruled tells what only the leader may write. The rest belongs to candidates,
// or is an empty container.
func ruled(op leader.Op) bool {
	switch {
	case op.Path == leader.PathVersion, strings.HasPrefix(op.Path, leader.PathCandidates):
		return false
	case op.Kind == leader.KindCreate && op.Path == leader.PathEpoch:
		return false
	case op.Kind == leader.KindDelete && op.Path == leader.PathLeader:
		return false // its owner may always make room
	}
	return op.Kind != leader.KindCreate || len(op.Data) > 0
}

func fenced(first zkconn.Op, fence int32) bool {
	return first.Kind == zkconn.OpCheck && first.Path == root+leader.PathEpoch && first.Version == fence
}

// elected takes note of a new reign: its epoch is higher than every one before.
func (w *world) elected(a zkmodel.Applied) {
	k := w.keeper
	var record struct {
		Epoch    uint64
		Instance string
	}
	w.must(json.Unmarshal(k.znodes[leader.PathEpoch].Data, &record))
	if record.Instance != a.Client {
		w.violate("%s elects %s", a.Client, record.Instance)
	}
	if by, taken := k.reigns[record.Epoch]; taken || record.Epoch <= k.reign.epoch {
		w.violate("%s is elected for epoch %d behind %d of %s", a.Client, record.Epoch, k.reign.epoch, by)
	}
	k.reign = reign{record.Epoch, a.Client, k.znodes[leader.PathEpoch].Version}
	k.reigns[record.Epoch] = a.Client
	w.note("%s is elected for epoch %d", a.Client, record.Epoch)
}

func (w *world) termOf(epoch uint64) *term {
	i := slices.IndexFunc(w.terms, func(t *term) bool { return t.epoch == epoch })
	if i < 0 {
		return nil
	}
	return w.terms[i]
}

// tree is what is stored.
func (w *world) tree() leader.Snapshot {
	if w.keeper == nil {
		return w.store.Tree()
	}
	return w.keeper.znodes
}

// fillZooKeeper writes the records of an installed world.
func (w *world) fillZooKeeper(stored leader.Snapshot) {
	ctx := context.Background()
	conn, err := w.dialAsOperator(ctx)
	if err != nil {
		w.violate("operator: %v", err)
		return
	}
	defer conn.Close()
	err = conn.EnsurePath(ctx, "/")
	for _, p := range []string{leader.PathNodes, leader.PathGrowth, leader.PathOrders, leader.PathOrdersRefused} {
		if err == nil {
			err = conn.EnsurePath(ctx, p)
		}
	}
	for _, p := range sortedKeys(stored) {
		if err == nil {
			_, err = conn.Create(ctx, p, stored[p].Data, zkconn.Persistent)
		}
	}
	if err != nil {
		w.violate("operator: %v", err)
	}
}

// asOperator does something to ZooKeeper beside the world's own course, over a
// session of its own, and then goes on in the world. There is one operator, who
// does one thing after the other.
func (w *world) asOperator(do func(ctx context.Context, conn *zkmodel.Conn) error, then func(error)) {
	before, done := w.errand, make(chan struct{})
	w.errand = done
	w.errands.Go(func() {
		defer close(done)
		if before != nil {
			<-before
		}
		w.pass(time.Microsecond, operator)
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		conn, err := w.dialAsOperator(ctx)
		if err == nil {
			err = do(ctx, conn)
			conn.Close()
		}
		w.mu.Lock()
		defer w.unlock()
		w.observe()
		if err != nil {
			w.note("operator: %v", err)
		}
		then(err)
	})
}

func (w *world) dialAsOperator(ctx context.Context) (*zkmodel.Conn, error) {
	return w.zk.Client(operator).Dial(ctx, zkconn.Options{Servers: []string{"zk0"}, Root: root})
}

// deliverOrders brings a new leader the orders that wait.
func (w *world) deliverOrders(t *term) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, path := range sortedKeys(w.tree()) {
		if strings.HasPrefix(path, leader.PathOrders+"/") {
			w.deliverOrder(t, path)
		}
	}
}

func (w *world) deliverOrder(t *term, path string) {
	w.after(5*time.Millisecond, func() {
		if entry, there := w.tree()[path]; there {
			w.hand(t, core.OrderReceived{Path: path, Version: entry.Version, Raw: entry.Data})
		}
	})
}
