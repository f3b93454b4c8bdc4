package steps_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/nodeagent/failure"
	"scaleio-framework/scaleio/scaleiotest"
)

// The steps of a whole removal, each run twice: the second run finds nothing
// left to do. The host is what it was before, but for the packages of the
// distribution.
func TestStepsTakeAClusterAway(t *testing.T) {
	for name, system := range map[string]scaleiotest.OS{"dpkg": scaleiotest.Ubuntu, "rpm": scaleiotest.EL7} {
		t.Run(name, func(t *testing.T) { takeClusterAway(t, system, false) })
	}
	t.Run("and keep the data", func(t *testing.T) { takeClusterAway(t, scaleiotest.Ubuntu, true) })
}

func takeClusterAway(t *testing.T, system scaleiotest.OS, keep bool) {
	w, nodes := buildCluster(t, system, (*node).once)
	remove := func(n *node, step, component string, change func(*nodeproto.RemovePackageParams)) {
		n.host = n.newHost(false)
		p := nodeproto.RemovePackageParams{Component: component, Package: w.component(component, system).Package}
		if change != nil {
			change(&p)
		}
		n.twice(step, p)
		require.Empty(t, w.Installed(n.name, p.Package))
		if !p.KeepFiles {
			require.NoDirExists(t, filepath.Join(n.root, "opt/emc/scaleio", component))
		}
	}
	for _, n := range nodes {
		remove(n, nodeproto.StepRemoveSDCPackage, "sdc", nil)
		require.NoFileExists(t, filepath.Join(n.root, "bin/emc/scaleio/drv_cfg.txt"))
		remove(n, nodeproto.StepRemoveSDSPackage, "sds", nil)
	}
	for _, n := range nodes[:2] {
		remove(n, nodeproto.StepRemoveGatewayPackage, "gateway", nil)
	}

	// An MDM that takes part is not removed, and only the primary ends the
	// cluster.
	second := nodes[1]
	second.host = second.newHost(false)
	_, _, err := nodes[0].try(nodeproto.StepRemoveStandbyMDM+"/tb1", nodeproto.RemoveStandbyMDMParams{Name: "tb1", IPs: []string{nodes[2].ip}, Username: user})
	require.ErrorContains(t, err, nodeproto.StepShrinkClusterMode+" comes first")

	first := nodes[0]
	first.host = first.newHost(false)
	_, _, err = first.try(nodeproto.StepRemoveMDMPackage, nodeproto.RemovePackageParams{Component: "mdm", Package: w.component("mdm", system).Package})
	require.ErrorContains(t, err, "belongs to a cluster")
	require.Equal(t, failure.Hopelessness, failure.KindOf(err))
	_, _, err = first.try(nodeproto.StepShrinkClusterMode, nodeproto.ShrinkClusterModeParams{
		KeepIPs: []string{first.ip}, ManagerIPs: []string{"127.0.9.9"}, TieBreakerIPs: []string{nodes[2].ip}, Username: user,
	})
	require.ErrorContains(t, err, "that the plan does not know")
	require.Equal(t, 3, w.Snapshot().Cluster.Mode)
	first.twice(nodeproto.StepShrinkClusterMode, nodeproto.ShrinkClusterModeParams{
		KeepIPs: []string{first.ip}, ManagerIPs: []string{second.ip}, TieBreakerIPs: []string{nodes[2].ip}, Username: user,
	})
	for i, name := range []string{"mdm2", "tb1"} {
		first.twice(nodeproto.StepRemoveStandbyMDM+"/"+name, nodeproto.RemoveStandbyMDMParams{Name: name, IPs: []string{nodes[i+1].ip}, Username: user})
	}
	require.Empty(t, w.Snapshot().Cluster.Standbys)
	records := filepath.Join(first.root, "opt/emc/scaleio/mdm/rep/records")
	require.NoError(t, os.MkdirAll(filepath.Dir(records), 0o750))
	require.NoError(t, os.WriteFile(records, []byte("everything"), 0o600))
	for i := range nodes {
		n := nodes[len(nodes)-1-i]
		remove(n, nodeproto.StepRemoveMDMPackage, "mdm", func(p *nodeproto.RemovePackageParams) {
			p.LastMDM = n == first
			p.KeepFiles = p.LastMDM && keep
		})
		remove(n, nodeproto.StepRemoveLIAPackage, "lia", nil)
		n.twice(nodeproto.StepRemoveTraces, nodeproto.RemoveTracesParams{Cluster: "u"})
	}
	if keep {
		data, err := os.ReadFile(filepath.Join(first.root, "var/lib/scaleio-kept/mdm/rep/records"))
		require.NoError(t, err)
		require.Equal(t, "everything", string(data))
		return
	}
	require.Zero(t, w.Snapshot().Cluster.Mode)
	for _, n := range nodes {
		require.NoDirExists(t, filepath.Join(n.root, "opt/emc"))
		files, err := filepath.Glob(filepath.Join(n.state, "cache", "*"))
		require.NoError(t, err)
		require.Empty(t, files)
	}
}

