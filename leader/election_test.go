package leader_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/redact"
	"scaleio-framework/internal/zkconn"
	"scaleio-framework/internal/zkconn/zktest"
	"scaleio-framework/leader"
)

func TestOfCandidatesAtOnceExactlyOneWins(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	const candidates = 4
	won := make(chan election, candidates)
	electors := make([]*leader.Elector, candidates)
	for i := range electors {
		electors[i] = s.elector(fmt.Sprintf("c%d", i), s.server, 4*time.Second)
		result := s.candidate(electors[i])
		go func() { won <- <-result }()
	}
	for epoch := uint64(1); epoch <= candidates; epoch++ {
		first := <-won
		require.NoError(t, first.err)
		require.Equal(t, epoch, first.term.Epoch())
		select {
		case second := <-won:
			require.Fail(t, "two leaders", "%v and %v", first.term.Card(), second)
		case <-time.After(150 * time.Millisecond):
		}
		require.Eventually(t, func() bool {
			for _, e := range electors { // those still standing see the leader
				card, known := e.CurrentLeader()
				if e.Status().Connected && (!known || card.Instance != first.term.Card().Instance) {
					return false
				}
			}
			return true
		}, patience, 10*time.Millisecond)
		require.NoError(t, first.term.HandOver(s.ctx))
	}
}

func TestALeaderIsSeenAndACandidateHasACard(t *testing.T) {
	s := newScene(t)
	first := s.elector("first", s.server, 4*time.Second)
	term := (<-s.candidate(first)).term
	require.Equal(t, leader.Status{Connected: true, Leading: true, Known: true, Leader: term.Card()}, first.Status())
	second := s.elector("second", s.server, 4*time.Second)
	s.candidate(second)
	require.Eventually(t, func() bool { return second.Status().Known }, patience, 5*time.Millisecond)
	require.Equal(t, "http://first", second.Status().Leader.URL)
	require.False(t, second.Status().Leading)

	client, err := leader.Open(s.ctx, zkconn.Options{Servers: []string{s.server}, Root: s.root})
	require.NoError(t, err)
	defer client.Close()
	cards, err := client.Candidates(s.ctx)
	require.NoError(t, err)
	require.Len(t, cards, 2)
	card, known, err := client.Leader(s.ctx)
	require.NoError(t, err)
	require.True(t, known)
	require.Equal(t, "first", card.Instance)
	require.False(t, card.Since.IsZero())
	require.Contains(t, s.data("/epoch"), "\n  \"epoch\": 1,\n", "znodes are made to be read")
	term.Close()
	require.Equal(t, leader.Status{}, first.Status(), "after its term a process knows nothing")
}

func TestHandOverLetsTheNextLeadAtOnceAndKeepsTheState(t *testing.T) {
	s := newScene(t)
	first := s.elect("first", s.server, 10*time.Second)
	_, err := first.Commit(s.ctx, leader.Create("/framework", []byte("f")))
	require.NoError(t, err)
	next := s.candidate(s.elector("second", s.server, 10*time.Second))
	require.NoError(t, first.HandOver(s.ctx))
	require.ErrorIs(t, first.Err(), leader.ErrHandedOver)
	<-first.Done()
	_, err = first.Commit(s.ctx, leader.Set("/framework", nil, 0))
	require.ErrorIs(t, err, leader.ErrHandedOver)
	require.ErrorIs(t, first.HandOver(s.ctx), leader.ErrHandedOver)

	second := <-next
	require.NoError(t, second.err)
	require.Equal(t, uint64(2), second.term.Epoch())
	tree, err := second.term.Tree(s.ctx)
	require.NoError(t, err)
	require.Equal(t, leader.Entry{Data: []byte("f")}, tree["/framework"])
}

