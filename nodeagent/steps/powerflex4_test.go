package steps_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/internal/redact"
	"scaleio-framework/nodeagent/failure"
	"scaleio-framework/nodeagent/steps"
	"scaleio-framework/scaleio/scaleiotest"
)

const (
	release4 = "4.5-2100.105"
	mdmCfg   = "opt/emc/scaleio/mdm/cfg/"
)

// cluster4 is a system of 4.5 in the making: two managers and a tie-breaker.
type cluster4 struct {
	*world
	nodes []*node
	// run runs a step: twice, or once where the step is not the test's matter.
	run       func(n *node, step string, params any) any
	ips       []string
	system    scaleiotest.OS
	authority string
}

func newCluster4(t *testing.T, system scaleiotest.OS) *cluster4 {
	w := newWorld(t, scaleiotest.Options{Version: release4, StrictDependencies: true})
	c := &cluster4{world: w, system: system, run: (*node).twice}
	for i := range 3 {
		c.ips = append(c.ips, w.ip(i+1))
		c.nodes = append(c.nodes, w.nodeWithDisk(string(rune('a'+i)), w.ip(i+1), system))
	}
	return c
}

// nodeWithDisk is a node with one free disk.
func (w *world) nodeWithDisk(name, ip string, system scaleiotest.OS) *node {
	n := w.node(name, ip, system)
	require.NoError(w.t, scaleiotest.AddDisk(n.root, scaleiotest.Disk{Name: "sdb", SizeBytes: 200 << 30}))
	return n
}

// at makes a node the one that tools work on.
func (c *cluster4) at(i int) *node {
	n := c.nodes[i]
	n.host = n.newHost(false)
	return n
}

func (c *cluster4) packages(i int) {
	n := c.at(i)
	needed := []string{"libaio1", "numactl", "openjdk-17-jre-headless", "python3"}
	if c.system == scaleiotest.EL9 {
		needed = []string{"libaio", "numactl", "java-17-openjdk-headless", "python3"}
	}
	c.run(n, nodeproto.StepPrerequisites, nodeproto.PrerequisitesParams{Packages: needed})
	c.run(n, nodeproto.StepActiveMQPackage, c.component("activemq", c.system))
	p := c.component("mdm", c.system)
	p.Manager = i < 2
	c.run(n, nodeproto.StepMDMPackage, p)
	c.run(n, nodeproto.StepSDSPackage, c.component("sds", c.system))
	c.run(n, nodeproto.StepLIAPackage, c.component("lia", c.system))
}

func (c *cluster4) client(i int) {
	sdc := c.component("sdc", c.system)
	sdc.MDMAddresses = c.ips[:2]
	c.at(i).twice(nodeproto.StepSDCPackage, sdc)
}

func (c *cluster4) makeAuthority() {
	result, ok := c.run(c.at(0), nodeproto.StepMDMAuthority, nodeproto.MDMAuthorityParams{Members: []string{"mdm1", "mdm2"}}).(nodeproto.MDMAuthorityResult)
	require.True(c.t, ok)
	require.Len(c.t, result.Authority, 64)
	c.authority = result.Authority
}

// request asks the first node for a manager's files, as the leader does, and opens
// them with the key of its node agent.
func (c *cluster4) request(i int) steps.Request {
	t := c.t
	member := fmt.Sprintf("mdm%d", i+1)
	key, err := nodeproto.NewKey()
	require.NoError(t, err)
	sealed, err := c.nodes[0].host.SealCertificate(nodeproto.SealedCertificateParams{Member: member, Recipient: key.Public()})
	require.NoError(t, err)
	for _, secret := range c.PrivateKeys() {
		require.NotContains(t, string(sealed.Box), secret)
	}
	files, err := key.Open(sealed.Box)
	require.NoError(t, err)
	require.NotContains(t, files[nodeproto.SecretMDMAuthority].Reveal(), "PRIVATE KEY", "the authority's key stays where it was made")
	r := c.nodes[i].request(nodeproto.StepMDMCertificate, nodeproto.MDMCertificateParams{Member: member, Authority: c.authority, From: "a"})
	r.Secrets = files
	return r
}

// once runs a step that must succeed.
func (n *node) once(step string, params any) any {
	n.w.t.Helper()
	result, _, err := n.try(step, params)
	require.NoError(n.w.t, err, "step %s", step)
	return result
}

