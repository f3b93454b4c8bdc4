package zkmodel_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/zkconn"
	"scaleio-framework/internal/zkconn/zkmodel"
)

// scene is an ensemble with a client for each name.
type scene struct {
	*zkmodel.Ensemble
	t   *testing.T
	ctx context.Context
}

func inBubble(t *testing.T, opts zkmodel.Options, story func(s *scene)) {
	synctest.Test(t, func(t *testing.T) {
		story(&scene{zkmodel.New(opts), t, context.Background()})
	})
}

func (s *scene) dial(name string) *zkmodel.Conn {
	c, err := s.Client(name).Dial(s.ctx, options("zk", ""))
	require.NoError(s.t, err)
	s.t.Cleanup(c.Close)
	return c
}

func (s *scene) exists(path string) bool {
	_, _, exists := s.Peek(path)
	return exists
}

// sync takes its time: a server may first have to notice that it is alone.
func (s *scene) sync(c *zkmodel.Conn) {
	s.t.Helper()
	began := time.Now()
	for c.Sync(s.ctx) != nil {
		require.Less(s.t, time.Since(began), 10*time.Second)
	}
}

func (s *scene) create(c *zkmodel.Conn, path string, mode zkconn.Mode) {
	s.t.Helper()
	_, err := c.Create(s.ctx, path, nil, mode)
	require.NoError(s.t, err)
}

func TestTheServersDecideOnTheSessionTimeout(t *testing.T) {
	inBubble(t, zkmodel.Options{TickTime: 500 * time.Millisecond}, func(s *scene) {
		for asked, granted := range map[time.Duration]time.Duration{
			200 * time.Millisecond: time.Second, 4 * time.Second: 4 * time.Second, time.Minute: 10 * time.Second,
		} {
			c, err := s.Client(asked.String()).Dial(s.ctx, zkconn.Options{Servers: []string{"zk"}, SessionTimeout: asked, CallTimeout: time.Second})
			require.NoError(t, err)
			require.Equal(t, granted, c.NegotiatedTimeout())
			c.Close()
		}
	})
}

// A whole ensemble is away for longer than a session, and comes back: nobody
// was there to end the session.
func TestSessionsOutliveTheQuorum(t *testing.T) {
	inBubble(t, zkmodel.Options{}, func(s *scene) {
		c := s.dial("c")
		s.create(c, "/e", zkconn.Ephemeral)
		session := c.SessionID()
		for i := range s.Servers() {
			s.Kill(i)
		}
		time.Sleep(100 * time.Millisecond)
		_, err := c.Set(s.ctx, "/e", []byte("x"), 0)
		require.ErrorIs(t, err, zkconn.ErrDisconnected)
		time.Sleep(time.Minute)
		for i := range s.Servers() {
			s.Start(i)
		}
		stat, err := c.Set(s.ctx, "/e", []byte("y"), 0)
		require.NoError(t, err)
		require.Equal(t, session, stat.EphemeralOwner)
	})
}

// What was proposed when the quorum broke is applied by the next leader, or
// never; Sync tells which.
func TestAWriteThatLostItsQuorumIsSettledBySync(t *testing.T) {
	applied := 0
	const seeds = 40
	for seed := range uint64(seeds) {
		inBubble(t, zkmodel.Options{Seed: seed}, func(s *scene) {
			c := s.dial("c")
			s.create(c, "/x", zkconn.Persistent)
			s.Kill(1)
			s.Kill(2)
			_, err := c.Set(s.ctx, "/x", []byte("late"), 0)
			if err != nil { // the server may have sent it away before
				require.NotErrorIs(t, err, zkconn.ErrBadVersion)
			}
			s.Start(1)
			s.Start(2)
			require.NoError(t, c.Sync(s.ctx))
			before, _, err := c.Get(s.ctx, "/x")
			require.NoError(t, err)
			time.Sleep(time.Minute)
			after, _, _ := s.Peek("/x")
			require.Equal(t, string(before), string(after))
			if len(after) > 0 {
				applied++
			}
		})
	}
	require.Greater(t, applied, 0)
	require.Less(t, applied, seeds)
}

// A server that is cut off from the others answers reads with what it knows,
// writes nothing, and sends its clients away when it notices.
func TestACutOffServerServesOldReadsForAWhile(t *testing.T) {
	inBubble(t, zkmodel.Options{Lag: time.Nanosecond}, func(s *scene) {
		writer := s.dial("writer")
		s.create(writer, "/x", zkconn.Persistent)
		var readers []*zkmodel.Conn
		for i := range 12 { // on every server some
			readers = append(readers, s.dial(fmt.Sprint("reader ", i)))
		}
		s.Isolate(2)
		for _, err := writer.Set(s.ctx, "/x", []byte("new"), 0); err != nil; { // the writer may be on server 2
			require.NoError(t, writer.Sync(s.ctx))
			_, err = writer.Set(s.ctx, "/x", []byte("new"), -1)
		}
		old := 0
		for _, r := range readers {
			data, _, err := r.Get(s.ctx, "/x")
			require.NoError(t, err)
			if len(data) == 0 {
				old++
			}
		}
		require.Positive(t, old)
		require.Less(t, old, len(readers))
		for _, r := range readers {
			s.sync(r)
			data, _, err := r.Get(s.ctx, "/x")
			require.NoError(t, err)
			require.Equal(t, "new", string(data))
		}
	})
}

