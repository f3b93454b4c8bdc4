//go:build hosts

package hosts_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/model"
	"scaleio-framework/internal/sandbox"
	"scaleio-framework/nodeagent/packages/packagestest"
	"scaleio-framework/scaleio/scaleiotest"
)

// holding is the beginning of a maintainer's script that waits as long as the
// host has this file.
const holding = "/var/lib/hold-"

func holdScript(name string) string {
	return "while [ -e " + holding + name + " ]; do sleep 0.05; done\n"
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

// A node agent that is killed in the middle of an installation, with dpkg and
// all that it runs, or whose host loses its power there, leaves a package half
// installed or half configured. The next node agent finishes it.
func TestACrashInTheMiddleOfAnInstallation(t *testing.T) {
	for _, c := range []struct {
		name, script, pkg, step string
		left                    string // dpkg's word for what the crash leaves
	}{
		{"unpacking", "preinst", "emc-scaleio-sds", "sds-package", "half-installed"},
		{"configuring", "postinst", "emc-scaleio-sds", "sds-package", "half-configured"},
		{"apt unpacks", "preinst", "numactl", "prerequisites", "half-installed"},
		{"apt configures", "postinst", "numactl", "prerequisites", "half-configured"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := prepare(t)
			w.slow(c.pkg, c.script)
			crashes := map[string]func(*sandbox.Host){"host1": w.killNodeAgent, "host2": w.cutPower}
			for _, h := range w.Hosts() {
				if crashes[h.Name] != nil {
					hold(t, h, c.pkg)
				}
			}
			require.NoError(t, w.StartSchedulers())
			for _, h := range w.Hosts() {
				if crash := crashes[h.Name]; crash != nil {
					w.awaitStatus(h, c.pkg, c.left)
					crash(h)
					require.Equal(t, c.left, w.status(h, c.pkg), "on %s after the crash", h.Name)
					release(t, h, c.pkg)
				}
			}
			state := w.bootstrapped()
			for _, h := range w.Hosts() {
				require.Empty(t, w.on(h, "dpkg", "--audit"), h.Name)
				require.Equal(t, "installed", w.status(h, c.pkg), h.Name)
				step := state.Plans[h.Name].Steps[c.step]
				require.Equal(t, model.Done, step.State)
				require.Equal(t, crashes[h.Name] != nil, step.Attempt > 1, "%s took %d attempts on %s", c.step, step.Attempt, h.Name)
			}
		})
	}
}

// slow lets a package's script wait where a host asks for it.
func (w *world) slow(pkg, script string) {
	w.t.Helper()
	if pkg == "emc-scaleio-sds" {
		require.NoError(w.t, packagestest.Prepend(w.packageFile("EMC-ScaleIO-sds-*.deb"), script, holdScript(pkg)))
		return
	}
	debs := scaleiotest.DistributionDebs()
	for i := range debs {
		if debs[i].Name == pkg {
			debs[i].Scripts = map[string]string{script: "#!/bin/sh\n" + holdScript(pkg)}
		}
	}
	require.NoError(w.t, packagestest.WriteRepository(w.Repository(), debs...))
}

// status is dpkg's word for how far a package has come on a host.
func (w *world) status(h *sandbox.Host, pkg string) string {
	w.t.Helper()
	out, err := w.try(h, "dpkg-query", "-W", "-f", "${db:Status-Status}", pkg)
	if err != nil {
		return "" // not known yet
	}
	return out
}

func (w *world) awaitStatus(h *sandbox.Host, pkg, status string) {
	w.t.Helper()
	require.Eventually(w.t, func() bool { return w.status(h, pkg) == status }, soon, 50*time.Millisecond,
		"%s does not become %s on %s", pkg, status, h.Name)
}

// killNodeAgent kills everything in the executor's control group, as Mesos
// does, and waits until the next node agent has ended what runs outside of it.
func (w *world) killNodeAgent(h *sandbox.Host) {
	w.t.Helper()
	require.NoError(w.t, h.Agent().KillExecutor("scaleio-"+h.Name))
	require.Eventually(w.t, func() bool {
		_, err := w.try(h, "pgrep", "-x", "dpkg|apt-get")
		return err != nil
	}, soon, 50*time.Millisecond, "dpkg is not ended on %s", h.Name)
}

// cutPower cuts a host's power and gives it back.
func (w *world) cutPower(h *sandbox.Host) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), soon)
	defer cancel()
	require.NoError(w.t, h.Agent().PowerOff())
	require.NoError(w.t, h.Machine.Boot(ctx))
	require.NoError(w.t, h.Agent().PowerOn(false))
}
