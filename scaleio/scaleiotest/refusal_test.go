package scaleiotest_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/scaleio/scaleiotest"
)

// Repeating a step of a bootstrap is refused with the words that clients
// recognise as "done already", and changes nothing.
func TestSecondRunIsRefused(t *testing.T) {
	w := bootstrapped(t, scaleiotest.Options{}, 3)
	w.scliOK("host1", "--login --username admin --password "+password)
	w.scliOK("host1", "--add_fault_set --protection_domain_name default --fault_set_name fs1")
	before := w.Snapshot()
	for line, text := range map[string]string{
		"--create_mdm_cluster --master_mdm_ip 127.0.1.11 --accept_license --approve_certificate":                                         "The MDM cluster state is incorrect",
		"--login --username admin --password admin":                                                                                      "Permission denied",
		"--add_standby_mdm --new_mdm_ip 127.0.1.12 --mdm_role manager --new_mdm_name other":                                              "An MDM with the same IP address already exists.",
		"--add_standby_mdm --new_mdm_ip 127.0.1.19 --mdm_role manager --new_mdm_name mdm2":                                               "An MDM with the same name already exists.",
		"--switch_cluster_mode --cluster_mode 3_node --add_slave_mdm_name mdm2 --add_tb_name tb1":                                        "The MDM is already in this cluster mode.",
		"--rename_system --new_name scaleio":                                                                                             "System name already in use.",
		"--add_protection_domain --protection_domain_name default":                                                                       "Protection Domain name already in use. Please try a different name.",
		"--add_storage_pool --protection_domain_name default --storage_pool_name default":                                                "Storage Pool name already exists",
		"--add_fault_set --protection_domain_name default --fault_set_name fs1":                                                          "This Fault Set name already exists",
		"--add_sds --sds_ip 127.0.1.11 --protection_domain_name default --sds_name sds_host1":                                            "SDS name is already in use. Please use a different name.",
		"--add_sds --sds_ip 127.0.1.11 --protection_domain_name default --sds_name other":                                                "The SDS IP address and port already in use.",
		"--add_sds_device --sds_name sds_host1 --device_path /dev/sdb --storage_pool_name default":                                       "A device with the given path already exists in the SDS",
		"--modify_zero_padding_policy --protection_domain_name default --storage_pool_name default --enable_zero_padding":                "This operation is only allowed when there are no devices in the Storage Pool.",
		"--modify_spare_policy --protection_domain_name default --storage_pool_name default --spare_percentage 100":                      "Invalid spare percentage",
		"--remove_protection_domain --protection_domain_name default":                                                                    "Protection Domain has SDSs",
		"--remove_storage_pool --protection_domain_name default --storage_pool_name default":                                             "The Storage Pool has SDS devices",
		"--add_volume --protection_domain_name default --storage_pool_name absent --size_gb 8 --volume_name v":                           "Could not find Storage Pool",
		"--map_volume_to_sdc --volume_name absent --sdc_ip 127.0.1.11":                                                                   "Could not find the volume",
		"--remove_standby_mdm --remove_mdm_name mdm2":                                                                                    "Could not find the MDM",
		"--add_sds --sds_ip 127.0.1.99 --protection_domain_name default --sds_name far":                                                  "Could not connect to the SDS",
		"--add_sds --sds_ip 127.0.1.99 --protection_domain_name default --sds_name far --fault_set_name none":                            "Could not find the Fault Set",
		"--set_capacity_alerts_threshold --capacity_high_threshold 90 --capacity_critical_threshold 80 --all_storage_pools":              "The high threshold value must be lower",
		"--add_volume --protection_domain_name default --storage_pool_name default --size_gb 4096 --volume_name big":                     "There is not enough",
		"--add_sds_device --sds_name sds_host1 --device_path /dev/sdz --storage_pool_name default":                                       "Could not open SDS device",
		"--add_volume --protection_domain_name default --storage_pool_name default --size_gb 8 --volume_name " + fmt.Sprintf("%032d", 0): "Parameter out of range",
	} {
		w.refused("host1", line, text)
	}
	require.Equal(t, before, w.Snapshot())
	require.Zero(t, w.Count(scaleiotest.OpCreateSDS, ""))
	require.Equal(t, 1, w.Refused(scaleiotest.OpCreatePD, "default"))
}

