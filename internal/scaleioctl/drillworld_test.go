package scaleioctl_test

import (
	"encoding/json"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/sandbox"
	"scaleio-framework/internal/scaleioctl"
	"scaleio-framework/internal/zkconn/zktest"
	"scaleio-framework/test/programs"
)

const worldPatience = time.Minute

// newWorld is a sandbox of real schedulers whose bootstrap is complete, and the
// environment of an operator.
func newWorld(t *testing.T) (w *sandbox.World, environ []string) {
	t.Helper()
	zk := zktest.Start(t)
	name := strings.TrimPrefix(zktest.Root(t), "/")
	opts := sandbox.Options{Bin: programs.Dir(t), StandInPackages: true, SessionTimeout: 4 * time.Second}
	w, err := sandbox.NewWorld(t.Context(), opts, sandbox.Share(zk), t.TempDir(), name)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.Close()) })
	require.NoError(t, w.StartSchedulers())
	environ = []string{"SIO_ZK=zk://" + strings.Join(w.Store().Servers, ",") + w.Store().Root}
	require.Eventually(t, func() bool {
		return strings.Contains(run(t, environ, "status").out, "complete: volumes can be used")
	}, worldPatience, 50*time.Millisecond)
	return w, environ
}

// report is drill report, and healthy whether a drill may begin.
func report(t *testing.T, environ []string) (fields map[string]any, healthy bool) {
	t.Helper()
	got := run(t, environ, "drill", "report", "--json", "--timeout=1s")
	if got.code != 0 {
		return nil, false
	}
	require.NoError(t, json.Unmarshal([]byte(got.out), &fields))
	return fields, len(fields["obstacles"].([]any)) == 0
}

// Leadership goes from one real scheduler to the other and back, and what an
// operator is told of it is so; a pair of which one hangs is not drilled.
func TestRealSchedulersAreDrilled(t *testing.T) {
	w, environ := newWorld(t)
	healthy := func() bool { _, ok := report(t, environ); return ok }
	for range 2 {
		require.Eventually(t, healthy, worldPatience, 50*time.Millisecond, "the one that abdicated is started again")
		before, _ := report(t, environ)
		got := run(t, environ, "drill", "abdicate", "--json", "--within=30s")
		require.Zero(t, got.code, got.err)
		var drill map[string]any
		require.NoError(t, json.Unmarshal([]byte(got.out), &drill))
		after, _ := report(t, environ)
		require.Equal(t, before["epoch"].(float64)+1, after["epoch"])
		require.Equal(t, before["epoch"], drill["epoch_before"])
		require.Equal(t, after["epoch"], drill["epoch_after"])
		require.Equal(t, after["leader"], drill["leader_after"])
		require.NotEqual(t, before["leader"], after["leader"])
		require.Equal(t, before["framework_id"], after["framework_id"])
		require.Equal(t, before["steps_over"], after["steps_over"])
		require.Equal(t, true, drill["ok"])
	}

	require.Eventually(t, healthy, worldPatience, 50*time.Millisecond)
	state, _ := report(t, environ)
	for _, s := range w.Schedulers() {
		if s.URL != state["url"] {
			require.NoError(t, s.SignalBoth(syscall.SIGSTOP))
			defer func() { require.NoError(t, s.SignalBoth(syscall.SIGCONT)) }()
		}
	}
	got := run(t, environ, "drill", "abdicate", "--timeout=1s")
	require.Equal(t, scaleioctl.ExitFailed, got.code)
	require.Contains(t, got.err, "no drill: no standby ")
	after, _ := report(t, environ)
	require.Equal(t, state["epoch"], after["epoch"], "nothing was done")
}
