package scaleiotest_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/scaleio/scaleiotest"
)

// A platform is installed by hand on five hosts, as an operator does it with
// the vendor's tools: packages, three-node cluster, growth to five nodes, then
// storage through the gateway.
func TestBootstrapByHand(t *testing.T) {
	for _, system := range []scaleiotest.OS{scaleiotest.Ubuntu, scaleiotest.EL7} {
		t.Run(string(system), func(t *testing.T) {
			w := newWorld(t, scaleiotest.Options{})
			w.hosts(5, system, scaleiotest.Disk{Name: "sdb", SizeBytes: disk100})
			installAll(w, system)
			formCluster(w)
			makeStorage(w)
			growToFive(w)
		})
	}
}

// installAll installs the packages: managers on hosts 1, 2 and 4.
func installAll(w *world, system scaleiotest.OS) {
	files, err := scaleiotest.WritePackages(filepath.Join(w.t.TempDir(), "packages"), "2.6-11000.113")
	require.NoError(w.t, err)
	require.Len(w.t, files, 10)
	managers := map[string]bool{"host1": true, "host2": true, "host4": true}
	for i := range 5 {
		host := fmt.Sprintf("host%d", i+1)
		for _, f := range files {
			if f.OS != system || f.Component == "gateway" && !managers[host] {
				continue
			}
			role := "MDM_ROLE_IS_MANAGER=0"
			if managers[host] {
				role = "MDM_ROLE_IS_MANAGER=1"
			}
			env := []string{role, "TOKEN=Tok-en-1234", "MDM_IP=127.0.1.11,127.0.1.12", "GATEWAY_ADMIN_PASSWORD=Gate-way-1"}
			if system == scaleiotest.Ubuntu {
				w.ok(host, "dpkg", append(env, "-i", f.Path)...)
				require.Equal(w.t, "installed "+f.Version, w.ok(host, "dpkg-query", "-W", "-f", "${db:Status-Status} ${Version}", f.Name))
			} else {
				w.ok(host, "rpm", append(env, "-Uvh", f.Path)...)
				require.Equal(w.t, f.Version+"\n", w.ok(host, "rpm", "-q", "--qf", `%{VERSION}-%{RELEASE}\n`, f.Name))
			}
		}
		for _, unit := range []string{"mdm", "sds", "lia", "scini"} {
			require.Equal(w.t, "active\n", w.ok(host, "systemctl", "is-active", unit))
		}
	}
}

func formCluster(w *world) {
	w.refused("host1", "--query_cluster", "The MDM cluster state is incorrect")
	require.Contains(w.t, w.scliOK("host1", "--create_mdm_cluster --master_mdm_ip 127.0.1.11 --master_mdm_management_ip 127.0.1.11 --master_mdm_name mdm1 --accept_license --approve_certificate"),
		"Successfully created the MDM Cluster")
	w.refused("host1", "--query_all", "Invalid session. Please login and try again.")
	require.Contains(w.t, w.scliOK("host1", "--login --username admin --password admin"), "Logged in. User role is SuperUser. System ID is ")
	w.refused("host1", "--query_all", "You do not have permission")
	w.refused("host1", "--set_password --old_password admin --new_password short", "This password lacks character diversity")
	require.Equal(w.t, "Password changed successfully\n", w.scliOK("host1", "--set_password --old_password admin --new_password "+password))
	w.refused("host1", "--login --username admin --password admin", "Permission denied.")
	w.scliOK("host1", "--login --username admin --password "+password)

	w.refused("host1", "--add_standby_mdm --new_mdm_ip 127.0.1.13 --mdm_role manager --new_mdm_name tb1", "The role of the new MDM does not match")
	w.scliOK("host1", "--add_standby_mdm --new_mdm_ip 127.0.1.12 --mdm_role manager --new_mdm_management_ip 127.0.1.12 --new_mdm_name mdm2")
	w.scliOK("host1", "--add_standby_mdm --new_mdm_ip 127.0.1.13 --mdm_role tb --new_mdm_name tb1")
	require.Contains(w.t, w.scliOK("host1", "--query_cluster"), "Standby MDMs:\n    Name: mdm2, ID: 0x")
	w.refused("host1", "--switch_cluster_mode --cluster_mode 3_node --add_slave_mdm_name mdm2", "Wrong number of MDMs for this transition")
	require.Contains(w.t, w.scliOK("host1", "--switch_cluster_mode --cluster_mode 3_node --add_slave_mdm_name mdm2 --add_tb_name tb1"), "Successfully switched the cluster mode")
	require.Contains(w.t, w.scliOK("host1", "--rename_system --new_name scaleio"), "Successfully renamed system to")
	require.Contains(w.t, w.scliOK("host1", "--query_cluster"), "Name: scaleio, Mode: 3_node, State: Normal, Active: 3/3, Replicas: 2/2")
	require.Equal(w.t, "Query-all-SDS returned 0 SDS nodes\n", w.scliOK("host1", "--query_all_sds"))
}

