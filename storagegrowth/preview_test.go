package storagegrowth_test

import (
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/storagegrowth"
	"scaleio-framework/storagegrowth/growthtest"
)

// dryRun asks for a preview and gives it a while.
func (st *stage) dryRun(pool string, sizeGiB int) (told core.TellPreview, answered bool) {
	st.performs = func(e core.Effect) (bool, bool) {
		if t, ok := e.(core.TellPreview); ok {
			require.False(st.t, answered, "it is answered once")
			told, answered = t, true
		}
		return true, true
	}
	st.post(core.PreviewAsked{ID: "q", Pool: pool, SizeGiB: sizeGiB})
	st.run(20 * time.Second)
	st.performs = nil
	return told, answered
}

// settled is a stage that has come to rest, between two readings.
func settled(t require.TestingT, s *growthtest.Site, o storagegrowth.Options) *stage {
	st := newStage(t, s, o)
	st.start()
	st.run(65 * time.Second)
	return st
}

// A dry run below the threshold shows the growth that an order would begin, and
// leaves no trace of itself.
func TestAPreviewMakesNothing(t *testing.T) {
	o := options()
	o.Policy.IOPS, o.Policy.Throughput, o.Policy.KMSKeyID = 4000, 250, "key"
	st := settled(t, growthtest.New(3, 0.5), o)
	before, calls := maps.Clone(st.stored), maps.Clone(st.site.Calls)
	told, answered := st.dryRun("default/default", 600)
	require.True(t, answered)
	require.Equal(t, before, st.stored, "nothing is stored")
	calls[core.CloudLook]++ // what the instances can take is asked
	require.Equal(t, calls, st.site.Calls)

	require.Equal(t, "q", told.ID)
	require.Equal(t, []string{"default/default"}, told.Known)
	require.Len(t, told.Pools, 1)
	p := told.Pools[0]
	require.Equal(t, "below-threshold", p.Verdict)
	require.Empty(t, p.Why)
	require.Equal(t, &core.GrowthPreview{
		Provider: "aws", Approval: "auto", SizeGiB: 200, TotalGiB: 600, VolumeType: "gp3", IOPS: 4000, Throughput: 250, Encrypted: true,
		UsedBefore: p.Plan.UsedBefore, UsedAfter: p.Plan.UsedAfter, Target: 0.65, SparePercent: 34,
		Volumes: []core.VolumePreview{
			{Host: "h1", SDS: "sds-h1", FaultUnit: "sds-h1", Instance: "i-h1", Zone: "z1"},
			{Host: "h2", SDS: "sds-h2", FaultUnit: "sds-h2", Instance: "i-h2", Zone: "z1"},
			{Host: "h3", SDS: "sds-h3", FaultUnit: "sds-h3", Instance: "i-h3", Zone: "z1"},
		},
	}, p.Plan)
	require.InDelta(t, 0.5, p.Plan.UsedBefore, 0.001)

	require.Empty(t, st.order("1", model.Order{Verb: model.GrowthRequest, Pool: "default/default", SizeGiB: 600}))
	st.run(5 * time.Minute)
	requireGrown(t, st, "as previewed")
	require.InDelta(t, p.Plan.UsedAfter, st.site.Pools["default/default"].Fullness(), 1e-9)
}

// Whatever the site and the policy, the dry run is what the order does: volumes,
// places, sizes, and the reason why not.
func TestAPreviewIsWhatAnOrderDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := growthtest.New(rapid.IntRange(2, 6).Draw(t, "hosts"), float64(rapid.IntRange(5, 79).Draw(t, "percent"))/100)
		pool := s.Pools["default/default"]
		pool.Degraded = rapid.IntRange(0, 9).Draw(t, "degraded") == 0
		for i := range pool.Devices {
			if rapid.IntRange(0, 4).Draw(t, "large") == 0 {
				pool.Devices[i].KiB *= 2
			}
		}
		o := options()
		o.Policy.Target = float64(rapid.IntRange(20, 79).Draw(t, "target")) / 100
		o.Policy.MaxPoolSizeGiB = rapid.SampledFrom([]int{0, 0, 500, 1000}).Draw(t, "most")
		o.Policy.VolumeSizeGiB = rapid.SampledFrom([]int{0, 0, 128}).Draw(t, "size")
		o.Policy.AdjustSpare = rapid.Bool().Draw(t, "adjust")
		size := rapid.SampledFrom([]int{0, 0, 700, 1 << 62}).Draw(t, "least")
		st := settled(t, s, o)
		told, answered := st.dryRun("", size)
		require.True(t, answered)
		p := told.Pools[0]
		refused := st.order("1", model.Order{Verb: model.GrowthRequest, Pool: "default/default", SizeGiB: size})
		if p.Plan == nil {
			require.NotEmpty(t, p.Why)
			require.Contains(t, refused, p.Why)
			require.Empty(t, st.growths())
			return
		}
		require.Empty(t, refused)
		var slots []model.GrowthSlot
		for _, g := range st.growths() { // a large one has several parts
			require.Equal(t, p.Plan.Clipped, g.Clipped)
			require.InDelta(t, p.Plan.UsedAfter, g.UsedAfter, 1e-12)
			slots = append(slots, g.Slots...)
		}
		require.Len(t, slots, len(p.Plan.Volumes))
		for i, slot := range slots {
			v := p.Plan.Volumes[i]
			require.Equal(t, []string{slot.Host, slot.SDS, slot.InstanceID, slot.Zone}, []string{v.Host, v.SDS, v.Instance, v.Zone})
			require.Equal(t, p.Plan.SizeGiB, slot.Request.SizeGiB)
			require.Equal(t, p.Plan.VolumeType, slot.Request.Type)
		}
	})
}

