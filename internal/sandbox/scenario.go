package sandbox

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"scaleio-framework/internal/clock"
)

// Limits of what a scenario waits for. They are far above what is measured: a
// busy machine is slow, a hang is not.
const (
	bootstrapLimit = 3 * time.Minute
	joinLimit      = 2 * time.Minute
)

// mdmHosts is how many hosts the MDM cluster takes.
const mdmHosts = 3

// Run plays a scenario and returns its report, also when it failed. There is
// none when it was refused, before anything was begun.
func Run(ctx context.Context, scenario string, opts Options, count int, seed uint64) (*Report, error) {
	play, ok := map[string]func(context.Context, *stage) error{
		"bootstrap":     bootstrapScenario,
		"demo":          demoScenario,
		"failover-soak": soakScenario,
		"growth":        growthScenario,
		"growth-soak":   growthSoakScenario,
		"uninstall":     uninstallScenario,
	}[scenario]
	if !ok {
		return nil, fmt.Errorf("sandbox: no scenario %q: want bootstrap, demo, failover-soak, growth, growth-soak or uninstall", scenario)
	}
	return run(ctx, opts, func(ctx context.Context, s *stage) error {
		s.count, s.seed = count, seed
		return s.play(ctx, play)
	})
}

// run sets a stage, lets it be played on, and concludes the report.
func run(ctx context.Context, opts Options, play func(context.Context, *stage) error) (*Report, error) {
	if err := opts.complete(); err != nil {
		return nil, err
	}
	if opts.Agents < mdmHosts {
		return nil, fmt.Errorf("sandbox: of %d hosts no MDM cluster can be made: --agents must be %d or more", opts.Agents, mdmHosts)
	}
	dir := opts.Dir
	if dir == "" {
		made, err := os.MkdirTemp("", "scaleio-sandbox-")
		if err != nil {
			return nil, err
		}
		dir = made
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	s := &stage{opts: opts, dir: dir, servers: 1, report: newReport(), progress: newProgress(opts.Out, opts.Terminal, opts.Width, time.Now)}
	if err := play(ctx, s); err != nil {
		s.report.fail("%s", err)
	}
	if err := s.report.conclude(); err != nil {
		return s.report, fmt.Errorf("%w\nhosts, logs and ZooKeeper's data are kept in %s", err, dir)
	}
	if opts.Dir == "" {
		// ZooKeeper ran as nobody; what it wrote is ours to remove all the same.
		if err := os.RemoveAll(dir); err != nil {
			opts.Logger.Warn("temporary directory not removed", "dir", dir, "error", err)
		}
	}
	return s.report, nil
}

// stage is what the scenarios share.
type stage struct {
	opts     Options
	dir      string
	count    int
	seed     uint64
	servers  int  // of ZooKeeper
	remade   bool // everything was removed and made once more
	zk       *ZooKeeper
	report   *Report
	progress *progress
}

func (s *stage) play(ctx context.Context, scenario func(context.Context, *stage) error) (err error) {
	s.progress.say("starting ZooKeeper")
	if err := os.MkdirAll(s.zkDir(), 0o755); err != nil {
		return err
	}
	if err := os.Chmod(s.dir, 0o755); err != nil { // ZooKeeper may run as nobody
		return err
	}
	if s.zk, err = StartZooKeeper(ctx, s.zkDir(), s.servers, s.opts.SessionTimeout); err != nil {
		return err
	}
	defer s.zk.Close()
	if s.report.Zookeeper, err = s.zk.Version(ctx); err != nil {
		return err
	}
	return scenario(ctx, s)
}

// zkDir is where ZooKeeper keeps its data.
func (s *stage) zkDir() string { return filepath.Join(s.dir, "zookeeper") }

// inWorld makes a world with schedulers, runs f in it, and checks what it left.
func (s *stage) inWorld(ctx context.Context, name string, f func(*World) error) (err error) {
	dir := filepath.Join(s.dir, name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	s.progress.begin()
	s.progress.say("laying out %d hosts, making the packages", s.opts.Agents)
	w, err := NewWorld(ctx, s.opts, s.zk, dir, name)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := w.Close(); err == nil {
			err = closeErr
		}
	}()
	s.progress.say("starting %d schedulers", s.opts.Schedulers)
	if err := w.StartSchedulers(); err != nil {
		return err
	}
	if err := f(w); err != nil {
		return err
	}
	if s.remade {
		return w.inspectSecrets(ctx, s.report)
	}
	return w.inspect(ctx, s.report)
}

// bootstrapped notes the finished bootstrap in the report.
func (s *stage) bootstrapped(w *World, state State) {
	s.report.Bootstrap = &BootstrapReport{
		Agents: len(state.Plans), Seconds: state.Bootstrap().Seconds(), Steps: state.Over(), FrameworkID: state.Framework.ID,
	}
	s.progress.say("bootstrap of %d hosts complete: %d steps in %.2f s", len(state.Plans), state.Over(), state.Bootstrap().Seconds())
}

func bootstrapScenario(ctx context.Context, s *stage) error {
	return s.inWorld(ctx, "world", func(w *World) error {
		state, err := w.await(ctx, "the bootstrap", bootstrapLimit, s.progress.show, func(st State) bool { return st.Complete(s.opts.Agents) })
		if err != nil {
			return err
		}
		s.bootstrapped(w, state)
		return nil
	})
}

// demoSteps is after how many steps the demo kills the leader: in the middle
// of the packages and before the ScaleIO cluster is made.
const demoSteps = 8

func demoScenario(ctx context.Context, s *stage) error {
	s.opts.Growth = true
	return s.inWorld(ctx, "world", func(w *World) error {
		_, err := w.await(ctx, "the first steps", bootstrapLimit, s.progress.show, func(st State) bool { return st.Over() >= demoSteps })
		if err != nil {
			return err
		}
		s.progress.say("kill -9 of the leader and its parent, in the middle of the bootstrap")
		if err := s.drill(ctx, w, Kill); err != nil {
			return err
		}
		state, err := w.await(ctx, "the bootstrap", bootstrapLimit, s.progress.show, func(st State) bool { return st.Complete(s.opts.Agents) })
		if err != nil {
			return err
		}
		s.bootstrapped(w, state)
		s.progress.say("kill -9 of the leader alone")
		if err := s.drill(ctx, w, Crash); err != nil {
			return err
		}
		if err := s.join(ctx, w, state); err != nil {
			return err
		}
		if err := s.grow(ctx, w, s.killed(w)); err != nil {
			return err
		}
		s.progress.say("SIGTERM to the leader")
		return s.drill(ctx, w, Term)
	})
}

// join adds a host and waits until it is served.
func (s *stage) join(ctx context.Context, w *World, before State) error {
	s.progress.say("a new host joins")
	start := time.Now()
	host, err := w.AddHost()
	if err != nil {
		return err
	}
	state, err := w.await(ctx, "the onboarding of "+host.Name, joinLimit, s.progress.show, func(st State) bool { return st.Complete(len(before.Plans) + 1) })
	if err != nil {
		return err
	}
	s.report.Joined = append(s.report.Joined, JoinReport{
		Host: host.Name, Seconds: time.Since(start).Seconds(), Steps: state.Over() - before.Over(),
	})
	s.progress.say("%s is served after %.2f s", host.Name, time.Since(start).Seconds())
	return nil
}

// drill strikes the leader and notes what was measured.
func (s *stage) drill(ctx context.Context, w *World, fault Fault) error {
	before, err := w.State(ctx)
	if err != nil {
		return err
	}
	f, err := w.Failover(ctx, fault)
	if err != nil {
		return err
	}
	after, err := w.State(ctx)
	if err != nil {
		return err
	}
	f.StepsRepeated = after.Repeated() - before.Repeated()
	if f.WokenExit != nil && *f.WokenExit != 3 {
		s.report.fail("the woken ex-leader exited with %d, want 3", *f.WokenExit)
	}
	s.report.Failovers = append(s.report.Failovers, f)
	s.progress.say("epoch %d took over from %d after %.2f s", f.EpochAfter, f.EpochBefore, f.TakeoverS)
	return nil
}

// soakScenario strikes at random moments of one bootstrap after the other.
func soakScenario(ctx context.Context, s *stage) error {
	random := s.beginSoak()
	deck := newDeck(random)
	for i := range s.count {
		strike := soakStrike{
			fault:  deck.next(),
			steps:  random.IntN(soakSteps),
			jitter: time.Duration(random.Int64N(int64(soakJitter))),
		}
		s.progress.say("round %d of %d: %s", i+1, s.count, strike)
		err := s.inWorld(ctx, fmt.Sprintf("round%d", i+1), func(w *World) error {
			return s.soakRound(ctx, w, strike)
		})
		if err != nil {
			return fmt.Errorf("round %d (%s, seed %d): %w", i+1, strike, s.seed, err)
		}
	}
	return nil
}

// A strike comes once a number of steps is over, and a random moment later: by
// steps rather than by time, so that it hits the bootstrap on any machine.
const (
	soakSteps  = 52 // a bootstrap of three hosts has 53
	soakJitter = 60 * time.Millisecond
)

// soakStrike is what one round of the soak does.
type soakStrike struct {
	fault  Fault
	steps  int
	jitter time.Duration
}

func (s soakStrike) String() string {
	return fmt.Sprintf("%s after %d steps and %s", s.fault, s.steps, s.jitter.Round(time.Millisecond))
}

func (s *stage) soakRound(ctx context.Context, w *World, strike soakStrike) error {
	if _, _, err := w.awaitLeader(ctx, "", 0); err != nil {
		return err
	}
	_, err := w.await(ctx, "the moment to strike", bootstrapLimit, nil, func(st State) bool { return st.Over() >= strike.steps })
	if err != nil {
		return err
	}
	if err := clock.Sleep(ctx, strike.jitter); err != nil {
		return err
	}
	if err := s.drill(ctx, w, strike.fault); err != nil {
		return err
	}
	state, err := w.await(ctx, "the bootstrap", bootstrapLimit, s.progress.show, func(st State) bool { return st.Complete(s.opts.Agents) })
	if err != nil {
		return err
	}
	s.bootstrapped(w, state)
	return nil
}
