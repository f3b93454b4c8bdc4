package app

import (
	"context"
	"sync"
	"time"
)

// sourcesLife is how long the list of live schedulers may be old: a node that
// is given a dead one tries the next.
const sourcesLife = 5 * time.Second

// sources remembers the base URLs of the live schedulers, so that not every
// command to a node costs a look into ZooKeeper.
type sources struct {
	read func(ctx context.Context) []string

	mu   sync.Mutex
	list []string
	at   time.Time
}

func (s *sources) get(ctx context.Context) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.list == nil || time.Since(s.at) > sourcesLife {
		s.list, s.at = s.read(ctx), time.Now()
	}
	return s.list
}
