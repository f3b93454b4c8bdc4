package storagegrowth_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/scaleio"
	"scaleio-framework/storagegrowth"
	"scaleio-framework/storagegrowth/growthtest"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// The pool that a real 2.6 system reported (facts, 3.6): three disks of 100
// GiB, 10 percent spare. The spare is not there to be used (facts, 4.4).
func TestFullnessOfSampledStatistics(t *testing.T) {
	for _, test := range []struct {
		about               string
		limit, spare, inUse int64
		want                float64
	}{
		{"the sampled pool", 311424000, 31141888, 50110464, 50110464.0 / 280282112},
		{"the same pool with 34 percent spare", 311424000, 105883648, 50110464, 50110464.0 / 205540352},
		{"90 percent of the limit are more than all of what may be used", 311424000, 105883648, 280281600, 280281600.0 / 205540352},
		{"80 percent of what may be used", 311424000, 31141888, 224225689, 0.8},
	} {
		p := core.PoolReading{LimitKiB: test.limit, SpareKiB: test.spare, InUseKiB: test.inUse}
		require.InDelta(t, test.want, storagegrowth.Fullness(p), 1e-8, test.about)
	}
	device, err := scaleio.DeviceKiB(100 * growthtest.GiB)
	require.NoError(t, err)
	require.EqualValues(t, 311424000, 3*device, "a device has 1025 MiB less than its disk")
	spare, err := scaleio.SpareKiB(3*device, 34)
	require.NoError(t, err)
	require.EqualValues(t, 105883648, spare, "whole MiB")
	require.InDelta(t, 98, float64(3*device-spare)/2/(1<<20), 0.02, "GiB net: half of what may be used (facts, 4.3)")
}

// situation is a pool of n fault units of which each has a device of 100 GiB,
// exceeding its threshold for long, with the provider's answer at hand.
func situation(n int, used float64) storagegrowth.Situation {
	s := growthtest.New(n, used)
	p := storagegrowth.DefaultPolicy()
	sit := storagegrowth.Situation{
		Now: noon, At: noon, Pool: s.Read().Pools[0], Policy: p,
		Hosts: map[string]storagegrowth.Host{}, SDSKiB: map[string]int64{},
		Cloud: &storagegrowth.Cloud{At: noon, Instances: map[string]core.CloudInstance{}},
	}
	for i := range sit.Pool.Units {
		for k := range sit.Pool.Units[i].SDSs {
			sds := &sit.Pool.Units[i].SDSs[k]
			sds.Host = sds.Name[len("sds-"):]
			for _, d := range sds.Devices {
				sit.SDSKiB[sds.ID] += d.LimitKiB
			}
		}
	}
	for name, i := range s.Instances {
		sit.Hosts[name] = storagegrowth.Host{Up: true, InstanceID: i.ID, Zone: i.Zone, Type: i.Type}
		sit.Cloud.Instances[i.ID] = i.CloudInstance
	}
	for i := 30; i >= 0; i-- {
		sit.Samples = append(sit.Samples, storagegrowth.Sample{
			At: noon.Add(-time.Duration(i) * time.Minute), InUseKiB: sit.Pool.InUseKiB, Full: storagegrowth.TriggerFullness(sit.Pool, p),
		})
	}
	return sit
}

