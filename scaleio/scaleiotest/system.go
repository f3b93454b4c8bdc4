package scaleiotest

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// System is one ScaleIO world. All methods are safe for concurrent use.
type System struct {
	opt     Options
	version version
	authority

	mu      sync.Mutex
	rng     *rand.Rand
	serial  uint32
	faults  []*Fault
	counts  map[Op]map[string]int
	refused map[Op]map[string]int

	hosts   []*host
	cluster *cluster

	systemID, installID, name string
	password                  string
	started                   time.Time
	highAlert, criticalAlert  int
	restricted                bool

	domains   []*domain
	faultSets []*faultSet
	pools     []*pool
	sdss      []*sds
	devices   []*device
	sdcs      []*sdc
	volumes   []*volume

	// settings of pools and others that have no effect here but are shown
	// back: object id, then JSON key.
	shown map[string]map[string]any

	keys []string // pieces of private keys

	platforms []*Platform

	controlURL string
	control    *http.Server
	controlEnd chan struct{}
	requests   sync.WaitGroup
	closed     bool
}

// New makes a world without hosts. It starts nothing.
func New(o Options) (*System, error) {
	o, v, err := o.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("scaleio double: %w", err)
	}
	s := &System{
		opt: o, version: v,
		rng:     rand.New(rand.NewPCG(o.Seed, 0x5ca1e10)), //nolint:gosec // identifiers, not secrets
		counts:  map[Op]map[string]int{},
		refused: map[Op]map[string]int{},
		shown:   map[string]map[string]any{},
	}
	if err := s.issue(); err != nil {
		return nil, fmt.Errorf("scaleio double: certificate authority: %w", err)
	}
	return s, nil
}

// newID draws an identifier of 16 hexadecimal digits: eight random ones and a
// running number, as the real system's look.
func (s *System) newID() string {
	id := fmt.Sprintf("%08x%08x", s.rng.Uint32()|1, s.serial)
	s.serial++
	return id
}

// longID draws an identifier without a running part (system, members).
func (s *System) longID() string { return fmt.Sprintf("%016x", s.rng.Uint64()|1) }

// IDs returns the identifiers of the system and of its installation, empty
// before there is a cluster.
func (s *System) IDs() (system, installation string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.systemID, s.installID
}

// settle brings up to date what changes without a command: who is master, and
// which SDCs have found the cluster. The caller holds the lock.
func (s *System) settle() {
	if s.cluster == nil {
		return
	}
	s.cluster.elect()
	for _, h := range s.hosts {
		s.settleSDC(h)
	}
}

// Close ends the control API, all gateways and platforms and waits for their requests.
func (s *System) Close() error {
	s.mu.Lock()
	s.closed = true
	var ends []chan struct{}
	var first error
	for _, h := range s.hosts {
		h.closeUnits()
		if end := h.stopGateway(); end != nil {
			ends = append(ends, end)
		}
	}
	for _, p := range s.platforms {
		ends = append(ends, p.stop())
	}
	s.platforms = nil
	if s.control != nil {
		first = s.control.Close()
		ends = append(ends, s.controlEnd)
		s.control = nil
	}
	s.mu.Unlock()
	for _, end := range ends {
		<-end
	}
	s.requests.Wait()
	return first
}

// counted makes Close wait for the handler's requests.
func (s *System) counted(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			panic(http.ErrAbortHandler)
		}
		s.requests.Add(1)
		s.mu.Unlock()
		defer s.requests.Done()
		h.ServeHTTP(w, r)
	})
}
