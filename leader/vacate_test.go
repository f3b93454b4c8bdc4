package leader_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/zkconn"
	"scaleio-framework/internal/zkconn/zkmodel"
	"scaleio-framework/internal/zkconn/zktest"
	"scaleio-framework/leader"
)

// claims gathers what Options.Claim is told.
func (s *scene) claims(name, at string) (*leader.Term, func() []leader.Claim) {
	s.t.Helper()
	var told []leader.Claim // written by calls of this goroutine only
	e, err := leader.New(leader.Options{
		Conn:  zkconn.Options{Servers: []string{at}, Root: s.root, SessionTimeout: 10 * time.Second},
		Card:  leader.Card{Instance: name},
		Claim: func(c leader.Claim) { told = append(told, c) },
	})
	require.NoError(s.t, err)
	term, err := e.Elect(s.ctx)
	require.NoError(s.t, err)
	s.t.Cleanup(term.Close)
	return term, func() []leader.Claim { return told }
}

func TestTheDeadLeadersPlaceIsVacatedForTheNext(t *testing.T) {
	s := newScene(t)
	proxy := zktest.StartProxy(t, s.server)
	dead, claims := s.claims("a", proxy.Addr())
	next := s.candidate(s.elector("b", s.server, 10*time.Second))
	proxy.Freeze() // its session lives on at the server, as that of a killed process does
	require.Len(t, claims(), 1)
	vacated, err := leader.Vacate(s.ctx, s.witness, claims()[0])
	require.NoError(t, err)
	require.True(t, vacated)
	won := <-next
	require.NoError(t, won.err)
	require.True(t, s.exists(leader.PathCandidates+"/a"), "it does not wait for the session")
	require.Equal(t, dead.Epoch()+1, won.term.Epoch())

	vacated, err = leader.Vacate(s.ctx, s.witness, claims()[0])
	require.NoError(t, err)
	require.False(t, vacated, "the place is another's now")
	require.Contains(t, s.data(leader.PathLeader), `"b"`)
	proxy.Thaw()
	_, err = dead.Commit(s.ctx)
	require.ErrorIs(t, err, leader.ErrDeposed)
	require.NoError(t, won.term.Err(), "the end of the dead one's session takes nothing from the next")
	_, err = won.term.Commit(s.ctx)
	require.NoError(t, err)
}

func TestTheClaimFollowsTheFence(t *testing.T) {
	for _, c := range []struct {
		says  string
		fault *zktest.Fault
	}{
		{"answered", nil},
		{"answer lost", ptr(zktest.LoseReply)},
	} {
		t.Run(c.says, func(t *testing.T) {
			s := newScene(t)
			proxy := zktest.StartProxy(t, s.server)
			term, claims := s.claims("a", proxy.Addr())
			if c.fault != nil {
				proxy.Strike(*c.fault, mentioning(`"epoch": 18`))
			}
			if err := term.RaiseEpoch(s.ctx, 17); err != nil {
				require.ErrorIs(t, err, zkconn.ErrUnknownOutcome)
				require.NoError(t, term.Recover(s.ctx))
			}
			require.Len(t, claims(), 2)
			_, err := leader.Vacate(s.ctx, s.witness, claims()[0])
			require.ErrorIs(t, err, zkconn.ErrBadVersion)
			require.True(t, s.exists(leader.PathLeader))
			vacated, err := leader.Vacate(s.ctx, s.witness, claims()[1])
			require.NoError(t, err)
			require.True(t, vacated)
			require.False(t, s.exists(leader.PathLeader))
		})
	}
}

