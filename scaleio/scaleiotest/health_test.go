package scaleiotest_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/scaleio/scaleiotest"
)

// number reads a number of a statistics answer.
func number(t *testing.T, o map[string]any, key string) int64 {
	t.Helper()
	n, err := o[key].(json.Number).Int64()
	require.NoError(t, err)
	return n
}

func (c *rest) poolStatistics(name string) map[string]any {
	c.t.Helper()
	id := c.one("StoragePool", name)["id"].(string)
	return c.get("/api/instances/StoragePool::" + id + "/relationships/Statistics").(map[string]any)
}

// When the master dies the slave takes over; when the majority is gone, nobody
// answers.
func TestMasterFails(t *testing.T) {
	w := bootstrapped(t, scaleiotest.Options{}, 3)
	require.NoError(t, w.StopHost("host1"))
	c := w.loggedIn("host2")
	cluster := c.get("/api/instances/System/queryMdmCluster").(map[string]any)
	require.Equal(t, "mdm2", cluster["master"].(map[string]any)["name"])
	require.Equal(t, "ClusteredDegraded", cluster["clusterState"])
	require.Contains(t, w.scliOK("host2", "--query_cluster --approve_certificate"), "State: Degraded, Active: 2/3, Replicas: 1/2")

	w.ok("host3", "systemctl", "stop", "mdm")
	status, _ := c.do("GET", "/api/types/System/instances", "", "", c.token)
	require.Equal(t, 500, status)
	require.Equal(t, 1, w.scli("host2", "--query_cluster").Exit)

	require.NoError(t, w.StartHost("host1"))
	require.Equal(t, 3, w.Snapshot().Cluster.Mode)
	c = w.loggedIn("host1")
	require.Equal(t, "ClusteredTiebreakerDown", c.get("/api/instances/System/queryMdmCluster").(map[string]any)["clusterState"])
}

// An SDS that is gone leaves degraded data behind.
func TestSDSFails(t *testing.T) {
	w := bootstrapped(t, scaleiotest.Options{}, 4)
	require.NoError(t, w.Fill("default", 0.5))
	c := w.loggedIn("host1")
	require.Zero(t, number(t, c.poolStatistics("default"), "degradedHealthyCapacityInKb"))
	w.ok("host4", "systemctl", "stop", "sds")
	s := c.poolStatistics("default")
	require.Positive(t, number(t, s, "degradedHealthyCapacityInKb"))
	require.Equal(t, number(t, s, "capacityInUseInKb"),
		number(t, s, "protectedCapacityInKb")+number(t, s, "degradedHealthyCapacityInKb")+number(t, s, "degradedFailedCapacityInKb"))
	require.Equal(t, "Disconnected", c.one("Sds", "sds_host4")["mdmConnectionState"])
	w.ok("host4", "systemctl", "start", "sds")
	require.Equal(t, "Connected", c.one("Sds", "sds_host4")["mdmConnectionState"])
}

// A device is tested, then takes part, and rebalancing fills it with time.
func TestDeviceJoins(t *testing.T) {
	w := bootstrapped(t, scaleiotest.Options{DeviceTest: 10 * time.Second, Rebalance: time.Hour}, 3)
	require.NoError(t, w.Fill("default/default", 0.9))
	c := w.loggedIn("host1")
	before := c.poolStatistics("default")
	require.NoError(t, w.AddDisk("host1", scaleiotest.Disk{Name: "sdx", SizeBytes: disk100}))
	id := c.create("Device", map[string]any{
		"deviceCurrentPathname": "/dev/sdx", "name": "vol-1", "sdsId": c.one("Sds", "sds_host1")["id"], "storagePoolId": c.one("StoragePool", "default")["id"],
	})
	require.Equal(t, "InitialTest", c.one("Device", "vol-1")["deviceState"])
	require.Equal(t, before["capacityLimitInKb"], c.poolStatistics("default")["capacityLimitInKb"])

	w.now = w.now.Add(10 * time.Second)
	require.Equal(t, "Normal", c.one("Device", "vol-1")["deviceState"])
	joined := c.poolStatistics("default")
	require.Equal(t, number(t, before, "capacityLimitInKb")+103808000, number(t, joined, "capacityLimitInKb"), "the limit grows at once")
	require.Positive(t, number(t, joined, "rebalanceCapacityInKb"))
	used := func() int64 {
		return number(t, c.get("/api/instances/Device::"+id+"/relationships/Statistics").(map[string]any), "capacityInUseInKb")
	}
	require.Zero(t, used())
	w.now = w.now.Add(5 * time.Minute)
	early := used()
	require.Positive(t, early)
	w.now = w.now.Add(time.Hour)
	c = w.loggedIn("host1")
	require.Greater(t, used(), early)
	require.Zero(t, number(t, c.poolStatistics("default"), "rebalanceCapacityInKb"))
	require.Equal(t, before["capacityInUseInKb"], c.poolStatistics("default")["capacityInUseInKb"])
}

// Data that would not fit any more keeps devices from leaving.
func TestRemovalIsRefusedWhenFull(t *testing.T) {
	w := bootstrapped(t, scaleiotest.Options{}, 4)
	require.NoError(t, w.Fill("default", 0.95))
	c := w.loggedIn("host1")
	id := c.get("/api/types/Device/instances").([]any)[0].(map[string]any)["id"].(string)
	_, answer := c.post("/api/instances/Device::"+id+"/action/removeDevice", map[string]any{})
	require.Equal(t, "1026", answer.(map[string]any)["errorCode"].(json.Number).String())
	require.NoError(t, w.Fill("default", 0.1))
	status, _ := c.post("/api/instances/Device::"+id+"/action/removeDevice", map[string]any{})
	require.Equal(t, 200, status)
	require.Len(t, c.get("/api/types/Device/instances"), 7)
}

// Thin volumes are refused once the pool is critical.
func TestCriticalPool(t *testing.T) {
	w := bootstrapped(t, scaleiotest.Options{}, 3)
	require.NoError(t, w.Fill("default", 0.95))
	c := w.loggedIn("host1")
	_, answer := c.post("/api/types/Volume/instances", map[string]any{
		"name": "v", "storagePoolId": c.one("StoragePool", "default")["id"], "volumeSizeInKb": "8388608", "volumeType": "ThinProvisioned",
	})
	require.Equal(t, "337", answer.(map[string]any)["errorCode"].(json.Number).String())
	alerts := c.get("/api/types/Alert/instances").([]any)
	require.Equal(t, "CAPACITY_UTILIZATION_ABOVE_CRITICAL_THRESHOLD", alerts[0].(map[string]any)["alertType"])
}