// perform runs a request with its own secrets.
func (n *node) perform(r steps.Request) (bool, error) {
	plan, err := n.host.Prepare(r)
	require.NoError(n.w.t, err)
	ctx, cancel := context.WithTimeout(n.w.t.Context(), 30*time.Second)
	defer cancel()
	_, changed, err := plan.Run(ctx)
	return changed, err
}

func (c *cluster4) certify(i int) {
	r := c.request(i)
	n := c.at(i)
	changed, err := n.perform(r)
	require.NoError(c.t, err)
	require.True(c.t, changed)
	r.Secrets = nil
	changed, err = n.perform(r)
	require.NoError(c.t, err, "what is there needs no box")
	require.False(c.t, changed)
	for _, name := range []string{"mdm_certificate.pem", "cli_certificate.p12"} {
		info, err := os.Stat(filepath.Join(n.root, mdmCfg, name))
		require.NoError(c.t, err)
		require.Equal(c.t, os.FileMode(0o600), info.Mode().Perm(), name)
	}
}

func (c *cluster4) createParams() nodeproto.CreateClusterParams {
	return nodeproto.CreateClusterParams{Release: release4, Name: "mdm1", IPs: c.ips[:1], ManagementIPs: c.ips[:1]}
}

func (c *cluster4) form() nodeproto.CreateClusterResult {
	first := c.at(0)
	created, ok := c.run(first, nodeproto.StepCreateCluster, c.createParams()).(nodeproto.CreateClusterResult)
	require.True(c.t, ok)
	c.run(first, nodeproto.StepAddStandbyMDM+"/mdm2", nodeproto.AddStandbyMDMParams{Release: release4, Name: "mdm2", Manager: true, IPs: c.ips[1:2], ManagementIPs: c.ips[1:2]})
	c.run(first, nodeproto.StepAddStandbyMDM+"/tb1", nodeproto.AddStandbyMDMParams{Release: release4, Name: "tb1", IPs: c.ips[2:]})
	c.run(first, nodeproto.StepSwitchClusterMode, nodeproto.SwitchClusterModeParams{
		Release: release4, Mode: "3_node", AddManagers: []string{"mdm2"}, AddTieBreakers: []string{"tb1"}, ExpectedMembers: 3,
	})
	c.run(first, nodeproto.StepRenameSystem, nodeproto.RenameSystemParams{Release: release4, Name: "scaleio"})
	return created
}

func byScli[P any](object P) nodeproto.ByScli[P] {
	return nodeproto.ByScli[P]{Release: release4, Object: object}
}

// devices are the parameters for the disk of one node.
func (c *cluster4) devices(i int) nodeproto.ByScli[nodeproto.AddDevicesParams] {
	name := c.nodes[i].name
	return byScli(nodeproto.AddDevicesParams{
		SDS: name, ProtectionDomain: "pd", StoragePool: "sp", TestMode: "none",
		Devices: []nodeproto.DeviceParams{{Name: name + "-sdb", Path: "/dev/sdb"}},
	})
}

