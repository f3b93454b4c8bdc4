package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"scaleio-framework/internal/model"
	"scaleio-framework/internal/state"
	"scaleio-framework/leader"
	"scaleio-framework/scheduler/bootstrap"
	"scaleio-framework/storagegrowth"
)

// committed collects from what is committed at the time of a scrape.
type committed struct {
	term    func() (Term, bool)
	figures map[string]*prometheus.Desc
}

// Describe implements prometheus.Collector.
func (c *committed) Describe(out chan<- *prometheus.Desc) {
	for _, desc := range c.figures {
		out <- desc
	}
}

// Collect implements prometheus.Collector.
func (c *committed) Collect(out chan<- prometheus.Metric) {
	s := &scrape{figures: c.figures, out: out}
	term, led := c.term()
	s.set(leading, yes(led))
	if !led {
		return
	}
	view := term.View()
	s.set(epoch, float64(view.Epoch))
	s.set(subscribed, yes(term.Subscribed()))
	s.set(unreadable, float64(len(view.Unreadable)))
	s.plan(state.Decode(view.Records))
	s.growth(view.Records)
}

// scrape is one answer.
type scrape struct {
	figures map[string]*prometheus.Desc
	out     chan<- prometheus.Metric
}

func (s *scrape) set(name string, value float64, labels ...string) {
	s.out <- prometheus.MustNewConstMetric(s.figures[name], prometheus.GaugeValue, value, labels...)
}

// at sets a time; a zero one is absent.
func (s *scrape) at(name string, t time.Time, labels ...string) {
	if !t.IsZero() {
		s.set(name, float64(t.UnixMilli())/1000, labels...)
	}
}

// plan sets what concerns the installation. States without a member are set
// to 0, so that an alert on one has something to compare.
func (s *scrape) plan(st state.State) {
	plan := bootstrap.Describe(st.Cluster, st.Plans)
	s.set(complete, yes(plan.Complete && plan.Uninstall == nil))
	s.set(paused, yes(st.Cluster != nil && st.Cluster.Paused))
	hosts := map[model.TaskState]int{model.TaskNone: 0, model.TaskLaunching: 0, model.TaskRunning: 0, model.TaskUnreachable: 0, model.TaskEnded: 0}
	refused := 0
	for _, node := range st.Nodes {
		hosts[node.State]++
		if node.Refused != nil {
			refused++
		}
	}
	counted(s, nodes, hosts)
	s.set(refusing, float64(refused))
	all := map[model.StepState]int{model.Pending: 0, model.Running: 0, model.Done: 0, model.Failed: 0, model.Stuck: 0, model.Skipped: 0}
	if st.Cluster != nil {
		countSteps(all, st.Cluster.Steps)
	}
	for _, plan := range st.Plans {
		countSteps(all, plan.Steps)
	}
	counted(s, steps, all)
}

func countSteps(all map[model.StepState]int, steps map[string]model.Step) {
	for _, step := range steps {
		all[step.State]++
	}
}

// growth sets what concerns pools and growths.
func (s *scrape) growth(stored leader.Snapshot) {
	v := storagegrowth.Describe(stored)
	s.at(growthAt, v.At)
	s.set(growthProblem, yes(v.Problem != ""))
	s.set(provider, yes(v.Provider != ""))
	s.set(orphans, float64(len(v.Orphans)))
	s.at(orphansAt, v.OrphansAt)
	for _, p := range v.Pools {
		s.pool(p)
	}
	states := map[model.GrowthState]int{model.GrowthAwaiting: 0, model.GrowthOpen: 0, model.GrowthDone: 0, model.GrowthPartial: 0, model.GrowthDeclined: 0}
	volumes := map[model.SlotState]int{
		model.SlotPlanned: 0, model.SlotCreated: 0, model.SlotAttached: 0, model.SlotLocated: 0, model.SlotAdded: 0,
		model.SlotDone: 0, model.SlotParked: 0, model.SlotFailed: 0, model.SlotRollingBack: 0, model.SlotRolledBack: 0,
	}
	gib, short := 0, 0
	for _, g := range v.Growths {
		states[g.State]++
		gib += g.AddedGiB
		if g.Clipped != "" {
			short++
		}
		for state, n := range g.Counts {
			volumes[state] += n
		}
	}
	counted(s, growths, states)
	counted(s, slots, volumes)
	s.set(added, float64(gib)*(1<<30))
	s.set(clipped, float64(short))
	s.totals(v)
}

func (s *scrape) pool(p storagegrowth.PoolView) {
	const kib = 1 << 10
	s.set(poolThreshold, p.Threshold, p.Pool)
	s.set(poolTarget, p.Target, p.Pool)
	if p.Verdict != "" {
		s.set(poolVerdict, 1, p.Pool, string(p.Verdict))
	}
	// Of a reading that cannot be trusted no figure is told: a fullness of 0
	// would quiet every alert.
	if p.Verdict != storagegrowth.VerdictUnreadable {
		s.set(poolFullness, p.Fullness, p.Pool)
		s.set(poolDevice, p.FullestDevice, p.Pool)
		s.set(poolLimit, float64(p.LimitKiB)*kib, p.Pool)
		s.set(poolSpare, float64(p.SpareKiB)*kib, p.Pool)
		s.set(poolUsed, float64(p.InUseKiB)*kib, p.Pool)
		s.set(poolUnused, float64(p.UnusedKiB)*kib, p.Pool)
		s.set(poolCritical, p.Critical, p.Pool)
		if p.FullIn > 0 {
			s.set(poolFullIn, float64(p.FullIn), p.Pool)
		}
	}
	if last := p.LastGrowth; last != nil && last.Finished != nil {
		s.at(poolEnded, *last.Finished, p.Pool)
		s.set(poolDuration, last.Finished.Sub(last.Decided).Seconds(), p.Pool)
	}
}

func counted[S ~string](s *scrape, name string, by map[S]int) {
	for state, n := range by {
		s.set(name, float64(n), string(state))
	}
}

func yes(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
