package steps_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/internal/redact"
	"scaleio-framework/nodeagent/failure"
	"scaleio-framework/nodeagent/steps"
	"scaleio-framework/scaleio/scaleiotest"
)

// manager is a node whose MDM is installed and in no cluster.
func manager(t *testing.T) (*world, *node, nodeproto.CreateClusterParams) {
	t.Helper()
	w := newWorld(t, scaleiotest.Options{})
	n := w.node("a", w.ip(6), scaleiotest.Ubuntu)
	p := w.component("mdm", scaleiotest.Ubuntu)
	p.Manager = true
	n.twice(nodeproto.StepMDMPackage, p)
	return w, n, nodeproto.CreateClusterParams{Name: "mdm1", IPs: []string{n.ip}, ManagementIPs: []string{n.ip}, Username: user}
}

// Whatever call fails or loses its reply while the cluster is made, the next
// attempt ends in the same state, and nothing is made twice.
func TestCreateClusterGoesOnWhereItStopped(t *testing.T) {
	for name, fault := range map[string]scaleiotest.Fault{
		"the creation's reply is lost":     {Op: scaleiotest.OpCreateCluster, Kind: scaleiotest.ReplyLost},
		"the creation is cut off":          {Op: scaleiotest.OpCreateCluster, Kind: scaleiotest.Reset},
		"the password change is cut off":   {Op: scaleiotest.OpSetPassword, Kind: scaleiotest.Reset},
		"the password change's reply lost": {Op: scaleiotest.OpSetPassword, Kind: scaleiotest.ReplyLost},
	} {
		t.Run(name, func(t *testing.T) {
			w, n, params := manager(t)
			w.Inject(fault)
			_, _, err := n.try(nodeproto.StepCreateCluster, params)
			require.Error(t, err)
			require.NotEqual(t, failure.Hopelessness, failure.KindOf(err), "%v", err)
			result, _, err := n.try(nodeproto.StepCreateCluster, params)
			require.NoError(t, err)
			require.Len(t, result.(nodeproto.CreateClusterResult).SystemID, 16)
			require.Equal(t, 1, w.Count(scaleiotest.OpCreateCluster, "mdm1"))
			require.Equal(t, 1, w.Count(scaleiotest.OpSetPassword, ""))
			noSecretIn(t, n.root)
		})
	}
}

func TestAnotherPasswordIsHopelessAndNotShown(t *testing.T) {
	_, n, params := manager(t)
	n.twice(nodeproto.StepCreateCluster, params)
	plan, err := n.host.Prepare(steps.Request{
		Step: nodeproto.StepRenameSystem, Params: []byte(`{"name":"x","username":"admin"}`),
		Secrets: map[string]redact.Secret{nodeproto.SecretAdminPassword: redact.New("Another-99")},
	})
	require.NoError(t, err)
	_, _, err = plan.Run(t.Context())
	require.Equal(t, failure.Hopelessness, failure.KindOf(err))
	require.NotContains(t, err.Error(), "Another-99")
}

func TestAnMDMOfTheWrongRoleIsHopelessWithARemedy(t *testing.T) {
	w, n, _ := manager(t)
	p := w.component("mdm", scaleiotest.Ubuntu)
	_, changed, err := n.try(nodeproto.StepMDMPackage, p)
	require.Equal(t, failure.Hopelessness, failure.KindOf(err))
	require.ErrorContains(t, err, "actor_role_is_manager=1, wanted is 0: if it serves a cluster that stays, give this host the Mesos attribute scaleio-persona=manager")
	require.False(t, changed)
	p.Version = "3.0-1.1"
	_, _, err = n.try(nodeproto.StepMDMPackage, p)
	require.ErrorContains(t, err, "is installed in version 2.6-11000.113")

	// The remedy: the package goes, and comes again with the other role.
	n.twice(nodeproto.StepMDMRemove, nodeproto.MDMRemoveParams{Package: p.Package})
	p.Version = version
	_, _, err = n.try(nodeproto.StepMDMPackage, p)
	require.NoError(t, err)
}