func TestDecisions(t *testing.T) {
	finished := noon.Add(-5 * time.Minute)
	for _, test := range []struct {
		about  string
		used   float64
		change func(*storagegrowth.Situation)
		want   storagegrowth.Verdict
		words  string
	}{
		{"a full pool grows", 0.85, nil, storagegrowth.VerdictGrow, "85.0 % full, threshold 80.0 %"},
		{"a pool below its threshold does not", 0.79, nil, storagegrowth.VerdictFine, "below the threshold"},
		{"not before the threshold was exceeded for long", 0.85, func(s *storagegrowth.Situation) {
			s.Samples[28].Full = 0.7
		}, storagegrowth.VerdictHolding, "not for 5m0s yet"},
		{"not when nobody looked meanwhile", 0.85, func(s *storagegrowth.Situation) {
			s.Samples = append(s.Samples[:20], s.Samples[30])
		}, storagegrowth.VerdictHolding, "not for 5m0s yet"},
		{"not without a reading of now", 0.85, func(s *storagegrowth.Situation) { s.At = noon.Add(-time.Hour) }, storagegrowth.VerdictUnreadable, "not of now"},
		{"not on figures that contradict each other", 0.85, func(s *storagegrowth.Situation) { s.Pool.UnusedKiB++ }, storagegrowth.VerdictUnreadable, "together"},
		{"not on a device list that is not complete", 0.85, func(s *storagegrowth.Situation) { s.Pool.Units = s.Pool.Units[1:] }, storagegrowth.VerdictUnreadable, "the devices have"},
		{"not when a version has no known limits", 0.85, func(s *storagegrowth.Situation) { s.Pool.Version = "" }, storagegrowth.VerdictUnreadable, "limits"},
		{"not when the performer distrusts the reading", 0.85, func(s *storagegrowth.Situation) { s.Pool.Implausible = "half of it is missing" }, storagegrowth.VerdictUnreadable, "half of it"},
		{"an empty pool is neither full nor empty", 0.85, func(s *storagegrowth.Situation) { s.Pool = core.PoolReading{} }, storagegrowth.VerdictUnreadable, "no capacity"},
		{"the threshold must be below the pool's critical one", 0.95, func(s *storagegrowth.Situation) { s.Policy.Threshold = 0.9 }, storagegrowth.VerdictThresholds, "critical threshold (90.0 %)"},
		{"not while degraded", 0.85, func(s *storagegrowth.Situation) { s.Pool.Degraded = true }, storagegrowth.VerdictUnhealthy, "degraded"},
		{"not while rebuilding", 0.85, func(s *storagegrowth.Situation) { s.Pool.Rebuilding = true }, storagegrowth.VerdictUnhealthy, "rebuilding"},
		{"not while rebalancing", 0.84, func(s *storagegrowth.Situation) { s.Pool.Rebalancing = true }, storagegrowth.VerdictRebalancing, "rebalancing"},
		{"but near critical it does", 0.86, func(s *storagegrowth.Situation) { s.Pool.Rebalancing = true }, storagegrowth.VerdictGrow, ""},
		{"not while a growth is open", 0.85, func(s *storagegrowth.Situation) {
			s.Growths = []*model.Growth{{ID: "g", State: model.GrowthOpen, ProtectionDomain: "default", StoragePool: "default"}}
		}, storagegrowth.VerdictOpen, "growth g is open"},
		{"a growth of another pool does not matter", 0.85, func(s *storagegrowth.Situation) {
			s.Growths = []*model.Growth{{ID: "g", State: model.GrowthOpen, ProtectionDomain: "default", StoragePool: "other"}}
		}, storagegrowth.VerdictGrow, ""},
		{"not during the cool-down", 0.85, func(s *storagegrowth.Situation) {
			s.Growths = []*model.Growth{{ID: "g", State: model.GrowthDone, Finished: &finished, ProtectionDomain: "default", StoragePool: "default"}}
		}, storagegrowth.VerdictCooldown, "2026-03-01T12:10:00Z"},
		{"an operator may end the cool-down", 0.5, func(s *storagegrowth.Situation) {
			s.Growths = []*model.Growth{{ID: "g", State: model.GrowthDone, Finished: &finished, ProtectionDomain: "default", StoragePool: "default"}}
			s.Request = &storagegrowth.Request{By: "ann"}
		}, storagegrowth.VerdictGrow, "requested by ann"},
		{"but not a rebuild", 0.5, func(s *storagegrowth.Situation) {
			s.Pool.Rebuilding, s.Request = true, &storagegrowth.Request{}
		}, storagegrowth.VerdictUnhealthy, "requested by an operator"},
		{"not when switched off", 0.85, func(s *storagegrowth.Situation) { s.Policy.Enabled = false }, storagegrowth.VerdictDisabled, "off"},
		{"the provider is asked first", 0.85, func(s *storagegrowth.Situation) { s.Cloud = nil }, storagegrowth.VerdictAskProvider, ""},
		{"an unknown attach limit is none", 0.85, func(s *storagegrowth.Situation) {
			i := s.Cloud.Instances["i-h2"]
			i.Limit = 0
			s.Cloud.Instances["i-h2"] = i
		}, storagegrowth.VerdictLimit, "fault unit sds-h2 cannot take"},
		{"one unit without room stops all", 0.85, func(s *storagegrowth.Situation) {
			i := s.Cloud.Instances["i-h2"]
			i.Limit = 3
			s.Cloud.Instances["i-h2"] = i
		}, storagegrowth.VerdictLimit, "instance i-h2 of h2 has no attachment left"},
		{"a node out of reach", 0.85, func(s *storagegrowth.Situation) { s.Hosts["h1"] = storagegrowth.Host{} }, storagegrowth.VerdictLimit, "out of reach"},
		{"an instance in another zone than its node says", 0.85, func(s *storagegrowth.Situation) {
			i := s.Cloud.Instances["i-h2"]
			i.Zone = "z2"
			s.Cloud.Instances["i-h2"] = i
		}, storagegrowth.VerdictLimit, "zone z2"},
		{"the day's allowance is used up", 0.85, func(s *storagegrowth.Situation) { s.Policy.MaxGiBPerDay = 200 }, storagegrowth.VerdictLimit, "--growth.max-per-day leaves 200 GiB"},
		{"volumes of lost records count too", 0.85, func(s *storagegrowth.Situation) {
			s.Policy.MaxGiBPerDay = 1000
			s.Cloud.Ours = []core.CloudVolume{{ID: "v", SizeGiB: 900, Tags: map[string]string{storagegrowth.TagGrowth: "20260301T010203-abcd"}}}
		}, storagegrowth.VerdictLimit, "leaves 100 GiB"},
		{"the pool's size is bounded", 0.85, func(s *storagegrowth.Situation) { s.Policy.MaxPoolSizeGiB = 400 }, storagegrowth.VerdictLimit, "--growth.max-pool-size leaves 103 GiB"},
		{"volumes of a node are bounded", 0.85, func(s *storagegrowth.Situation) {
			s.Policy.MaxVolumesPerNode = 1
			s.Cloud.Ours = []core.CloudVolume{{ID: "v", Attachments: []core.CloudAttachment{{InstanceID: "i-h3"}}}}
		}, storagegrowth.VerdictLimit, "--growth.max-volumes-per-node is reached on h3"},
		{"a size that this version does not take", 0.85, func(s *storagegrowth.Situation) { s.Policy.VolumeSizeGiB = 6000 }, storagegrowth.VerdictLimit, "94 to 5587 GiB"},
		{"two fault units are too few", 0.85, func(s *storagegrowth.Situation) {
			u := &s.Pool.Units
			(*u)[0].SDSs = append((*u)[0].SDSs, (*u)[1].SDSs...)
			*u = append((*u)[:1], (*u)[2:]...)
		}, storagegrowth.VerdictLimit, "on 2 fault units"},
	} {
		t.Run(test.about, func(t *testing.T) {
			s := situation(3, test.used)
			if test.change != nil {
				test.change(&s)
			}
			d := storagegrowth.Decide(s)
			require.Equal(t, test.want, d.Verdict, d.Wait)
			if d.Grow == nil {
				require.Contains(t, d.Wait, test.words)
				return
			}
			require.Equal(t, storagegrowth.VerdictGrow, d.Verdict)
			require.Contains(t, d.Grow.Reason, test.words)
			require.Len(t, d.Grow.Slots, 3)
		})
	}
}

