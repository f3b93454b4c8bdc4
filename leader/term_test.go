package leader_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/zkconn"
	"scaleio-framework/internal/zkconn/zktest"
	"scaleio-framework/leader"
)

func TestACommitIsAppliedAsAWhole(t *testing.T) {
	s := newScene(t)
	term := s.elect("a", s.server, 4*time.Second)
	results, err := term.Commit(s.ctx,
		leader.Create("/framework", []byte("1")), leader.Create("/nodes/n1", []byte("n")), leader.Create("/nodes/n1/plan", []byte("p")))
	require.NoError(t, err)
	require.Equal(t, []leader.Result{{}, {}, {}}, results)
	results, err = term.Commit(s.ctx, leader.Set("/framework", []byte("2"), 0), leader.Delete("/nodes/n1/plan", 0))
	require.NoError(t, err)
	require.Equal(t, int32(1), results[0].Version)
	_, err = term.Commit(s.ctx)
	require.NoError(t, err, "a commit of nothing verifies the fence")

	tree, err := term.Tree(s.ctx)
	require.NoError(t, err)
	require.Equal(t, leader.Entry{Data: []byte("2"), Version: 1}, tree["/framework"])
	require.Contains(t, tree, "/nodes/n1")
	require.Contains(t, tree, "/epoch")
	for _, absent := range []string{"/leader", "/candidates", "/candidates/a", "/nodes", "/orders", "/nodes/n1/plan"} {
		require.NotContains(t, tree, absent)
	}
}

func TestAConflictOnARecordIsNoLossOfTheFence(t *testing.T) {
	s := newScene(t)
	term := s.elect("a", s.server, 4*time.Second)
	_, err := term.Commit(s.ctx, leader.Create("/cluster", nil), leader.Create("/framework", nil))
	require.NoError(t, err)
	s.edit("/cluster", "edited by hand")
	for _, c := range []struct {
		says string
		op   leader.Op
		err  error
	}{
		{"edited by hand: the same code as a broken fence", leader.Set("/cluster", nil, 0), zkconn.ErrBadVersion},
		{"created by hand", leader.Create("/framework", nil), zkconn.ErrNodeExists},
		{"removed by hand", leader.Delete("/growth/g1", 0), zkconn.ErrNoNode},
	} {
		t.Run(c.says, func(t *testing.T) {
			_, err := term.Commit(s.ctx, leader.Set("/framework", []byte("x"), 0), c.op)
			var conflict *leader.ConflictError
			require.ErrorAs(t, err, &conflict)
			require.Equal(t, c.op.Path, conflict.Path)
			require.Equal(t, c.op, conflict.Op)
			require.ErrorIs(t, err, c.err)
			require.NotErrorIs(t, err, leader.ErrDeposed)
			require.NoError(t, term.Err())
		})
	}
	require.Empty(t, s.data("/framework"), "nothing of a conflicting commit is applied")
	require.NoError(t, term.Recover(s.ctx))
}

func TestRecoverPutsBackAContainerThatWasRemovedByHand(t *testing.T) {
	s := newScene(t)
	term := s.elect("a", s.server, 4*time.Second)
	require.NoError(t, s.witness.Delete(s.ctx, leader.PathOrdersRefused, -1))
	refused := leader.Create(leader.PathOrdersRefused+"/1", []byte("x"))
	_, err := term.Commit(s.ctx, refused)
	require.ErrorIs(t, err, zkconn.ErrNoNode)
	require.NoError(t, term.Recover(s.ctx))
	_, err = term.Commit(s.ctx, refused)
	require.NoError(t, err, "else no order could be refused any more")
}