func TestAServiceThatStoppedIsStartedAgain(t *testing.T) {
	w := newWorld(t, scaleiotest.Options{})
	n := w.node("a", w.ip(6), scaleiotest.Ubuntu)
	n.twice(nodeproto.StepSDSPackage, w.component("sds", scaleiotest.Ubuntu))
	w.runTool(n, "systemctl", "stop", "sds")
	_, changed, err := n.try(nodeproto.StepSDSPackage, w.component("sds", scaleiotest.Ubuntu))
	require.NoError(t, err)
	require.True(t, changed)
	require.True(t, w.Running("a", "sds"))
	require.Equal(t, 1, w.Count(scaleiotest.OpInstall, "a:emc-scaleio-sds"), "it is not installed again")
}

func (w *world) runTool(n *node, tool string, args ...string) {
	w.t.Helper()
	reply, err := w.RunTool(w.t.Context(), scaleiotest.ToolRequest{Host: n.name, Tool: tool, Args: args})
	require.NoError(w.t, err)
	require.Zero(w.t, reply.Exit, reply.Stderr)
}

// The file is written, and the restart fails: the next attempt must not take
// the file for the whole.
func TestARestartThatFailedIsDoneLater(t *testing.T) {
	w := newWorld(t, scaleiotest.Options{})
	n := w.node("a", w.ip(6), scaleiotest.Ubuntu)
	n.twice(nodeproto.StepLIAPackage, w.component("lia", scaleiotest.Ubuntu))
	n.twice(nodeproto.StepVolumeDriver, nodeproto.VolumeDriverParams{Packages: []nodeproto.DriverPackage{w.driver("rexray", "0.11.4-1")}})
	for step, c := range map[string]struct {
		params any
		unit   string
	}{
		nodeproto.StepLIAID: {nodeproto.LIAIDParams{InstallationID: "5d848ea4078b651d"}, "lia"},
		nodeproto.StepVolumeDriverEndpoint: {nodeproto.VolumeDriverEndpointParams{
			Endpoint: "https://127.0.3.6/api", Username: user, SystemName: "scaleio",
		}, "rexray"},
	} {
		w.Inject(scaleiotest.Fault{Op: scaleiotest.OpService, Name: "a:" + c.unit + ":restart", Kind: scaleiotest.Reject})
		_, _, err := n.try(step, c.params)
		require.ErrorContains(t, err, "restart service "+c.unit)
		before := w.Count(scaleiotest.OpService, "a:"+c.unit+":restart")
		_, changed, err := n.try(step, c.params)
		require.NoError(t, err)
		require.True(t, changed)
		require.Equal(t, before+1, w.Count(scaleiotest.OpService, "a:"+c.unit+":restart"))
		_, changed, err = n.try(step, c.params)
		require.NoError(t, err)
		require.False(t, changed)
	}
	noSecretIn(t, n.state)
}

// scli that does not ask for the password makes the step hopeless, unless an
// operator allowed the password on its command line.
func TestSCLIThatDoesNotAsk(t *testing.T) {
	_, n, params := manager(t)
	n.twice(nodeproto.StepCreateCluster, params)
	real, err := os.Readlink(filepath.Join(n.w.tools, "scli"))
	require.NoError(t, err)
	script := "#!/bin/sh\ncase \"$*\" in *--password*|*--query*) exec " + filepath.Join(n.w.tools, "real/scli") +
		" \"$@\";; *) echo 'Usage: scli [options]'; exit 1;; esac\n"
	require.NoError(t, os.Mkdir(filepath.Join(n.w.tools, "real"), 0o755))
	require.NoError(t, os.Symlink(real, filepath.Join(n.w.tools, "real/scli")))
	require.NoError(t, os.Remove(filepath.Join(n.w.tools, "scli")))
	require.NoError(t, os.WriteFile(filepath.Join(n.w.tools, "scli"), []byte(script), 0o755))

	_, _, err = n.try(nodeproto.StepCreateCluster, params)
	require.Equal(t, failure.Hopelessness, failure.KindOf(err))
	require.ErrorContains(t, err, "--scaleio.scli-password-in-args")
	n.host = n.newHost(true)
	_, changed, err := n.try(nodeproto.StepCreateCluster, params)
	require.NoError(t, err)
	require.False(t, changed)
}

