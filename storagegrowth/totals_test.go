package storagegrowth_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/leader"
	"scaleio-framework/storagegrowth"
	"scaleio-framework/storagegrowth/growthtest"
)

// numbers are all totals by name.
func numbers(t storagegrowth.Totals) map[string]int64 {
	all := map[string]int64{"durations": t.Durations.Count}
	into(all, "volumes ", t.Volumes)
	into(all, "failures ", t.Failures)
	into(all, "at most ", t.Durations.AtMost)
	for pool, p := range t.Pools {
		all[pool+" begun"] = p.Begun
		into(all, pool+" decided ", p.Decisions)
		into(all, pool+" limit ", p.Limits)
		into(all, pool+" finished ", p.Finished)
	}
	return all
}

func into[K comparable](all map[string]int64, prefix string, counts map[K]int64) {
	for key, n := range counts {
		all[prefix+fmt.Sprint(key)] = n
	}
}

// requireNoLess is what Prometheus asks of a counter.
func requireNoLess(t require.TestingT, before, after storagegrowth.Totals) {
	later := numbers(after)
	for name, n := range numbers(before) {
		require.GreaterOrEqual(t, later[name], n, name)
	}
	require.GreaterOrEqual(t, after.Durations.Seconds, before.Durations.Seconds)
}

func TestAGrowthIsCounted(t *testing.T) {
	s := growthtest.New(3, 0.85)
	s.CreateTakes, s.AttachTakes = 20*time.Second, 15*time.Second
	s.Fault = times(2, core.CloudCreate, core.CloudThrottled)
	st := newStage(t, s, options())
	st.start()
	st.run(time.Hour)
	requireGrown(t, st, "with two throttled calls")
	totals := st.view().Totals
	took := st.growths()[0].Finished.Sub(st.growths()[0].Decided).Seconds()
	require.InDelta(t, took, totals.Durations.Seconds, 1e-9)
	require.Equal(t, map[string]int64{
		"durations": 1, "at most 60": 1, "at most 120": 1, "at most 300": 1, "at most 900": 1, "at most 3600": 1, "at most 21600": 1, "at most 86400": 1,
		"volumes done": 3, "failures throttled": 2,
		"default/default begun": 1, "default/default finished done": 1,
		"default/default decided holding": 1, "default/default decided grow": 1,
		"default/default decided growth-open": 1, "default/default decided below-threshold": 1,
	}, numbers(totals))
}

// What is decided again and again is one decision, whoever leads, and is not
// worth a write.
func TestTheSameDecisionIsCountedOnce(t *testing.T) {
	st := newStage(t, growthtest.New(3, 0.3), options())
	st.start()
	st.run(10 * time.Minute)
	written := st.stored[storagegrowth.PathTotals].Version
	st.start()
	st.run(2 * time.Hour)
	require.Equal(t, written, st.stored[storagegrowth.PathTotals].Version)
	require.Equal(t, map[storagegrowth.Verdict]int64{storagegrowth.VerdictFine: 1}, st.view().Totals.Pools["default/default"].Decisions)

	st.site.Pools["default/default"].Degraded = true
	pool := st.site.Pools["default/default"]
	pool.InUse *= 3
	st.run(10 * time.Minute)
	require.Equal(t, int64(1), st.view().Totals.Pools["default/default"].Decisions[storagegrowth.VerdictUnhealthy])
	pool.Degraded = false
	st.run(10 * time.Minute)
	require.Equal(t, int64(1), st.view().Totals.Pools["default/default"].Begun)
}

