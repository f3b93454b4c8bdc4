package scaleio_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/scaleio"
)

// example is a pool of three disks of 100 GiB with 10 percent spare and a few
// thin volumes, as a real 2.6 system has reported it.
var example = scaleio.Capacity{
	MaxKiB: 311424000, LimitKiB: 311424000, SpareKiB: 31141888, InUseKiB: 50110464, UnusedKiB: 230171648,
	ThinInUseKiB: 49360896, SnapOccupiedKiB: 749568, SnapReservedKiB: 16699392, ThinAllocated: 67108864,
	AvailableKiB: 100663296,
}

func TestFullnessIsMeasuredWithoutTheSpare(t *testing.T) {
	full, err := example.Fullness()
	require.NoError(t, err)
	require.InDelta(t, 50110464.0/(311424000-31141888), full, 1e-12)
	free, err := example.NetFreeKiB()
	require.NoError(t, err)
	require.EqualValues(t, 115085824, free)
}

func TestImplausibleFiguresDecideNothing(t *testing.T) {
	for name, change := range map[string]func(*scaleio.Capacity){
		"a negative size":                  func(c *scaleio.Capacity) { c.InUseKiB = -1 },
		"a size that would overflow":       func(c *scaleio.Capacity) { c.SpareKiB = math.MaxInt64 },
		"a use that was read as zero":      func(c *scaleio.Capacity) { c.InUseKiB, c.ThinInUseKiB = 0, 0 },
		"a limit that was read as zero":    func(c *scaleio.Capacity) { c.LimitKiB = 0 },
		"parts that do not make the whole": func(c *scaleio.Capacity) { c.UnusedKiB++ },
		"a limit above the disks":          func(c *scaleio.Capacity) { c.MaxKiB-- },
		"parts of the use above it":        func(c *scaleio.Capacity) { c.ThickInUseKiB = c.InUseKiB },
		"more net than half of raw":        func(c *scaleio.Capacity) { c.AvailableKiB = c.LimitKiB },
		"nothing but spare":                func(c *scaleio.Capacity) { *c = scaleio.Capacity{MaxKiB: 1024, LimitKiB: 1024, SpareKiB: 1024} },
	} {
		t.Run(name, func(t *testing.T) {
			c := example
			change(&c)
			_, err := c.Fullness()
			var implausible *scaleio.ImplausibleError
			require.ErrorAs(t, err, &implausible)
		})
	}
	_, err := scaleio.Capacity{}.Fullness()
	require.ErrorIs(t, err, scaleio.ErrNoCapacity, "a pool without devices is neither full nor empty")
}

func TestFullnessOfADevice(t *testing.T) {
	full, err := scaleio.DeviceCapacity{LimitKiB: 200, InUseKiB: 50}.Fullness()
	require.NoError(t, err)
	require.InDelta(t, 0.25, full, 1e-12)
	_, err = scaleio.DeviceCapacity{}.Fullness()
	require.ErrorIs(t, err, scaleio.ErrNoCapacity)
	for _, c := range []scaleio.DeviceCapacity{{LimitKiB: -1}, {LimitKiB: 1, InUseKiB: -1}, {LimitKiB: 1, InUseKiB: 2}} {
		_, err = c.Fullness()
		var implausible *scaleio.ImplausibleError
		require.ErrorAs(t, err, &implausible)
	}
}

func TestDeviceSizes(t *testing.T) {
	for _, test := range []struct{ gib, kib int64 }{{100, 103808000}, {110, 114293760}} {
		kib, err := scaleio.DeviceKiB(test.gib << 30)
		require.NoError(t, err)
		require.Equal(t, test.kib, kib, "%d GiB", test.gib)
	}
	for _, bytes := range []int64{-1, 0, 1 << 30} {
		_, err := scaleio.DeviceKiB(bytes)
		require.Error(t, err)
	}
}