// makeStorage configures the gateway of host 2 and makes storage through it.
func makeStorage(w *world) {
	c := w.rest("host2")
	status, body := c.do("GET", "/api/login", "", "admin", password)
	require.Equal(w.t, 500, status, "a gateway that knows no MDM logs nobody in: %s", body)
	require.NoError(w.t, w.WriteFile("host2", "/opt/emc/scaleio/gateway/webapps/ROOT/WEB-INF/classes/gatewayUser.properties",
		"mdm.ip.addresses=127.0.1.11,127.0.1.12\nsecurity.bypass_certificate_check=true\n"))
	status, _ = c.do("GET", "/api/login", "", "admin", password)
	require.Equal(w.t, 500, status, "the file counts after a restart only")
	w.ok("host2", "systemctl", "restart", "scaleio-gateway.service")

	c = w.loggedIn("host2")
	pd := c.create("ProtectionDomain", map[string]any{"name": "default"})
	sp := c.create("StoragePool", map[string]any{"name": "default", "protectionDomainId": pd, "zeroPaddingEnabled": "TRUE"})
	status, answer := c.post("/api/instances/StoragePool::"+sp+"/action/setSparePercentage", map[string]any{"sparePercentage": "34"})
	require.Equal(w.t, 200, status, "%v", answer)
	for i := range 5 {
		sds := c.create("Sds", map[string]any{
			"name": fmt.Sprintf("sds%d", i+1), "protectionDomainId": pd, "sdsPort": "7072",
			"sdsIpList": []any{map[string]any{"SdsIp": map[string]any{"ip": fmt.Sprintf("127.0.1.%d", 11+i), "role": "all"}}},
		})
		c.create("Device", map[string]any{"deviceCurrentPathname": "/dev/sdb", "storagePoolId": sp, "sdsId": sds, "name": "d1"})
	}
	require.Len(w.t, c.get("/api/types/Sdc/instances"), 5, "the SDCs found the cluster by themselves")
	v := c.create("Volume", map[string]any{"name": "v1", "storagePoolId": sp, "volumeSizeInKb": "8388608", "volumeType": "ThinProvisioned"})
	sdc := c.get("/api/types/Sdc/instances").([]any)[0].(map[string]any)["id"]
	status, answer = c.post("/api/instances/Volume::"+v+"/action/addMappedSdc", map[string]any{"sdcId": sdc})
	require.Equal(w.t, 200, status, "%v", answer)
	require.Contains(w.t, w.ok("host1", "drv_cfg", "--query_vols"), "VOL-ID "+v)
	require.Contains(w.t, w.scliOK("host1", "--query_all_volumes"), "Mapped to 1 SDC Thin-provisioned")
	require.Contains(w.t, w.scliOK("host1", "--query_all_sds"), "Query-all-SDS returned 5 SDS nodes.")
}

func growToFive(w *world) {
	w.scliOK("host1", "--add_standby_mdm --new_mdm_ip 127.0.1.14 --mdm_role manager --new_mdm_name mdm3")
	w.scliOK("host1", "--add_standby_mdm --new_mdm_ip 127.0.1.15 --mdm_role tb --new_mdm_name tb2")
	w.scliOK("host1", "--switch_cluster_mode --cluster_mode 5_node --add_slave_mdm_name mdm3 --add_tb_name tb2")
	require.Contains(w.t, w.scliOK("host1", "--query_cluster"), "Mode: 5_node, State: Normal, Active: 5/5, Replicas: 3/3")
	state := w.Snapshot().Cluster
	require.Equal(w.t, []string{"mdm2", "mdm3"}, state.Slaves)
	require.Equal(w.t, []string{"tb1", "tb2"}, state.TieBreakers)
	require.Equal(w.t, 1, w.Count(scaleiotest.OpCreateCluster, ""))
	require.Equal(w.t, 4, w.Count(scaleiotest.OpAddStandby, ""))
}