func TestABrokenFenceEndsTheTerm(t *testing.T) {
	for _, c := range []struct {
		says  string
		spoil func(*scene)
	}{
		{"set by another", func(s *scene) { s.edit("/epoch", `{"epoch": 9, "instance": "other"}`) }},
		{"removed", func(s *scene) { require.NoError(s.t, s.witness.Delete(s.ctx, "/epoch", -1)) }},
	} {
		t.Run(c.says, func(t *testing.T) {
			s := newScene(t)
			term := s.elect("a", s.server, 10*time.Second)
			_, err := term.Commit(s.ctx, leader.Create("/framework", nil))
			require.NoError(t, err)
			c.spoil(s)
			_, err = term.Commit(s.ctx, leader.Set("/framework", []byte("x"), 0))
			require.ErrorIs(t, err, leader.ErrDeposed)
			<-term.Done()
			require.ErrorIs(t, term.Recover(s.ctx), leader.ErrDeposed)
			require.Empty(t, s.data("/framework"))
			require.Eventually(t, func() bool { return !s.exists("/leader") }, patience, 5*time.Millisecond, "it makes room")
			code, _ := leader.ExitCode(term.Err())
			require.Equal(t, 3, code)
		})
	}
}

func TestTheProbeNoticesABrokenFence(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	term := s.elect("idle", s.server, time.Second)
	s.edit("/epoch", `{"epoch": 9, "instance": "other"}`)
	<-term.Done()
	require.ErrorIs(t, term.Err(), leader.ErrDeposed)
}

func TestTheProbeKeepsAnIdleLease(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	term := s.elect("idle", s.server, 2*time.Second)
	first := term.Lease().Deadline()
	require.Eventually(t, func() bool { return term.Lease().Deadline().Sub(first) > 2*time.Second }, patience, 10*time.Millisecond)
	require.NoError(t, term.Err())
}

func TestALostAnswerIsSettledByRecover(t *testing.T) {
	for _, c := range []struct {
		says    string
		fault   zktest.Fault
		applied bool
	}{
		{"applied", zktest.LoseReply, true},
		{"not applied", zktest.LoseRequest, false},
	} {
		t.Run(c.says, func(t *testing.T) {
			s := newScene(t)
			term, proxy := s.proxied("a", 4*time.Second)
			struck := proxy.Strike(c.fault, mentioning("precious"))
			_, err := term.Commit(s.ctx, leader.Create("/framework", []byte("precious")))
			<-struck
			require.ErrorIs(t, err, zkconn.ErrUnknownOutcome)
			require.NotErrorIs(t, err, leader.ErrDeposed)
			_, err = term.Commit(s.ctx, leader.Create("/cluster", nil))
			require.ErrorIs(t, err, leader.ErrSuspended, "first the open outcome")

			require.NoError(t, term.Recover(s.ctx))
			tree, err := term.Tree(s.ctx)
			require.NoError(t, err)
			require.Equal(t, c.applied, slices.Contains(keys(tree), "/framework"))
			_, err = term.Commit(s.ctx, leader.Create("/cluster", nil))
			require.NoError(t, err)
		})
	}
}

func keys(tree leader.Snapshot) (paths []string) {
	for path := range tree {
		paths = append(paths, path)
	}
	return paths
}

func TestACutShorterThanTheLeaseGoesUnnoticed(t *testing.T) {
	s := newScene(t)
	term, proxy := s.proxied("a", 10*time.Second)
	proxy.Block()
	time.AfterFunc(200*time.Millisecond, proxy.Unblock)
	_, err := term.Commit(s.ctx, leader.Create("/framework", nil))
	if err != nil { // caught by the cut itself
		require.NoError(t, term.Recover(s.ctx))
	}
	_, err = term.Commit(s.ctx, leader.Create("/cluster", nil))
	require.NoError(t, err)
	require.Equal(t, uint64(1), term.Epoch())
}

