package scaleiotest_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/scaleio/scaleiotest"
)

// The two wordings of query_cluster, with identifiers blanked out.
func TestQueryClusterDialects(t *testing.T) {
	const dialect2 = `Cluster:
    Name: scaleio, Mode: 3_node, State: Normal, Active: 3/3, Replicas: 2/2
Master MDM:
    Name: mdm1, ID: 0x-
        IPs: 127.0.1.11, Management IPs: 127.0.1.11, Port: 9011
        Version: 2.6.11000
Slave MDMs:
    Name: mdm2, ID: 0x-
        IPs: 127.0.1.12, Management IPs: 127.0.1.12, Port: 9011
        Status: Normal, Version: 2.6.11000
Tie-Breakers:
    Name: tb1, ID: 0x-
        IPs: 127.0.1.13, Port: 9011
        Status: Normal, Version: 2.6.11000
`
	const dialect36 = `Cluster:
    Name: scaleio, Mode: 3_node, State: Normal, Active: 3/3, Replicas: 2/2
    SDC refresh with MDM IP addresses: disabled
    Virtual IP Addresses: N/A
Master MDM:
    Name: mdm1, ID: 0x-
        IP Addresses: 127.0.1.11, Management IP Addresses: 127.0.1.11, Port: 9011, Virtual IP interfaces: N/A
        Status: Normal, Version: 3.6.2000
Slave MDMs:
    Name: mdm2, ID: 0x-
        IP Addresses: 127.0.1.12, Management IP Addresses: 127.0.1.12, Port: 9011, Virtual IP interfaces: N/A
        Status: Normal, Version: 3.6.2000
Tie-Breakers:
    Name: tb1, ID: 0x-
        IP Addresses: 127.0.1.13, Port: 9011
        Status: Normal, Version: 3.6.2000
`
	ids := regexp.MustCompile(`0x[0-9a-f]{16}`)
	for _, it := range []struct {
		options scaleiotest.Options
		want    string
	}{
		{scaleiotest.Options{}, dialect2},
		{scaleiotest.Options{Version: "3.6-2000.104"}, dialect36},
		{scaleiotest.Options{Version: "3.6-2000.104", Dialect: scaleiotest.Dialect2}, strings.ReplaceAll(dialect2, "2.6.11000", "3.6.2000")},
	} {
		w := bootstrapped(t, it.options, 3)
		require.Equal(t, it.want, ids.ReplaceAllString(w.scliOK("host1", "--query_cluster"), "0x-"))
	}
}

// What the predecessors of this framework and others' scripts look for in the
// listings.
func TestListings(t *testing.T) {
	w := bootstrapped(t, scaleiotest.Options{}, 3)
	w.scliOK("host1", "--login --username admin --password "+password)
	all := w.scliOK("host1", "--query_all")
	require.Regexp(t, `(?m)^\tInstallation ID: [0-9a-f]{16}$`, all)
	require.Regexp(t, `(?m)^Storage Pool default \(Id: [0-9a-f]{16}\) has 0 volumes and \d+\.0 GB \(\d+ MB\) available for volume allocation$`, all)
	require.Contains(t, all, "3 SDS nodes have connection state 'Connected'")
	sds := w.scliOK("host1", "--query_sds --sds_name sds_host1")
	require.Regexp(t, `1: Name: N/A  Path: /dev/sdb  Original-path: /dev/sdb  ID: [0-9a-f]{16}`, sds)
	require.Contains(t, w.scliOK("host1", "--query_storage_pool --protection_domain_name default --storage_pool_name default"), "Zero padding is disabled")
	require.Equal(t, "Query-all-volumes returned 0 volumes\n<No volumes defined>\n", w.scliOK("host1", "--query_all_volumes"))
	require.Regexp(t, `^STORAGE_POOL [0-9a-f]{16}:\n\tNAME {47}default\n\tSPARE_PERCENT {38}34%\n`,
		w.scliOK("host1", "--query_properties --object_type STORAGE_POOL --all_objects --properties NAME,SPARE_PERCENT"))
	require.Equal(t, "No objects returned\n", w.scliOK("host1", "--query_properties --object_type FAULT_SET --all_objects --preset ALL"))
	require.Contains(t, w.scliOK("host1", "--add_volume --protection_domain_name default --storage_pool_name default --size_gb 10 --volume_name v --thin_provisioned"),
		"Warning: Rounding up the volume size to 16 GB\nSuccessfully created volume of size 16 GB. Object ID ")
	w.scliOK("host1", "--map_volume_to_sdc --volume_name v --sdc_ip 127.0.1.12")
	w.refused("host1", "--map_volume_to_sdc --volume_name v --sdc_ip 127.0.1.12", "The volume is already mapped to this SDC")
	w.refused("host1", "--remove_volume --volume_name v", "The volume is mapped")
	w.scliOK("host1", "--unmap_volume_from_sdc --volume_name v --all_sdcs --i_am_sure")
	w.refused("host1", "--unmap_volume_from_sdc --volume_name v --sdc_ip 127.0.1.12 --i_am_sure", "The volume is not mapped to SDC")
	w.scliOK("host1", "--remove_volume --volume_name v --i_am_sure")
	require.Equal(t, "Logged out\n", w.scliOK("host1", "--logout"))
}

// Members are replaced, and the cluster shrinks and grows again.
func TestMembersChange(t *testing.T) {
	w := bootstrapped(t, scaleiotest.Options{}, 5)
	require.Equal(t, 5, w.Snapshot().Cluster.Mode)
	w.scliOK("host1", "--login --username admin --password "+password)
	w.scliOK("host1", "--switch_cluster_mode --cluster_mode 3_node --remove_slave_mdm_name mdm3 --remove_tb_name tb2 --i_am_sure")
	require.Equal(t, []string{"mdm3", "tb2"}, w.Snapshot().Cluster.Standbys)
	w.refused("host1", "--replace_cluster_mdm --add_slave_mdm_name mdm3 --i_am_sure", "Wrong number of MDMs")
	w.scliOK("host1", "--replace_cluster_mdm --add_slave_mdm_name mdm3 --remove_slave_mdm_name mdm2 --i_am_sure")
	require.Equal(t, []string{"mdm3"}, w.Snapshot().Cluster.Slaves)
	w.scliOK("host1", "--switch_mdm_ownership --new_master_mdm_name mdm3")
	require.Equal(t, "mdm3", w.Snapshot().Cluster.Master)
	require.Equal(t, 1, w.scli("host1", "--query_cluster").Exit, "host1 is master no more")
	w.scliOK("host3", "--login --username admin --password "+password+" --approve_certificate")
	w.scliOK("host3", "--remove_standby_mdm --remove_mdm_name mdm2 --i_am_sure")
	require.Equal(t, []string{"tb2"}, w.Snapshot().Cluster.Standbys)
	c := w.loggedIn("host3")
	status, _ := c.post("/api/instances/System/action/addStandbyMdm", map[string]any{"ips": []string{"127.0.1.12"}, "role": "Manager", "name": "again"})
	require.Equal(t, 200, status)
	status, _ = c.post("/api/instances/System/action/renameMdm", map[string]any{"id": "again", "newName": "mdm2"})
	require.Equal(t, 200, status)
	require.Equal(t, []string{"mdm2", "tb2"}, w.Snapshot().Cluster.Standbys)
}
