package sandbox

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"scaleio-framework/internal/clock"
	"scaleio-framework/storagegrowth"
	"scaleio-framework/storagegrowth/ec2test"
)

const (
	// roundsOfAWorld is how often one pool grows. Each round makes it a third
	// larger, and every instance gets a volume more, of which the policy allows
	// sixteen.
	roundsOfAWorld = 10
	// growthEffects are the calls of a growth that change something in EC2: its
	// three volumes are made and attached.
	growthEffects = 6
	// growthJitter is about as long as EC2 and ScaleIO take for the next one.
	growthJitter = 700 * time.Millisecond
	// effectPoll is how exactly a strike hits the call that it waits for.
	effectPoll = 2 * time.Millisecond
)

// growthSoakScenario lets a pool grow again and again. Each time the leader is
// struck at a random moment, while EC2 loses, delays and throttles calls.
func growthSoakScenario(ctx context.Context, s *stage) error {
	s.opts.Growth = true
	// The next round must not wait; what the caller sets wins.
	s.opts.Settings = append([]string{"SIO_GROWTH_COOLDOWN=0s"}, s.opts.Settings...)
	random := s.beginSoak()
	deck := newDeck(random)
	for first := 0; first < s.count; first += roundsOfAWorld {
		last := min(first+roundsOfAWorld, s.count)
		err := s.inWorld(ctx, fmt.Sprintf("rounds%d-%d", first+1, last), func(w *World) error {
			state, err := w.await(ctx, "the bootstrap", bootstrapLimit, s.progress.show, func(st State) bool { return st.Complete(s.opts.Agents) })
			if err != nil {
				return err
			}
			s.bootstrapped(w, state)
			for i := first; i < last; i++ {
				strike := newGrowthStrike(random, deck.next())
				s.progress.say("round %d of %d: %s", i+1, s.count, strike)
				if err := s.growthRound(ctx, w, strike); err != nil {
					return fmt.Errorf("round %d (%s, seed %d): %w", i+1, strike, s.seed, err)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// growthStrike is what one round does to the leader and to EC2.
type growthStrike struct {
	fault Fault
	// effects are the calls that have changed something before the strike; with
	// none it comes when the growth is recorded.
	effects  int
	jitter   time.Duration
	troubles []trouble
}

func newGrowthStrike(random *rand.Rand, fault Fault) growthStrike {
	strike := growthStrike{fault: fault, effects: random.IntN(growthEffects + 1), jitter: time.Duration(random.Int64N(int64(growthJitter)))}
	for range random.IntN(3) {
		strike.troubles = append(strike.troubles, newTrouble(random))
	}
	return strike
}

func (s growthStrike) String() string {
	text := fmt.Sprintf("%s after %d effects in EC2 and %s", s.fault, s.effects, s.jitter.Round(time.Millisecond))
	for _, t := range s.troubles {
		text += ", " + t.what
	}
	return text
}

// trouble is a fault of EC2, with words for it.
type trouble struct {
	what  string
	fault ec2test.Fault
}

// newTrouble draws a fault. It strikes up to six calls in a row, which is more
// than the SDK repeats.
func newTrouble(random *rand.Rand) trouble {
	action := []string{"CreateVolume", "AttachVolume"}[random.IntN(2)]
	times, skip := 1+random.IntN(6), random.IntN(3)
	kinds := []trouble{
		{"lost replies", ec2test.LoseReply(action)},
		{"lost requests", ec2test.LoseRequest(action)},
		{"throttling", ec2test.Throttle(action, times)},
		{"slow answers", ec2test.Fault{Action: action, After: true, Delay: time.Second}},
		{"slow requests", ec2test.Fault{Action: action, Delay: time.Second}},
	}
	t := kinds[random.IntN(len(kinds))]
	t.fault.Times, t.fault.Skip = times, skip
	t.what = fmt.Sprintf("%s of %d %s behind %d", t.what, times, action, skip)
	return t
}

// growthRound fills the pool, strikes, and compares what was planned with what
// EC2 and ScaleIO have in the end.
func (s *stage) growthRound(ctx context.Context, w *World, strike growthStrike) error {
	pool, err := w.fill()
	if err != nil {
		return err
	}
	before, start, effects := w.fullness(pool), time.Now(), w.aws.effects()
	for _, t := range strike.troubles {
		w.aws.cloud.Inject(t.fault)
	}
	defer w.aws.cloud.ClearFaults()
	fresh := func(g *storagegrowth.GrowthView) bool { return g.Finished == nil || g.Finished.After(start) }
	if _, err := w.awaitGrowth(ctx, pool, "the beginning of a growth", fresh); err != nil {
		return err
	}
	if err := w.aws.awaitEffects(ctx, effects+strike.effects); err != nil {
		return err
	}
	if err := clock.Sleep(ctx, strike.jitter); err != nil {
		return err
	}
	if err := s.drill(ctx, w, strike.fault); err != nil {
		return err
	}
	growth, err := w.awaitGrowth(ctx, pool, "the end of the growth", func(g *storagegrowth.GrowthView) bool { return fresh(g) && g.Finished != nil })
	if err != nil {
		return err
	}
	s.grown(w, growth, before, start)
	left := newReport()
	w.inspectAWS(left)
	left.Failures = append(left.Failures, s.report.Failures...)
	return left.conclude()
}

// effects counts the calls that made or attached a volume.
func (a *aws) effects() int {
	return a.cloud.Count("CreateVolume").Effects + a.cloud.Count("AttachVolume").Effects
}

func (a *aws) awaitEffects(ctx context.Context, n int) error {
	ctx, cancel := context.WithTimeout(ctx, growthLimit)
	defer cancel()
	ticker := time.NewTicker(effectPoll)
	defer ticker.Stop()
	for a.effects() < n {
		select {
		case <-ctx.Done():
			return fmt.Errorf("EC2 did not see %d volumes made and attached within %s", n, growthLimit)
		case <-ticker.C:
		}
	}
	return nil
}