func TestAQuorumLostForLessThanTheLease(t *testing.T) {
	t.Parallel()
	cluster := zktest.StartEnsemble(t, 3)
	ctx := testContext(t)
	e, err := leader.New(leader.Options{
		Conn: zkconn.Options{Servers: strings.Split(cluster.ConnectString(), ","), Root: "/q", SessionTimeout: 10 * time.Second},
		Card: leader.Card{Instance: "a"},
	})
	require.NoError(t, err)
	term, err := e.Elect(ctx)
	require.NoError(t, err)
	defer term.Close()
	require.NoError(t, cluster.Freeze(0))
	require.NoError(t, cluster.Freeze(1))
	committed := make(chan error, 1)
	go func() {
		_, err := term.Commit(ctx, leader.Create("/framework", nil))
		committed <- err
	}()
	select {
	case err := <-committed:
		require.Error(t, err, "one server of three commits nothing")
		committed <- err
	case <-time.After(300 * time.Millisecond):
	}
	require.NoError(t, cluster.Thaw(0))
	require.NoError(t, cluster.Thaw(1))
	if err := <-committed; err != nil {
		require.NotErrorIs(t, err, leader.ErrDeposed)
		require.NoError(t, term.Recover(ctx))
	}
	_, err = term.Commit(ctx, leader.Create("/cluster", nil))
	require.NoError(t, err)
	require.Equal(t, uint64(1), term.Epoch())
}

func TestALapseIsNotALoss(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	term, proxy := s.proxied("a", 8*time.Second) // a third of which is left when the lease has lapsed
	proxy.Freeze()
	require.Eventually(t, func() bool { return !term.Lease().Valid(time.Now()) }, patience, 5*time.Millisecond)
	_, err := term.Commit(s.ctx, leader.Create("/framework", nil))
	require.ErrorIs(t, err, leader.ErrSuspended)
	require.NoError(t, term.Err(), "the session is not over yet")
	proxy.Thaw()
	require.NoError(t, term.Recover(s.ctx))
	require.True(t, term.Lease().Valid(time.Now()))
	_, err = term.Commit(s.ctx, leader.Create("/cluster", nil))
	require.NoError(t, err)
	require.Equal(t, uint64(1), term.Epoch())
}

func TestALeaderPausedBeyondItsSessionCommitsNothing(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	paused, proxy := s.proxied("paused", 2*time.Second)
	next := s.candidate(s.elector("next", s.server, 4*time.Second))
	proxy.Freeze()
	held := make(chan error, 1)
	go func() { // on its way when the pause begins
		_, err := paused.Commit(s.ctx, leader.Create("/framework", []byte("paused")))
		held <- err
	}()
	second := <-next
	require.NoError(t, second.err)
	require.False(t, paused.Lease().Valid(time.Now()), "its lease lapsed before another could win")
	_, err := second.term.Commit(s.ctx, leader.Create("/framework", []byte("next")))
	require.NoError(t, err)

	proxy.Thaw()
	require.Error(t, <-held)
	<-paused.Done()
	require.ErrorIs(t, paused.Err(), leader.ErrDeposed)
	require.ErrorIs(t, paused.Err(), leader.ErrExpired)
	_, err = paused.Commit(s.ctx, leader.Set("/framework", nil, 0))
	require.ErrorIs(t, err, leader.ErrDeposed)
	require.ErrorIs(t, paused.Recover(s.ctx), leader.ErrDeposed)
	require.Equal(t, "next", s.data("/framework"))
	require.NoError(t, second.term.Err())
}

func TestTheNextLeadsWhenTheConnectionOfTheFirstDies(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	_, proxy := s.proxied("first", time.Second)
	next := s.candidate(s.elector("next", s.server, 4*time.Second))
	proxy.Block()
	second := <-next
	require.NoError(t, second.err)
	require.Equal(t, uint64(2), second.term.Epoch())
}

func TestALapseOfThreeSessionsEndsTheTerm(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	term, proxy := s.proxied("a", time.Second)
	proxy.Block()
	err := term.Recover(s.ctx)
	require.ErrorIs(t, err, leader.ErrLapsed)
	require.ErrorIs(t, term.Err(), leader.ErrLapsed)
	code, remedy := leader.ExitCode(err)
	require.Equal(t, 4, code)
	require.Contains(t, remedy, "quorum")
}

