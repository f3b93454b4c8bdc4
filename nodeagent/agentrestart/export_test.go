package agentrestart

import "time"

// Fast makes a restart impatient.
func (r *Restart) Fast() *Restart {
	r.opt.pace = pace{
		poll: 2 * time.Millisecond, slowest: 10 * time.Millisecond, dead: 300 * time.Millisecond, doomed: 20 * time.Millisecond,
		settled: 20 * time.Millisecond, patience: 2 * time.Second, again: 5 * time.Millisecond,
	}
	return r
}