func TestEveryLimitThatIsReachedIsCounted(t *testing.T) {
	for limit, spoil := range map[storagegrowth.Limit]func(s *growthtest.Site, o *storagegrowth.Options){
		storagegrowth.LimitFaultUnits: func(s *growthtest.Site, _ *storagegrowth.Options) {
			p := s.Pools["default/default"]
			p.Devices, p.Spare = p.Devices[:2], 50
			p.InUse = p.Devices[0].KiB * 85 / 100
		},
		storagegrowth.LimitHosts:       func(s *growthtest.Site, _ *storagegrowth.Options) { s.Instances["h2"].State = "stopped" },
		storagegrowth.LimitAttachments: func(s *growthtest.Site, _ *storagegrowth.Options) { s.Instances["h2"].Limit = 3 },
		storagegrowth.LimitDeviceSize:  func(_ *growthtest.Site, o *storagegrowth.Options) { o.Policy.VolumeSizeGiB = 10000 },
		storagegrowth.LimitPoolSize:    func(_ *growthtest.Site, o *storagegrowth.Options) { o.Policy.MaxPoolSizeGiB = 350 },
		storagegrowth.LimitDay:         func(_ *growthtest.Site, o *storagegrowth.Options) { o.Policy.MaxGiBPerDay = 300 },
		storagegrowth.LimitNodeVolumes: func(s *growthtest.Site, o *storagegrowth.Options) {
			o.Policy.MaxVolumesPerNode, o.Policy.VolumeSizeGiB, o.Policy.Target = 1, 104, 0.1
		},
	} {
		t.Run(string(limit), func(t *testing.T) {
			s, o := growthtest.New(3, 0.85), options()
			spoil(s, &o)
			st := newStage(t, s, o)
			st.start()
			st.run(20 * time.Minute)
			require.Equal(t, map[storagegrowth.Limit]int64{limit: 1}, st.view().Totals.Pools["default/default"].Limits, "%+v", st.view().Pools)
		})
	}
}

func TestFailuresAreCountedByTheirReason(t *testing.T) {
	for reason, spoil := range map[string]func(s *growthtest.Site){
		storagegrowth.FailureStuck:    func(s *growthtest.Site) { s.Stuck["/dev/sdf"] = true },
		storagegrowth.FailureNoDevice: func(s *growthtest.Site) { s.Hidden["vol-0001"] = true },
		storagegrowth.FailureGateway: func(s *growthtest.Site) {
			s.GatewayErr = func(core.AddDevicesParams) (string, bool) { return "Could not open SDS device", false }
		},
		"no-capacity":  func(s *growthtest.Site) { s.Fault = always(core.CloudCreate, 1, core.CloudNoCapacity) },
		"attach-limit": func(s *growthtest.Site) { s.Fault = always(core.CloudAttach, 1, core.CloudAttachLimit) },
	} {
		t.Run(reason, func(t *testing.T) {
			s := growthtest.New(3, 0.85)
			spoil(s)
			st := newStage(t, s, eager())
			st.start()
			st.run(40 * time.Minute)
			require.Positive(t, st.view().Totals.Failures[reason])
			require.Contains(t, storagegrowth.FailureReasons(), reason)
		})
	}
}

// A growth that ends without its volumes is counted so, and again when it was
// tried again.
func TestAPartialGrowthAndItsRetryAreCounted(t *testing.T) {
	st := faulty(t, always(core.CloudCreate, 0, core.CloudLimit))
	st.run(30 * time.Minute)
	totals := st.view().Totals
	require.Equal(t, map[model.GrowthState]int64{model.GrowthPartial: 1}, totals.Pools["default/default"].Finished)
	require.Equal(t, map[model.SlotState]int64{model.SlotDone: 2, model.SlotFailed: 1}, totals.Volumes)
	require.Positive(t, totals.Failures["limit"])
	st.site.Fault = nil
	require.Empty(t, st.order("1", model.Order{Verb: model.GrowthRetry, Growth: st.growths()[0].ID}))
	st.run(20 * time.Minute)
	requireGrown(t, st, "after the retry")
	require.Equal(t, int64(2), st.view().Totals.Durations.Count)
}