func TestALostAnswerToTheElectingMulti(t *testing.T) {
	for _, c := range []struct {
		says  string
		fault zktest.Fault
	}{
		{"it was applied: the candidate finds itself leader, in the same epoch", zktest.LoseReply},
		{"it was not applied: the candidate tries again", zktest.LoseRequest},
	} {
		t.Run(c.says, func(t *testing.T) {
			s := newScene(t)
			proxy := zktest.StartProxy(t, s.server)
			struck := proxy.Strike(c.fault, electing)
			term := s.elect("a", proxy.Addr(), 4*time.Second)
			<-struck
			require.Equal(t, uint64(1), term.Epoch())
			require.True(t, term.Lease().Valid(time.Now()))
			_, err := term.Commit(s.ctx, leader.Create("/framework", nil))
			require.NoError(t, err, "the fence that was found out is the right one")
		})
	}
}

func TestAnElectingMultiLostToAnotherIsNoVictory(t *testing.T) {
	s := newScene(t)
	proxy := zktest.StartProxy(t, s.server)
	struck := proxy.Strike(zktest.LoseRequest, electing)
	rival := make(chan *leader.Term, 1)
	slow := s.elector("slow", proxy.Addr(), 4*time.Second)
	go func() { // while slow does not know its outcome, another wins
		<-struck
		proxy.Block()
		defer proxy.Unblock()
		term, err := s.elector("fast", s.server, 4*time.Second).Elect(s.ctx)
		if err != nil {
			term = nil
		}
		rival <- term
	}()
	result := s.candidate(slow)
	fast := <-rival
	require.NotNil(t, fast)
	defer fast.Close()
	require.Eventually(t, func() bool { return slow.Status().Known }, patience, 5*time.Millisecond)
	require.Equal(t, "fast", slow.Status().Leader.Instance)
	require.Empty(t, result)
	require.NoError(t, fast.HandOver(s.ctx))
	second := <-result
	require.NoError(t, second.err)
	require.Equal(t, uint64(2), second.term.Epoch())
}

func TestACandidateReplacesAnExpiredSession(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	first := s.elect("first", s.server, 4*time.Second)
	proxy := zktest.StartProxy(t, s.server)
	standby := s.elector("standby", proxy.Addr(), time.Second)
	result := s.candidate(standby)
	require.Eventually(t, func() bool { return standby.Status().Known }, patience, 5*time.Millisecond)
	proxy.Block()
	require.Eventually(t, func() bool { return !s.exists("/candidates/standby") }, patience, 20*time.Millisecond)
	require.False(t, standby.Status().Connected)
	proxy.Unblock()
	require.Eventually(t, func() bool { return s.exists("/candidates/standby") }, patience, 20*time.Millisecond)
	require.NoError(t, first.HandOver(s.ctx))
	require.NoError(t, (<-result).err)
}

func TestACandidateWaitsForZooKeeper(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	proxy := zktest.StartProxy(t, s.server)
	proxy.Block()
	e := s.elector("patient", proxy.Addr(), time.Second)
	result := s.candidate(e)
	require.Never(t, func() bool { return e.Status().Connected || len(result) > 0 }, 500*time.Millisecond, 50*time.Millisecond)
	proxy.Unblock()
	require.NoError(t, (<-result).err)

	ctx, cancel := context.WithCancel(s.ctx)
	cancel()
	_, err := s.elector("stopped", proxy.Addr(), time.Second).Elect(ctx)
	require.ErrorIs(t, err, context.Canceled)
}

func TestStateThatCannotBeReadIsNotTouched(t *testing.T) {
	for _, c := range []struct {
		says, path, data string
		err              error
		code             int
	}{
		{"a newer layout", "/version", `{"layout": 2}`, leader.ErrLayout, 6},
		{"a layout that is no number", "/version", `{"layout": "x"}`, leader.ErrUnreadable, 6},
		{"a layout of nothing", "/version", "", leader.ErrUnreadable, 6},
		{"an epoch with broken JSON", "/epoch", `{"epoch": 3,`, leader.ErrUnreadable, 6},
		{"an epoch without a number", "/epoch", `{"instance": "x"}`, leader.ErrUnreadable, 6},
		{"an epoch that is null", "/epoch", `null`, leader.ErrUnreadable, 6},
	} {
		t.Run(c.says, func(t *testing.T) {
			s := newScene(t)
			s.edit(c.path, c.data)
			_, err := s.elector("a", s.server, 4*time.Second).Elect(s.ctx)
			require.ErrorIs(t, err, c.err)
			require.ErrorContains(t, err, c.path)
			code, remedy := leader.ExitCode(err)
			require.Equal(t, c.code, code)
			require.NotEmpty(t, remedy)
			require.Equal(t, c.data, s.data(c.path))
			require.False(t, s.exists("/leader"))
		})
	}
}

