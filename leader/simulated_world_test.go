package leader_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"scaleio-framework/internal/zkconn"
	"scaleio-framework/internal/zkconn/zkmodel"
	"scaleio-framework/leader"
)

const (
	simulatedRoot    = "/framework/simulated"
	simulatedSession = 4 * time.Second
	// troubled is how long faults happen, and calm the time within which a
	// leader must have committed afterwards.
	troubled = 40 * time.Second
	calm     = 5 * simulatedSession
	// restart is what the supervisor waits before it starts a process again.
	restart = time.Second
)

// simulation is one history.
type simulation struct {
	seed     uint64
	rng      *rand.Rand // of the faults
	ensemble *zkmodel.Ensemble
	began    time.Time
	slots    int

	mu         sync.Mutex
	lines      []line
	violations []string
	figures    figures
	processes  []*process // one a slot
	storm      float64    // how likely a request meets a fault
	strikes    []zkmodel.Fate
	fates      *rand.Rand
	ledger     ledger
	committed  chan struct{} // gets a value for each commit that succeeded
}

type line struct {
	at   time.Duration
	text string
}

func newSimulation(seed uint64) *simulation {
	s := &simulation{
		seed: seed, rng: rand.New(rand.NewPCG(seed, 1)), fates: rand.New(rand.NewPCG(seed, 2)),
		began: time.Now(), committed: make(chan struct{}, 1), ledger: newLedger(),
	}
	s.slots = 2 + s.rng.IntN(2)
	s.processes = make([]*process, s.slots)
	s.ensemble = zkmodel.New(zkmodel.Options{
		Seed:     seed,
		Servers:  []int{1, 3, 3, 5}[s.rng.IntN(4)],
		TickTime: 500 * time.Millisecond,
		Latency:  time.Duration(1+s.rng.IntN(20)) * time.Millisecond,
		Lag:      time.Duration(1+s.rng.IntN(200)) * time.Millisecond,
		Fate:     s.fate,
		Observe:  s.observe,
	})
	return s
}

// run is the whole history: trouble, calm, and the end.
func (s *simulation) run() {
	ctx, cancel := context.WithCancel(context.Background())
	var slots sync.WaitGroup
	for i := range s.slots {
		slots.Go(func() { s.supervise(ctx, i) })
	}
	s.trouble()
	s.tell("calm")
	s.awaitCommit()
	cancel()
	slots.Wait()
	s.judgeTheEnd()
}

// supervise starts a process, and another when it has exited.
func (s *simulation) supervise(ctx context.Context, slot int) {
	for incarnation := 1; ctx.Err() == nil; incarnation++ {
		p := newProcess(ctx, s, fmt.Sprintf("%c%d", 'a'+slot, incarnation))
		s.mu.Lock()
		s.processes[slot] = p
		s.mu.Unlock()
		p.run()
		select {
		case <-time.After(restart):
		case <-ctx.Done():
		}
	}
}

// awaitCommit wants a commit that began after the trouble.
func (s *simulation) awaitCommit() {
	deadline := time.After(calm)
	select {
	case <-s.committed: // an old one
	default:
	}
	for range 2 { // the first may have begun before
		select {
		case <-s.committed:
		case <-deadline:
			s.violate("nobody has committed within %v after the faults had stopped", calm)
			return
		}
	}
}

func (s *simulation) tell(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.note(format, args...)
}

// note is tell for those who hold the lock.
func (s *simulation) note(format string, args ...any) {
	s.lines = append(s.lines, line{time.Since(s.began), fmt.Sprintf(format, args...)})
}

// says is tell for a process, which says nothing once it has been killed.
func (s *simulation) says(p *process, format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !p.dead {
		s.note(p.name+": "+format, args...)
	}
}

func (s *simulation) violate(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken(format, args...)
}

// broken is violate for those who hold the lock.
func (s *simulation) broken(format string, args ...any) {
	s.note("VIOLATION: "+format, args...)
	s.violations = append(s.violations, fmt.Sprintf(format, args...))
}

// story is the history as an operator would tell it. What happened in
// different goroutines at one instant is in the order of the alphabet.
func (s *simulation) story() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	lines := slices.Clone(s.lines)
	slices.SortStableFunc(lines, func(a, b line) int {
		if a.at != b.at {
			return int(a.at - b.at)
		}
		return strings.Compare(a.text, b.text)
	})
	var text strings.Builder
	fmt.Fprintf(&text, "seed %d, %d schedulers\n", s.seed, s.slots)
	for _, l := range lines {
		fmt.Fprintf(&text, "%12.6f  %s\n", l.at.Seconds(), l.text)
	}
	return text.String()
}

// dialer makes an elector dial the modelled ensemble.
func dialer(client *zkmodel.Client) leader.Dial {
	return func(ctx context.Context, opts zkconn.Options) (leader.Conn, error) {
		conn, err := client.Dial(ctx, opts)
		if err != nil {
			return nil, err
		}
		return conn, nil
	}
}
