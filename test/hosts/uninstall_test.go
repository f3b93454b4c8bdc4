//go:build hosts

package hosts_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/httpapi"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/internal/sandbox"
)

// Three hosts become a system and are bare again: no package, service, unit or
// file of it is left, the Mesos agents' flags are what they were byte by byte,
// and with the data kept no disk has changed.
func TestUninstall(t *testing.T) { eachFamily(t, uninstalls) }

func uninstalls(t *testing.T, f family) {
	w := prepare(t, f, func(o *sandbox.Options) { o.VolumeDriver = true })
	before := map[string]map[string]string{}
	for _, h := range w.Hosts() {
		w.hasFlags(h)
		before[h.Name] = w.settings(h)
	}
	require.NoError(t, w.StartSchedulers())
	state := w.bootstrapped()
	disks := map[string]string{}
	for _, h := range w.Hosts() {
		require.NotEqual(t, before[h.Name], w.settings(h), "the flags of the agent on %s were changed", h.Name)
		require.Equal(t, model.Done, state.Plans[h.Name].Steps[nodeproto.StepAgentRestart].State)
		disks[h.Name] = w.head(h)
	}

	w.orders(httpapi.OrderRequest{System: state.Cluster.SystemName, KeepData: true})
	state = w.await("the removal", func(s sandbox.State) bool {
		return s.Cluster.Uninstall.Over() && !slices.ContainsFunc(slices.Collect(maps.Values(s.Nodes)), func(n *model.Node) bool { return n.State != model.TaskEnded })
	})
	for _, h := range w.Hosts() {
		for _, component := range []string{"mdm", "sds", "sdc", "lia", "gateway"} {
			require.Empty(t, w.status(h, w.prefix+component), "%s on %s", component, h.Name)
		}
		for _, driver := range []string{"rexray", "dvdcli"} {
			require.Empty(t, w.status(h, driver), "%s on %s", driver, h.Name)
		}
		for _, unit := range []string{"mdm", "sds", "scini", "lia", "scaleio-gateway", "rexray"} {
			active, _ := w.try(h, "systemctl", "is-active", unit) // its status is that of the answer
			require.NotEqual(t, "active", active, "%s on %s", unit, h.Name)
			require.NoFileExists(t, filepath.Join(h.Root, "etc/systemd/system", unit+".service"))
		}
		require.Equal(t, before[h.Name], w.settings(h), "as it was, byte by byte")
		require.Equal(t, model.Done, state.Plans[h.Name].Steps[nodeproto.StepRestoreAgent].State)
		require.Equal(t, "active", w.on(h, "systemctl", "is-active", "mesos-slave"))
		require.Equal(t, disks[h.Name], w.head(h), "the disk of %s", h.Name)
		for _, left := range []string{"opt/emc/scaleio/sds", "opt/emc/scaleio/lia", "bin/emc/scaleio/drv_cfg.txt", "var/lib/scaleio-framework"} {
			require.NoFileExists(t, filepath.Join(h.Root, left))
			require.NoDirExists(t, filepath.Join(h.Root, left))
		}
		kept := filepath.Join(h.Root, "var/lib/scaleio-kept/mdm/cfg/conf.txt")
		if h.Name == state.Cluster.Uninstall.LastMDM {
			require.FileExists(t, kept)
		} else {
			require.NoFileExists(t, kept)
		}
	}
}

// hasFlags gives a host's Mesos agent a list of isolators, written as people do.
func (w *world) hasFlags(h *sandbox.Host) {
	w.t.Helper()
	require.NoError(w.t, os.WriteFile(filepath.Join(h.Root, "etc/mesos-slave/isolation"), []byte("cgroups/cpu,cgroups/mem\n\n"), 0o640))
	w.on(h, "systemctl", "restart", "mesos-slave")
}

// head is the beginning of a host's disk, where ScaleIO's header is; the disk is
// too large to be read.
func (w *world) head(h *sandbox.Host) string {
	w.t.Helper()
	return w.on(h, "sh", "-c", "head -c 4M /dev/sdb | sha256sum")
}

// settings are the files below /etc of the Mesos agent and of the driver.
func (w *world) settings(h *sandbox.Host) map[string]string {
	w.t.Helper()
	found := map[string]string{}
	for _, pattern := range []string{"etc/mesos-slave*", "etc/mesos-slave/*", "etc/default/mesos*", "etc/rexray", "etc/rexray/*", "etc/systemd/system/rexray*"} {
		files, err := filepath.Glob(filepath.Join(h.Root, pattern))
		require.NoError(w.t, err)
		for _, file := range files {
			info, err := os.Lstat(file)
			require.NoError(w.t, err)
			text := info.Mode().String()
			if info.Mode().IsRegular() {
				data, err := os.ReadFile(file)
				require.NoError(w.t, err)
				text += " " + string(data)
			}
			found[strings.TrimPrefix(file, h.Root)] = text
		}
	}
	return found
}

// orders gives an order to remove everything.
func (w *world) orders(request httpapi.OrderRequest) {
	w.t.Helper()
	body, err := json.Marshal(request)
	require.NoError(w.t, err)
	resp, err := http.Post(w.Schedulers()[0].URL+"/v1/uninstall", "application/json", bytes.NewReader(body))
	require.NoError(w.t, err)
	text, err := io.ReadAll(resp.Body)
	require.NoError(w.t, err)
	require.NoError(w.t, resp.Body.Close())
	require.Equal(w.t, http.StatusOK, resp.StatusCode, "%s", text)
}