func TestSizesOfGrowths(t *testing.T) {
	for _, test := range []struct {
		about   string
		used    float64
		change  func(*storagegrowth.Situation)
		slots   int
		size    int
		clipped string
	}{
		{"the smallest volume is enough", 0.85, nil, 3, 104, ""},
		{"as large as needed", 0.85, func(s *storagegrowth.Situation) { s.Policy.Target = 0.3 }, 3, 184, ""},
		{"more of a given size", 0.85, func(s *storagegrowth.Situation) { s.Policy.Target, s.Policy.VolumeSizeGiB = 0.3, 100 }, 6, 100, ""},
		{"at least what was asked for", 0.85, func(s *storagegrowth.Situation) { s.Request = &storagegrowth.Request{SizeGiB: 1000} }, 3, 336, ""},
		{"a limit keeps it from its target", 0.85, func(s *storagegrowth.Situation) { s.Policy.Target, s.Policy.MaxGiBPerDay = 0.3, 330 }, 3, 110, "--growth.max-per-day leaves 330 GiB today"},
		{"a limit on the number of volumes", 0.85, func(s *storagegrowth.Situation) {
			s.Policy.Target, s.Policy.VolumeSizeGiB, s.Policy.MaxVolumesPerNode = 0.1, 100, 2
		}, 6, 100, "--growth.max-volumes-per-node is reached"},
		{"large pools need several volumes on each unit", 0.85, func(s *storagegrowth.Situation) {
			s.Request = &storagegrowth.Request{SizeGiB: 30000}
		}, 6, 5000, ""},
		{"more spare takes more volumes", 0.85, func(s *storagegrowth.Situation) {
			s.Policy.Target, s.Policy.AdjustSpare = 0.3, true
			s.Pool.SparePercent, s.Pool.SpareKiB = 10, s.Pool.LimitKiB*10/100/1024*1024
			s.Pool.UnusedKiB = s.Pool.LimitKiB - s.Pool.SpareKiB - s.Pool.InUseKiB
			s.Approved, s.Policy.Threshold = true, 0.5
		}, 3, 184, ""},
	} {
		t.Run(test.about, func(t *testing.T) {
			s := situation(3, test.used)
			if test.change != nil {
				test.change(&s)
			}
			d := storagegrowth.Decide(s)
			require.NotNil(t, d.Grow, d.Wait)
			require.Equal(t, []int{test.slots, test.size}, []int{len(d.Grow.Slots), d.Grow.SizeGiB})
			require.Contains(t, d.Grow.Clipped, test.clipped)
			require.Equal(t, test.clipped == "", d.Grow.Clipped == "", d.Grow.Clipped)
		})
	}
}

