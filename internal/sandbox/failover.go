package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"syscall"
	"time"

	"scaleio-framework/internal/httpapi"
)

// Fault is what a drill does to the leader.
type Fault string

const (
	// Kill ends both processes of the scheduler at once, as the loss of its
	// host does.
	Kill Fault = "kill"
	// Crash ends the worker at once; its parent makes room for the next leader.
	Crash Fault = "crash"
	// Term asks it to stop.
	Term Fault = "term"
	// Stop freezes the worker for longer than its session, then wakes it.
	Stop Fault = "stop"
	// Freeze does so to both processes, as a pause of their host does.
	Freeze Fault = "freeze"
)

// faults are all that can be done to a leader.
func faults() []Fault { return []Fault{Kill, Crash, Term, Stop, Freeze} }

// wakes tells whether the leader is woken after the take-over.
func (f Fault) wakes() bool { return f == Stop || f == Freeze }

// strike does it to a leader, whose worker has that process id.
func (f Fault) strike(victim *Scheduler, worker int) error {
	switch f {
	case Kill:
		return victim.SignalBoth(syscall.SIGKILL)
	case Crash:
		return syscall.Kill(worker, syscall.SIGKILL)
	case Stop:
		return syscall.Kill(worker, syscall.SIGSTOP)
	case Freeze:
		return victim.SignalBoth(syscall.SIGSTOP)
	default:
		return victim.Signal(syscall.SIGTERM)
	}
}

// Failover strikes the present leader and measures until the next one leads:
// SUBSCRIBED under the kept framework id and past its first commit.
func (w *World) Failover(ctx context.Context, fault Fault) (FailoverReport, error) {
	report := FailoverReport{Kind: string(fault), SessionTimeoutS: w.opts.SessionTimeout.Seconds()}
	before, err := w.State(ctx)
	if err != nil {
		return report, err
	}
	card, ok, err := w.client.Leader(ctx)
	if err != nil || !ok {
		return report, errors.Join(errors.New("nobody leads, so nothing can be drilled"), err)
	}
	victim, err := w.schedulerOf(card.Instance)
	if err != nil {
		return report, err
	}
	report.EpochBefore, report.AfterSteps = before.Epoch, before.Over()
	exits := len(victim.Exits())

	struck := time.Now()
	if err := fault.strike(victim, card.PID); err != nil {
		return report, fmt.Errorf("%s of %s: %w", fault, card.Instance, err)
	}
	next, at, err := w.awaitLeader(ctx, card.Instance, before.Epoch)
	if err != nil {
		return report, err
	}
	report.TakeoverS = at.Sub(struck).Seconds()
	report.EpochAfter = next.Leader.Epoch
	report.FrameworkIDKept = before.Framework == nil || next.FrameworkID == before.Framework.ID
	if fault.wakes() {
		code, err := wake(ctx, victim, exits)
		if err != nil {
			return report, err
		}
		report.WokenExit = &code
	}
	return report, nil
}

// wake continues a stopped ex-leader and waits for its exit.
func wake(ctx context.Context, victim *Scheduler, exits int) (code int, err error) {
	if err := victim.SignalBoth(syscall.SIGCONT); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		if all := victim.Exits(); len(all) > exits {
			return all[exits].Code, nil
		}
		select {
		case <-ctx.Done():
			return 0, fmt.Errorf("the woken ex-leader %s did not exit: see %s", victim.Name, victim.Log)
		case <-ticker.C:
		}
	}
}

// takeoverPoll is the resolution of the measured take-over.
const takeoverPoll = 5 * time.Millisecond

// awaitLeader waits for a leader other than the given instance that is
// subscribed to Mesos, and returns when that was.
func (w *World) awaitLeader(ctx context.Context, other string, epoch uint64) (httpapi.Status, time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*w.opts.SessionTimeout+30*time.Second)
	defer cancel()
	ticker := time.NewTicker(takeoverPoll)
	defer ticker.Stop()
	for {
		card, ok, err := w.client.Leader(ctx)
		if err == nil && ok && card.Instance != other {
			status, err := getStatus(ctx, card.URL)
			if err == nil && status.Subscribed && status.Leader.Epoch > epoch {
				return status, time.Now(), nil
			}
		}
		select {
		case <-ctx.Done():
			return httpapi.Status{}, time.Time{}, fmt.Errorf("no new leader took over; the logs are in %s", w.dir)
		case <-ticker.C:
		}
	}
}

// ready asks a scheduler whether it does what it is there for.
func ready(ctx context.Context, url string) bool {
	_, err := answer(ctx, url+"/readyz")
	return err == nil
}

func getStatus(ctx context.Context, url string) (status httpapi.Status, err error) {
	body, err := answer(ctx, url+"/v1/status")
	if err != nil {
		return status, err
	}
	return status, json.Unmarshal(body, &status)
}

// answer gets what a scheduler that works answers soon.
func answer(ctx context.Context, url string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }() // read to the end or of no use
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", url, resp.Status)
	}
	return io.ReadAll(resp.Body)
}
