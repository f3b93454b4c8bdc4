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
	"scaleio-framework/nodeagent/packages/packagestest"
	"scaleio-framework/test/programs"
)

// soon is far above what anything here takes: a busy machine is slow.
const soon = 2 * time.Minute

// pollPause is between two looks at what nothing announces.
const pollPause = 50 * time.Millisecond

// world is three real hosts with a framework at work.
type world struct {
	*sandbox.World
	family
	t    *testing.T
	name string // of the framework
}

// prepare lays the hosts out; schedulers are not started yet.
func prepare(t *testing.T, f family, change ...func(*sandbox.Options)) *world {
	t.Helper()
	opts := sandbox.Options{
		Bin: programs.Dir(t), Dir: t.TempDir(), Machines: true, System: f.system, Schedulers: 1, Agents: 3, Disks: 1,
		SessionTimeout: 4 * time.Second,
	}
	for _, c := range change {
		c(&opts)
	}
	name := strings.TrimPrefix(zktest.Root(t), "/")
	w, err := sandbox.NewWorld(t.Context(), opts, sandbox.Share(zookeeper), opts.Dir, name)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.Close()) })
	return &world{World: w, family: f, t: t, name: name}
}

// packageFile is the one that the schedulers serve for a component.
func (w *world) packageFile(component string) string {
	w.t.Helper()
	files, err := filepath.Glob(filepath.Join(w.Dir(), "packages", "EMC-ScaleIO-"+component+"-*"+w.extension))
	require.NoError(w.t, err)
	require.Len(w.t, files, 1)
	return files[0]
}

// edit builds the vendor's package of a component anew.
func (w *world) edit(component string, change func(*packagestest.Package)) {
	w.t.Helper()
	require.NoError(w.t, w.EditPackages(func(p *packagestest.Package) {
		if p.Name == w.prefix+component {
			change(p)
		}
	}))
}

// await waits for a state of the world's framework.
func (w *world) await(what string, ok func(sandbox.State) bool) sandbox.State {
	w.t.Helper()
	return w.awaitOf(w.name, what, ok)
}

// awaitStuck waits for a state of the world's framework that stuck steps lead
// to.
func (w *world) awaitStuck(what string, ok func(sandbox.State) bool) sandbox.State {
	w.t.Helper()
	return w.watch(w.name, what, ok)
}

// awaitOf waits for a state of a framework. A stuck step that nobody waits for
// fails the test at once.
func (w *world) awaitOf(name, what string, ok func(sandbox.State) bool) sandbox.State {
	w.t.Helper()
	return w.watch(name, what, func(state sandbox.State) bool {
		if ok(state) {
			return true
		}
		require.Empty(w.t, state.Stuck(), "while waiting for %s", what)
		return false
	})
}

// watch waits for a state of a framework whose steps may be stuck.
func (w *world) watch(name, what string, ok func(sandbox.State) bool) sandbox.State {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), soon)
	defer cancel()
	client, err := leader.Open(ctx, zkconn.Options{Servers: w.Store().Servers, Root: "/scaleio-framework/" + name})
	require.NoError(w.t, err)
	defer client.Close()
	ticker := time.NewTicker(pollPause)
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