// An SDC with volumes stays, and so does one that does not tell.
func TestAnSDCInUseStays(t *testing.T) {
	w, nodes := buildCluster(t, scaleiotest.Ubuntu, (*node).once)
	n := nodes[0]
	n.host = n.newHost(false)
	sdc := w.component("sdc", scaleiotest.Ubuntu)
	drvCfg := filepath.Join(w.tools, "drv_cfg")
	require.NoError(t, os.Remove(drvCfg))
	params := nodeproto.RemovePackageParams{Component: "sdc", Package: sdc.Package}
	for script, want := range map[string]string{
		"echo 'Retrieved 2 volume(s)'": "2 volumes are mapped to this host",
		"echo 'Usage: drv_cfg'":        "does not count volumes",
		"exit 1":                       "cannot be told",
	} {
		require.NoError(t, os.WriteFile(drvCfg, []byte("#!/bin/sh\n"+script+"\n"), 0o755))
		_, _, err := n.try(nodeproto.StepRemoveSDCPackage, params)
		require.ErrorContains(t, err, want)
		require.Equal(t, strings.Contains(script, "2 volume"), failure.KindOf(err) == failure.Interruption, "an operator is waited for")
		require.NotEmpty(t, w.Installed("a", sdc.Package))
	}
}

// A service that failed tells nothing of the module: it does not go while
// volumes are mapped.
func TestAnSDCWhoseServiceFailedIsAskedToo(t *testing.T) {
	w, nodes := buildCluster(t, scaleiotest.Ubuntu, (*node).once)
	n := nodes[0]
	n.host = n.newHost(false)
	for tool, script := range map[string]string{
		"drv_cfg": "echo 'Retrieved 2 volume(s)'", "lsmod": "echo 'scini 1234567 2'", "systemctl": "echo failed; exit 3",
	} {
		at := filepath.Join(w.tools, tool)
		require.NoError(t, os.RemoveAll(at))
		require.NoError(t, os.WriteFile(at, []byte("#!/bin/sh\n"+script+"\n"), 0o755))
	}
	sdc := w.component("sdc", scaleiotest.Ubuntu)
	_, _, err := n.try(nodeproto.StepRemoveSDCPackage, nodeproto.RemovePackageParams{Component: "sdc", Package: sdc.Package})
	require.ErrorContains(t, err, "2 volumes are mapped to this host")
	require.NotEmpty(t, w.Installed("a", sdc.Package))
}

// tree is every file below a directory with its content and mode.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		all[strings.TrimPrefix(path, dir)] = info.Mode().String() + " " + string(data)
		return err
	}))
	return all
}

// The agent's flags and the driver's configuration are what they were, byte by
// byte, whether they were there before or not.
func TestFlagsAndDriverAreRestored(t *testing.T) {
	for _, mode := range []string{"docker-volume", "dvdi"} {
		for _, before := range []string{"", "cgroups/cpu , cgroups/mem\n\n"} {
			t.Run(mode+" over "+before, func(t *testing.T) {
				w := newWorld(t, scaleiotest.Options{})
				n := w.node("a", "127.0.3.9", scaleiotest.Ubuntu)
				if before != "" {
					require.NoError(t, os.WriteFile(filepath.Join(n.root, "etc/mesos-slave/isolation"), []byte(before), 0o640))
				}
				etc, lib := tree(t, filepath.Join(n.root, "etc")), tree(t, filepath.Join(n.root, "usr"))
				drivers := []nodeproto.DriverPackage{w.driver("rexray", "0.11.4-1"), w.driver("dvdcli", "0.2.1-1")}
				n.twice(nodeproto.StepVolumeDriver, nodeproto.VolumeDriverParams{Packages: drivers})
				n.twice(nodeproto.StepVolumeDriverEndpoint, nodeproto.VolumeDriverEndpointParams{
					Endpoint: "https://127.0.3.9:8443/api", Username: user, SystemName: "scaleio",
					ProtectionDomain: "default", StoragePool: "default", ThinOrThick: "ThinProvisioned",
				})
				params := nodeproto.IsolatorParams{Mode: mode}
				if mode == "dvdi" {
					require.NoError(t, os.WriteFile(filepath.Join(w.files, "module.so"), []byte("module"), 0o600))
					params.Modules = []nodeproto.IsolatorModule{{MesosVersion: w.mesos, Artifact: w.artifact("module.so")}}
				}
				n.twice(nodeproto.StepIsolator, params)
				n.twice(nodeproto.StepAgentRestart, nodeproto.AgentRestartParams{Service: "mesos-slave"})

				result := n.twice(nodeproto.StepRestoreAgentFlags, nodeproto.RestoreAgentFlagsParams{})
				require.Equal(t, nodeproto.IsolatorResult{RestartNeeded: true}, result)
				n.twice(nodeproto.StepRestoreAgent, nodeproto.AgentRestartParams{Service: "mesos-slave"})
				require.Equal(t, 2, w.Count(scaleiotest.OpService, "a:mesos-slave:restart"))
				n.twice(nodeproto.StepRemoveVolumeDriver, nodeproto.RemoveVolumeDriverParams{Packages: []string{"rexray", "dvdcli"}})
				require.False(t, w.Running("a", "rexray"))
				require.Empty(t, w.Installed("a", "dvdcli"))
				require.Equal(t, etc, tree(t, filepath.Join(n.root, "etc")))
				require.Equal(t, lib, tree(t, filepath.Join(n.root, "usr")))
			})
		}
	}
}

