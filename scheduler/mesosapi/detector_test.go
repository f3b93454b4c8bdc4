package mesosapi_test

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"sync"
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/zkconn"
	"scaleio-framework/scheduler/mesosapi"
)

// registry is the masters' path in a ZooKeeper, in memory. It is also what the
// double of the master registers with.
type registry struct {
	mu       sync.Mutex
	next     int
	children map[string][]byte
	changed  chan struct{}
	broken   chan struct{} // closed to end every session
	dials    int
}

func newRegistry() *registry {
	return &registry{children: map[string][]byte{}, changed: make(chan struct{}), broken: make(chan struct{})}
}

// Register implements mesostest.Registrar.
func (r *registry) Register(_ context.Context, data []byte) (func(), error) {
	r.mu.Lock()
	name := fmt.Sprintf("json.info_%010d", r.next)
	r.next++
	r.mu.Unlock()
	r.set(name, data)
	return func() { r.set(name, nil) }, nil
}

func (r *registry) set(name string, data []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if data == nil {
		delete(r.children, name)
	} else {
		r.children[name] = data
	}
	close(r.changed)
	r.changed = make(chan struct{})
}

func (r *registry) breakSessions() {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.broken)
	r.broken = make(chan struct{})
}

func (r *registry) detector(t *testing.T) mesosapi.Detector {
	t.Helper()
	d, err := mesosapi.NewZooKeeper(mesosapi.ZooKeeperOptions{
		Logger: hclog.NewNullLogger(),
		Dial: func(context.Context) (mesosapi.Session, error) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.dials++
			if r.dials == 1 {
				return nil, errors.New("no server answers")
			}
			return &session{r, r.broken}, nil
		},
	})
	require.NoError(t, err)
	return d
}

type session struct {
	registry *registry
	broken   chan struct{}
}

func (s *session) Close() {}

func (s *session) Get(_ context.Context, path string) ([]byte, zkconn.Stat, error) {
	s.registry.mu.Lock()
	defer s.registry.mu.Unlock()
	data, ok := s.registry.children[path[1:]]
	if !ok {
		return nil, zkconn.Stat{}, zkconn.ErrNoNode
	}
	return data, zkconn.Stat{}, nil
}

func (s *session) WatchChildren(ctx context.Context, _ string) <-chan zkconn.ChildrenState {
	out := make(chan zkconn.ChildrenState)
	go func() {
		defer close(out)
		for {
			s.registry.mu.Lock()
			state := zkconn.ChildrenState{Exists: true}
			for name := range s.registry.children {
				state.Names = append(state.Names, name)
			}
			changed := s.registry.changed
			s.registry.mu.Unlock()
			sort.Strings(state.Names)
			select {
			case out <- state:
			case <-ctx.Done():
				return
			}
			select {
			case <-changed:
			case <-s.broken:
				return
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}

func info(port int) []byte {
	return fmt.Appendf(nil, `{"address":{"hostname":"m","ip":"127.0.0.1","port":%d},"id":"x","ip":16777343,"port":1}`, port)
}

func TestDetectionInZooKeeper(t *testing.T) {
	r := newRegistry()
	d := r.detector(t)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { d.Run(ctx) })
	defer running.Wait()
	defer cancel()

	// The first session fails, then there is no master, then two with foreign
	// znodes beside them: the lowest sequence leads.
	r.set("log_replicas", []byte("x"))
	r.set("info_0000000001", []byte("protobuf of an old master"))
	r.set("json.info_0000000010", info(5010))
	r.set("json.info_0000000009", info(5009))
	var leader mesosapi.Leader
	require.Eventually(t, func() bool {
		var err error
		leader, err = d.Leader(ctx)
		return err == nil && leader.Address == "127.0.0.1:5009"
	}, soon, tick)

	r.set("json.info_0000000011", info(5011))
	select {
	case <-leader.Changed:
		require.FailNow(t, "a standby master changed the leader")
	default:
	}

	// A lost session takes nothing away: the next one finds the same leader.
	r.breakSessions()
	require.Eventually(t, func() bool { r.mu.Lock(); defer r.mu.Unlock(); return r.dials == 3 }, soon, tick)
	again, err := d.Leader(ctx)
	require.NoError(t, err)
	require.Equal(t, leader, again)

	r.set("json.info_0000000009", nil)
	<-leader.Changed
	leader, err = d.Leader(ctx)
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:5010", leader.Address)

	// What cannot be read names nobody, and the wait for a leader can be ended.
	r.set("json.info_0000000001", []byte("no JSON"))
	<-leader.Changed
	short, stop := context.WithCancel(ctx)
	stop()
	_, err = d.Leader(short)
	require.ErrorIs(t, err, context.Canceled)
}

func TestNewDetector(t *testing.T) {
	for masters, wrong := range map[string]string{
		"zk://127.0.0.1:2181/mesos": "",
		"m1:5050,m2:5050":           "",
		"m1, m2":                    "",
		"[::1]:5050":                "",
		"zk://127.0.0.1:2181":       "/mesos",
		"zk://a@b/mesos":            "password",
		"":                          "host:port",
		"http://m1:5050":            "host:port",
		"m1:5050,":                  "host:port",
		"m1:99999":                  "port",
	} {
		_, err := mesosapi.NewDetector(masters, hclog.NewNullLogger())
		if wrong == "" {
			require.NoError(t, err, masters)
		} else {
			require.ErrorContains(t, err, wrong, masters)
		}
	}
}

func TestStaticNamesEachInTurn(t *testing.T) {
	d, err := mesosapi.NewStatic("m1", "m2:1")
	require.NoError(t, err)
	var got []string
	for range 3 {
		leader, err := d.Leader(t.Context())
		require.NoError(t, err)
		require.Nil(t, leader.Changed)
		got = append(got, leader.Address)
	}
	require.Equal(t, []string{"m1:5050", "m2:1", "m1:5050"}, got)
}