func TestForeignCredentialsAreAFinalRefusal(t *testing.T) {
	s := newScene(t)
	with := func(password string) zkconn.Options {
		return zkconn.Options{
			Servers: []string{s.server}, Root: s.root,
			DigestUser: "sio", DigestPassword: redact.New(password),
		}
	}
	owner, err := zkconn.Dial(s.ctx, with("right"))
	require.NoError(t, err)
	defer owner.Close()
	require.NoError(t, owner.EnsurePath(s.ctx, "/"))
	e, err := leader.New(leader.Options{Conn: with("wrong"), Card: leader.Card{Instance: "a"}})
	require.NoError(t, err)
	_, err = e.Elect(s.ctx)
	require.ErrorIs(t, err, leader.ErrRefused)
	require.NotContains(t, err.Error(), "wrong")
	code, _ := leader.ExitCode(err)
	require.Equal(t, 4, code)
}

func TestOptionsOfACandidateAreChecked(t *testing.T) {
	_, err := leader.New(leader.Options{Conn: zkconn.Options{Servers: []string{"h"}}})
	require.ErrorIs(t, err, leader.ErrInvalid)
	_, err = leader.New(leader.Options{Card: leader.Card{Instance: "a"}})
	require.ErrorIs(t, err, leader.ErrInvalid)
	code, _ := leader.ExitCode(err)
	require.Equal(t, 2, code)
	require.NotEqual(t, leader.NewInstance("a"), leader.NewInstance("a"))
}

func TestUnknownFieldsOfTheEpochAreKept(t *testing.T) {
	s := newScene(t)
	s.edit("/epoch", `{"epoch": 41, "instance": "old", "note": {"by": "an operator"}}`)
	term := s.elect("a", s.server, 4*time.Second)
	require.Equal(t, uint64(42), term.Epoch())
	require.Contains(t, s.data("/epoch"), "an operator")
}

func BenchmarkHandOver(b *testing.B) {
	s := newScene(b)
	term := s.elect("leader", s.server, 10*time.Second)
	for i := range b.N {
		b.StopTimer()
		e := s.elector(fmt.Sprintf("next%d", i), s.server, 10*time.Second)
		result := s.candidate(e)
		for !e.Status().Known {
			time.Sleep(time.Millisecond)
		}
		b.StartTimer()
		if err := term.HandOver(s.ctx); err != nil {
			b.Fatal(err)
		}
		next := <-result
		if next.err != nil {
			b.Fatal(next.err)
		}
		if _, err := next.term.Commit(s.ctx); err != nil {
			b.Fatal(err)
		}
		term = next.term
	}
}

func TestACandidateBeginsAnewWhereTheRootWasRemovedByHand(t *testing.T) {
	s := newScene(t)
	first := s.elect("a", s.server, 2*time.Second)
	next := s.candidate(s.elector("b", s.server, 2*time.Second))
	require.Eventually(t, func() bool { return s.exists("/candidates/b") }, patience, 5*time.Millisecond)
	s.removeAll()
	require.ErrorIs(t, first.Recover(s.ctx), leader.ErrDeposed)
	select {
	case won := <-next:
		require.NoError(t, won.err)
		_, err := won.term.Commit(s.ctx, leader.Create("/framework", nil))
		require.NoError(t, err)
	case <-time.After(patience):
		require.FailNow(t, "the candidate waits for ever")
	}
}