// An agent that never ran with the changed flags is not restarted for having
// them restored.
func TestAnAgentThatNeverTookTheFlagsIsLeftAlone(t *testing.T) {
	w := newWorld(t, scaleiotest.Options{})
	n := w.node("a", "127.0.3.10", scaleiotest.Ubuntu)
	n.twice(nodeproto.StepIsolator, nodeproto.IsolatorParams{Mode: "docker-volume"})
	require.Equal(t, nodeproto.IsolatorResult{}, n.twice(nodeproto.StepRestoreAgentFlags, nodeproto.RestoreAgentFlagsParams{}))
	require.NoFileExists(t, filepath.Join(n.root, "etc/mesos-slave/isolation"))
}

// An agent that does not start with the flags that it once had runs with ours
// again, and the notes of how they were are back, too: once the cause is mended,
// both steps can be done anew.
func TestAnAgentThatRefusesItsOwnFlagsCanBeGivenThemAgain(t *testing.T) {
	w := newWorld(t, scaleiotest.Options{})
	n := w.node("a", w.ip(10), scaleiotest.Ubuntu)
	flag := filepath.Join(n.root, "etc/mesos-slave/isolation")
	require.NoError(t, os.WriteFile(flag, []byte("cgroups/gone\n"), 0o640))
	etc := tree(t, filepath.Join(n.root, "etc"))
	n.twice(nodeproto.StepIsolator, nodeproto.IsolatorParams{Mode: "docker-volume"})
	n.twice(nodeproto.StepAgentRestart, nodeproto.AgentRestartParams{Service: "mesos-slave"})
	ours := n.read("etc/mesos-slave/isolation")

	n.twice(nodeproto.StepRestoreAgentFlags, nodeproto.RestoreAgentFlagsParams{})
	n.setRecord(`"phase": "armed"`, `"phase": "reverting", "reason": "it ended"`)
	_, _, err := n.try(nodeproto.StepRestoreAgent, nodeproto.AgentRestartParams{Service: "mesos-slave"})
	require.Equal(t, failure.Hopelessness, failure.KindOf(err))
	require.ErrorContains(t, err, "did not run with the flags that it had before (it ended), so it was given the framework's again")
	require.ErrorContains(t, err, "order retry of restore-agent-flags and of restore-agent")
	require.ErrorContains(t, err, "kept in /etc/mesos-slave.isolation.refused; ")
	require.Equal(t, ours, n.read("etc/mesos-slave/isolation"))

	result := n.twice(nodeproto.StepRestoreAgentFlags, nodeproto.RestoreAgentFlagsParams{})
	require.Equal(t, nodeproto.IsolatorResult{RestartNeeded: true}, result, "it runs with ours")
	restarts := w.Count(scaleiotest.OpService, "a:mesos-slave:restart")
	n.twice(nodeproto.StepRestoreAgent, nodeproto.AgentRestartParams{Service: "mesos-slave"})
	require.Equal(t, restarts+1, w.Count(scaleiotest.OpService, "a:mesos-slave:restart"))
	require.Equal(t, etc, tree(t, filepath.Join(n.root, "etc")))
}
