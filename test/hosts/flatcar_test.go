//go:build hosts

package hosts_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/internal/sandbox"
	"scaleio-framework/nodeagent/packages/packagestest"
	"scaleio-framework/scaleio/scaleiotest"
)

// A host with a read-only /usr joins a system of ordinary hosts: packages of
// another system are unpacked there, through a kill in the middle; it stores
// data without a kernel module, and uses volumes with one; and a framework that
// finds all of it there changes nothing.
func TestAHostWithAReadOnlyUsr(t *testing.T) {
	w := prepare(t, families()["deb"], func(o *sandbox.Options) { o.Settings = []string{"SIO_HOSTS_UNPACK=el8"} })
	w.buildUnpackable()
	require.NoError(t, w.StartSchedulers())
	w.bootstrapped()
	h, err := w.AddImageHost()
	require.NoError(t, err)
	for name, text := range scaleiotest.KernelTools() {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(h.Root, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(h.Root, name), []byte(text), 0o755))
	}
	_, err = w.try(h, "touch", "/usr/bin/x")
	require.ErrorContains(t, err, "Read-only file system")

	w.killWhileUnpacking(h, "EMC-ScaleIO-sds")
	state := w.await("the data node", func(s sandbox.State) bool { return s.Complete(4) })
	plan := state.Plans[h.Name]
	for _, step := range []string{nodeproto.StepSDSPackage, nodeproto.StepLIAPackage, "add-sds", "add-devices"} {
		require.Equal(t, model.Done, plan.Steps[step].State, step)
	}
	require.Greater(t, plan.Steps[nodeproto.StepSDSPackage].Attempt, 1)
	require.Equal(t, model.Skipped, plan.Steps[nodeproto.StepSDCPackage].State)
	require.Contains(t, plan.Steps[nodeproto.StepSDCPackage].Reason, "the host stores data and uses no volumes")
	for _, unit := range []string{"sds", "lia"} {
		require.Equal(t, "active", w.on(h, "systemctl", "is-active", unit))
		require.Equal(t, "enabled", w.on(h, "systemctl", "is-enabled", unit))
	}
	require.Empty(t, w.on(h, "find", "/opt", "/etc", "-name", "*.unpacking"))
	require.Equal(t, "600", w.on(h, "stat", "-c", "%a", "/opt/emc/scaleio/lia/cfg/conf.txt"))

	t.Run("a module is given", func(t *testing.T) {
		kernel := w.on(h, "uname", "-r")
		module := filepath.Join(w.Dir(), "packages", "scini-"+kernel+".ko")
		require.NoError(t, os.WriteFile(module, []byte(scaleiotest.KernelModule), 0o644))
		require.NoError(t, w.Schedulers()[0].Signal(syscall.SIGTERM)) // the next one reads the folder again
		w.await("the SDC", func(s sandbox.State) bool { return s.Plans[h.Name].Steps[nodeproto.StepSDCPackage].State == model.Done })
		require.Equal(t, "active", w.on(h, "systemctl", "is-active", "scini"))
		require.Contains(t, w.on(h, "/opt/emc/scaleio/sdc/bin/drv_cfg", "--query_mdms"), "Retrieved 1 mdm(s)")
	})
	t.Run("a host that boots again", func(t *testing.T) {
		w.cutPower(h)
		require.Equal(t, "active", w.on(h, "systemctl", "is-active", "scini"), "the module is loaded by the service")
		require.Equal(t, "active", w.on(h, "systemctl", "is-active", "sds"))
	})
	t.Run("a second run changes nothing", func(t *testing.T) {
		before := w.unpackedFiles(h)
		other := w.name + "-again"
		require.NoError(t, w.StartScheduler("SIO_NAME="+other, "SIO_ZK=zk://"+w.Store().Servers[0]+"/scaleio-framework/"+other))
		w.awaitOf(other, "the second run", func(s sandbox.State) bool {
			p := s.Plans[h.Name]
			return p != nil && p.Steps[nodeproto.StepSDCPackage].State == model.Done && p.Steps[nodeproto.StepLIAPackage].State == model.Done && p.Steps[nodeproto.StepSDSPackage].State == model.Done
		})
		require.Equal(t, before, w.unpackedFiles(h))
		for _, e := range journalOf(t, h, other) {
			require.False(t, e.Changed, "%s changed something", e.Step)
		}
	})
}

// unpackedFiles describes every file in the places that packages are unpacked
// to.
func (w *world) unpackedFiles(h *sandbox.Host) string {
	w.t.Helper()
	return w.on(h, "sh", "-c", "find /opt /etc/systemd/system /var/lib/scaleio-packages -exec ls -ld --time-style=full-iso {} + | sort -k9; find /opt -type f -exec sha256sum {} + | sort -k2")
}

// mayStart is what the SDS of a host waits for before it starts.
const mayStart = "/var/lib/sds-may-start"

// buildUnpackable gives the schedulers packages of el8 beside those of the
// ordinary hosts. That of the SDS is large enough to be caught unpacking, and
// its service, whose start is part of the installation, waits.
func (w *world) buildUnpackable() {
	w.t.Helper()
	folder := filepath.Join(w.Dir(), "packages")
	_, err := scaleiotest.BuildPackages(folder, w.PackageVersion(), scaleiotest.EL8, 0, func(p *packagestest.Package) {
		scaleiotest.Unpackable(p)
		if p.Name == "EMC-ScaleIO-sds" {
			p.Files["opt/emc/scaleio/sds/bin/large"] = strings.Repeat("0123456789abcdef", 4<<20)
			p.Files["usr/lib/systemd/system/sds.service"] = "[Service]\nExecStartPre=/bin/sh -c 'until [ -e " + mayStart + " ]; do sleep 0.05; done'\n" +
				"ExecStart=/opt/emc/scaleio/sds/bin/run_bin.sh\nTimeoutStartSec=infinity\n[Install]\nWantedBy=multi-user.target\n"
		}
	})
	require.NoError(w.t, err)
	// An ordinary host has no use for it, and no image takes it.
	gateways, err := filepath.Glob(filepath.Join(folder, "EMC-ScaleIO-gateway-*.rpm"))
	require.NoError(w.t, err)
	for _, gateway := range gateways {
		require.NoError(w.t, os.Remove(gateway))
	}
}

// killWhileUnpacking kills the node agent while a package is half there.
func (w *world) killWhileUnpacking(h *sandbox.Host, pkg string) {
	w.t.Helper()
	pending := filepath.Join(h.Root, "var/lib/scaleio-packages", pkg+".pending.json")
	require.Eventually(w.t, func() bool {
		_, err := os.Stat(pending)
		return err == nil
	}, soon, time.Millisecond, "%s is not unpacked on %s", pkg, h.Name)
	require.NoError(w.t, h.Agent().KillExecutor("scaleio-"+h.Name))
	require.FileExists(w.t, pending, "the kill came too late")
	require.NoError(w.t, os.WriteFile(filepath.Join(h.Root, mayStart), nil, 0o644))
}
