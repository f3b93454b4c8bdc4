package leader_test

import (
	"time"

	"scaleio-framework/internal/zkconn/zkmodel"
)

// trouble lets faults happen, and ends them all.
func (s *simulation) trouble() {
	servers := s.ensemble.Servers()
	for time.Since(s.began) < troubled {
		time.Sleep(s.between(20*time.Millisecond, 3*time.Second))
		lasts := s.between(50*time.Millisecond, 2*simulatedSession)
		switch s.rng.IntN(10) {
		case 0, 1:
			s.during(lasts, "network cut", (*zkmodel.Client).Cut, (*zkmodel.Client).Heal)
		case 2:
			s.during(lasts, "process frozen", (*zkmodel.Client).Freeze, (*zkmodel.Client).Thaw)
		case 3:
			if p := s.pick(); p != nil {
				p.kill()
			}
		case 4:
			s.duringServer(lasts, s.rng.IntN(servers), "killed", s.ensemble.Kill, s.ensemble.Start)
		case 5:
			s.duringServer(lasts, s.rng.IntN(servers), "isolated", s.ensemble.Isolate, s.ensemble.Rejoin)
		case 6:
			s.quorum(servers, lasts)
		case 7:
			s.stormFor(lasts)
		case 8:
			s.strike()
		case 9:
			if p := s.pick(); p != nil {
				p.ask(request(s.rng.IntN(int(requests))))
			}
		}
	}
	for _, p := range s.all() {
		p.client.Thaw()
		p.client.Heal()
	}
	for i := range servers {
		s.ensemble.Start(i)
		s.ensemble.Rejoin(i)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.storm, s.strikes = 0, nil
}

func (s *simulation) between(shortest, longest time.Duration) time.Duration {
	return shortest + time.Duration(s.rng.Int64N(int64(longest-shortest)))
}

func (s *simulation) all() (running []*process) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.processes {
		if p != nil {
			running = append(running, p)
		}
	}
	return running
}

// pick is any process, but rather the one that leads.
func (s *simulation) pick() *process {
	running := s.all()
	if len(running) == 0 {
		return nil
	}
	chosen := running[s.rng.IntN(len(running))]
	if s.rng.IntN(2) == 0 {
		for _, p := range running {
			if p.leads() {
				return p
			}
		}
	}
	return chosen
}

// during makes a fault of one process that ends by itself.
func (s *simulation) during(lasts time.Duration, what string, begin, end func(*zkmodel.Client)) {
	p := s.pick()
	if p == nil {
		return
	}
	s.tell("%s: %s for %v", p.name, what, lasts)
	begin(p.client)
	time.AfterFunc(lasts, func() {
		end(p.client)
		s.tell("%s: no longer %s", p.name, what)
	})
}

func (s *simulation) duringServer(lasts time.Duration, server int, what string, begin, end func(int)) {
	s.tell("server %d: %s for %v", server, what, lasts)
	begin(server)
	time.AfterFunc(lasts, func() {
		end(server)
		s.tell("server %d: no longer %s", server, what)
	})
}

// quorum takes the majority away for a while, shorter or longer than a
// session.
func (s *simulation) quorum(servers int, lasts time.Duration) {
	for i := range servers/2 + 1 {
		s.duringServer(lasts+time.Duration(i)*time.Millisecond, i, "killed with the majority", s.ensemble.Kill, s.ensemble.Start)
	}
}

// stormFor makes requests and answers get lost for a while.
func (s *simulation) stormFor(lasts time.Duration) {
	s.tell("storm for %v", lasts)
	s.mu.Lock()
	s.storm = s.rng.Float64() / 4
	s.mu.Unlock()
	time.AfterFunc(lasts, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.storm = 0
		s.note("the storm has passed")
	})
}

// strike prepares a fault for the next write that touches /leader or /epoch.
func (s *simulation) strike() {
	fate := s.anyFate(s.rng.IntN(4), s.between(time.Millisecond, simulatedSession*3/2))
	s.tell("the next fenced multi meets %+v", fate)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.strikes = append(s.strikes, fate)
}

func (s *simulation) anyFate(which int, delay time.Duration) zkmodel.Fate {
	switch which {
	case 0:
		return zkmodel.Fate{LoseRequest: true}
	case 1:
		return zkmodel.Fate{LoseAnswer: true}
	case 2:
		return zkmodel.Fate{Delay: delay}
	default:
		return zkmodel.Fate{DelayAnswer: delay}
	}
}

// fate decides on a request. The ensemble calls it in the same order each time.
func (s *simulation) fate(c zkmodel.Call) zkmodel.Fate {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.Op == "multi" && len(s.strikes) > 0 {
		fate := s.strikes[0]
		s.strikes = s.strikes[1:]
		s.note("%s: struck", c.Client)
		return fate
	}
	if s.fates.Float64() >= s.storm {
		return zkmodel.Fate{}
	}
	return s.anyFate(s.fates.IntN(4), time.Duration(s.fates.Int64N(int64(simulatedSession))))
}

// request is what an operator or a node may ask a leader for.
type request int

const (
	handOver request = iota
	raiseEpoch
	writeWithOldVersion
	requests // counts them
)
