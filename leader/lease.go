package leader

import (
	"sync"
	"time"
)

const (
	// A server that heard from a session just before it died leaves the
	// session's timer to the others; a third of the session is the margin for
	// that, for the ticks in which ZooKeeper counts, and for the clocks' drift.
	leaseNumerator, leaseDenominator = 2, 3
	// probesPerSession lets three probes in a row fail before the lease lapses.
	probesPerSession = 6
	// giveUpSessions of lapse end the term: the supervisor's fresh start is
	// more likely to help than further waiting.
	giveUpSessions = 3
)

// Lease is the time for which a leader may believe that no other exists, by
// its own monotonic clock. It is counted from the moment at which the latest
// answered, quorum-committed request was begun. A server that serves the session
// and leads the ensemble starts its countdown no earlier; a follower tells the
// leader at the next half tick, and takes it to its grave when it dies before:
// then the countdown may be older, and after a long silence shorter than the
// lease. The margin makes that rare, and the fence makes it harmless.
//
// A lapsed lease is not a lost term. The clock stands still while the whole
// machine is suspended; the fence covers that, as it covers every other pause.
type Lease struct {
	mu       sync.Mutex
	session  time.Duration
	answered time.Time
}

// NewLease counts from an answered request of a session with that timeout.
func NewLease(session time.Duration, answered time.Time) *Lease {
	return &Lease{session: session, answered: answered}
}

// Renew counts from a later request; session is the timeout now granted. An
// earlier request changes nothing.
func (l *Lease) Renew(session time.Duration, answered time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if answered.After(l.answered) {
		l.session, l.answered = session, answered
	}
}

// Deadline is when the lease lapses unless it is renewed before.
func (l *Lease) Deadline() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.answered.Add(l.session * leaseNumerator / leaseDenominator)
}

// Valid tells whether the leader may act at that moment.
func (l *Lease) Valid(now time.Time) bool { return now.Before(l.Deadline()) }

// GiveUp is when a lease that stays lapsed ends the term, given when the lapse
// was noticed: after a pause of the process the session gets its chance to
// come back, or to be found expired.
func (l *Lease) GiveUp(noticed time.Time) time.Time { return noticed.Add(giveUpSessions * l.Session()) }

// Session is the session timeout that the lease is counted with.
func (l *Lease) Session() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.session
}

// ProbeInterval is how often the fence is probed.
func (l *Lease) ProbeInterval() time.Duration { return l.Session() / probesPerSession }
