package zkmodel_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/zkconn"
	"scaleio-framework/internal/zkconn/zkmodel"
	"scaleio-framework/internal/zkconn/zktest"
)

// fault is what becomes of the next write of a text.
type fault int

const (
	loseAnswer fault = iota
	loseRequest
)

// world is ZooKeeper with a network that can be broken, real or modelled.
type world interface {
	dial(name string) conn
	silence(name string) // nothing passes, and nothing breaks
	heal(name string)
	strike(name string, f fault, text string)
}

type modelled struct {
	t        *testing.T
	ensemble *zkmodel.Ensemble
	mu       sync.Mutex
	struck   map[string]zkmodel.Fate // by text
}

func newModelled(t *testing.T) *modelled {
	m := &modelled{t: t, struck: map[string]zkmodel.Fate{}}
	m.ensemble = zkmodel.New(zkmodel.Options{Fate: m.fate})
	return m
}

func (m *modelled) fate(c zkmodel.Call) zkmodel.Fate {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, op := range c.Ops {
		if f, ok := m.struck[string(op.Data)]; ok {
			delete(m.struck, string(op.Data))
			return f
		}
	}
	return zkmodel.Fate{}
}

func (m *modelled) dial(name string) conn {
	c, err := m.ensemble.Client(name).Dial(context.Background(), options("zk", "/root"))
	require.NoError(m.t, err)
	return c
}

func (m *modelled) silence(name string) { m.ensemble.Client(name).Cut() }

func (m *modelled) heal(name string) { m.ensemble.Client(name).Heal() }

func (m *modelled) strike(_ string, f fault, text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.struck[text] = zkmodel.Fate{LoseAnswer: f == loseAnswer, LoseRequest: f == loseRequest}
}

type real struct {
	t       *testing.T
	root    string
	proxies map[string]*zktest.Proxy
}

func (r *real) dial(name string) conn {
	proxy := zktest.StartProxy(r.t, zktest.Start(r.t).Addr(0))
	r.proxies[name] = proxy
	c, err := zkconn.Dial(context.Background(), options(proxy.Addr(), r.root))
	require.NoError(r.t, err)
	return c
}

func (r *real) silence(name string) { r.proxies[name].Freeze() }

func (r *real) heal(name string) { r.proxies[name].Thaw() }

func (r *real) strike(name string, f fault, text string) {
	r.proxies[name].Strike(map[fault]zktest.Fault{loseAnswer: zktest.LoseReply, loseRequest: zktest.LoseRequest}[f],
		func(q zktest.Request) bool { return strings.Contains(string(q.Body), text) })
}

func options(server, root string) zkconn.Options {
	return zkconn.Options{Servers: []string{server}, Root: root, SessionTimeout: 2 * time.Second}
}

// onBoth tells a story on the model and on a real server.
func onBoth(t *testing.T, story func(t *testing.T, w world)) {
	t.Run("model", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { story(t, newModelled(t)) })
	})
	t.Run("ZooKeeper", func(t *testing.T) {
		t.Parallel()
		story(t, &real{t, zktest.Root(t), map[string]*zktest.Proxy{}})
	})
}

// await takes states until one is as wanted.
func await[T any](t *testing.T, states <-chan T, want func(T) bool) T {
	t.Helper()
	timeout := time.After(20 * time.Second)
	for {
		select {
		case s, ok := <-states:
			require.True(t, ok, "the watch has ended")
			if want(s) {
				return s
			}
		case <-timeout:
			require.Fail(t, "not seen in time")
		}
	}
}

func TestAnExpiryIsLearntLate(t *testing.T) {
	onBoth(t, func(t *testing.T, w world) {
		ctx := context.Background()
		witness, c := w.dial("witness"), w.dial("c")
		defer witness.Close()
		defer c.Close()
		require.NoError(t, c.EnsurePath(ctx, "/"))
		_, err := c.Create(ctx, "/e", nil, zkconn.Ephemeral)
		require.NoError(t, err)
		states := witness.WatchData(ctx, "/e")
		await(t, states, func(s zkconn.NodeState) bool { return s.Exists })

		began := time.Now()
		w.silence("c")
		await(t, states, func(s zkconn.NodeState) bool { return !s.Exists })
		// A ping every third of a session, or later from a busy machine, and the
		// end at a tick; the end of a connection would tell at once.
		require.Greater(t, time.Since(began), time.Second)
		_, _, err = c.Get(ctx, "/")
		require.ErrorIs(t, err, zkconn.ErrDisconnected)
		_, err = c.Set(ctx, "/", nil, -1)
		require.ErrorIs(t, err, zkconn.ErrDisconnected, "never sent")
		state, _ := c.State()
		require.Equal(t, zkconn.Connecting, state, "nobody has told it")

		w.heal("c")
		<-c.Expired()
		<-c.Done()
		state, _ = c.State()
		require.Equal(t, zkconn.Expired, state)
		_, _, err = c.Get(ctx, "/")
		require.ErrorIs(t, err, zkconn.ErrExpired)
		_, err = c.Create(ctx, "/x", nil, zkconn.Persistent)
		require.ErrorIs(t, err, zkconn.ErrExpired)
		require.NotErrorIs(t, err, zkconn.ErrUnknownOutcome)
		_, open := <-c.WatchData(ctx, "/")
		require.False(t, open)
	})
}

