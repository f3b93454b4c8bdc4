package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"scaleio-framework/internal/model"
	"scaleio-framework/storagegrowth"
)

func (s *scrape) count(name string, value int64, labels ...string) {
	s.out <- prometheus.MustNewConstMetric(s.figures[name], prometheus.CounterValue, float64(value), labels...)
}

// totals sets the counters of growth. What never happened is set to 0: the
// first time would be no increase to Prometheus otherwise.
func (s *scrape) totals(v storagegrowth.View) {
	pools := make(map[string]*storagegrowth.PoolTotals)
	for _, p := range v.Pools {
		pools[p.Pool] = &storagegrowth.PoolTotals{}
	}
	for pool, totals := range v.Totals.Pools {
		pools[pool] = totals
	}
	for pool, t := range pools {
		for _, verdict := range storagegrowth.Verdicts() {
			s.count(decisions, t.Decisions[verdict], pool, string(verdict))
		}
		for _, limit := range storagegrowth.Limits() {
			s.count(limits, t.Limits[limit], pool, string(limit))
		}
		s.count(begun, t.Begun, pool)
		for _, state := range []model.GrowthState{model.GrowthDone, model.GrowthPartial, model.GrowthDeclined} {
			s.count(finished, t.Finished[state], pool, string(state))
		}
	}
	for _, state := range []model.SlotState{model.SlotDone, model.SlotFailed, model.SlotParked, model.SlotRolledBack} {
		s.count(volumesEnded, v.Totals.Volumes[state], string(state))
	}
	for _, reason := range storagegrowth.FailureReasons() {
		s.count(failures, v.Totals.Failures[reason], reason)
	}
	s.duration(v.Totals.Durations)
}

func (s *scrape) duration(d storagegrowth.Durations) {
	buckets := make(map[float64]uint64)
	for _, bound := range storagegrowth.DurationBounds() {
		buckets[bound.Seconds()] = uint64(max(d.AtMost[int64(bound.Seconds())], 0))
	}
	s.out <- prometheus.MustNewConstHistogram(s.figures[durations], uint64(max(d.Count, 0)), d.Seconds, buckets)
}