// The whole of a bootstrap of 4.5 without a management platform, each step
// twice.
func TestStepsBuildASystemOf4x(t *testing.T) {
	c := newCluster4(t, scaleiotest.EL9)
	for i := range c.nodes {
		c.packages(i)
	}
	_, _, err := c.at(0).try(nodeproto.StepCreateCluster, c.createParams())
	require.ErrorContains(t, err, "cli_certificate.p12 is not on this host", "there is no login before there are certificates")
	c.makeAuthority()
	c.certify(0)
	c.certify(1)
	created := c.form()
	require.Len(t, created.SystemID, 16)
	for i := range c.nodes {
		c.client(i)
	}

	first := c.at(0)
	first.twice(nodeproto.StepLIAID, nodeproto.LIAIDParams{InstallationID: created.InstallationID, TokenLogin: true})
	conf, err := c.ReadFile("a", "/opt/emc/scaleio/lia/cfg/conf.txt")
	require.NoError(t, err)
	require.Equal(t, "lia_token="+liaToken+"\n", conf, "the LIA can be spoken to by its token")

	first.twice(nodeproto.StepProtectionDomains+"/pd", byScli(nodeproto.ProtectionDomainParams{Name: "pd"}))
	first.twice(nodeproto.StepFaultSets+"/pd/rack1", byScli(nodeproto.FaultSetParams{ProtectionDomain: "pd", Name: "rack1"}))
	first.twice(nodeproto.StepStoragePools+"/pd/sp", byScli(nodeproto.StoragePoolParams{ProtectionDomain: "pd", Name: "sp", MediaType: "SSD", ZeroPadding: true}))
	first.twice(nodeproto.StepSparePolicy+"/pd/sp", byScli(nodeproto.SparePolicyParams{ProtectionDomain: "pd", StoragePool: "sp", Percent: 34}))
	for i, n := range c.nodes {
		sds := nodeproto.AddSDSParams{Name: n.name, ProtectionDomain: "pd", IPs: c.ips[i : i+1]}
		if i == 0 {
			sds.FaultSet = "rack1"
		}
		r, ok := first.twice(nodeproto.StepAddSDS, byScli(sds)).(nodeproto.AddSDSResult)
		require.True(t, ok)
		require.Len(t, r.ID, 16)
		d, ok := first.twice(nodeproto.StepAddDevices, c.devices(i)).(nodeproto.AddDevicesResult)
		require.True(t, ok)
		require.Len(t, d.IDs[n.name+"-sdb"], 16)
	}
	volume := func(name string) nodeproto.ByScli[nodeproto.VerifyVolumeParams] {
		return byScli(nodeproto.VerifyVolumeParams{Volume: name, ProtectionDomain: "pd", StoragePool: "sp", SizeGiB: 8, SDCAddress: c.ips[2]})
	}
	first.twice(nodeproto.StepVerifyVolume, volume("verify-1"))
	first.twice(nodeproto.StepVerifyVolume, volume("verify-12"))
	first.twice(nodeproto.StepVerifyVolume, volume("other"))
	first.twice(nodeproto.StepVerify, byScli(nodeproto.VerifyParams{VolumePrefix: "verify-"}))
	volumes := c.Snapshot().Volumes
	require.Len(t, volumes, 1, "what is not ours stays")
	for _, op := range []scaleiotest.Op{scaleiotest.OpCreatePD, scaleiotest.OpCreateFaultSet, scaleiotest.OpCreatePool, scaleiotest.OpCreateSDS, scaleiotest.OpCreateDevice} {
		for name, times := range c.Counts()[op] {
			require.Equal(t, 1, times, "%s %s", op, name)
		}
	}
	for _, n := range c.nodes {
		noSecretIn(t, n.state)
		noSecretIn(t, filepath.Join(n.root, mdmCfg))
		for _, key := range c.PrivateKeys() {
			require.NotContains(t, everything(t, n.state), key)
		}
	}
}

func everything(t *testing.T, dir string) string {
	text := ""
	require.NoError(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		text += string(data)
		return err
	}))
	return text
}

