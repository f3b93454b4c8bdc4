package sandbox

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// During is what the cluster does when a drill strikes.
type During string

const (
	// DuringBootstrap strikes in the middle of the installation.
	DuringBootstrap During = "bootstrap"
	// DuringGrowth strikes between two volumes of a pool's growth.
	DuringGrowth During = "growth"
	// DuringIdle strikes when everything is installed.
	DuringIdle During = "idle"
)

// Drill is a fault that is provoked on purpose, with what must come of it.
type Drill struct {
	Name string
	// Fault is what is done, and Expect what must come of it.
	Fault, Expect string
	// Measures names what is measured, and Bound how long it may take; a drill
	// without a bound measures for information.
	Measures string
	Bound    func(session time.Duration) time.Duration
	// Schedulers is the number of instances; 2 when 0.
	Schedulers int

	strike func(context.Context, *scene) error
	// ground prepares the directory of a ZooKeeper ensemble before it starts,
	// and returns what undoes that after its end.
	ground func(zkDir string) (undo func() error, err error)
}

// What drills measure, and how their expectations begin.
const (
	takeOver  = "take-over"
	leadsOn   = "the leader goes on"
	regained  = "subscribed again"
	relaunch  = "node agent back"
	finished  = "the work is done"
	anEpoch   = "Another instance leads, one epoch higher, under the same framework id; "
	sameEpoch = "The same instance leads on in the same epoch; "
)

func afterSession(session time.Duration) time.Duration { return session + 500*time.Millisecond }

func fixed(d time.Duration) func(time.Duration) time.Duration {
	return func(time.Duration) time.Duration { return d }
}

// Drills are all there are, in the order of docs/drills.md.
func Drills() []Drill {
	return slices.Concat(leaderDrills(), clockDrills(), linkDrills(), zookeeperDrills(), mesosDrills())
}

func findDrill(name string) (Drill, error) {
	var names []string
	for _, d := range Drills() {
		if d.Name == name {
			return d, nil
		}
		names = append(names, d.Name)
	}
	return Drill{}, fmt.Errorf("sandbox: no drill %q: want %s", name, strings.Join(names, ", "))
}

// DrillOptions say how a drill is played.
type DrillOptions struct {
	Name   string
	During During
	// AfterSteps is after how many steps of the bootstrap to strike; a moment in
	// the middle of them when 0.
	AfterSteps int
	// Refuse makes links refuse connections instead of dropping what is sent.
	Refuse bool
}

// ensemble is the number of ZooKeeper servers of a drill.
const ensemble = 3

// RunDrill plays a drill on a fresh cluster and returns its report, also when
// it failed. There is none when it was refused, before anything was begun.
func RunDrill(ctx context.Context, drill DrillOptions, opts Options) (*Report, error) {
	d, err := findDrill(drill.Name)
	if err != nil {
		return nil, err
	}
	if opts.Schedulers == 0 {
		opts.Schedulers = d.Schedulers
	}
	if drill.AfterSteps == 0 {
		drill.AfterSteps = strikeAfter
	}
	opts.heartbeat = drillHeartbeat
	switch drill.During {
	case DuringBootstrap, DuringIdle:
	case DuringGrowth:
		opts.Growth = true
	default:
		return nil, fmt.Errorf("sandbox: no drill during %q: want bootstrap, growth or idle", drill.During)
	}
	return run(ctx, opts, func(ctx context.Context, s *stage) (err error) {
		s.servers = ensemble
		if d.ground != nil {
			undo, err := d.ground(s.zkDir())
			if err != nil {
				return err
			}
			defer func() {
				if undoErr := undo(); err == nil {
					err = undoErr
				}
			}()
		}
		err = s.play(ctx, func(ctx context.Context, s *stage) error { return s.drillOn(ctx, d, drill) })
		if err != nil {
			return err
		}
		return allEnded(ctx, s.dir)
	})
}

const (
	// strikeAfter is about the middle of a bootstrap of three hosts.
	strikeAfter = 20
	// drillHeartbeat is the master's: a leader notices a silent master after
	// three of them, and a drill is not to take a minute for that.
	drillHeartbeat = time.Second
)

// drillOn brings a cluster to where the drill strikes, strikes, and looks at
// what became of it.
func (s *stage) drillOn(ctx context.Context, d Drill, how DrillOptions) error {
	return s.inWorld(ctx, "world", func(w *World) error {
		c := &scene{stage: s, w: w, drill: d, how: how, result: DrillReport{
			Drill: d.Name, During: string(how.During), Expected: d.Expect, Measures: d.Measures,
		}}
		if d.Bound != nil {
			c.result.BoundS = d.Bound(s.opts.SessionTimeout).Seconds()
		}
		err := c.play(ctx)
		s.report.Drills = append(s.report.Drills, c.result)
		return err
	})
}