func TestNothingIsVacatedWithoutTheDeadLeadersFenceAndSession(t *testing.T) {
	for _, c := range []struct {
		says  string
		spoil func(*scene, *leader.Term)
		err   error
		stays bool
	}{
		{"/epoch was edited: an operator may be at work", func(s *scene, _ *leader.Term) {
			s.edit(leader.PathEpoch, `{"epoch": 9, "instance": "operator"}`)
		}, zkconn.ErrBadVersion, true},
		{"/epoch is gone", func(s *scene, _ *leader.Term) {
			require.NoError(s.t, s.witness.Delete(s.ctx, leader.PathEpoch, -1))
		}, zkconn.ErrNoNode, true},
		{"it has handed over itself", func(s *scene, term *leader.Term) {
			require.NoError(s.t, term.HandOver(s.ctx))
		}, nil, false},
		{"another holds /leader under the same fence", func(s *scene, term *leader.Term) {
			require.NoError(s.t, term.HandOver(s.ctx))
			_, err := s.witness.Create(s.ctx, leader.PathLeader, []byte("{}"), zkconn.Ephemeral)
			require.NoError(s.t, err)
		}, nil, true},
	} {
		t.Run(c.says, func(t *testing.T) {
			s := newScene(t)
			proxy := zktest.StartProxy(t, s.server)
			term, claims := s.claims("a", proxy.Addr())
			if c.err != nil {
				proxy.Freeze() // else the living leader notices, and makes room
			}
			c.spoil(s, term)
			vacated, err := leader.Vacate(s.ctx, s.witness, claims()[0])
			require.ErrorIs(t, err, c.err)
			require.False(t, vacated)
			require.Equal(t, c.stays, s.exists(leader.PathLeader))
		})
	}
}

func TestNothingIsVacatedWithoutZooKeeper(t *testing.T) {
	s := newScene(t)
	_, claims := s.claims("a", s.server)
	proxy := zktest.StartProxy(t, s.server)
	conn, err := zkconn.Dial(s.ctx, zkconn.Options{Servers: []string{proxy.Addr()}, Root: s.root, CallTimeout: 100 * time.Millisecond})
	require.NoError(t, err)
	t.Cleanup(conn.Close)
	proxy.Block()
	_, err = leader.Vacate(s.ctx, conn, claims()[0])
	require.ErrorIs(t, err, zkconn.ErrDisconnected)
	require.True(t, s.exists(leader.PathLeader))
}

// The card of a candidate that died right after it was laid is struck through a
// server that has not heard of it yet.
func TestACardIsStruckThroughAServerThatLags(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			ensemble := zkmodel.New(zkmodel.Options{Seed: seed, Lag: time.Second})
			options := zkconn.Options{Servers: []string{"zk"}, Root: "/scaleio-framework/test", SessionTimeout: 4 * time.Second}
			parent, err := ensemble.Client("parent").Dial(t.Context(), options)
			require.NoError(t, err)
			defer parent.Close()
			worker, err := ensemble.Client("worker").Dial(t.Context(), options)
			require.NoError(t, err)
			require.NoError(t, worker.EnsurePath(t.Context(), leader.PathCandidates))
			_, err = worker.Create(t.Context(), leader.PathCandidates+"/a", nil, zkconn.Ephemeral)
			require.NoError(t, err)
			dead := leader.Candidacy{Instance: "a", Session: worker.SessionID()}
			ensemble.Client("worker").Kill()

			struck, err := leader.Strike(t.Context(), parent, dead)
			require.NoError(t, err)
			require.True(t, struck, "seed %d", seed)
		})
	}
}

func TestOnlyTheDeadCandidatesCardIsStruck(t *testing.T) {
	s := newScene(t)
	var told []leader.Candidacy
	e, err := leader.New(leader.Options{
		Conn:      zkconn.Options{Servers: []string{s.server}, Root: s.root, SessionTimeout: 10 * time.Second},
		Card:      leader.Card{Instance: "a"},
		Candidacy: func(c leader.Candidacy) { told = append(told, c) },
	})
	require.NoError(t, err)
	term, err := e.Elect(s.ctx)
	require.NoError(t, err)
	t.Cleanup(term.Close)
	require.Len(t, told, 1)
	card := leader.PathCandidates + "/a"

	struck, err := leader.Strike(s.ctx, s.witness, leader.Candidacy{Instance: "a", Session: told[0].Session + 1})
	require.NoError(t, err)
	require.False(t, struck, "it is another session's")
	require.True(t, s.exists(card))
	_, err = leader.Strike(s.ctx, s.witness, leader.Candidacy{Instance: "../epoch", Session: told[0].Session})
	require.ErrorIs(t, err, leader.ErrInvalid)
	for _, want := range []bool{true, false} {
		struck, err = leader.Strike(s.ctx, s.witness, told[0])
		require.NoError(t, err)
		require.Equal(t, want, struck)
		require.False(t, s.exists(card))
	}
	require.NoError(t, term.Err(), "a card is no leadership")
}