func TestSpareArithmetic(t *testing.T) {
	for units, want := range map[int]int{3: 34, 4: 25, 5: 20, 6: 17, 7: 15, 10: 10, 100: 1, 1000: 1} {
		percent, err := scaleio.MinSparePercent(units)
		require.NoError(t, err)
		require.Equal(t, want, percent, "%d fault units", units)
	}
	for _, units := range []int{-1, 0, 2} {
		_, err := scaleio.MinSparePercent(units)
		require.ErrorContains(t, err, "at least 3")
	}
	spare, err := scaleio.SpareKiB(332395520, 10)
	require.NoError(t, err)
	require.EqualValues(t, 33239040, spare, "whole MiB")
	for _, bad := range []struct {
		limit   int64
		percent int
	}{{-1, 10}, {1, -1}, {1, 100}, {math.MaxInt64, 10}} {
		_, err := scaleio.SpareKiB(bad.limit, bad.percent)
		require.Error(t, err)
	}
}

func TestLimits(t *testing.T) {
	old, recent := scaleio.LimitsOf(scaleio.Version{Major: 2, Minor: 6}), scaleio.LimitsOf(scaleio.Version{Major: 4, Minor: 5})
	require.Equal(t, 6611, old.ManagementPort)
	require.Equal(t, 8611, recent.ManagementPort)
	require.Equal(t, 64, old.DevicesPerSDS)
	require.Equal(t, 300, old.DevicesPerPool)
	for _, test := range []struct {
		name   string
		limits scaleio.Limits
		bytes  int64
		want   string
	}{
		{"a disk of 100 GB is enough", old, 100e9, ""},
		{"one byte less is not", old, 100e9 - 1, "below"},
		{"7 TB are too much for 2.x", old, 7e12, "above"},
		{"and good for 4.x", recent, 7e12, ""},
		{"which has an end too", recent, 16e12, "above"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := test.limits.CheckDevice(test.bytes)
			if test.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, test.want)
		})
	}
}

func TestPoolHealth(t *testing.T) {
	require.False(t, scaleio.PoolStatistics{}.Degraded())
	require.True(t, scaleio.PoolStatistics{DegradedHealthyKiB: 1}.Degraded())
	require.True(t, scaleio.PoolStatistics{UnreachableKiB: 1}.Degraded())
	require.True(t, scaleio.PoolStatistics{PendingFwdRebuild: 1}.Rebuilding())
	require.True(t, scaleio.PoolStatistics{ActiveBckRebuild: 1}.Rebuilding())
	require.True(t, scaleio.PoolStatistics{PendingRebalanceKiB: 1}.Rebalancing())
	require.True(t, scaleio.PoolStatistics{ActiveMovingKiB: 1}.Rebalancing())
	require.False(t, scaleio.PoolStatistics{PendingRebalanceKiB: 1}.Rebuilding())
}

// sample reads an answer of a real gateway, or skips where they are absent.
func sample(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "shared", "data", "scaleio", name))
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("the recorded answers are not here")
	}
	require.NoError(t, err)
	return data
}

// part takes one member of a recorded answer.
func part(t *testing.T, data []byte, keys ...string) []byte {
	t.Helper()
	for _, key := range keys {
		var object map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(data, &object))
		data = object[key]
		require.NotEmpty(t, data, key)
	}
	return data
}

// recorded is a client of a gateway that gives recorded answers.
func recorded(t *testing.T, answers map[string][]byte) (*scaleio.Client, context.Context) {
	g := newGateway(t)
	for path, data := range answers {
		g.once(path, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(data) })
	}
	return g.client(t), short(t)
}