// Wrong options are answered on stdout with exit 1, which a text match on
// stdout would take for success.
func TestUsage(t *testing.T) {
	w := bootstrapped(t, scaleiotest.Options{}, 3)
	for _, line := range []string{"", "--query_clusters", "--add_protection_domain", "--login --username admin --password x --wrong y", "login"} {
		r := w.scli("host1", line)
		require.Equal(t, 1, r.Exit, line)
		require.Contains(t, r.Stdout, "Usage: scli", line)
		require.Empty(t, r.Stderr, line)
	}
	require.Contains(t, w.scliOK("host1", "--version"), "R2_6.11000.113")
}

// Only the master's host can be spoken to; the others name the address they
// could not reach.
func TestSpeakToTheMaster(t *testing.T) {
	w := bootstrapped(t, scaleiotest.Options{}, 4)
	for _, host := range []string{"host2", "host3", "host4"} {
		r := w.scli(host, "--query_cluster --approve_certificate")
		require.Equal(t, 1, r.Exit)
		require.Equal(t, "Error: Failed to connect to MDM 127.0.0.1:6611\n", r.Stderr)
	}
	require.Contains(t, w.scliOK("host4", "--query_cluster --approve_certificate --mdm_ip 127.0.1.12,127.0.1.11"), "Mode: 3_node")
}

// The certificate of the MDM is asked about once per host.
func TestCertificateIsAsked(t *testing.T) {
	w := bootstrapped(t, scaleiotest.Options{}, 3)
	r := w.scli("host2", "--query_cluster --mdm_ip 127.0.1.11")
	require.NotNil(t, r.Prompt)
	require.Contains(t, r.Prompt.Text, "Press 'y' to approve this certificate")
	w.scliOK("host2", "--query_cluster --mdm_ip 127.0.1.11 --approve_certificate")
	w.scliOK("host2", "--query_cluster --mdm_ip 127.0.1.11")
}

// The gateway refuses with the shape, status and code of the real one.
func TestGatewayErrors(t *testing.T) {
	w := bootstrapped(t, scaleiotest.Options{}, 3)
	c := w.loggedIn("host1")
	pd := c.one("ProtectionDomain", "default")["id"]
	sp := c.one("StoragePool", "default")["id"]
	sds := c.one("Sds", "sds_host1")["id"]
	for _, it := range []struct {
		what, kind string
		body       map[string]any
		status     int
		code       int
	}{
		{"a name in use", "ProtectionDomain", map[string]any{"name": "default"}, 500, 141},
		{"no such parent", "StoragePool", map[string]any{"name": "x", "protectionDomainId": "0"}, 500, 142},
		{"a bad spare percentage", "StoragePool", map[string]any{"name": "x", "protectionDomainId": pd, "sparePercentage": "100"}, 500, 316},
		{"a number that is none", "StoragePool", map[string]any{"name": "x", "protectionDomainId": pd, "sparePercentage": "many"}, 500, 64},
		{"an SDS without client address", "Sds", map[string]any{
			"name": "x", "protectionDomainId": pd, "sdsIpList": []any{map[string]any{"SdsIp": map[string]any{"ip": "127.0.1.50", "role": "sdsOnly"}}},
		}, 500, 275},
		{"addresses without the wrapper", "Sds", map[string]any{"name": "x", "protectionDomainId": pd, "sdsIpList": []any{map[string]any{"ip": "127.0.1.50"}}}, 400, 0},
		{"a path in use", "Device", map[string]any{"deviceCurrentPathname": "/dev/sdb", "sdsId": sds, "storagePoolId": sp}, 500, 673},
		{"a type that cannot be made", "Sdc", map[string]any{}, 405, 0},
		{"an unknown type", "Nothing", map[string]any{}, 404, 0},
	} {
		status, answer := c.post("/api/types/"+it.kind+"/instances", it.body)
		require.Equal(t, it.status, status, "%s: %v", it.what, answer)
		m := answer.(map[string]any)
		require.Equal(t, fmt.Sprint(it.code), m["errorCode"].(json.Number).String(), it.what)
		require.Equal(t, fmt.Sprint(it.status), m["httpStatusCode"].(json.Number).String(), it.what)
		require.NotEmpty(t, m["message"], it.what)
	}
	status, body := c.do("POST", "/api/types/ProtectionDomain/instances", "{", "", c.token)
	require.Equal(t, 400, status, "%s", body)
	status, answer := c.post("/api/types/StoragePool/instances/action/querySelectedStatistics", map[string]any{"allIds": "", "properties": []string{"noSuch"}})
	require.Equal(t, 400, status)
	require.Contains(t, answer.(map[string]any)["message"], "properties should contain only following values: ")
}

