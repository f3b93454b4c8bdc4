package leader_test

import (
	"flag"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

var (
	simulationSeeds = flag.Int("leader.seeds", 100, "how many seeds TestNoFaultMakesTwoLeaders plays")
	simulationFirst = flag.Uint64("leader.first", 1, "the first of the seeds")
	simulationSeed  = flag.Uint64("leader.seed", 0, "play only this seed, and tell its story")
)

// play runs one simulation in a bubble of its own.
func play(t *testing.T, seed uint64) (s *simulation) {
	synctest.Test(t, func(*testing.T) {
		s = newSimulation(seed)
		s.run()
	})
	return s
}

// Schedulers stand, lead, commit, hand over and die on a modelled ZooKeeper
// whose servers and network fail. A failing seed tells its story; play it
// again with -leader.seed=N.
func TestNoFaultMakesTwoLeaders(t *testing.T) {
	first, last := *simulationFirst, *simulationFirst+uint64(*simulationSeeds)
	if *simulationSeed != 0 {
		first, last = *simulationSeed, *simulationSeed+1
	}
	var total figures
	for seed := first; seed < last; seed++ {
		s := play(t, seed)
		if len(s.violations) > 0 || *simulationSeed != 0 {
			t.Log("\n" + s.story())
		}
		require.Empty(t, s.violations, "seed %d: go test ./leader -run %s -v -args -leader.seed=%[1]d", seed, t.Name())
		total.add(s.figures)
	}
	t.Log(total)
	if *simulationSeed == 0 {
		// A simulation in which nothing happens proves nothing.
		for what, n := range map[string]int{
			"elections": total.elections, "commits": total.commits, "unknown outcomes": total.unknown,
			"lost terms": total.deposed, "hand-overs": total.handedOver,
		} {
			require.Positive(t, n, what)
		}
	}
}

func TestASeedTellsTheSameStoryEachTime(t *testing.T) {
	for seed := uint64(1); seed <= 5; seed++ {
		require.Equal(t, play(t, seed).story(), play(t, seed).story(), "seed %d", seed)
	}
}

// figures count what happened.
type figures struct{ elections, commits, unknown, deposed, lapsed, handedOver, killed int }

func (f *figures) add(o figures) {
	f.elections += o.elections
	f.commits += o.commits
	f.unknown += o.unknown
	f.deposed += o.deposed
	f.lapsed += o.lapsed
	f.handedOver += o.handedOver
	f.killed += o.killed
}

func (f figures) String() string {
	return fmt.Sprintf("%d elections, %d commits, %d unknown outcomes; terms ended: %d deposed, %d lapsed, %d handed over, %d killed",
		f.elections, f.commits, f.unknown, f.deposed, f.lapsed, f.handedOver, f.killed)
}