// What stands in the way is told with the reason, and nothing is forced.
func TestWhatStandsInTheWayOf4x(t *testing.T) {
	c := newCluster4(t, scaleiotest.Ubuntu22)
	c.run = (*node).once
	for i := range c.nodes {
		c.packages(i)
	}
	c.makeAuthority()

	// Files of another authority than the record's are refused, and no files
	// are a failure of the step, not of its parameters.
	r := c.request(1)
	second := c.at(1)
	foreign := r
	foreign.Params = second.request("", nodeproto.MDMCertificateParams{Member: "mdm2", Authority: "0123", From: "a"}).Params
	_, err := second.perform(foreign)
	require.ErrorContains(t, err, "wanted is 0123")
	empty := r
	empty.Secrets = nil
	_, err = second.perform(empty)
	require.ErrorContains(t, err, "the node agent of a gave no certificate for mdm2")
	require.NoFileExists(t, filepath.Join(second.root, mdmCfg, "mdm_certificate.pem"))
	_, err = c.nodes[1].host.SealCertificate(nodeproto.SealedCertificateParams{Member: "mdm2"})
	require.ErrorContains(t, err, "authority", "only the first MDM has an authority")
	_, err = c.nodes[0].host.SealCertificate(nodeproto.SealedCertificateParams{Member: "../mgmt_ca"})
	require.ErrorContains(t, err, "names no member")

	// A certificate that was written and not read by the MDM is not in place.
	c.certify(0)
	require.NoError(t, second.journal.Pending().Mark(nodeproto.StepMDMCertificate, "begun"))
	changed, err := c.at(1).perform(r)
	require.NoError(t, err)
	require.True(t, changed)
	c.form()

	// Another password than the one the login file was made with.
	first := c.at(0)
	wrong := first.request(nodeproto.StepRenameSystem, nodeproto.RenameSystemParams{Release: release4, Name: "x"})
	wrong.Secrets = map[string]redact.Secret{nodeproto.SecretP12Password: redact.New("Another-Pw-1")}
	_, err = first.perform(wrong)
	require.ErrorContains(t, err, "SIO_SCALEIO_P12_PASSWORD")
	require.Equal(t, failure.Hopelessness, failure.KindOf(err))

	// A host without the login file is told which step brings it.
	_, _, err = c.at(2).try(nodeproto.StepProtectionDomains+"/pd", byScli(nodeproto.ProtectionDomainParams{Name: "pd"}))
	require.ErrorContains(t, err, "is not on this host")

	first = c.at(0)
	first.once(nodeproto.StepProtectionDomains+"/pd", byScli(nodeproto.ProtectionDomainParams{Name: "pd"}))
	_, _, err = first.try(nodeproto.StepSparePolicy+"/pd/sp", byScli(nodeproto.SparePolicyParams{ProtectionDomain: "pd", StoragePool: "sp", Percent: 34}))
	require.ErrorContains(t, err, "retry step storage-pools/pd/sp")
	_, _, err = first.try(nodeproto.StepFaultSets+"/other/r", byScli(nodeproto.FaultSetParams{ProtectionDomain: "other", Name: "r"}))
	require.ErrorContains(t, err, "retry step protection-domains/other")
	first.once(nodeproto.StepStoragePools+"/pd/sp", byScli(nodeproto.StoragePoolParams{ProtectionDomain: "pd", Name: "sp"}))
	first.once(nodeproto.StepAddSDS, byScli(nodeproto.AddSDSParams{Name: "a", ProtectionDomain: "pd", IPs: c.ips[:1]}))
	_, _, err = first.try(nodeproto.StepAddSDS, byScli(nodeproto.AddSDSParams{Name: "a", ProtectionDomain: "pd", IPs: c.ips[1:2]}))
	require.ErrorContains(t, err, "has the addresses "+c.ips[0])
	require.Equal(t, failure.Hopelessness, failure.KindOf(err))
	first.once(nodeproto.StepAddDevices, c.devices(0))
	_, _, err = first.try(nodeproto.StepStoragePools+"/pd/sp", byScli(nodeproto.StoragePoolParams{ProtectionDomain: "pd", Name: "sp", ZeroPadding: true}))
	require.ErrorContains(t, err, "cannot be changed while the pool has devices")
	other := c.devices(0)
	other.Object.Devices[0].Name = "other"
	_, _, err = first.try(nodeproto.StepAddDevices, other)
	require.ErrorContains(t, err, "is device a-sdb")

	// Who begins anew on a system counts what is there, under whatever name.
	other.Object.Adopt = true
	adopted, ok := first.unchanged(nodeproto.StepAddDevices, other).(nodeproto.AddDevicesResult)
	require.True(t, ok)
	require.Contains(t, adopted.IDs, "other")
	require.Empty(t, adopted.Found)
	other.Object.Devices = nil
	found, ok := first.unchanged(nodeproto.StepAddDevices, other).(nodeproto.AddDevicesResult)
	require.True(t, ok)
	require.Equal(t, []nodeproto.FoundDevice{{ID: adopted.IDs["other"], Name: "a-sdb", Path: c.devices(0).Object.Devices[0].Path}}, found.Found)
	other.Object.StoragePool = "another"
	found, ok = first.unchanged(nodeproto.StepAddDevices, other).(nodeproto.AddDevicesResult)
	require.True(t, ok)
	require.Empty(t, found.Found)
	require.Len(t, found.Unfit, 1)
	sds, ok := first.unchanged(nodeproto.StepAddSDS, byScli(nodeproto.AddSDSParams{Name: "a", ProtectionDomain: "pd", IPs: c.ips[:1]})).(nodeproto.AddSDSResult)
	require.True(t, ok)
	require.Equal(t, []string{"a-sdb"}, sds.Taken)
	require.ErrorContains(t, first.prepare(nodeproto.StepVerify, nodeproto.ByScli[nodeproto.VerifyParams]{}), "name no release")
	require.ErrorContains(t, first.prepare(nodeproto.StepVerify, nodeproto.ByScli[nodeproto.VerifyParams]{Release: "5.0-1.1"}), "release 5.0-1.1 is not supported")
}