func TestAPreviewSaysWhyNothingCouldBeDone(t *testing.T) {
	for _, c := range []struct {
		about  string
		spoil  func(s *growthtest.Site, o *storagegrowth.Options)
		policy string // what the policy decides by itself
		why    string
	}{
		{"degraded", func(s *growthtest.Site, _ *storagegrowth.Options) { s.Pools["default/default"].Degraded = true }, "below the threshold", "the pool is degraded"},
		{"too few fault units", func(s *growthtest.Site, _ *storagegrowth.Options) {
			s.Pools["default/default"].Devices = s.Pools["default/default"].Devices[:2]
			s.Pools["default/default"].InUse /= 3
		}, "below the threshold", "the pool has devices on 2 fault units, at least 3 are needed"},
		{"a limit", func(_ *growthtest.Site, o *storagegrowth.Options) { o.Policy.MaxPoolSizeGiB = 310 }, "below the threshold", "--growth.max-pool-size leaves"},
		{"a threshold that is not below critical", func(_ *growthtest.Site, o *storagegrowth.Options) { o.Policy.Threshold = 0.95 }, "not below the pool's critical threshold", "not below the pool's critical threshold"},
		{"an instance without room", func(s *growthtest.Site, _ *storagegrowth.Options) { s.Instances["h2"].Limit = 3 }, "below the threshold", "instance i-h2 of h2 has no attachment left"},
		{"no credentials", func(s *growthtest.Site, _ *storagegrowth.Options) {
			s.Fault = func(core.CloudCall) (core.CloudError, core.CloudError) { return core.CloudUnauthorized, "" }
		}, "below the threshold", "the provider does not answer: unauthorized: injected unauthorized"},
	} {
		t.Run(c.about, func(t *testing.T) {
			s, o := growthtest.New(3, 0.3), options()
			c.spoil(s, &o)
			told, answered := settled(t, s, o).dryRun("default/default", 0)
			require.True(t, answered)
			require.Contains(t, told.Pools[0].Decision, c.policy)
			require.Contains(t, told.Pools[0].Why, c.why)
			require.Nil(t, told.Pools[0].Plan)
		})
	}
}

// What the policy holds back, an order would do: both are shown.
func TestAPreviewDuringTheCoolDown(t *testing.T) {
	st := settled(t, growthtest.New(3, 0.85), eager())
	requireGrown(t, st, "grown")
	pool := st.site.Pools["default/default"]
	pool.Fill(0.9)
	told, _ := st.dryRun("", 0)
	require.Contains(t, told.Pools[0].Decision, "the cool-down after growth")
	require.NotNil(t, told.Pools[0].Plan)
	require.Len(t, st.growths(), 1)
}

// The spare is told as it will be: a fault unit that gets the only new device
// of its kind may need more of it.
func TestAPreviewTellsTheSpareAfterwards(t *testing.T) {
	s := growthtest.New(3, 0.3)
	s.Pools["default/default"].Devices[0].KiB *= 3
	st := settled(t, s, options())
	told, _ := st.dryRun("", 0)
	require.Equal(t, 34, told.Pools[0].Plan.SparePercent)
	require.Greater(t, told.Pools[0].Plan.SpareNeeded, 34)
	st.options.Policy.AdjustSpare = true
	st.performs = nil
	st.start()
	st.run(2 * time.Minute)
	told, _ = st.dryRun("", 0)
	require.Equal(t, 60, told.Pools[0].Plan.SparePercent, "it was raised to the share of the largest fault unit")
	require.Zero(t, told.Pools[0].Plan.SpareNeeded)
}

func TestAPreviewWithoutReadings(t *testing.T) {
	st := settled(t, growthtest.New(3, 0.3), options())
	read := core.PoolsRead{Err: "no gateway answers"}
	told := core.TellPreview{}
	st.performs = func(e core.Effect) (bool, bool) {
		switch e := e.(type) {
		case core.TellPreview:
			told = e
		case core.ReadPools:
			st.post(read)
			return false, false
		}
		return true, true
	}
	st.post(core.PreviewAsked{ID: "q"})
	st.run(time.Minute)
	require.Equal(t, core.TellPreview{ID: "q", Problem: "the pools cannot be read: no gateway answers"}, told)

	st.performs = nil
	st.post(core.ClusterKnown{UUID: uuid})
	st.run(time.Second)
	told, answered := st.dryRun("", 0)
	require.True(t, answered)
	require.Equal(t, "waits for the ScaleIO cluster: no gateway is known yet", told.Problem)
}

// Questions that nobody can answer are dropped, and are not without number.
func TestPreviewsDoNotPileUp(t *testing.T) {
	st := settled(t, growthtest.New(3, 0.3), options())
	told := make(map[string]string)
	st.performs = func(e core.Effect) (bool, bool) {
		if answer, ok := e.(core.TellPreview); ok {
			told[answer.ID] = answer.Problem
		}
		_, read := e.(core.ReadPools)
		return !read, true
	}
	for n := range 65 {
		st.post(core.PreviewAsked{ID: string(rune('a' + n))})
	}
	st.run(time.Second)
	require.Equal(t, map[string]string{string(rune('a' + 64)): "too many previews are asked for at once"}, told)
	st.run(5 * time.Minute)
	clear(told)
	st.post(core.PreviewAsked{ID: "later"})
	st.run(time.Second)
	require.Empty(t, told, "the old ones were dropped, so this one waits")
}
