package sandbox

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"scaleio-framework/internal/model"
	"scaleio-framework/storagegrowth"
	"scaleio-framework/storagegrowth/ec2test"
)

const (
	// fillTo is how full the pool is made; it grows from 80 %.
	fillTo      = 0.85
	growthLimit = 2 * time.Minute
	// attachHeld is how long EC2 leaves the second attachment unanswered, so
	// that the leader dies when one volume is attached and another one is not.
	attachHeld = 3 * time.Second
)

func growthScenario(ctx context.Context, s *stage) error {
	s.opts.Growth = true
	return s.inWorld(ctx, "world", func(w *World) error {
		state, err := w.await(ctx, "the bootstrap", bootstrapLimit, s.progress.show, func(st State) bool { return st.Complete(s.opts.Agents) })
		if err != nil {
			return err
		}
		s.bootstrapped(w, state)
		return s.grow(ctx, w, s.killed(w))
	})
}

// killed kills the leader between two volumes.
func (s *stage) killed(w *World) func(context.Context) error {
	return func(ctx context.Context) error {
		s.progress.say("kill -9 of the leader and its parent, between two volumes")
		return s.drill(ctx, w, Kill)
	}
}

// grow fills the pool, strikes between two volumes, and waits until the pool
// has grown.
func (s *stage) grow(ctx context.Context, w *World, strike func(context.Context) error) error {
	pool, err := w.fill()
	if err != nil {
		return err
	}
	before := w.fullness(pool)
	start := time.Now()
	w.aws.cloud.Inject(ec2test.Fault{Action: "AttachVolume", Skip: 1, Delay: attachHeld})
	s.progress.say("pool %s is filled to %.0f %%", pool, 100*before)
	growth, err := w.awaitGrowth(ctx, pool, "the first volume of a growth", attachedAny)
	if err != nil {
		return err
	}
	s.progress.say("growth of %d volumes has begun: %s", growth.Volumes, growth.Reason)
	if growth.Counts[model.SlotPlanned]+growth.Counts[model.SlotCreated] == 0 {
		s.report.fail("all volumes were attached before anything could be struck: %v", growth.Counts)
	}
	if err := strike(ctx); err != nil {
		return err
	}
	growth, err = w.awaitGrowth(ctx, pool, "the end of the growth", func(g *storagegrowth.GrowthView) bool { return g.Finished != nil })
	if err != nil {
		return err
	}
	s.grown(w, growth, before, start)
	return nil
}

// fill fills the only pool so that it has to grow.
func (w *World) fill() (pool string, err error) {
	pools := slices.Sorted(maps.Keys(w.system.Snapshot().Pools))
	if len(pools) != 1 {
		return "", fmt.Errorf("want one pool to fill, there are %q", pools)
	}
	return pools[0], w.system.Fill(pools[0], fillTo)
}

// grown notes a growth that is over in the report.
func (s *stage) grown(w *World, growth *storagegrowth.GrowthView, before float64, start time.Time) {
	r := GrowthReport{Pool: growth.Pool, UsedBefore: before, UsedAfter: w.fullness(growth.Pool), Volumes: growth.Counts[model.SlotDone], Seconds: time.Since(start).Seconds()}
	s.report.Growths = append(s.report.Growths, r)
	w.planned += r.Volumes
	s.judge(r, growth)
	s.progress.say("pool %s has grown by %d volumes in %.2f s and is %.0f %% full", r.Pool, r.Volumes, r.Seconds, 100*r.UsedAfter)
}

// judge compares a growth with what was promised.
func (s *stage) judge(r GrowthReport, growth *storagegrowth.GrowthView) {
	if growth.State != model.GrowthDone || r.Volumes != growth.Volumes {
		s.report.fail("growth %s ended %s with %d of %d volumes: %s", growth.ID, growth.State, r.Volumes, growth.Volumes, slotErrors(growth))
	}
	if target := storagegrowth.DefaultPolicy().Target; r.UsedAfter > target {
		s.report.fail("pool %s is %.1f %% full after its growth, the target is %.1f %%", r.Pool, 100*r.UsedAfter, 100*target)
	}
}

