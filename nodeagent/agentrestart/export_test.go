package agentrestart

import "time"

// Fast makes a restart quick, and patient with an agent on a busy machine.
func (r *Restart) Fast() *Restart {
	r.opt.pace = pace{
		poll: 2 * time.Millisecond, slowest: 10 * time.Millisecond, dead: 300 * time.Millisecond, doomed: 20 * time.Millisecond,
		settled: 20 * time.Millisecond, patience: time.Minute, again: 5 * time.Millisecond,
	}
	return r
}

// Within gives an agent that long to serve.
func (r *Restart) Within(patience time.Duration) *Restart {
	r.opt.pace.patience = patience
	return r
}