// A large growth has several records and is one growth; a declined one took no
// time.
func TestPartsAndRefusalsAreCountedAsOne(t *testing.T) {
	o := manualApproval()
	o.Policy.VolumeSizeGiB, o.Policy.Target, o.Policy.MaxGiBPerDay = 104, 0.2, 0
	st := newStage(t, growthtest.New(10, 0.85), o)
	st.start()
	st.run(10 * time.Minute)
	require.Greater(t, len(st.growths()), 1)
	require.Empty(t, st.order("1", model.Order{Verb: model.GrowthDecline, Growth: st.growths()[0].ID}))
	totals := st.view().Totals
	require.Equal(t, int64(1), totals.Pools["default/default"].Begun)
	require.Equal(t, map[model.GrowthState]int64{model.GrowthDeclined: 1}, totals.Pools["default/default"].Finished)
	require.Zero(t, totals.Durations.Count)
	require.Empty(t, st.order("2", model.Order{Verb: model.GrowthRequest, Pool: "default/default"}))
	st.run(20 * time.Minute)
	totals = st.view().Totals
	require.Equal(t, int64(2), totals.Pools["default/default"].Begun)
	require.Equal(t, int64(1), totals.Pools["default/default"].Finished[model.GrowthDone])
	require.Equal(t, int64(1), totals.Durations.Count)
}

// Totals that cannot be read are left alone, and growth goes on.
func TestUnreadableTotals(t *testing.T) {
	for _, text := range []string{"{ edited", `{"durations":{"at_most":{"soon":1}}}`, `{"volumes":{"done":"many"}}`} {
		st := newStage(t, growthtest.New(3, 0.85), eager())
		st.stored[storagegrowth.PathTotals] = leader.Entry{Data: []byte(text)}
		c, err := storagegrowth.New(st.options)
		require.NoError(t, err)
		unreadable, err := c.Load(st.stored)
		require.NoError(t, err)
		require.ErrorContains(t, unreadable[storagegrowth.PathTotals], "remove it, the totals start at zero")
		st.core, st.timers = c, make(map[string]time.Time)
		st.deliver(core.TermStarted{Epoch: 1})
		st.post(st.site.NodesUp()...)
		st.run(20 * time.Minute)
		require.Equal(t, model.GrowthDone, st.growths()[0].State)
		require.Equal(t, text, string(st.stored[storagegrowth.PathTotals].Data))
		require.Empty(t, st.view().Totals)
	}
	st := newStage(t, growthtest.New(3, 0.85), eager())
	st.stored[storagegrowth.PathTotals] = leader.Entry{Data: []byte(`{"pools":{"default/default":null}}`)}
	st.start()
	st.run(20 * time.Minute)
	requireGrown(t, st, "a pool without totals gets some")
}

// The record stays within its limit with as many pools as are told.
func TestTheTotalsFitIntoARecord(t *testing.T) {
	s := growthtest.New(3, 0.85)
	for n := range 60 {
		s.AddPool("domain-"+strings.Repeat("x", 24), fmt.Sprintf("pool-%02d-%s", n, strings.Repeat("y", 23)), []string{"h1", "h2", "h3"}, 0.5)
	}
	st := newStage(t, s, options())
	st.start()
	st.run(5 * time.Minute)
	pools := st.view().Totals.Pools
	require.Len(t, pools, 48)
	for _, p := range pools {
		for _, v := range storagegrowth.Verdicts() {
			p.Decisions[v] = 1 << 40
		}
		p.Limits, p.Begun = make(map[storagegrowth.Limit]int64), 1<<40
		for _, l := range storagegrowth.Limits() {
			p.Limits[l] = 1 << 40
		}
		p.Finished = map[model.GrowthState]int64{model.GrowthDone: 1 << 40, model.GrowthPartial: 1 << 40, model.GrowthDeclined: 1 << 40}
	}
	totals := st.view().Totals
	totals.Pools = pools
	for _, reason := range storagegrowth.FailureReasons() {
		totals.Failures = map[string]int64{reason: 1 << 40}
	}
	data, err := model.Encode(totals, nil)
	require.NoError(t, err)
	require.Less(t, len(data), model.MaxRecord)
}
