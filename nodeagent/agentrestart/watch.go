package agentrestart

import (
	"context"
	"fmt"
	"time"

	"scaleio-framework/internal/clock"
)

// watch waits until a run of the agent that is not the one before serves, or
// until that is not to be expected any more. Its error is the context's, or
// that of the services' tools.
func (r *Restart) watch(ctx context.Context, rec Record) (verdict, error) {
	p := r.opt.pace
	w := watched{began: time.Now(), pace: p, before: rec.Before}
	for pause := p.poll; ; pause = min(pause*3/2, p.slowest) {
		active, err := r.opt.Services.IsActive(ctx, rec.Service)
		if err != nil {
			return verdict{}, err
		}
		look := seen{answer: silent}
		if active {
			look = r.ask(ctx)
		}
		now, err := r.now(ctx, rec.Service, look)
		if err != nil {
			return verdict{}, err
		}
		if over, reason := w.look(time.Now(), active, now, look); over {
			return verdict{reason: reason, seen: look}, nil
		}
		if err := clock.Sleep(ctx, pause); err != nil {
			return verdict{}, err
		}
	}
}

// watched is what is remembered between two looks.
type watched struct {
	pace   pace
	before Run
	began  time.Time

	starts int       // runs of the unit that were seen
	unit   string    // the last of them
	since  time.Time // when it was first seen
	down   time.Time // since when the agent is down; zero while it is up
}

// look takes one look into account. over says that the watch has ended, well
// when there is no reason.
func (w *watched) look(at time.Time, active bool, now Run, look seen) (over bool, reason string) {
	if look.answer == runs && look.started != 0 && look.started == w.before.Started {
		look.answer = silent // it is the old run that answers yet
	}
	another := w.before.differs(now) || !w.before.comparable(now) && w.before.Boot == now.Boot
	if another && (w.starts == 0 || now.Unit != w.unit) {
		w.starts, w.unit, w.since = w.starts+1, now.Unit, at
	}
	if !active {
		if w.down.IsZero() {
			w.down = at
		}
		switch {
		case w.starts > 1 && at.Sub(w.began) >= w.pace.doomed:
			return true, "it was started, ended, was started again and ended again"
		case at.Sub(w.down) >= w.pace.dead:
			return true, fmt.Sprintf("its service has been down for %s", w.pace.dead)
		}
		return false, ""
	}
	w.down = time.Time{}
	switch {
	case another && look.answer == runs, another && look.answer == hidden && at.Sub(w.since) >= w.pace.settled:
		return true, ""
	case at.Sub(w.began) >= w.pace.patience:
		return true, fmt.Sprintf("its service runs, but it does not serve within %s", w.pace.patience)
	}
	return false, ""
}
