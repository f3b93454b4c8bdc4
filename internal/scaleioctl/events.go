package scaleioctl

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"scaleio-framework/internal/events"
	"scaleio-framework/internal/httpapi"
)

const (
	// silence is how long a stream may be silent; the leader gives a sign of
	// life every 15 s.
	silence = 40 * time.Second
	// maxEvent is the largest event that is read, in bytes; the first one
	// carries everything.
	maxEvent = 16 << 20
)

// listening is what scaleioctl events knows.
type listening struct {
	facts events.Facts
	// streams counts those that began.
	streams int
}

// eventsCommand prints what changes until it is interrupted. It connects again
// whenever the stream ends, and then prints what it missed: the difference
// between what it knew and what the next leader says.
func (p *program) eventsCommand(ctx context.Context, _ []string) error {
	var known listening
	said := ""
	for {
		before := known.streams
		err := p.follow(ctx, &known)
		if ctx.Err() != nil {
			return nil
		}
		if known.streams == 0 {
			return err // it was never right
		}
		if text := err.Error(); text != said || known.streams > before {
			said = text
			fmt.Fprintf(p.Err, "scaleioctl: %s; connecting again\n", text)
		}
		timer := time.NewTimer(p.interval)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
	}
}

// errSilent ends a stream that shows no sign of life.
var errSilent = errors.New("the scheduler is silent")

// follow prints one stream. It returns why the stream ended.
func (p *program) follow(ctx context.Context, known *listening) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	urls, err := p.schedulers(ctx)
	if err != nil {
		return err
	}
	watchdog := time.AfterFunc(p.timeout, func() { cancel(errSilent) })
	defer watchdog.Stop()
	base, resp, err := p.reach(ctx, urls, http.MethodGet, "/v1/events", nil)
	if err != nil {
		return cmp.Or(context.Cause(ctx), err)
	}
	defer func() { _ = resp.Body.Close() }() // it ends with ctx
	if resp.StatusCode != http.StatusOK {
		data, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer)) // what can be read of it
		return refusal(base, resp.Status, data)
	}
	err = p.readStream(base, resp.Body, known, func() { watchdog.Reset(silence) })
	return cmp.Or(context.Cause(ctx), err)
}

// readStream prints what a stream tells until it ends; alive is called for each
// line of it.
func (p *program) readStream(base string, body io.Reader, known *listening, alive func()) error {
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, maxEvent)
	name := ""
	for lines.Scan() {
		alive()
		field, value, _ := strings.Cut(lines.Text(), ": ")
		switch {
		case field == "event":
			name = value
		case field == "data" && name == httpapi.EventEnd:
			var end httpapi.Problem
			if err := json.Unmarshal([]byte(value), &end); err != nil {
				return notUnderstood(base, err)
			}
			return fmt.Errorf("the scheduler at %s says: %s", base, end.Error)
		case field == "data":
			list, err := known.news(name, []byte(value))
			if err != nil {
				return notUnderstood(base, err)
			}
			if err := p.printEvents(list, name == httpapi.EventSnapshot && known.streams == 1); err != nil {
				return err
			}
		}
	}
	return fmt.Errorf("the stream of %s ended: %w", base, errors.Join(lines.Err(), io.ErrUnexpectedEOF))
}

// news is what an event of the stream tells that was not known.
func (l *listening) news(name string, data []byte) (list []events.Event, err error) {
	switch name {
	case httpapi.EventSnapshot:
		var s httpapi.Snapshot
		if err = json.Unmarshal(data, &s); err == nil {
			now := events.With(s.Facts)
			list = events.Diff(l.facts, now)
			l.facts = now
			l.streams++
		}
	case httpapi.EventChange:
		var e events.Event
		if err = json.Unmarshal(data, &e); err == nil {
			l.facts.Apply(e)
			list = []events.Event{e}
		}
	}
	return list, err
}

// printEvents prints a line for each event. At the start people are shown what
// is not as it should be in the end: a plan of a hundred done steps is for
// scaleioctl plan.
func (p *program) printEvents(list []events.Event, start bool) error {
	for _, e := range list {
		if p.json {
			if err := json.NewEncoder(p.Out).Encode(e); err != nil {
				return err
			}
			continue
		}
		if e.Type == events.Order && e.Gone || start && settled(e) {
			continue
		}
		if _, err := fmt.Fprintln(p.Out, time.Now().Format(time.TimeOnly), oneLine(sentence(e))); err != nil {
			return err
		}
	}
	return nil
}

// settled tells what is no news at the start.
func settled(e events.Event) bool {
	switch e.Type {
	case events.Step:
		return e.State != "stuck" && e.State != "failed" && e.State != "running"
	case events.Growth, events.Volume:
		return e.State == "done" || e.State == "declined" || e.State == "rolled-back"
	case events.Node:
		return e.State == "running" && e.Error == ""
	case events.Order:
		return e.State != "waiting"
	}
	return false
}

// sentence says an event to people.
func sentence(e events.Event) string {
	words := []string{subjectOf(e)}
	add := func(format, value string) {
		if value != "" {
			words = append(words, fmt.Sprintf(format, value))
		}
	}
	if e.Gone {
		return words[0] + " is over"
	}
	if e.State != "" {
		words[0] += ": " + e.State
	}
	if e.Type == events.Step && e.Attempt > 1 {
		add("attempt %s", strconv.Itoa(e.Attempt))
	}
	if e.Paused {
		add("%s", "PAUSED")
	}
	if e.Degraded {
		add("%s", "degraded")
	}
	if e.Rebuilding {
		add("%s", "rebuilding")
	}
	if e.Type == events.Volume {
		add("%s", e.VolumeID)
	}
	add("by %s", e.By)
	add("%s", e.Error)
	add("%s", e.Reason)
	return strings.Join(words, ", ")
}

func subjectOf(e events.Event) string {
	switch e.Type {
	case events.Leader:
		return fmt.Sprintf("leader of epoch %d is %s at %s", e.Epoch, e.Instance, e.URL)
	case events.Mesos:
		return "framework " + e.Framework
	case events.Plan:
		return "plan"
	case events.Trouble:
		if e.Host != "" {
			return "problem of host " + e.Host
		}
		return "problem of the " + e.Subject
	case events.Node:
		return "host " + e.Host
	case events.Step:
		if e.Host != "" {
			return e.Host + "/" + e.Step
		}
		return "cluster/" + e.Step
	case events.Pool:
		return fmt.Sprintf("pool %s %.1f %% full", e.Pool, e.Percent)
	case events.Growth:
		return "growth " + e.Growth + " of " + e.Pool
	case events.Volume:
		return fmt.Sprintf("growth %s volume %d on %s", e.Growth, e.Slot, e.Host)
	case events.Order:
		return strings.TrimSpace("order " + e.Order + " " + e.Verb)
	case events.Unreadable:
		return "record " + e.Path + " is left alone"
	default:
		return string(e.Type) + " (of a newer release)"
	}
}
