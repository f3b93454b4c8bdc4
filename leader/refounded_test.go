package leader_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/zkconn"
	"scaleio-framework/leader"
)

// The versions of an /epoch that was made anew begin at 0 again. The leader of
// the one before must not pass for that of this one, however quickly another
// is elected.
func TestAnEpochThatWasMadeAnewIsAnotherFence(t *testing.T) {
	for _, c := range []struct {
		says   string
		remove func(*scene)
	}{
		{"the election's znodes were removed by hand", func(s *scene) {
			_, err := s.witness.Multi(s.ctx, zkconn.DeleteOp(leader.PathLeader, -1), zkconn.DeleteOp(leader.PathEpoch, -1))
			require.NoError(s.t, err)
		}},
		{"the root was removed by hand", (*scene).removeAll},
	} {
		t.Run(c.says, func(t *testing.T) {
			s := newScene(t)
			first := s.elect("a", s.server, 2*time.Second)
			next := s.candidate(s.elector("b", s.server, 2*time.Second))
			require.Eventually(t, func() bool { return s.exists("/candidates/b") }, patience, 5*time.Millisecond)
			c.remove(s)
			won := <-next
			require.NoError(t, won.err)
			_, err := first.Commit(s.ctx, leader.Create("/framework", nil))
			require.ErrorIs(t, err, leader.ErrDeposed)
		})
	}
}
