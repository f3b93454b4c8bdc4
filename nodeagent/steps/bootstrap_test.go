package steps_test

import (
	"crypto/x509"
	"encoding/pem"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/nodeagent/failure"
	"scaleio-framework/scaleio/scaleiotest"
)

// The steps of a whole bootstrap of three nodes, each run twice: the second
// run finds everything in place.
func TestStepsBuildAClusterAndFindItAgain(t *testing.T) {
	for name, system := range map[string]scaleiotest.OS{"dpkg": scaleiotest.Ubuntu, "rpm": scaleiotest.EL7} {
		t.Run(name, func(t *testing.T) { buildCluster(t, system, (*node).twice) })
	}
}

// buildCluster makes a cluster of three nodes; run runs each step.
func buildCluster(t *testing.T, system scaleiotest.OS, run func(n *node, step string, params any) any) (*world, []*node) {
	w := newWorld(t, scaleiotest.Options{StrictDependencies: true})
	ips := []string{w.ip(1), w.ip(2), w.ip(3)}
	var nodes []*node
	for i, ip := range ips {
		nodes = append(nodes, w.node([]string{"a", "b", "c"}[i], ip, system))
	}
	needed := []string{"libaio1", "numactl", "openjdk-8-jre-headless"}
	if system == scaleiotest.EL7 {
		needed = []string{"libaio", "numactl", "java-1.8.0-openjdk-headless"}
	}
	for i, n := range nodes {
		n.host = n.newHost(false)
		run(n, nodeproto.StepPrerequisites, nodeproto.PrerequisitesParams{Packages: needed})
		p := w.component("mdm", system)
		p.Manager = i < 2
		run(n, nodeproto.StepMDMPackage, p)
		run(n, nodeproto.StepSDSPackage, w.component("sds", system))
		run(n, nodeproto.StepLIAPackage, w.component("lia", system))
	}

	first := nodes[0]
	first.host = first.newHost(false)
	created, ok := run(first, nodeproto.StepCreateCluster, nodeproto.CreateClusterParams{
		Name: "mdm1", IPs: ips[:1], ManagementIPs: ips[:1], Username: user,
	}).(nodeproto.CreateClusterResult)
	require.True(t, ok)
	require.Len(t, created.SystemID, 16)
	require.NotEmpty(t, created.InstallationID)
	run(first, nodeproto.StepAddStandbyMDM+"/mdm2", nodeproto.AddStandbyMDMParams{Name: "mdm2", Manager: true, IPs: ips[1:2], ManagementIPs: ips[1:2], Username: user})
	run(first, nodeproto.StepAddStandbyMDM+"/tb1", nodeproto.AddStandbyMDMParams{Name: "tb1", IPs: ips[2:], Username: user})
	run(first, nodeproto.StepSwitchClusterMode, nodeproto.SwitchClusterModeParams{
		Mode: "3_node", AddManagers: []string{"mdm2"}, AddTieBreakers: []string{"tb1"}, Username: user, ExpectedMembers: 3,
	})
	run(first, nodeproto.StepRenameSystem, nodeproto.RenameSystemParams{Name: "scaleio", Username: user})

	for _, n := range nodes {
		n.host = n.newHost(false)
		sdc := w.component("sdc", system)
		sdc.MDMAddresses = ips[:2]
		run(n, nodeproto.StepSDCPackage, sdc)
	}
	for _, n := range nodes[:2] {
		n.host = n.newHost(false)
		run(n, nodeproto.StepGatewayPackage, w.component("gateway", system))
		n.configureGateway(ips[:2])
		run(n, nodeproto.StepLIAID, nodeproto.LIAIDParams{InstallationID: created.InstallationID})
		text, err := w.ReadFile(n.name, "/opt/emc/scaleio/lia/cfg/installation_id.txt")
		require.NoError(t, err)
		require.Equal(t, created.InstallationID+"\n", text)
	}
	require.Equal(t, 1, w.Count(scaleiotest.OpCreateCluster, "mdm1"))
	require.Equal(t, 1, w.Count(scaleiotest.OpSetPassword, ""))
	for _, n := range nodes {
		noSecretIn(t, n.state)
	}

	// An MDM of a cluster is not removed, whoever asks.
	first.host = first.newHost(false)
	_, _, err := first.try(nodeproto.StepMDMRemove, nodeproto.MDMRemoveParams{Package: w.component("mdm", system).Package})
	require.ErrorContains(t, err, "belongs to a cluster")
	require.Equal(t, failure.Hopelessness, failure.KindOf(err))
	return w, nodes
}

func (n *node) configureGateway(mdms []string) {
	t := n.w.t
	t.Helper()
	params := nodeproto.GatewayConfigureParams{MDMAddresses: mdms, Username: user, Port: freePort(t, n.ip)}
	result, ok := n.twice(nodeproto.StepGatewayConfigure, params).(nodeproto.GatewayResult)
	require.True(t, ok)
	require.Contains(t, result.URL, "https://"+n.ip+":")
	block, _ := pem.Decode([]byte(result.CertificatePEM))
	require.NotNil(t, block)
	_, err := x509.ParseCertificate(block.Bytes)
	require.NoError(t, err)
	text, err := n.w.ReadFile(n.name, "/opt/emc/scaleio/gateway/webapps/ROOT/WEB-INF/classes/gatewayUser.properties")
	require.NoError(t, err)
	require.Contains(t, text, "gateway-admin.password="+gatewayPassword, "what was there is kept")
	require.Contains(t, text, "security.bypass_certificate_check=false")
	n.checkPins(params, result)
}