func TestRecordedObjects(t *testing.T) {
	all := sample(t, "26-instances.json")
	c, ctx := recorded(t, map[string][]byte{
		"/api/types/System/instances":           []byte("[" + string(part(t, all, "System")) + "]"),
		"/api/types/ProtectionDomain/instances": part(t, all, "protectionDomainList"),
		"/api/types/StoragePool/instances":      part(t, all, "storagePoolList"),
		"/api/types/FaultSet/instances":         part(t, all, "faultSetList"),
		"/api/types/Sds/instances":              part(t, all, "sdsList"),
		"/api/types/Device/instances":           part(t, all, "deviceList"),
		"/api/types/Sdc/instances":              part(t, all, "sdcList"),
		"/api/types/Volume/instances":           part(t, all, "volumeList"),
	})
	system, err := c.System(ctx)
	require.NoError(t, err)
	require.Equal(t, "499634a44778afc0", system.ID)
	require.Equal(t, "3e9fc5811a7efb00", system.InstallationID)
	require.True(t, system.MDMCluster.Healthy())
	require.Equal(t, "ThreeNodes", system.MDMCluster.Mode)
	require.Equal(t, []string{"100.127.0.10"}, system.MDMCluster.Primary.IPs)
	require.Len(t, system.MDMCluster.Secondaries, 1)
	require.Len(t, system.MDMCluster.TieBreakers, 1)
	require.Equal(t, "TieBreaker", system.MDMCluster.TieBreakers[0].Role)

	pd, err := c.FindProtectionDomain(ctx, "default")
	require.NoError(t, err)
	require.Equal(t, "Active", pd.State)
	pool, err := c.FindStoragePool(ctx, pd.ID, "StoragePool2")
	require.NoError(t, err)
	require.Equal(t, scaleio.StoragePool{
		ID: "4039828b00000001", Name: "StoragePool2", ProtectionDomainID: pd.ID, SparePercentage: 10,
		CapacityAlertHigh: 80, CapacityAlertCritical: 90, RebuildEnabled: true, RebalanceEnabled: true,
	}, *pool)
	fs, err := c.FindFaultSet(ctx, pd.ID, "MyFaultSet")
	require.NoError(t, err)
	require.Equal(t, "a6a7b4cf00000000", fs.ID)
	sds, err := c.FindSDS(ctx, "SDS_[100.127.0.11]")
	require.NoError(t, err)
	require.True(t, sds.Healthy())
	require.Equal(t, []scaleio.SDSIP{{IP: "100.127.0.11", Role: "all"}}, sds.IPs)
	require.EqualValues(t, 7072, sds.Port)
	require.Empty(t, sds.FaultSetID)
	devices, err := c.Devices(ctx)
	require.NoError(t, err)
	require.Len(t, devices, 6)
	for _, d := range devices {
		require.True(t, d.Normal())
		require.Contains(t, []int64{103808000, 114293760, 107995136, 110092288}, d.CapacityKiB)
		require.True(t, strings.HasPrefix(d.CurrentPath, "/dev/"))
	}
	sdc, err := c.FindSDC(ctx, "100.127.0.12")
	require.NoError(t, err)
	require.Equal(t, "6076fd1100000002", sdc.ID)
	require.False(t, sdc.Connected())
	volumes, err := c.Volumes(ctx)
	require.NoError(t, err)
	require.Len(t, volumes, 2)
	for _, v := range volumes {
		require.EqualValues(t, 16<<20, v.SizeKiB)
	}
}

func TestRecordedObjectsOf3x(t *testing.T) {
	c, ctx := recorded(t, map[string][]byte{
		"/api/types/System/instances":      sample(t, "3x-get_system_instances.json"),
		"/api/types/StoragePool/instances": sample(t, "3x-get_storage_pool_instances.json"),
		"/api/types/Sdc/instances":         sample(t, "3x-get_sdc_instances.json"),
	})
	systems, err := c.Systems(ctx)
	require.NoError(t, err)
	require.NotEmpty(t, systems)
	require.Equal(t, "mocksystem", systems[0].Name)
	require.Len(t, systems[0].MDMCluster.Secondaries, 1)
	pools, err := c.StoragePools(ctx)
	require.NoError(t, err)
	require.True(t, pools[0].ZeroPadding)
	sdc, err := c.FindSDC(ctx, "127.1.1.11")
	require.NoError(t, err)
	require.True(t, sdc.Connected(), "3.x gives a list of addresses")
}

