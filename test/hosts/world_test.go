//go:build hosts

package hosts_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/model"
	"scaleio-framework/internal/sandbox"
	"scaleio-framework/internal/zkconn"
	"scaleio-framework/internal/zkconn/zktest"
	"scaleio-framework/leader"
	"scaleio-framework/test/programs"
)

// soon is far above what anything here takes: a busy machine is slow.
const soon = 2 * time.Minute

// world is three real hosts with a framework at work.
type world struct {
	*sandbox.World
	t    *testing.T
	name string // of the framework
}

// prepare lays the hosts out; schedulers are not started yet.
func prepare(t *testing.T, change ...func(*sandbox.Options)) *world {
	t.Helper()
	opts := sandbox.Options{
		Bin: programs.Dir(t), Dir: t.TempDir(), Machines: true, Schedulers: 1, Agents: 3, Disks: 1,
		SessionTimeout: 4 * time.Second,
	}
	for _, c := range change {
		c(&opts)
	}
	name := strings.TrimPrefix(zktest.Root(t), "/")
	w, err := sandbox.NewWorld(t.Context(), opts, sandbox.Share(zktest.Start(t)), opts.Dir, name)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.Close()) })
	return &world{World: w, t: t, name: name}
}

// packageFile is the one that the schedulers serve under a name like that.
func (w *world) packageFile(pattern string) string {
	w.t.Helper()
	files, err := filepath.Glob(filepath.Join(w.Dir(), "packages", pattern))
	require.NoError(w.t, err)
	require.Len(w.t, files, 1)
	return files[0]
}

// await waits for a state of the world's framework.
func (w *world) await(what string, ok func(sandbox.State) bool) sandbox.State {
	w.t.Helper()
	return w.awaitOf(w.name, what, ok)
}

// awaitOf waits for a state of a framework. A stuck step that nobody waits for
// fails the test at once.
func (w *world) awaitOf(name, what string, ok func(sandbox.State) bool) sandbox.State {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), soon)
	defer cancel()
	client, err := leader.Open(ctx, zkconn.Options{Servers: w.Store().Servers, Root: "/scaleio-framework/" + name})
	require.NoError(w.t, err)
	defer client.Close()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		tree, err := client.Tree(ctx)
		var state sandbox.State
		if err == nil {
			state, err = sandbox.Decode(tree)
		}
		if err == nil && ok(state) {
			return state
		}
		select {
		case <-ctx.Done():
			require.FailNow(w.t, "in vain waited for "+what, "%v\n%s", err, describe(state))
		case <-ticker.C:
		}
		require.Empty(w.t, state.Stuck(), "while waiting for %s", what)
	}
}

// bootstrapped waits until the three hosts are served.
func (w *world) bootstrapped() sandbox.State {
	w.t.Helper()
	return w.await("the bootstrap", complete)
}

func complete(s sandbox.State) bool { return s.Complete(3) }

// describe lists the steps that are not over.
func describe(s sandbox.State) string {
	var text strings.Builder
	steps := s.Steps()
	for _, key := range slices.Sorted(maps.Keys(steps)) {
		if step := steps[key]; !step.Over() {
			fmt.Fprintf(&text, "%s is %s, attempt %d: %s\n", key, step.State, step.Attempt, step.Error)
		}
	}
	return text.String()
}

// on runs a program on a host and returns what it says.
func (w *world) on(h *sandbox.Host, argv ...string) string {
	w.t.Helper()
	out, err := w.try(h, argv...)
	require.NoError(w.t, err)
	return out
}

func (w *world) try(h *sandbox.Host, argv ...string) (string, error) {
	ctx, cancel := context.WithTimeoutCause(context.Background(), soon, errors.New("it takes too long"))
	defer cancel()
	out, err := h.Machine.Run(ctx, argv...)
	return strings.TrimSpace(out), err
}

// units are the services that the host's persona has.
func units(s sandbox.State, host string) []string {
	list := []string{"sds", "lia", "scini"}
	switch s.Plans[host].Persona {
	case model.Manager:
		return append(list, "mdm", "scaleio-gateway")
	case model.TieBreaker:
		return append(list, "mdm")
	}
	return list
}