func TestATermIsHeldWhileItLasts(t *testing.T) {
	s := newScene(t)
	term := s.elect("a", s.server, 4*time.Second)
	require.True(t, term.Held())
	require.NoError(t, term.AwaitHeld(s.ctx))
	require.NoError(t, term.Affirm(s.ctx))
	require.NoError(t, term.HandOver(s.ctx))
	require.False(t, term.Held())
	require.ErrorIs(t, term.AwaitHeld(s.ctx), leader.ErrHandedOver)
	require.Error(t, term.Affirm(s.ctx), "a term that is over does not subscribe")
}

func TestRecoverEndsWithItsContext(t *testing.T) {
	s := newScene(t)
	term, proxy := s.proxied("a", 10*time.Second)
	proxy.Block()
	ctx, cancel := context.WithTimeout(s.ctx, 100*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, term.Recover(ctx), context.DeadlineExceeded)
	require.NoError(t, term.Err())
}

func TestWhatCannotBeCommittedIsNotSent(t *testing.T) {
	s := newScene(t)
	term := s.elect("a", s.server, 4*time.Second)
	many := make([]leader.Op, leader.MaxOps+1)
	for i := range many {
		many[i] = leader.Create(fmt.Sprintf("/nodes/n%d", i), nil)
	}
	big := make([]leader.Op, 9)
	for i := range big {
		big[i] = leader.Create(fmt.Sprintf("/nodes/b%d", i), make([]byte, leader.MaxRecord))
	}
	for _, c := range []struct {
		says string
		ops  []leader.Op
		err  error
	}{
		{"too many operations", many, leader.ErrTooLarge},
		{"too many bytes", big, leader.ErrTooLarge},
		{"too large a record", []leader.Op{leader.Create("/cluster", make([]byte, leader.MaxRecord+1))}, leader.ErrTooLarge},
		{"a set of any version", []leader.Op{leader.Set("/cluster", nil, -1)}, leader.ErrInvalid},
		{"a delete of any version", []leader.Op{leader.Delete("/cluster", -1)}, leader.ErrInvalid},
		{"the fence itself", []leader.Op{leader.Set("/epoch", nil, 1)}, leader.ErrInvalid},
		{"another's card", []leader.Op{leader.Delete("/candidates/b", 0)}, leader.ErrInvalid},
		{"no path", []leader.Op{leader.Create("cluster", nil)}, leader.ErrInvalid},
		{"no kind", []leader.Op{{Kind: 7, Path: "/cluster"}}, leader.ErrInvalid},
	} {
		t.Run(c.says, func(t *testing.T) {
			_, err := term.Commit(s.ctx, c.ops...)
			require.ErrorIs(t, err, c.err)
		})
	}
	_, err := term.Commit(s.ctx, many[:leader.MaxOps]...)
	require.NoError(t, err, "the limit itself is possible")
	_, err = term.Commit(s.ctx, big[:7]...)
	require.NoError(t, err)
}

// BenchmarkCommit100 commits changes of 100 records of 2 KiB in one group. At
// most 20 ms at the median.
func BenchmarkCommit100(b *testing.B) {
	s := newScene(b)
	term := s.elect("a", s.server, 10*time.Second)
	ops := make([]leader.Op, 100)
	for i := range ops {
		ops[i] = leader.Create(fmt.Sprintf("/nodes/n%d", i), make([]byte, 2048))
	}
	_, err := term.Commit(s.ctx, ops...)
	require.NoError(b, err)
	version := int32(0)
	commit := func() time.Duration {
		for i := range ops {
			ops[i] = leader.Set(ops[i].Path, make([]byte, 2048), version)
		}
		begun := time.Now()
		if _, err := term.Commit(s.ctx, ops...); err != nil {
			b.Fatal(err)
		}
		version++
		return time.Since(begun)
	}
	for range 50 { // the server's code is slow until it is compiled
		commit()
	}
	var took []time.Duration
	for b.Loop() {
		took = append(took, commit())
	}
	for len(took) < 50 { // a median of three says little
		took = append(took, commit())
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms-median")
}