func TestAHostThatCannotCarryItsPersonaIsRefused(t *testing.T) {
	w := newWorld(t, scaleiotest.Options{})
	n := w.node("a", w.ip(6), scaleiotest.Ubuntu)
	require.NoError(t, os.WriteFile(filepath.Join(n.root, "proc/meminfo"), []byte("MemTotal: 1048576 kB\n"), 0o644))
	_, changed, err := n.try(nodeproto.StepPrerequisites, nodeproto.PrerequisitesParams{MinMemoryMB: 3000, Packages: []string{"libaio1"}})
	require.ErrorContains(t, err, "1024 MiB of memory, its persona needs 3000")
	require.Equal(t, failure.Hopelessness, failure.KindOf(err))
	require.False(t, changed)
	require.NoError(t, os.WriteFile(filepath.Join(n.root, "etc/os-release"), []byte("ID=plan9\n"), 0o644))
	_, _, err = n.try(nodeproto.StepPrerequisites, nodeproto.PrerequisitesParams{Packages: []string{"libaio1"}})
	require.ErrorContains(t, err, "plan9")
	require.Equal(t, failure.Hopelessness, failure.KindOf(err))
}

func TestAGatewayThatIsNotThereCannotBeConfigured(t *testing.T) {
	w := newWorld(t, scaleiotest.Options{})
	n := w.node("a", w.ip(6), scaleiotest.Ubuntu)
	_, _, err := n.try(nodeproto.StepGatewayConfigure, nodeproto.GatewayConfigureParams{MDMAddresses: []string{n.ip}, Username: user, Port: 8443})
	require.ErrorContains(t, err, "gatewayUser.properties")
}

// A restart that was ordered and is done is not made again, whoever ended the
// attempt; one that the agent did not survive makes the step hopeless until the
// flags are set anew.
func TestTheRestartOfTheAgentIsJudgedByItsRecord(t *testing.T) {
	w := newWorld(t, scaleiotest.Options{})
	n := w.node("a", w.ip(6), scaleiotest.Ubuntu)
	params := nodeproto.AgentRestartParams{Service: "mesos-slave"}
	isolator := nodeproto.IsolatorParams{Mode: "docker-volume", Service: "mesos-slave"}
	n.twice(nodeproto.StepIsolator, isolator)
	_, satisfied, err := n.plan(nodeproto.StepAgentRestart, params).Look(t.Context())
	require.NoError(t, err)
	require.False(t, satisfied, "it is due")
	require.Zero(t, w.Count(scaleiotest.OpService, "a:mesos-slave:restart"))

	n.setRecord(`"phase": "armed"`, `"phase": "taken-back", "reason": "it ended", "log": "no dvdcli"`)
	_, _, err = n.try(nodeproto.StepAgentRestart, params)
	require.Equal(t, failure.Hopelessness, failure.KindOf(err))
	require.ErrorContains(t, err, "did not run with its new flags (it ended), so they were taken back")
	require.ErrorContains(t, err, "/etc/mesos-slave.isolation.refused")
	require.ErrorContains(t, err, "its last words: no dvdcli")

	n.twice(nodeproto.StepIsolator, isolator)
	n.setRecord(`"phase": "armed"`, `"phase": "done"`)
	_, changed, err := n.try(nodeproto.StepAgentRestart, params)
	require.NoError(t, err)
	require.False(t, changed)
	require.Zero(t, w.Count(scaleiotest.OpService, "a:mesos-slave:restart"))
	require.NoFileExists(t, n.restartRecord())
}

func (n *node) restartRecord() string { return filepath.Join(n.journal.RestartDir(), "record.json") }

// setRecord makes the record of the agent's restart say something else.
func (n *node) setRecord(from, to string) {
	n.w.t.Helper()
	data, err := os.ReadFile(n.restartRecord())
	require.NoError(n.w.t, err)
	require.Contains(n.w.t, string(data), from)
	require.NoError(n.w.t, os.WriteFile(n.restartRecord(), []byte(strings.Replace(string(data), from, to, 1)), 0o600))
}
