package leader_test

import (
	"context"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/zkconn"
	"scaleio-framework/internal/zkconn/zktest"
	"scaleio-framework/leader"
)

func TestRaiseEpoch(t *testing.T) {
	for _, c := range []struct {
		says  string
		fault *zktest.Fault
	}{
		{"answered", nil},
		{"answer lost", ptr(zktest.LoseReply)},
		{"request lost", ptr(zktest.LoseRequest)},
	} {
		t.Run(c.says, func(t *testing.T) {
			s := newScene(t)
			term, proxy := s.proxied("a", 4*time.Second)
			if c.fault != nil {
				proxy.Strike(*c.fault, mentioning(`"epoch": 18`))
			}
			err := term.RaiseEpoch(s.ctx, 17)
			if c.fault != nil {
				require.ErrorIs(t, err, zkconn.ErrUnknownOutcome)
				require.NoError(t, term.Recover(s.ctx))
				err = term.RaiseEpoch(s.ctx, 17)
			}
			require.NoError(t, err)
			require.Equal(t, uint64(18), term.Epoch())
			require.NoError(t, term.RaiseEpoch(s.ctx, 3), "lower than the present one changes nothing")
			_, err = term.Commit(s.ctx, leader.Create("/framework", nil))
			require.NoError(t, err)
			require.NoError(t, term.HandOver(s.ctx))
			require.Equal(t, uint64(19), s.elect("b", s.server, 4*time.Second).Epoch())
		})
	}
}

func TestARaiseWithoutAnAnswerIsSettledByTheProbe(t *testing.T) {
	for _, c := range []struct {
		fault zktest.Fault
		epoch uint64
	}{{zktest.LoseReply, 18}, {zktest.LoseRequest, 1}} {
		s := newScene(t)
		term, proxy := s.proxied("a", 4*time.Second)
		proxy.Strike(c.fault, mentioning(`"epoch": 18`))
		require.ErrorIs(t, term.RaiseEpoch(s.ctx, 17), zkconn.ErrUnknownOutcome)
		require.Eventually(t, func() bool {
			_, err := term.Commit(s.ctx)
			return err == nil
		}, patience, 10*time.Millisecond, "nobody else may have something to commit before the lease lapses for good")
		require.Equal(t, c.epoch, term.Epoch())
	}
}

func TestAnEpochThatNothingIsAboveIsRefused(t *testing.T) {
	s := newScene(t)
	term := s.elect("a", s.server, 4*time.Second)
	require.ErrorIs(t, term.RaiseEpoch(s.ctx, math.MaxUint64), leader.ErrInvalid)
	require.Equal(t, uint64(1), term.Epoch(), "else it begins at nothing again, and no node obeys")
	require.NoError(t, term.HandOver(s.ctx))

	s.edit("/epoch", fmt.Sprintf(`{"epoch": %d, "instance": "by hand"}`, uint64(math.MaxUint64)))
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	defer cancel()
	_, err := s.elector("b", s.server, 4*time.Second).Elect(ctx)
	require.ErrorIs(t, err, leader.ErrUnreadable)
}

func ptr[T any](v T) *T { return &v }