// Within a fault unit the SDS with the fewest devices gets the volume, then
// the one with the most attachments left.
func TestPlacesWithinAFaultUnit(t *testing.T) {
	s := situation(6, 0.85)
	var units []core.FaultUnit
	for i := range 3 {
		a, b := s.Pool.Units[2*i].SDSs[0], s.Pool.Units[2*i+1].SDSs[0]
		units = append(units, core.FaultUnit{Name: fmt.Sprintf("rack%d", i), SDSs: []core.SDSReading{a, b}})
	}
	units[0].SDSs[0].OtherDevices = 1
	i := s.Cloud.Instances["i-h3"]
	i.Limit = 20
	s.Cloud.Instances["i-h3"] = i
	s.Pool.Units = units
	d := storagegrowth.Decide(s)
	require.NotNil(t, d.Grow, d.Wait)
	var hosts []string
	for _, slot := range d.Grow.Slots {
		hosts = append(hosts, slot.Unit+" "+slot.Host)
	}
	require.Equal(t, []string{"rack0 h2", "rack1 h4", "rack2 h5"}, hosts)
}

func TestForecastIsRobust(t *testing.T) {
	s := situation(3, 0.70)
	s.Policy.Forecast = 6 * time.Hour
	usable := s.Pool.LimitKiB - s.Pool.SpareKiB
	perMinute := int64(float64(usable) * 0.30 / (4 * 60)) // full in four hours
	for i := range s.Samples {
		s.Samples[i].InUseKiB = s.Pool.InUseKiB - int64(30-i)*perMinute
	}
	for i := 3; i < 30; i += 5 {
		s.Samples[i].InUseKiB = 0 // bogus
	}
	d := storagegrowth.Decide(s)
	require.InDelta(t, 4, d.TimeToFull.Hours(), 0.1)
	require.NotNil(t, d.Grow, d.Wait)
	require.Contains(t, d.Grow.Reason, "full in about 4h0m0s")
	s.Policy.Forecast = 3 * time.Hour
	require.Equal(t, storagegrowth.VerdictFine, storagegrowth.Decide(s).Verdict)
	for i := range s.Samples {
		s.Samples[i].InUseKiB = s.Pool.InUseKiB
	}
	require.Zero(t, storagegrowth.Decide(s).TimeToFull, "without a trend it is never full")
}

