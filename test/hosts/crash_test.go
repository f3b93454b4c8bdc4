//go:build hosts

package hosts_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/model"
	"scaleio-framework/internal/sandbox"
	"scaleio-framework/nodeagent/packages/packagestest"
)

// holding is the beginning of a maintainer's script that waits as long as the
// host has this file.
const holding = "/var/lib/hold-"

// held says that a script waits, and has the number of its process.
const held = "/var/lib/held-"

func holdScript(name string) string {
	return "echo $$ > " + held + name + ".new\nmv " + held + name + ".new " + held + name + "\nwhile [ -e " + holding + name + " ]; do sleep 0.05; done\nrm -f " + held + name + "\n"
}

// hold makes a host stop where the script of that name waits.
func hold(t *testing.T, h *sandbox.Host, name string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(h.Root, holding+name), nil, 0o644))
}

func release(t *testing.T, h *sandbox.Host, name string) {
	t.Helper()
	require.NoError(t, os.Remove(filepath.Join(h.Root, holding+name)))
}

func (w *world) awaitHeld(h *sandbox.Host, name string) {
	w.t.Helper()
	w.awaitOneHeld(h, []string{name})
}

// awaitOneHeld waits for the first of some scripts: where they run one after the
// other, which it is may differ.
func (w *world) awaitOneHeld(h *sandbox.Host, names []string) (first string) {
	w.t.Helper()
	require.Eventually(w.t, func() bool {
		i := slices.IndexFunc(names, func(name string) bool {
			_, err := os.Stat(filepath.Join(h.Root, held+name))
			return err == nil
		})
		if i >= 0 {
			first = names[i]
		}
		return i >= 0
	}, soon, pollPause, "no script of %v waits on %s", names, h.Name)
	return first
}

// A node agent that is killed in the middle of an installation, with the
// package manager and all that it runs, or whose host loses its power there,
// leaves a package half installed or half configured. The next node agent
// finishes it.
func TestACrashInTheMiddleOfAnInstallation(t *testing.T) { eachFamily(t, outlivesACrash) }

func outlivesACrash(t *testing.T, f family) {
	vendors := f.prefix + "sds"
	for _, c := range []struct {
		name, pkg, step string
		at              packagestest.Moment
	}{
		{"unpacking", vendors, "sds-package", packagestest.BeforeUnpacking},
		{"configuring", vendors, "sds-package", packagestest.Configuring},
		{"the distribution's unpacks", "numactl", "prerequisites", packagestest.BeforeUnpacking},
		{"the distribution's configures", "numactl", "prerequisites", packagestest.Configuring},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := prepare(t, f)
			w.slow(c.pkg, c.at)
			crashes := map[string]func(*sandbox.Host){"host1": w.killNodeAgent, "host2": w.cutPower}
			for _, h := range w.Hosts() {
				if crashes[h.Name] != nil {
					hold(t, h, c.pkg)
				}
			}
			require.NoError(t, w.StartSchedulers())
			for _, h := range w.Hosts() {
				if crash := crashes[h.Name]; crash != nil {
					w.awaitHeld(h, c.pkg)
					crash(h)
					require.Equal(t, f.left[c.at], w.status(h, c.pkg), "on %s after the crash", h.Name)
					release(t, h, c.pkg)
				}
			}
			state := w.bootstrapped()
			for _, h := range w.Hosts() {
				require.Empty(t, w.unfinished(h), h.Name)
				require.Equal(t, "installed", w.status(h, c.pkg), h.Name)
				require.NoFileExists(t, filepath.Join(h.Root, held+c.pkg), "the script has run to its end on %s", h.Name)
				step := state.Plans[h.Name].Steps[c.step]
				require.Equal(t, model.Done, step.State)
				require.Equal(t, crashes[h.Name] != nil, step.Attempt > 1, "%s took %d attempts on %s", c.step, step.Attempt, h.Name)
			}
		})
	}
}

// slow lets a package's script wait where a host asks for it.
func (w *world) slow(pkg string, at packagestest.Moment) {
	w.t.Helper()
	w.slowAt(pkg, at, pkg)
}

// slowAt lets it wait under another name.
func (w *world) slowAt(pkg string, at packagestest.Moment, name string) {
	w.t.Helper()
	change := func(p *packagestest.Package) { p.Prepend(at, holdScript(name)) }
	if component, vendors := strings.CutPrefix(pkg, w.prefix); vendors {
		w.edit(component, change)
		return
	}
	distribution := w.DistributionPackages()
	for i := range distribution {
		if distribution[i].Name == pkg {
			change(&distribution[i])
		}
	}
	require.NoError(w.t, w.FillRepository(distribution...))
}

// killNodeAgent kills everything in the executor's control group, as Mesos
// does, and waits until the next node agent has ended what runs outside of it.
func (w *world) killNodeAgent(h *sandbox.Host) {
	w.t.Helper()
	require.NoError(w.t, h.Agent().KillExecutor("scaleio-"+h.Name))
	require.Eventually(w.t, func() bool {
		_, err := w.try(h, "pgrep", "-x", w.programs)
		return err != nil
	}, soon, pollPause, "the package manager is not ended on %s", h.Name)
}

// cutPower cuts a host's power and gives it back.
func (w *world) cutPower(h *sandbox.Host) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), soon)
	defer cancel()
	require.NoError(w.t, h.Agent().PowerOff())
	require.NoError(w.t, h.Machine.Boot(ctx))
}
