package steps_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/nodeagent/failure"
	"scaleio-framework/scaleio/scaleiotest"
)

// write puts files into a host.
func (n *node) write(files map[string]string) {
	n.w.t.Helper()
	for name, text := range files {
		path := filepath.Join(n.root, name)
		require.NoError(n.w.t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(n.w.t, os.WriteFile(path, []byte(text), 0o755))
	}
}

func (n *node) read(name string) string {
	n.w.t.Helper()
	data, err := os.ReadFile(filepath.Join(n.root, name))
	require.NoError(n.w.t, err)
	return string(data)
}

func TestTheModuleThatFitsTheAgentIsLoaded(t *testing.T) {
	w := newWorld(t, scaleiotest.Options{})
	w.mesos = "0.28.2"
	n := w.node("a", w.ip(6), scaleiotest.Ubuntu)
	_, _, err := n.try(nodeproto.StepIsolator, nodeproto.IsolatorParams{Mode: "docker-volume"})
	require.ErrorContains(t, err, "the Mesos agent is version 0.28.2, and docker/volume came with 1.0")
	require.Equal(t, failure.Hopelessness, failure.KindOf(err))

	path := filepath.Join("packages", "libmesos_dvdi_isolator-0.28.2.so")
	require.NoError(t, os.WriteFile(filepath.Join(w.files, path), []byte("library"), 0o644))
	other := nodeproto.IsolatorModule{MesosVersion: "0.28.1", Artifact: w.artifact(path)}
	_, _, err = n.try(nodeproto.StepIsolator, nodeproto.IsolatorParams{Mode: "dvdi", Modules: []nodeproto.IsolatorModule{other}})
	require.ErrorContains(t, err, "the Mesos agent is version 0.28.2, and modules are given for 0.28.1")
	require.Equal(t, failure.Hopelessness, failure.KindOf(err))
	require.NoFileExists(t, filepath.Join(n.root, "etc/mesos-slave/isolation"), "nothing was changed")

	fits := nodeproto.IsolatorModule{MesosVersion: "0.28.2", Artifact: w.artifact(path)}
	params := nodeproto.IsolatorParams{Mode: "dvdi", Modules: []nodeproto.IsolatorModule{other, fits}}
	require.Equal(t, nodeproto.IsolatorResult{RestartNeeded: true}, n.twice(nodeproto.StepIsolator, params))
	require.Equal(t, "library", n.read("usr/lib/libmesos_dvdi_isolator-0.28.2.so"))
	require.Equal(t, "file:///usr/lib/dvdi-mod.json\n", n.read("etc/mesos-slave/modules"))
	require.Equal(t, "posix/cpu,posix/mem,com_emccode_mesos_DockerVolumeDriverIsolator\n", n.read("etc/mesos-slave/isolation"))
	require.JSONEq(t, `{"libraries":[{"file":"/usr/lib/libmesos_dvdi_isolator-0.28.2.so","modules":[{"name":"com_emccode_mesos_DockerVolumeDriverIsolator",
		"parameters":[{"key":"isolator_command","value":"/emc/dvdi_isolator"}]}]}]}`, n.read("usr/lib/dvdi-mod.json"))

	n.write(map[string]string{"usr/lib/libmesos_dvdi_isolator-0.28.2.so": "damaged"})
	n.twice(nodeproto.StepIsolator, params)
	require.Equal(t, "library", n.read("usr/lib/libmesos_dvdi_isolator-0.28.2.so"))
}

// DC/OS brings its own driver, and has its own files and services.
func TestDCOSKeepsItsOwnDriver(t *testing.T) {
	w := newWorld(t, scaleiotest.Options{})
	n := w.node("a", w.ip(7), scaleiotest.EL7)
	n.write(map[string]string{
		"opt/mesosphere/etc/mesos-slave-common": "MESOS_ISOLATION=cgroups/cpu,cgroups/mem\n",
		"opt/mesosphere/etc/rexray.conf":        "rexray: {}\n",
		"opt/mesosphere/bin/rexray":             "", "opt/mesosphere/bin/dvdcli": "",
	})
	_, changed, err := n.try(nodeproto.StepVolumeDriver, nodeproto.VolumeDriverParams{Packages: []nodeproto.DriverPackage{w.driver("rexray", "0.11.4-1")}})
	require.NoError(t, err)
	require.False(t, changed, "a second driver would fight with the first")
	require.Zero(t, w.Count(scaleiotest.OpInstall, "a:rexray"))

	n.twice(nodeproto.StepVolumeDriverEndpoint, nodeproto.VolumeDriverEndpointParams{
		Endpoint: "https://127.0.3.7:8443/api", Username: user, SystemName: "scaleio",
		ProtectionDomain: "default", StoragePool: "default", ThinOrThick: "ThinProvisioned",
	})
	for _, config := range []string{"etc/rexray/scaleio.yml", "etc/rexray/config.yml"} {
		require.Contains(t, n.read(config), adminPassword)
		info, err := os.Stat(filepath.Join(n.root, config))
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), config)
	}
	require.Equal(t, "rexray: {}\n", n.read("opt/mesosphere/etc/rexray.conf"), "what an upgrade replaces is left alone")
	addition := n.read("etc/systemd/system/dcos-rexray.service.d/scaleio.conf")
	require.Contains(t, addition, "After=scini.service\n")
	require.Contains(t, addition, "ExecStartPre=/usr/bin/install -m 0600 /etc/rexray/scaleio.yml /etc/rexray/config.yml\n")
	require.Zero(t, w.Count(scaleiotest.OpService, "a:dcos-rexray:enable"), "it is the installation's to start")
	require.True(t, w.Running("a", "dcos-rexray"))

	// It ran before us, and runs after us, wherever the removal was cut off.
	w.Inject(scaleiotest.Fault{Op: scaleiotest.OpService, Name: "a:dcos-rexray:start", Kind: scaleiotest.Reset})
	_, _, err = n.try(nodeproto.StepRemoveVolumeDriver, nodeproto.RemoveVolumeDriverParams{})
	require.Error(t, err)
	n.twice(nodeproto.StepRemoveVolumeDriver, nodeproto.RemoveVolumeDriverParams{})
	require.True(t, w.Running("a", "dcos-rexray"))

	n.twice(nodeproto.StepIsolator, nodeproto.IsolatorParams{Mode: "docker-volume"})
	require.Equal(t, "MESOS_ISOLATION=cgroups/cpu,cgroups/mem,filesystem/linux,docker/volume\n", n.read("var/lib/dcos/mesos-slave-common"))
	n.twice(nodeproto.StepAgentRestart, nodeproto.AgentRestartParams{Service: nodeproto.AgentServiceAuto})
	require.Equal(t, 1, w.Count(scaleiotest.OpService, "a:dcos-mesos-slave:restart"))
}

func TestTheAgentsServiceIsFound(t *testing.T) {
	w := newWorld(t, scaleiotest.Options{})
	n := w.node("a", w.ip(8), scaleiotest.Ubuntu)
	n.twice(nodeproto.StepIsolator, nodeproto.IsolatorParams{Mode: "docker-volume"})
	n.twice(nodeproto.StepAgentRestart, nodeproto.AgentRestartParams{Service: nodeproto.AgentServiceAuto})
	require.Equal(t, 1, w.Count(scaleiotest.OpService, "a:mesos-slave:restart"))

	require.NoError(t, os.RemoveAll(filepath.Join(n.root, "etc/mesos-slave")))
	for _, step := range []struct {
		name   string
		params any
	}{
		{nodeproto.StepIsolator, nodeproto.IsolatorParams{Mode: "docker-volume"}},
		{nodeproto.StepAgentRestart, nodeproto.AgentRestartParams{Service: nodeproto.AgentServiceAuto}},
	} {
		err := n.prepare(step.name, step.params)
		require.ErrorContains(t, err, "where the Mesos agent's flags are is not known")
		require.Equal(t, failure.Hopelessness, failure.KindOf(err))
	}
}
