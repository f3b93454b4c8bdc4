package scaleiotest_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"scaleio-framework/scaleio/scaleiotest"
)

// The arithmetic holds whatever is done, at every moment of a rebalance.
func TestCapacityInvariants(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := bootstrapped(t, scaleiotest.Options{Rebalance: time.Hour, DeviceTest: time.Second}, 4)
		defer func() { require.NoError(rt, w.Close()) }()
		c := w.direct("127.0.1.11")
		pd, sp := c.one("ProtectionDomain", "default")["id"], c.one("StoragePool", "default")["id"].(string)
		serial := 0
		action := func(name string, body map[string]any) {
			c.post("/api/instances/StoragePool::"+sp+"/action/"+name, body)
		}
		for range rapid.IntRange(1, 8).Draw(rt, "operations") {
			serial++
			switch rapid.IntRange(0, 5).Draw(rt, "operation") {
			case 0:
				action("setSparePercentage", map[string]any{"sparePercentage": rapid.IntRange(0, 99).Draw(rt, "spare")})
			case 1:
				require.NoError(rt, w.Fill("default", rapid.Float64Range(0, 1).Draw(rt, "fraction")))
			case 2:
				c.post("/api/types/Volume/instances", map[string]any{
					"name": fmt.Sprintf("v%d", serial), "storagePoolId": sp, "protectionDomainId": pd,
					"volumeSizeInKb": rapid.Int64Range(1, 1<<26).Draw(rt, "size"),
					"volumeType":     rapid.SampledFrom([]string{"ThinProvisioned", "ThickProvisioned"}).Draw(rt, "type"),
				})
			case 3:
				host := fmt.Sprintf("host%d", rapid.IntRange(1, 4).Draw(rt, "host"))
				name := fmt.Sprintf("x%d", serial)
				size := rapid.Int64Range(90<<30, 200<<30).Draw(rt, "bytes")
				require.NoError(rt, w.AddDisk(host, scaleiotest.Disk{Name: name, SizeBytes: size}))
				c.post("/api/types/Device/instances", map[string]any{
					"deviceCurrentPathname": "/dev/" + name, "sdsId": c.one("Sds", "sds_"+host)["id"], "storagePoolId": sp,
				})
			case 4:
				devices := c.get("/api/types/Device/instances").([]any)
				if len(devices) == 0 {
					continue
				}
				d := rapid.SampledFrom(devices).Draw(rt, "device").(map[string]any)
				c.post("/api/instances/Device::"+d["id"].(string)+"/action/removeDevice", map[string]any{})
			case 5:
				occupied := rapid.Int64Range(0, 1<<22).Draw(rt, "occupied")
				// Snapshots may not fit; then nothing changes.
				_ = w.SetSnapshots("default", occupied, occupied+rapid.Int64Range(0, 1<<22).Draw(rt, "reserved"))
			}
			w.now = w.now.Add(time.Duration(rapid.IntRange(0, 599).Draw(rt, "seconds")) * time.Second)
			checkArithmetic(rt, t, c, sp)
		}
	})
}

// checkArithmetic compares the answers with the rules of the real system.
func checkArithmetic(rt *rapid.T, t *testing.T, c *rest, sp string) {
	s := c.get("/api/instances/StoragePool::" + sp + "/relationships/Statistics").(map[string]any)
	of := func(key string) int64 { return number(t, s, key) }
	percent := number(t, c.one("StoragePool", "default"), "sparePercentage")
	limit, spare, inUse, unused := of("capacityLimitInKb"), of("spareCapacityInKb"), of("capacityInUseInKb"), of("unusedCapacityInKb")
	require.Equal(rt, limit, spare+inUse+unused)
	require.GreaterOrEqual(rt, unused, int64(0))
	require.Equal(rt, inUse, of("thickCapacityInUseInKb")+of("thinCapacityInUseInKb")+of("snapCapacityInUseOccupiedInKb"))
	require.Equal(rt, limit*percent/100/1024*1024, spare)
	const step = 8 << 20
	net := (unused - (of("snapCapacityInUseInKb") - of("snapCapacityInUseOccupiedInKb"))) / 2
	require.Equal(rt, max(0, net/step*step), of("capacityAvailableForVolumeAllocationInKb"))

	_, answer := c.post("/api/types/Device/instances/action/querySelectedStatistics", map[string]any{
		"allIds": "", "properties": []string{"capacityLimitInKb", "capacityInUseInKb", "maxCapacityInKb"},
	})
	var devices, held int64
	for _, o := range c.get("/api/types/Device/instances").([]any) {
		d := o.(map[string]any)
		stat := answer.(map[string]any)[d["id"].(string)].(map[string]any)
		devices += number(t, stat, "capacityLimitInKb")
		held += number(t, stat, "capacityInUseInKb")
		require.LessOrEqual(rt, number(t, stat, "capacityInUseInKb"), number(t, stat, "maxCapacityInKb"))
		if d["deviceState"] == "Normal" {
			require.Equal(rt, number(t, d, "capacityLimitInKb"), number(t, stat, "capacityLimitInKb"))
		}
	}
	require.Equal(rt, limit, devices)
	require.Equal(rt, inUse, held, "the devices hold all of the pool's data")
	system := c.get("/api/instances/System/relationships/Statistics").(map[string]any)
	require.Equal(rt, unused, number(t, system, "unusedCapacityInKb"))
}

// The sizes of real samples: disks of 100 and 110 GiB.
func TestDeviceSizes(t *testing.T) {
	w := newWorld(t, scaleiotest.Options{})
	hosts := scaleiotest.Hosts(3, 1, disk100)
	hosts[2].Disks[0].SizeBytes = 110 << 30
	require.NoError(t, w.Bootstrap(scaleiotest.BootstrapSpec{Hosts: hosts, Storage: true, SparePercent: 10}))
	c := w.loggedIn("host1")
	devices := c.get("/api/types/Device/instances").([]any)
	require.Equal(t, int64(103808000), number(t, devices[0].(map[string]any), "maxCapacityInKb"))
	require.Equal(t, int64(114293760), number(t, devices[2].(map[string]any), "maxCapacityInKb"))
	require.NoError(t, w.AddDisk("host1", scaleiotest.Disk{Name: "small", SizeBytes: 99_999_999_999}))
	require.NoError(t, w.AddDisk("host1", scaleiotest.Disk{Name: "huge", SizeBytes: 9 << 40}))
	require.NoError(t, w.AddDisk("host1", scaleiotest.Disk{Name: "busy", SizeBytes: disk100, Mounted: "/data"}))
	require.NoError(t, w.AddDisk("host1", scaleiotest.Disk{Name: "cut", SizeBytes: disk100, Partitions: []string{"cut1"}}))
	for name, code := range map[string]string{"small": "72", "huge": "72", "busy": "341", "cut": "340"} {
		_, answer := c.post("/api/types/Device/instances", map[string]any{
			"deviceCurrentPathname": "/dev/" + name, "sdsId": c.one("Sds", "sds_host1")["id"], "storagePoolId": c.one("StoragePool", "default")["id"],
		})
		require.Equal(t, code, fmt.Sprint(answer.(map[string]any)["errorCode"]), name)
	}
}