// draw makes a random situation that wants to grow, with random limits.
func draw(t *rapid.T) storagegrowth.Situation {
	s := situation(rapid.IntRange(3, 12).Draw(t, "units"), float64(rapid.IntRange(30, 100).Draw(t, "used"))/100)
	p := &s.Policy
	p.Threshold = float64(rapid.IntRange(20, 95).Draw(t, "threshold")) / 100
	p.Target = p.Threshold * float64(rapid.IntRange(30, 99).Draw(t, "target")) / 100
	p.VolumeSizeGiB = rapid.SampledFrom([]int{0, 0, 94, 100, 500, 5587}).Draw(t, "size")
	p.MaxPoolSizeGiB = rapid.SampledFrom([]int{0, 500, 5000, 100000}).Draw(t, "pool")
	p.MaxGiBPerDay = rapid.SampledFrom([]int{0, 500, 5000, 100000}).Draw(t, "day")
	p.MaxVolumesPerNode = rapid.IntRange(0, 10).Draw(t, "volumes")
	p.ReservedAttachments = rapid.IntRange(0, 5).Draw(t, "reserved")
	p.AdjustSpare = rapid.Bool().Draw(t, "spare")
	if rapid.Bool().Draw(t, "asked") {
		s.Request = &storagegrowth.Request{SizeGiB: rapid.IntRange(0, 20000).Draw(t, "ask")}
	}
	for id, i := range s.Cloud.Instances {
		i.Limit = rapid.IntRange(3, 40).Draw(t, "limit "+id)
		s.Cloud.Instances[id] = i
	}
	return s
}

// Whatever the limits are: never beyond one, never below the least device,
// always balanced, and at or below the target unless a limit says why.
func TestGrowthsKeepTheirLimits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := draw(t)
		d := storagegrowth.Decide(s)
		if d.Grow == nil {
			require.NotEmpty(t, d.Wait)
			return
		}
		p, g := s.Policy, d.Grow
		limits := scaleio.LimitsOf(scaleio.Version{Major: 2, Minor: 6})
		require.NoError(t, limits.CheckDevice(int64(g.SizeGiB)*growthtest.GiB))
		require.LessOrEqual(t, g.SizeGiB, 16384)
		if p.VolumeSizeGiB > 0 {
			require.Equal(t, p.VolumeSizeGiB, g.SizeGiB)
		}
		perUnit, perHost := map[string]int{}, map[string]int{}
		for _, slot := range g.Slots {
			perUnit[slot.Unit]++
			perHost[slot.Host]++
		}
		require.Len(t, perUnit, len(s.Pool.Units))
		for unit, n := range perUnit {
			require.Equal(t, len(g.Slots)/len(s.Pool.Units), n, unit)
		}
		for host, n := range perHost {
			require.LessOrEqual(t, n+1, s.Cloud.Instances["i-"+host].Limit-p.ReservedAttachments)
			require.LessOrEqual(t, n+1, limits.DevicesPerSDS)
			if p.MaxVolumesPerNode > 0 {
				require.LessOrEqual(t, n, p.MaxVolumesPerNode)
			}
			require.LessOrEqual(t, int64(n*g.SizeGiB)*growthtest.GiB, limits.SDSMaxBytes)
		}
		require.LessOrEqual(t, len(g.Slots)+len(s.Pool.Units), limits.DevicesPerPool)
		if p.MaxGiBPerDay > 0 {
			require.LessOrEqual(t, g.TotalGiB(), p.MaxGiBPerDay)
		}
		device, err := scaleio.DeviceKiB(int64(g.SizeGiB) * growthtest.GiB)
		require.NoError(t, err)
		limit := s.Pool.LimitKiB + device*int64(len(g.Slots))
		if p.MaxPoolSizeGiB > 0 {
			require.LessOrEqual(t, limit, int64(p.MaxPoolSizeGiB)<<20)
		}
		spare := limit * int64(s.Pool.SparePercent) / 100 / 1024 * 1024
		require.LessOrEqual(t, float64(s.Pool.InUseKiB)/float64(limit-spare), g.UsedAfter+1e-9)
		if g.Clipped == "" {
			require.LessOrEqual(t, g.UsedAfter, p.Target+1e-9)
			if s.Request != nil {
				require.GreaterOrEqual(t, g.TotalGiB(), s.Request.SizeGiB)
			}
		}
	})
}

