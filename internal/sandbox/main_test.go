package sandbox

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"scaleio-framework/internal/zkconn/zktest"
	"scaleio-framework/test/programs"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		programs.Remove()
		zktest.Exit(code)
	}))
}

// testOptions are a small sandbox whose packages cost nothing.
func testOptions(tb testing.TB) Options {
	tb.Helper()
	opts := Options{
		Bin: programs.Dir(tb), Dir: tb.TempDir(), StandInPackages: true,
		SessionTimeout: 2 * time.Second, Out: &output{},
	}
	tb.Cleanup(func() { nothingRuns(tb, opts.Dir) })
	return opts
}

// newWorld is a world on the shared ZooKeeper, with its schedulers running.
func newWorld(ctx context.Context, tb testing.TB, opts Options) *World {
	tb.Helper()
	w, err := NewWorld(ctx, opts, Share(zktest.Start(tb)), opts.Dir, strings.TrimPrefix(zktest.Root(tb), "/"))
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, w.Close()) })
	require.NoError(tb, w.StartSchedulers())
	return w
}

// nothingRuns looks for processes that were started for a sandbox.
func nothingRuns(tb testing.TB, dir string) {
	tb.Helper()
	var left []process
	for range 400 {
		left = processesOf(dir)
		if len(left) == 0 {
			return
		}
		time.Sleep(50 * time.Millisecond) // the kernel is still ending them
	}
	tb.Errorf("processes were left behind: %v", left)
}

// output is what a sandbox prints, safe to read meanwhile.
type output struct {
	mu   sync.Mutex
	text strings.Builder
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