// checkPins looks at what a gateway was made to trust: all MDMs as they were
// first seen, also when one is away, and no other certificate.
func (n *node) checkPins(params nodeproto.GatewayConfigureParams, seen nodeproto.GatewayResult) {
	t := n.w.t
	t.Helper()
	require.Len(t, seen.MDMCertificates, len(params.MDMAddresses))
	for address, text := range seen.MDMCertificates {
		require.Contains(t, params.MDMAddresses, address)
		block, _ := pem.Decode([]byte(text))
		require.NotNil(t, block)
	}
	params.MDMCertificates = seen.MDMCertificates
	again, changed, err := n.try(nodeproto.StepGatewayConfigure, params)
	require.NoError(t, err)
	require.False(t, changed)
	require.Equal(t, seen, again)

	other := params
	other.MDMCertificates = map[string]string{params.MDMAddresses[0]: seen.MDMCertificates[params.MDMAddresses[1]]}
	_, _, err = n.try(nodeproto.StepGatewayConfigure, other)
	require.ErrorContains(t, err, "certificate of the MDM "+params.MDMAddresses[0]+": it shows another one (SHA-256 ")
	require.Equal(t, failure.Hopelessness, failure.KindOf(err))
}

// The volume driver on one node, up to the Mesos agent's restart.
func TestVolumeDriverAndIsolator(t *testing.T) {
	w := newWorld(t, scaleiotest.Options{})
	n := w.node("a", w.ip(4), scaleiotest.Ubuntu)

	// Without dvdcli the Mesos agent would not start again.
	dvdcli := filepath.Join(w.tools, "dvdcli")
	self, err := os.Readlink(dvdcli)
	require.NoError(t, err)
	require.NoError(t, os.Remove(dvdcli))
	_, _, err = n.try(nodeproto.StepIsolator, nodeproto.IsolatorParams{Mode: "docker-volume"})
	require.ErrorContains(t, err, "dvdcli is not on this host")
	require.Equal(t, failure.Hopelessness, failure.KindOf(err))
	require.NoFileExists(t, filepath.Join(n.root, "etc/mesos-slave/isolation"))
	require.NoError(t, os.Symlink(self, dvdcli))

	n = w.node("b", w.ip(5), scaleiotest.Ubuntu)
	n.twice(nodeproto.StepVolumeDriver, nodeproto.VolumeDriverParams{Packages: []nodeproto.DriverPackage{
		w.driver("rexray", "0.11.4-1"), w.driver("dvdcli", "0.2.1-1"),
	}})
	n.twice(nodeproto.StepVolumeDriverEndpoint, nodeproto.VolumeDriverEndpointParams{
		Endpoint: "https://127.0.3.5:8443/api", Username: user, SystemName: "scaleio",
		ProtectionDomain: "default", StoragePool: "default", ThinOrThick: "ThinProvisioned",
	})
	config := filepath.Join(n.root, "etc/rexray/config.yml")
	info, err := os.Stat(config)
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o600), info.Mode().Perm())
	data, err := os.ReadFile(config)
	require.NoError(t, err)
	require.Contains(t, string(data), `password: "`+adminPassword+`"`)
	require.True(t, w.Running("b", "rexray"))

	require.NoError(t, os.WriteFile(filepath.Join(n.root, "etc/mesos-slave/isolation"), []byte("cgroups/cpu,cgroups/mem\n"), 0o640))
	result := n.twice(nodeproto.StepIsolator, nodeproto.IsolatorParams{Mode: "docker-volume"})
	require.Equal(t, nodeproto.IsolatorResult{RestartNeeded: true}, result)
	isolation, err := os.ReadFile(filepath.Join(n.root, "etc/mesos-slave/isolation"))
	require.NoError(t, err)
	require.Equal(t, "cgroups/cpu,cgroups/mem,filesystem/linux,docker/volume\n", string(isolation))
	info, err = os.Stat(filepath.Join(n.root, "etc/mesos-slave/isolation"))
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o640), info.Mode().Perm(), "the mode is kept")

	n.twice(nodeproto.StepAgentRestart, nodeproto.AgentRestartParams{Service: "mesos-slave"})
	require.Equal(t, 1, w.Count(scaleiotest.OpService, "b:mesos-slave:restart"))
	result, changed, err := n.try(nodeproto.StepIsolator, nodeproto.IsolatorParams{Mode: "docker-volume"})
	require.NoError(t, err)
	require.False(t, changed)
	require.Equal(t, nodeproto.IsolatorResult{RestartNeeded: false}, result)
	noSecretIn(t, n.state)
	noSecretIn(t, n.root, "etc/rexray/config.yml")
}