// A pool with devices on fewer than three fault units takes no volumes, and
// fault sets count as units.
func TestThreeFaultUnits(t *testing.T) {
	w := newWorld(t, scaleiotest.Options{})
	require.NoError(t, w.Bootstrap(scaleiotest.BootstrapSpec{Hosts: scaleiotest.Hosts(4, 1, disk100)}))
	c := w.loggedIn("host1")
	pd := c.create("ProtectionDomain", map[string]any{"name": "pd"})
	sp := c.create("StoragePool", map[string]any{"name": "sp", "protectionDomainId": pd})
	sets := []string{}
	for _, name := range []string{"fs1", "fs2"} {
		sets = append(sets, c.create("FaultSet", map[string]any{"name": name, "protectionDomainId": pd}))
	}
	volume := map[string]any{"name": "v", "storagePoolId": sp, "volumeSizeInKb": 1, "volumeType": "ThinProvisioned"}
	add := func(i int, set any) {
		sds := c.create("Sds", map[string]any{
			"protectionDomainId": pd, "faultSetId": set,
			"sdsIpList": []any{map[string]any{"SdsIp": map[string]any{"ip": fmt.Sprintf("127.0.1.%d", 10+i), "role": "all"}}},
		})
		c.create("Device", map[string]any{"deviceCurrentPathname": "/dev/sdb", "sdsId": sds, "storagePoolId": sp})
	}
	add(1, sets[0])
	add(2, sets[0])
	_, answer := c.post("/api/types/Volume/instances", volume)
	require.Equal(t, "144", answer.(map[string]any)["errorCode"].(json.Number).String(), "two SDSs are too few")
	add(3, sets[1])
	_, answer = c.post("/api/types/Volume/instances", volume)
	require.Equal(t, "287", answer.(map[string]any)["errorCode"].(json.Number).String(), "three SDSs in two fault sets are too few")
	add(4, nil)
	id := c.create("Volume", volume)
	v := c.get("/api/instances/Volume::" + id).(map[string]any)
	require.Equal(t, "8388608", v["sizeInKb"].(json.Number).String(), "sizes are rounded up to 8 GiB")
	require.Equal(t, "SDS_[127.0.1.11]", c.get("/api/instances/FaultSet::" + sets[0] + "/relationships/Sds").([]any)[0].(map[string]any)["name"])
}

// From 3.0 on a pool wants a media type, and its answers have one.
func TestMediaTypes(t *testing.T) {
	w := bootstrapped(t, scaleiotest.Options{Version: "3.0-200.104"}, 3)
	c := w.loggedIn("host1")
	pd := c.one("ProtectionDomain", "default")["id"]
	_, answer := c.post("/api/types/StoragePool/instances", map[string]any{"name": "x", "protectionDomainId": pd})
	require.Equal(t, "818", answer.(map[string]any)["errorCode"].(json.Number).String())
	c.create("StoragePool", map[string]any{"name": "x", "protectionDomainId": pd, "mediaType": "SSD"})
	require.Equal(t, "SSD", c.one("StoragePool", "x")["mediaType"])
}