func TestRecordedStatistics(t *testing.T) {
	check := func(t *testing.T, c scaleio.Capacity, spare int) {
		require.NoError(t, c.Check())
		want, err := scaleio.SpareKiB(c.LimitKiB, spare)
		require.NoError(t, err)
		require.Equal(t, want, c.SpareKiB)
		require.Equal(t, c.InUseKiB, c.ThickInUseKiB+c.ThinInUseKiB+c.SnapOccupiedKiB)
		require.Zero(t, c.AvailableKiB%scaleio.VolumeStepKiB)
		require.Equal(t, (c.UnusedKiB-(c.SnapReservedKiB-c.SnapOccupiedKiB))/2/scaleio.VolumeStepKiB*scaleio.VolumeStepKiB, c.AvailableKiB)
		_, err = c.Fullness()
		require.NoError(t, err)
	}
	t.Run("2.6", func(t *testing.T) {
		all := sample(t, "26-selected_statistics.json")
		for _, id := range []string{"40395b7b00000000", "4039828b00000001"} {
			c, ctx := recorded(t, map[string][]byte{
				"/api/instances/StoragePool::" + id + "/relationships/Statistics": part(t, all, "StoragePool", id),
			})
			s, err := c.PoolStatistics(ctx, id)
			require.NoError(t, err)
			check(t, s.Capacity, 10)
			require.EqualValues(t, 3, s.Devices)
			require.False(t, s.Degraded() || s.Rebuilding() || s.Rebalancing())
		}
		c, ctx := recorded(t, map[string][]byte{
			"/api/instances/querySelectedStatistics":              all,
			"/api/instances/System::499/relationships/Statistics": part(t, all, "System"),
		})
		pools, err := c.AllPoolStatistics(ctx)
		require.NoError(t, err)
		require.Len(t, pools, 2)
		check(t, pools["40395b7b00000000"].Capacity, 10)
		system, err := c.SystemCapacity(ctx, "499")
		require.NoError(t, err)
		require.NoError(t, system.Check())
		require.Equal(t, pools["40395b7b00000000"].AvailableKiB+pools["4039828b00000001"].AvailableKiB, system.AvailableKiB)
	})
	t.Run("3.x", func(t *testing.T) {
		c, ctx := recorded(t, map[string][]byte{
			"/api/instances/StoragePool::x/relationships/Statistics": sample(t, "3x-get_storage_pool_statistics.json"),
		})
		s, err := c.PoolStatistics(ctx, "x")
		require.NoError(t, err)
		check(t, s.Capacity, 10)
	})
}

// A figure that is absent, null or no number is an error, never zero (R8).
func TestUnreadableStatisticsAreAnError(t *testing.T) {
	text := string(sample(t, "3x-get_storage_pool_statistics.json"))
	for name, change := range map[string][2]string{
		"absent":       {`"capacityInUseInKb":`, `"other":`},
		"null":         {`"capacityInUseInKb": 16807936`, `"capacityInUseInKb": null`},
		"a word":       {`"capacityInUseInKb": 16807936`, `"capacityInUseInKb": "N/A"`},
		"a fraction":   {`"capacityInUseInKb": 16807936`, `"capacityInUseInKb": 0.5`},
		"out of range": {`"capacityInUseInKb": 16807936`, `"capacityInUseInKb": 1e30`},
		"no rebuild":   {`"activeFwdRebuildCapacityInKb":`, `"other":`},
	} {
		t.Run(name, func(t *testing.T) {
			changed := strings.Replace(text, change[0], change[1], 1)
			require.NotEqual(t, text, changed)
			c, ctx := recorded(t, map[string][]byte{"/api/instances/StoragePool::x/relationships/Statistics": []byte(changed)})
			_, err := c.PoolStatistics(ctx, "x")
			require.ErrorContains(t, err, "cannot be used")
		})
	}
	// Numbers as texts are readable.
	c, ctx := recorded(t, map[string][]byte{"/api/instances/StoragePool::x/relationships/Statistics": []byte(
		strings.Replace(text, `"capacityInUseInKb": 16807936`, `"capacityInUseInKb": "16807936"`, 1))})
	s, err := c.PoolStatistics(ctx, "x")
	require.NoError(t, err)
	require.EqualValues(t, 16807936, s.InUseKiB)
}
