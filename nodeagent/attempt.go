package nodeagent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"sort"

	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/internal/redact"
	"scaleio-framework/nodeagent/failure"
	"scaleio-framework/nodeagent/journal"
	"scaleio-framework/nodeagent/steps"
)

// The reasons for which an attempt is stopped.
var (
	errCancelled  = errors.New("the leader cancelled the attempt")
	errSuperseded = errors.New("a higher attempt of the step began")
)

// attempt is one attempt of a step that runs now.
type attempt struct {
	entry   journal.Entry
	secrets map[string]redact.Secret
	sources []string
	// recovering marks an attempt that a predecessor left open: it is only
	// detected, since its secrets are gone.
	recovering bool

	stop context.CancelCauseFunc
	done chan struct{}
}

// spawn runs an attempt beside the loop, after a running one of the same step.
func (a *Agent) spawn(ctx context.Context, at *attempt) {
	before := a.supersede(at.entry.Step)
	ctx, at.stop = context.WithCancelCause(ctx)
	at.done = make(chan struct{})
	a.mu.Lock()
	a.attempts[at.entry.Step] = at
	a.mu.Unlock()
	a.work.Go(func() {
		defer at.stop(nil)
		defer close(at.done)
		if before != nil {
			<-before.done
		}
		a.perform(ctx, at)
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.attempts[at.entry.Step] == at {
			delete(a.attempts, at.entry.Step)
		}
	})
}

// supersede stops the running attempt of a step, if there is one.
func (a *Agent) supersede(step string) *attempt {
	a.mu.Lock()
	defer a.mu.Unlock()
	before := a.attempts[step]
	if before != nil {
		before.stop(errSuperseded)
	}
	return before
}

// tombstone marks a running attempt, then stops it; its own end answers. An
// attempt that has ended meanwhile is answered here. The mutex makes tombstone
// and end come one after the other.
func (a *Agent) tombstone(c nodeproto.Command) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	entry, _ := a.journal.Get(c.Step)
	if entry.Ended() {
		report := entry.Report()
		a.outbox.send(nodeproto.Envelope{Report: &report})
		return nil
	}
	entry.State = journal.Cancelling
	if err := a.journal.Put(entry); err != nil {
		return err
	}
	if at := a.attempts[c.Step]; at != nil {
		at.stop(errCancelled)
	}
	return nil
}

// perform runs an attempt to its end and reports the outcome.
func (a *Agent) perform(ctx context.Context, at *attempt) {
	log := a.log.With("step", at.entry.Step, "attempt", at.entry.Attempt)
	log.Info("step begins", "recovering", at.recovering)
	out := a.runStep(ctx, at)
	cause := context.Cause(ctx)
	if cause != nil && !errors.Is(cause, errCancelled) && !errors.Is(cause, errSuperseded) && out.err != nil {
		// We are being stopped. The attempt stays open, so that the next node
		// agent looks what became of it.
		log.Info("step is left open", "reason", cause)
		return
	}
	entry, current, err := a.conclude(at, out)
	if err != nil {
		select {
		case a.broken <- fmt.Errorf("the outcome of step %s cannot be journaled: %w", at.entry.Step, err):
		default: // the loop ends for another one
		}
		return
	}
	if !current {
		log.Info("step gave way to a higher attempt")
		return
	}
	log.Info("step ended", "state", string(entry.State), "changed", entry.Changed, "error", entry.Error)
	report := entry.Report()
	a.outbox.update(nodeproto.Envelope{Report: &report})
	a.lookSoon()
}

// conclude journals the outcome, unless a higher attempt stands already.
func (a *Agent) conclude(at *attempt, out outcome) (journal.Entry, bool, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	stored, _ := a.journal.Get(at.entry.Step)
	if stored.Attempt != at.entry.Attempt {
		return stored, false, nil
	}
	entry := at.entry
	entry.Changed = out.changed
	switch {
	case out.err == nil:
		entry.State, entry.Result = journal.Done, out.result
	case stored.State == journal.Cancelling:
		entry.State = journal.Cancelled
	default:
		entry.State = journal.Failed
		entry.Error = nodeproto.Shorten(at.mask()(out.err.Error()))
		kind := failure.KindOf(out.err)
		entry.Interrupted = kind == failure.Interruption || kind == failure.Misplacement
		entry.Misplaced = kind == failure.Misplacement
		entry.Hopeless = kind == failure.Hopelessness
	}
	return entry, true, a.journal.Put(entry)
}

func (at *attempt) mask() func(string) string {
	secrets := make([]redact.Secret, 0, len(at.secrets))
	for _, s := range at.secrets {
		secrets = append(secrets, s)
	}
	return redact.Text(secrets...)
}

// outcome is how a step ended.
type outcome struct {
	changed bool
	result  json.RawMessage
	err     error
}

// runStep runs detect, apply and verify under the step's lock and time.
func (a *Agent) runStep(ctx context.Context, at *attempt) (out outcome) {
	defer func() {
		if p := recover(); p != nil {
			a.log.Error("step panicked", "step", at.entry.Step, "panic", at.mask()(fmt.Sprint(p)), "stack", at.mask()(string(debug.Stack())))
			out.err = fmt.Errorf("step %s: internal error: %v", at.entry.Step, p)
		}
	}()
	plan, err := a.host.Prepare(steps.Request{
		Step: at.entry.Step, Params: at.entry.Params, Secrets: at.secrets, Sources: at.sources,
	})
	if err != nil {
		out.err = err
		return out
	}
	ctx, cancel := context.WithTimeoutCause(ctx, plan.Timeout, fmt.Errorf("step %s did not end within %s", at.entry.Step, plan.Timeout))
	defer cancel()
	unlock, err := a.acquire(ctx, plan.Resource)
	if err != nil {
		out.err = err
		return out
	}
	defer unlock()
	if at.recovering {
		return a.detectOnly(ctx, plan)
	}
	result, changed, err := plan.Run(ctx)
	return encoded(result, changed, err)
}

// detectOnly finds out what became of an attempt that was cut off.
func (a *Agent) detectOnly(ctx context.Context, plan steps.Plan) outcome {
	result, satisfied, err := plan.Look(ctx)
	switch {
	case err != nil:
		return outcome{err: failure.Interrupted(fmt.Errorf("the node agent was restarted during the step, and its state is not known: %w", err))}
	case !satisfied:
		return outcome{err: failure.Interrupted(errors.New("the node agent was restarted during the step"))}
	}
	return encoded(result, true, nil)
}

func encoded(result any, changed bool, err error) outcome {
	out := outcome{changed: changed, err: err}
	if err == nil && result != nil {
		out.result, out.err = json.Marshal(result)
	}
	return out
}

// acquire waits for the lock of a resource.
func (a *Agent) acquire(ctx context.Context, r steps.Resource) (func(), error) {
	lock, ok := a.locks[r]
	if !ok {
		return func() {}, nil
	}
	select {
	case lock <- struct{}{}:
		return func() { <-lock }, nil
	case <-ctx.Done():
		return nil, failure.Interrupted(fmt.Errorf("wait for %s: %w", r, context.Cause(ctx)))
	}
}

// running lists the steps that run now, sorted.
func (a *Agent) running() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	names := make([]string, 0, len(a.attempts))
	for name := range a.attempts {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// recover takes up the attempts that a predecessor left open.
func (a *Agent) recover(ctx context.Context) {
	for _, entry := range a.journal.OpenEntries() {
		a.spawn(ctx, &attempt{entry: entry, recovering: true})
	}
}
