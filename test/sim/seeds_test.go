package sim_test

import (
	"flag"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var (
	seeds  = flag.Uint64("sim.seeds", seedsDefault, "play so many seeds")
	first  = flag.Uint64("sim.first", 1, "play seeds from this one on")
	single = flag.Uint64("sim.seed", 0, "play this seed alone and tell its story")
)

// wants are the endings of sites without faults, by name.
var wants = make(map[string]string)

// want is the ending that every seed of a site must reach.
func want(t *testing.T, like site) string {
	t.Helper()
	prepare(t)
	if end, known := wants[like.name]; known {
		return end
	}
	for _, plain := range drawn {
		if plain.name == like.name {
			w := playProcesses(t, plain, scenario{session: 10 * time.Second, rivals: 2}, "")
			require.Empty(t, w.wrong, w.tell())
			wants[like.name] = w.end
		}
	}
	return wants[like.name]
}

// Schedulers elect their leader over ZooKeeper, and everything goes wrong that
// a seed draws: no rule is broken at any step, and the site becomes what it
// becomes without faults.
func TestSeeds(t *testing.T) {
	for _, plain := range drawn {
		want(t, plain)
	}
	if *single > 0 {
		w := playSeed(t, *single)
		t.Log(w.tell())
		require.Empty(t, w.verdict())
		return
	}
	begun := time.Now()
	queue := seedQueue{next: *first, end: *first + *seeds, tally: make(tally)}
	t.Run("at once", func(t *testing.T) {
		for i := range runtime.GOMAXPROCS(0) {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				for seed, more := queue.take(); more; seed, more = queue.take() {
					w := playSeed(t, seed)
					queue.count(w)
					if w.verdict() != "" {
						queue.fail(t, seed, w)
					}
				}
			})
		}
	})
	t.Logf("what happened in them:%s", queue.tally)
	if *seeds >= enough {
		require.Empty(t, queue.tally.absent(everything), "nothing of this happened")
	}
	took := time.Since(begun)
	t.Logf("%d seeds from %d in %s: %.1f seeds/s", *seeds, *first, took.Round(time.Millisecond), float64(*seeds)/took.Seconds())
}

// seedQueue gives each seed to one of the players.
type seedQueue struct {
	mu        sync.Mutex
	next, end uint64
	failed    int
	tally     tally
}

// enough is from how many seeds on everything has to happen.
const enough = 250

// failures end the play: more of them say nothing new.
const failures = 20

func (q *seedQueue) take() (seed uint64, more bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.next >= q.end || q.failed >= failures {
		return 0, false
	}
	q.next++
	return q.next - 1, true
}

func (q *seedQueue) count(w *world) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.tally.add(w.tally)
}

// fail tells the whole story of the first failure, and of the others the rule.
func (q *seedQueue) fail(t *testing.T, seed uint64, w *world) {
	t.Helper()
	q.mu.Lock()
	defer q.mu.Unlock()
	story := ""
	if q.failed++; q.failed == 1 {
		story = w.tell() + "\n" + w.verdict() + "\n"
	}
	t.Errorf("%sseed %d, %s: %s\nreplay: go test ./test/sim -run 'TestSeeds$' -v -args -sim.seed=%d", story, seed, w.site.name, w.wrong[0], seed)
}

// A seed says everything: played again, it tells the same story.
func TestASeedTellsTheSameStoryAgain(t *testing.T) {
	for seed := *first; seed < *first+repeated; seed++ {
		w, again := playSeed(t, seed), playSeed(t, seed)
		require.Equal(t, w.story, again.story, "seed %d", seed)
	}
}

// An attachment that sticks costs a volume, which is removed: it is gone in the
// end, and nobody is told of an orphan.
func TestAStickyAttachmentLeavesNothing(t *testing.T) {
	sticky := growing
	sticky.sticky, sticky.createTakes, sticky.attachTakes = true, 0, 0
	end := want(t, sticky)
	w := playProcesses(t, sticky, scenario{session: 10 * time.Second, latency: 5 * time.Millisecond, rivals: 2}, end)
	require.Empty(t, w.verdict())
	require.Equal(t, 6, w.cloud.Made)
}