// A growth never asks for the next one: what it gives is at or below the
// target, so nothing grows until there is more data.
func TestGrowthsDoNotOscillate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := draw(t)
		s.Request = nil
		for range 40 {
			d := storagegrowth.Decide(s)
			if d.Grow == nil {
				return
			}
			device, err := scaleio.DeviceKiB(int64(d.Grow.SizeGiB) * growthtest.GiB)
			require.NoError(t, err)
			clipped := d.Grow.Clipped != ""
			for n, slot := range d.Grow.Slots {
				for i := range s.Pool.Units {
					if s.Pool.Units[i].Name == slot.Unit {
						sds := &s.Pool.Units[i].SDSs[0]
						sds.Devices = append(sds.Devices, core.DeviceReading{ID: fmt.Sprintf("%d-%s-%d", len(sds.Devices), slot.SDS, n), LimitKiB: device, Normal: true})
						s.SDSKiB[sds.ID] += device
					}
				}
			}
			s.Pool.LimitKiB += device * int64(len(d.Grow.Slots))
			if s.Policy.AdjustSpare {
				s.Pool.SparePercent = max(s.Pool.SparePercent, d.SpareNeeded)
			}
			s.Pool.SpareKiB = s.Pool.LimitKiB * int64(s.Pool.SparePercent) / 100 / 1024 * 1024
			s.Pool.UnusedKiB = s.Pool.LimitKiB - s.Pool.SpareKiB - s.Pool.InUseKiB
			for i := range s.Samples {
				s.Samples[i].Full = storagegrowth.TriggerFullness(s.Pool, s.Policy)
			}
			next := storagegrowth.Decide(s)
			if !clipped {
				require.Nil(t, next.Grow, "a growth that reached its target is followed by another")
			}
		}
		require.Fail(t, "it grows for ever")
	})
}

// No single figure of a reading can be wrong and still make a pool grow.
func TestImplausibleReadingsDoNotGrow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := situation(3, 0.85)
		fields := []*int64{&s.Pool.InUseKiB, &s.Pool.LimitKiB, &s.Pool.SpareKiB, &s.Pool.UnusedKiB}
		f := fields[rapid.IntRange(0, 3).Draw(t, "field")]
		wrong := rapid.SampledFrom([]int64{0, -1, 1, math.MaxInt64, math.MinInt64, *f * 2, *f / 2, *f - 1}).Draw(t, "value")
		if wrong == *f {
			return
		}
		*f = wrong
		d := storagegrowth.Decide(s)
		require.Nil(t, d.Grow)
		require.Equal(t, storagegrowth.VerdictUnreadable, d.Verdict)
	})
}
