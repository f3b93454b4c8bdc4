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
	"scaleio-framework/nodeagent/packages/packagestest"
)

// Three hosts become a system and are bare again: no package, service, unit or
// file of it is left, the Mesos agents' flags are what they were byte by byte,
// and with the data kept no disk has changed.
func TestUninstall(t *testing.T) { eachFamily(t, uninstalls) }

func uninstalls(t *testing.T, f family) {
	w := prepare(t, f, func(o *sandbox.Options) { o.Settings = append(o.Settings, "SIO_VOLUMES_ISOLATOR=docker-volume") })
	w.givesDriver()
	before := map[string]map[string]string{}
	for _, h := range w.Hosts() {
		w.hasAgent(h)
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

// givesDriver adds a volume driver to what the schedulers serve.
func (w *world) givesDriver() {
	w.t.Helper()
	service := "[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n"
	for name, files := range map[string]map[string]string{
		"rexray": {"usr/lib/systemd/system/rexray.service": service},
		"dvdcli": {"usr/bin/dvdcli": "#!/bin/sh\n"},
	} {
		file := name + "_0.11.4-1_amd64.deb"
		if w.extension == ".rpm" {
			file = name + "-0.11.4-1.x86_64.rpm"
		}
		p := packagestest.Package{Name: name, Version: "0.11.4-1", Description: "double of " + name, Files: files}
		require.NoError(w.t, p.Build(filepath.Join(w.Dir(), "packages", file)))
	}
}

// hasAgent gives a host the flags and the service of a Mesos agent.
func (w *world) hasAgent(h *sandbox.Host) {
	w.t.Helper()
	for name, text := range map[string]string{
		"etc/mesos-slave/work_dir":               "/var/lib/mesos\n",
		"etc/mesos-slave/isolation":              " cgroups/cpu ,\tcgroups/mem\n\n",
		"etc/systemd/system/mesos-slave.service": "[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n",
	} {
		path := filepath.Join(h.Root, name)
		require.NoError(w.t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(w.t, os.WriteFile(path, []byte(text), 0o640))
	}
	w.on(h, "systemctl", "daemon-reload")
	w.on(h, "systemctl", "enable", "--now", "mesos-slave")
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