// fullness is the used share of what may be used, as the ScaleIO double has it.
func (w *World) fullness(pool string) float64 {
	p := w.system.Snapshot().Pools[pool]
	return float64(p.InUseKb) / float64(p.LimitKb-p.SpareKb)
}

// awaitGrowth polls the growths of a pool until the newest one is as wanted.
func (w *World) awaitGrowth(ctx context.Context, pool, what string, ok func(*storagegrowth.GrowthView) bool) (*storagegrowth.GrowthView, error) {
	ctx, cancel := context.WithTimeout(ctx, growthLimit)
	defer cancel()
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	var last storagegrowth.View
	for {
		if tree, err := w.client.Tree(ctx); err == nil {
			last = storagegrowth.Describe(tree)
			for i := range last.Growths {
				if g := &last.Growths[i]; g.Pool == pool {
					if ok(g) {
						return g, nil
					}
					break
				}
			}
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%s did not happen within %s; %s; the logs are in %s", what, growthLimit, describeGrowth(last, pool), w.dir)
		case <-ticker.C:
		}
	}
}

// describeGrowth says how far a pool has come, for the error of a scenario.
func describeGrowth(v storagegrowth.View, pool string) string {
	parts := []string{}
	for _, text := range []string{v.Problem, v.Provider} {
		if text != "" {
			parts = append(parts, text)
		}
	}
	for _, p := range v.Pools {
		if p.Pool == pool {
			parts = append(parts, "decided: "+p.Decision)
		}
	}
	for i := range v.Growths {
		if g := &v.Growths[i]; g.Pool == pool {
			parts = append(parts, fmt.Sprintf("growth %s is %s, %v: %s", g.ID, g.State, g.Counts, slotErrors(g)))
		}
	}
	return strings.Join(append(parts, fmt.Sprintf("%d growths", len(v.Growths))), "; ")
}

func slotErrors(g *storagegrowth.GrowthView) string {
	var texts []string
	for _, slot := range g.Slots {
		if slot.Error != "" {
			texts = append(texts, fmt.Sprintf("%s on %s: %s", slot.State, slot.Host, slot.Error))
		}
	}
	return strings.Join(texts, "; ")
}

// attachedAny reports whether a volume of the growth is attached, by its record.
func attachedAny(g *storagegrowth.GrowthView) bool {
	c := g.Counts
	return c[model.SlotAttached]+c[model.SlotLocated]+c[model.SlotAdded]+c[model.SlotDone] > 0
}

// inspectAWS asks the account what is left in it: a volume that is not attached
// to an instance and a device of a pool at once is leaked.
func (w *World) inspectAWS(r *Report) {
	devices := make(map[string]int)
	for _, sds := range w.system.Snapshot().SDSs {
		for _, name := range sds.DeviceNames {
			devices[name]++
		}
	}
	used := make(map[string]bool)
	for _, v := range w.aws.cloud.Snapshot().Volumes {
		used[v.ID] = v.Attachment != nil && v.Attachment.State == "attached" && devices[v.ID] > 0
		if devices[v.ID] > 1 {
			r.CreatedTwice = append(r.CreatedTwice, fmt.Sprintf("device of %s (%d times)", v.ID, devices[v.ID]))
		}
	}
	leaked := w.aws.cloud.LeakedVolumes(used)
	r.LeakedVolumes += len(leaked)
	r.CreatedTwice = append(r.CreatedTwice, w.aws.attachedTwice()...)
	slices.Sort(r.CreatedTwice)
	if made := w.aws.cloud.Count("CreateVolume").Effects; made != w.planned {
		r.fail("%d EBS volumes were made for %d that were planned", made, w.planned)
	}
}
