package sandbox

import (
	"context"
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/zkconn/zktest"
	"scaleio-framework/leader"
	"scaleio-framework/test/programs"
)

// benchWorld starts a world with the sandbox's own session timeout. The caller
// closes it.
func benchWorld(b *testing.B, round int) *World {
	b.Helper()
	opts := Options{Bin: programs.Dir(b), StandInPackages: true, SessionTimeout: DefaultSessionTimeout}
	name := fmt.Sprintf("%s-%d", zktest.Root(b)[1:], round)
	w, err := NewWorld(b.Context(), opts, Share(zktest.StartOwn(b, zktest.Options{TickTime: tickTime})), b.TempDir(), name)
	require.NoError(b, err)
	require.NoError(b, w.StartSchedulers())
	return w
}

// BenchmarkBootstrap3 is the bootstrap of three hosts whose steps cost
// nothing, by the leader's clock: from its registration with Mesos to the proof
// that a volume works. At most 2 s.
func BenchmarkBootstrap3(b *testing.B) {
	var took []float64
	for b.Loop() {
		w := benchWorld(b, len(took))
		state, err := w.await(b.Context(), "the bootstrap", bootstrapLimit, nil, func(st State) bool { return st.Complete(3) })
		require.NoError(b, err)
		took = append(took, state.Bootstrap().Seconds())
		require.NoError(b, w.Close())
	}
	report(b, took, "s-bootstrap")
}

// BenchmarkTakeoverTERM is the time from SIGTERM to the next leader being
// subscribed under the kept id and past its first commit. At most 0.3 s.
func BenchmarkTakeoverTERM(b *testing.B) { report(b, takeovers(b, Term), "s-takeover") }

// BenchmarkTakeoverCrash is the same after kill -9 of the worker, whose parent
// makes room for the next leader. At most 0.5 s.
func BenchmarkTakeoverCrash(b *testing.B) { report(b, takeovers(b, Crash), "s-takeover") }

// BenchmarkTakeoverKill is the same after kill -9 of both processes: at most
// half a second above the session timeout. The excess holds ZooKeeper's own rounding up of an
// expiry to its tick, up to 400 ms here, less the age of the last heartbeat.
func BenchmarkTakeoverKill(b *testing.B) {
	took := takeovers(b, Kill)
	report(b, took, "s-takeover")
	b.ReportMetric(slices.Max(took)-DefaultSessionTimeout.Seconds(), "s-max-excess")
}

func takeovers(b *testing.B, fault Fault) (took []float64) {
	b.Helper()
	w := benchWorld(b, 0)
	defer func() { require.NoError(b, w.Close()) }()
	ctx := b.Context()
	_, err := w.await(ctx, "the bootstrap", bootstrapLimit, nil, func(st State) bool { return st.Complete(3) })
	require.NoError(b, err)
	for b.Loop() {
		standby(ctx, b, w)
		f, err := w.Failover(ctx, fault)
		require.NoError(b, err)
		require.True(b, f.FrameworkIDKept)
		took = append(took, f.TakeoverS)
	}
	return took
}

// standby waits until every scheduler is a candidate again, as Marathon's pair
// is but for a moment. The card of a crashed one stays for its session.
func standby(ctx context.Context, b *testing.B, w *World) {
	b.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		cards, err := w.client.Candidates(ctx)
		cards = slices.DeleteFunc(cards, func(c leader.Card) bool { return syscall.Kill(c.PID, 0) != nil })
		if err == nil && len(cards) == len(w.schedulers) {
			return
		}
		require.True(b, time.Now().Before(deadline), "only %d candidates: %v", len(cards), err)
	}
}

// report gives the median and the worst of what was measured.
func report(b *testing.B, took []float64, unit string) {
	b.Helper()
	slices.Sort(took)
	b.ReportMetric(took[len(took)/2], unit)
	b.ReportMetric(took[len(took)-1], unit+"-max")
	b.ReportMetric(0, "ns/op") // setting up is not what is measured
}
