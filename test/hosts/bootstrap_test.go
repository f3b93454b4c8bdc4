//go:build hosts

package hosts_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/sandbox"
	"scaleio-framework/nodeagent/journal"
	"scaleio-framework/nodeagent/packages/packagestest"
)

// Three bare hosts become a ScaleIO system with a volume driver; what was started stays when the
// node agent is killed; and a framework that finds all of it there changes
// nothing on any host.
func TestBootstrap(t *testing.T) { eachFamily(t, bootstraps) }

func bootstraps(t *testing.T, f family) {
	w := prepare(t, f, func(o *sandbox.Options) { o.VolumeDriver = true })
	w.forksADaemon()
	require.NoError(t, w.StartSchedulers())
	state := w.bootstrapped()
	for _, h := range w.Hosts() {
		for _, unit := range append(units(state, h.Name), "rexray") {
			require.Equal(t, "active", w.on(h, "systemctl", "is-active", unit))
			require.Equal(t, "enabled", w.on(h, "systemctl", "is-enabled", unit))
		}
		require.Empty(t, w.unfinished(h), "every package is complete")
	}
	t.Run("services survive the node agent", w.servicesSurvive)
	t.Run("a second run changes nothing", w.secondRun)
}

// daemon is what a package's script starts by itself, in no service, as the
// SysV scripts of old releases do.
const daemon = "sleep 424242"

func (w *world) forksADaemon() {
	w.t.Helper()
	w.edit("sds", func(p *packagestest.Package) {
		p.Prepend(packagestest.Configuring, "pgrep -f '^"+daemon+"' >/dev/null || setsid "+daemon+" </dev/null >/dev/null 2>&1 &\n")
	})
}

// servicesSurvive kills everything in the executors' control groups.
func (w *world) servicesSurvive(t *testing.T) {
	state, err := w.State(t.Context())
	require.NoError(t, err)
	before := map[string]string{}
	for _, h := range w.Hosts() {
		for _, unit := range append(units(state, h.Name), "rexray") {
			before[h.Name+"/"+unit] = w.mainPID(h, unit)
		}
		before[h.Name] = w.on(h, "pgrep", "-f", "^"+daemon)
		require.NoError(t, h.Agent().KillExecutor("scaleio-"+h.Name))
	}
	w.await("new node agents", func(s sandbox.State) bool {
		for _, h := range w.Hosts() {
			node := s.Nodes[h.Name]
			if node.Launch.Number == state.Nodes[h.Name].Launch.Number || node.State != model.TaskRunning {
				return false
			}
		}
		return true
	})
	for _, h := range w.Hosts() {
		for _, unit := range append(units(state, h.Name), "rexray") {
			require.Equal(t, before[h.Name+"/"+unit], w.mainPID(h, unit), "%s on %s is the process that it was", unit, h.Name)
		}
		require.Equal(t, before[h.Name], w.on(h, "pgrep", "-f", "^"+daemon), "what a script forked on %s", h.Name)
	}
}

func (w *world) mainPID(h *sandbox.Host, unit string) string {
	w.t.Helper()
	pid := w.on(h, "systemctl", "show", "--property=MainPID", "--value", unit)
	require.NotEqual(w.t, "0", pid, "%s runs on %s", unit, h.Name)
	return pid
}

// secondRun lets another framework, which knows nothing of the first, build
// the same.
func (w *world) secondRun(t *testing.T) {
	before := map[string]map[string]string{}
	for _, h := range w.Hosts() {
		before[h.Name] = w.tree(h)
	}
	other := w.name + "-again"
	servers := w.Store().Servers
	require.NoError(t, w.StartScheduler("SIO_NAME="+other, "SIO_ZK=zk://"+servers[0]+"/scaleio-framework/"+other))
	state := w.awaitOf(other, "the second run", complete)
	for _, h := range w.Hosts() {
		require.Empty(t, differences(before[h.Name], w.tree(h)), h.Name)
		entries := journalOf(t, h, other)
		require.NotEmpty(t, entries)
		for _, e := range entries {
			require.Equal(t, journal.Done, e.State, "%s on %s", e.Step, h.Name)
			require.False(t, e.Changed, "%s changed something on %s", e.Step, h.Name)
		}
		require.Equal(t, model.Done, state.Plans[h.Name].Steps[core.StepAddDevices].State, "ScaleIO's own disks count, and are not taken again")
	}
}

// journalOf reads what the node agent of a framework has done on a host.
func journalOf(t *testing.T, h *sandbox.Host, framework string) []journal.Entry {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(h.Root, "var/lib/scaleio-framework", framework, "steps/*.json"))
	require.NoError(t, err)
	var entries []journal.Entry
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		entry, err := journal.ParseEntry(data)
		require.NoError(t, err)
		entries = append(entries, entry)
	}
	return entries
}