func TestALostAnswerLeavesTheOutcomeOpenUntilSync(t *testing.T) {
	for _, c := range []struct {
		says    string
		fault   fault
		applied bool
	}{
		{"answer", loseAnswer, true},
		{"request", loseRequest, false},
	} {
		t.Run(c.says, func(t *testing.T) {
			onBoth(t, func(t *testing.T, w world) {
				ctx := context.Background()
				conn := w.dial("c")
				defer conn.Close()
				require.NoError(t, conn.EnsurePath(ctx, "/"))
				session := conn.SessionID()
				w.strike("c", c.fault, "precious")
				_, err := conn.Multi(ctx, zkconn.CreateOp("/x", []byte("precious"), zkconn.Ephemeral))
				require.ErrorIs(t, err, zkconn.ErrUnknownOutcome)
				require.NotErrorIs(t, err, zkconn.ErrDisconnected)
				require.NoError(t, conn.Sync(ctx))
				stat, yes, err := conn.Exists(ctx, "/x")
				require.NoError(t, err)
				require.Equal(t, c.applied, yes)
				require.Equal(t, c.applied, stat.EphemeralOwner == session)
				require.Equal(t, session, conn.SessionID())
			})
		})
	}
}

func TestSyncSettlesAWriteThatWasGivenUp(t *testing.T) {
	onBoth(t, func(t *testing.T, w world) {
		ctx := context.Background()
		witness, c := w.dial("witness"), w.dial("c")
		defer witness.Close()
		defer c.Close()
		require.NoError(t, c.EnsurePath(ctx, "/x"))
		w.silence("c")
		short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		defer cancel()
		_, err := c.Set(short, "/x", []byte("late"), 0)
		require.ErrorIs(t, err, zkconn.ErrUnknownOutcome)
		data, _, err := witness.Get(ctx, "/x")
		require.NoError(t, err)
		require.Empty(t, data, "held up on the way")

		w.heal("c")
		require.NoError(t, c.Sync(ctx))
		data, _, err = c.Get(ctx, "/x")
		require.NoError(t, err)
		require.Equal(t, "late", string(data), "nothing broke: the request arrived, and Sync waited for it")
	})
}

func TestAWatchSeesTheLatestStateOverALostConnection(t *testing.T) {
	onBoth(t, func(t *testing.T, w world) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		witness, c := w.dial("witness"), w.dial("c")
		defer witness.Close()
		defer c.Close()
		require.NoError(t, witness.EnsurePath(ctx, "/"))
		data, children := c.WatchData(ctx, "/x"), c.WatchChildren(ctx, "/")
		await(t, data, func(s zkconn.NodeState) bool { return !s.Exists })
		await(t, children, func(s zkconn.ChildrenState) bool { return s.Exists && len(s.Names) == 0 })
		_, err := witness.Create(ctx, "/x", []byte("1"), zkconn.Persistent)
		require.NoError(t, err)
		await(t, data, func(s zkconn.NodeState) bool { return string(s.Data) == "1" })
		await(t, children, func(s zkconn.ChildrenState) bool { return len(s.Names) == 1 && s.Stat.Children == 1 })

		w.strike("c", loseRequest, "strike")
		_, err = c.Create(ctx, "/strike", []byte("strike"), zkconn.Persistent)
		require.ErrorIs(t, err, zkconn.ErrUnknownOutcome)
		_, err = witness.Set(ctx, "/x", []byte("2"), 0)
		require.NoError(t, err)
		await(t, data, func(s zkconn.NodeState) bool { return string(s.Data) == "2" })
		require.NoError(t, witness.Delete(ctx, "/x", 1))
		await(t, data, func(s zkconn.NodeState) bool { return !s.Exists })
		await(t, children, func(s zkconn.ChildrenState) bool { return len(s.Names) == 0 })
		cancel()
		for range data { //nolint:revive // until it is closed
		}
	})
}

func TestCloseTakesTheEphemeralsAlongAtOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, w world) {
		ctx := context.Background()
		witness, c := w.dial("witness"), w.dial("c")
		defer witness.Close()
		require.NoError(t, c.EnsurePath(ctx, "/"))
		_, err := c.Create(ctx, "/e", nil, zkconn.Ephemeral)
		require.NoError(t, err)
		c.Close()
		c.Close()
		require.NoError(t, witness.Sync(ctx))
		_, yes, err := witness.Exists(ctx, "/e")
		require.NoError(t, err)
		require.False(t, yes)
		_, err = c.Set(ctx, "/", nil, -1)
		require.ErrorIs(t, err, zkconn.ErrClosed)
		require.NotErrorIs(t, err, zkconn.ErrUnknownOutcome, "it was never sent")
		select {
		case <-c.Expired():
			require.Fail(t, "a closed session has not expired")
		default:
		}
	})
}
