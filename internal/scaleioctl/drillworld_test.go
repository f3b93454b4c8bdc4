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

// report is drill report for programs.
func report(t *testing.T, environ []string) map[string]any {
	t.Helper()
	got := run(t, environ, "drill", "report", "--json")
	require.Zero(t, got.code, got.err)
	var fields map[string]any
	require.NoError(t, json.Unmarshal([]byte(got.out), &fields))
	return fields
}

// healthy waits until a drill may begin, and returns the report.
func healthy(t *testing.T, environ []string) (fields map[string]any) {
	t.Helper()
	require.Eventually(t, func() bool {
		got := run(t, environ, "drill", "report", "--json")
		return got.code == 0 && json.Unmarshal([]byte(got.out), &fields) == nil && len(fields["obstacles"].([]any)) == 0
	}, worldPatience, 50*time.Millisecond)
	return fields
}

// Leadership goes from one real scheduler to the other and back, and what an
// operator is told of it is so; a pair of which one hangs is not drilled.
func TestRealSchedulersAreDrilled(t *testing.T) {
	w, environ := newWorld(t)
	for range 2 {
		before := healthy(t, environ) // the one that abdicated is started again
		got := run(t, environ, "drill", "abdicate", "--json", "--within=30s")
		require.Zero(t, got.code, got.err)
		var drill map[string]any
		require.NoError(t, json.Unmarshal([]byte(got.out), &drill))
		after := report(t, environ)
		require.Equal(t, before["epoch"].(float64)+1, after["epoch"])
		require.Equal(t, before["epoch"], drill["epoch_before"])
		require.Equal(t, after["epoch"], drill["epoch_after"])
		require.Equal(t, after["leader"], drill["leader_after"])
		require.NotEqual(t, before["leader"], after["leader"])
		require.Equal(t, before["framework_id"], after["framework_id"])
		require.Equal(t, before["steps_over"], after["steps_over"])
		require.Equal(t, true, drill["ok"])
	}

	state := healthy(t, environ)
	for _, s := range w.Schedulers() {
		if s.URL != state["url"] {
			require.NoError(t, s.SignalBoth(syscall.SIGSTOP))
			defer func() { require.NoError(t, s.SignalBoth(syscall.SIGCONT)) }()
		}
	}
	got := run(t, environ, "drill", "abdicate", "--timeout=3s")
	require.Equal(t, scaleioctl.ExitFailed, got.code)
	require.Contains(t, got.err, "no drill: no standby ")
	require.Equal(t, state["epoch"], report(t, environ)["epoch"], "nothing was done")
}