// A follower trails: another client reads the old state until it syncs, and
// never goes back behind what it has seen.
func TestReadsTrailUntilSync(t *testing.T) {
	stale := 0
	for seed := range uint64(20) {
		inBubble(t, zkmodel.Options{Seed: seed, Lag: time.Second}, func(s *scene) {
			writer, reader := s.dial("writer"), s.dial("reader")
			s.create(writer, "/x", zkconn.Persistent)
			require.NoError(t, reader.Sync(s.ctx))
			_, err := writer.Set(s.ctx, "/x", []byte("new"), 0)
			require.NoError(t, err)
			data, _, err := reader.Get(s.ctx, "/x")
			require.NoError(t, err)
			if len(data) == 0 {
				stale++
			}
			own, _, err := writer.Get(s.ctx, "/x")
			require.NoError(t, err)
			require.Equal(t, "new", string(own), "one's own writes are seen")
			require.NoError(t, reader.Sync(s.ctx))
			for range 10 {
				data, _, err = reader.Get(s.ctx, "/x")
				require.NoError(t, err)
				require.Equal(t, "new", string(data))
				s.Kill(0)
				s.Start(0)
				s.sync(reader)
			}
		})
	}
	require.Positive(t, stale)
}

func TestAFrozenProcessNeitherSendsNorReturns(t *testing.T) {
	inBubble(t, zkmodel.Options{}, func(s *scene) {
		c := s.dial("c")
		s.create(c, "/e", zkconn.Ephemeral)
		s.Client("c").Freeze()
		began := time.Now()
		const pause = 1000 * time.Millisecond
		time.AfterFunc(pause, s.Client("c").Thaw)
		_, err := c.Set(s.ctx, "/e", []byte("x"), 0)
		require.NoError(t, err, "a pause below the session is nothing but a pause")
		require.GreaterOrEqual(t, time.Since(began), pause)

		s.Client("c").Freeze()
		time.Sleep(10 * time.Second)
		require.False(t, s.exists("/e"))
		state, _ := c.State()
		require.Equal(t, zkconn.Connected, state, "it has not noticed")
		s.Client("c").Thaw()
		<-c.Expired()
		_, err = c.Set(s.ctx, "/e", nil, -1)
		require.ErrorIs(t, err, zkconn.ErrExpired)
	})
}

func TestAKilledProcessLeavesItsSessionBehind(t *testing.T) {
	inBubble(t, zkmodel.Options{}, func(s *scene) {
		c := s.dial("c")
		s.create(c, "/e", zkconn.Ephemeral)
		s.Client("c").Kill()
		_, err := c.Set(s.ctx, "/e", nil, 0)
		require.ErrorIs(t, err, zkconn.ErrClosed)
		c.Close()
		_, err = s.Client("c").Dial(s.ctx, options("zk", ""))
		require.ErrorIs(t, err, zkconn.ErrClosed)
		time.Sleep(time.Second)
		require.True(t, s.exists("/e"))
		time.Sleep(2 * time.Second)
		require.False(t, s.exists("/e"), "expired")
	})
}

// A request that a cut has held up is carried out after its caller has given
// up, unless its session has moved to another connection before.
func TestALateRequestIsCarriedOutAsLongAsItsSessionHasNotMoved(t *testing.T) {
	late := 0
	for seed := range uint64(40) {
		inBubble(t, zkmodel.Options{Seed: seed}, func(s *scene) {
			c := s.dial("c")
			s.create(c, "/x", zkconn.Persistent)
			s.Client("c").Cut()
			_, err := c.Set(s.ctx, "/x", []byte("late"), 0)
			require.ErrorIs(t, err, zkconn.ErrUnknownOutcome)
			time.Sleep(200 * time.Millisecond)
			require.Zero(t, func() int { data, _, _ := s.Peek("/x"); return len(data) }())
			s.Client("c").Heal()
			require.NoError(t, c.Sync(s.ctx))
			before, _, _ := s.Peek("/x")
			time.Sleep(10 * time.Second)
			after, _, _ := s.Peek("/x")
			require.Equal(t, string(before), string(after), "Sync has settled it")
			late += min(len(after), 1)
		})
	}
	require.Greater(t, late, 0)
	require.Less(t, late, 40)
}

// The client of a server that dies finds another and keeps its session, and
// watches see what was missed.
func TestAClientMovesToAnotherServer(t *testing.T) {
	inBubble(t, zkmodel.Options{}, func(s *scene) {
		c, writer := s.dial("c"), s.dial("writer")
		ctx, cancel := context.WithCancel(s.ctx)
		states := c.WatchData(ctx, "/x")
		await(t, states, func(n zkconn.NodeState) bool { return !n.Exists })
		session := c.SessionID()
		s.create(writer, "/x", zkconn.Persistent)
		for round := range 6 {
			s.Kill(round % 3)
			for {
				if _, err := writer.Set(s.ctx, "/x", fmt.Append(nil, round), -1); err == nil {
					break
				}
			}
			await(t, states, func(n zkconn.NodeState) bool { return string(n.Data) == fmt.Sprint(round) })
			s.Start(round % 3)
			time.Sleep(5 * time.Second)
		}
		require.Equal(t, session, c.SessionID())
		cancel()
		for range states { //nolint:revive // until it is closed
		}
	})
}
