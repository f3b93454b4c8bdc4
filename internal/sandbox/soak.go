package sandbox

import (
	"math/rand/v2"
	"time"
)

// beginSoak says how the rounds that follow can be repeated.
func (s *stage) beginSoak() *rand.Rand {
	if s.count == 0 {
		s.count = 20
	}
	if s.seed == 0 {
		s.seed = uint64(time.Now().UnixNano())
	}
	s.report.Seed = s.seed
	s.progress.say("seed %d (--seed %d repeats the choice of faults and moments)", s.seed, s.seed)
	return rand.New(rand.NewPCG(s.seed, 0))
}

// deck draws faults so that as many rounds as there are faults have each once,
// in a random order.
type deck struct {
	random *rand.Rand
	faults []Fault
	drawn  int
}

func newDeck(random *rand.Rand) *deck { return &deck{random: random, faults: faults()} }

func (d *deck) next() Fault {
	at := d.drawn % len(d.faults)
	if at == 0 {
		d.random.Shuffle(len(d.faults), func(a, b int) { d.faults[a], d.faults[b] = d.faults[b], d.faults[a] })
	}
	d.drawn++
	return d.faults[at]
}
