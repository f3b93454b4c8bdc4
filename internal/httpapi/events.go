package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"scaleio-framework/internal/events"
)

// Names of the server-sent events of GET /v1/events.
const (
	// EventSnapshot carries a Snapshot; it comes first on every connection.
	EventSnapshot = "snapshot"
	// EventChange carries one events.Event.
	EventChange = "change"
	// EventEnd carries a Problem, which says why the stream ends.
	EventEnd = "end"
)

// Snapshot is everything that a stream tells about, as it is at its start.
type Snapshot struct {
	Facts []events.Event `json:"facts"`
}

// listen admits a listener, and lets his stream end with the server.
func (s *Server) listen(answer http.HandlerFunc) http.HandlerFunc {
	places := make(chan struct{}, s.opts.Listeners)
	return func(w http.ResponseWriter, r *http.Request) {
		select {
		case places <- struct{}{}:
			defer func() { <-places }()
		default:
			w.Header().Set("Retry-After", "30")
			fail(w, http.StatusServiceUnavailable, fmt.Sprintf("%d listeners are served already: end one, or ask another scheduler", s.opts.Listeners))
			return
		}
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		defer context.AfterFunc(s.stopping, cancel)()
		answer(&patient{ResponseWriter: w, control: http.NewResponseController(w), wait: s.opts.EventWait}, r.WithContext(ctx))
	}
}

// patient gives each write a limit, so that a listener who does not read is
// cut off, be it directly or through a standby. Nothing is kept for him.
type patient struct {
	http.ResponseWriter
	control *http.ResponseController
	wait    time.Duration
}

// Write implements http.ResponseWriter.
func (p *patient) Write(data []byte) (int, error) {
	if err := p.control.SetWriteDeadline(time.Now().Add(p.wait)); err != nil {
		return 0, err
	}
	return p.ResponseWriter.Write(data)
}

// FlushError is what http.ResponseController looks for.
func (p *patient) FlushError() error {
	if err := p.control.SetWriteDeadline(time.Now().Add(p.wait)); err != nil {
		return err
	}
	return p.control.Flush()
}

// Flush implements http.Flusher, for the proxy.
func (p *patient) Flush() { _ = p.FlushError() }

// events streams what changes until the listener leaves, the term ends or the
// server stops.
func (s *Server) events(w http.ResponseWriter, r *http.Request, term Term) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	out := stream{w: w, limit: s.opts.EventSlow}
	why, err := s.tell(r, term, &out)
	if err != nil {
		s.opts.Logger.Debug("listener is gone", "remote", r.RemoteAddr, "error", err)
		return
	}
	// Who left cannot be told; then this write is lost.
	_ = out.send("", EventEnd, Problem{Error: why})
}

// tell returns why the stream ends; an error means that the listener is gone
// or does not read.
func (s *Server) tell(r *http.Request, term Term, out *stream) (why string, err error) {
	ctx := r.Context()
	heartbeat := time.NewTicker(s.opts.Heartbeat)
	defer heartbeat.Stop()
	told, epoch, number := s.board.look(term)
	if err := out.send(eventID(epoch, number), EventSnapshot, Snapshot{Facts: told.List()}); err != nil {
		return "", err
	}
	for {
		changed := term.Changed() // taken before the look: a change behind it rings
		now, epoch, number := s.board.look(term)
		if err := out.sendAll(eventID(epoch, number), events.Diff(told, now)); err != nil {
			return "", err
		}
		told = now
		if out.slow {
			return "this listener reads too slowly: connect again, the stream then begins with everything", nil
		}
		if !pause(ctx, term, s.opts.EventPace) {
			return s.ended(), nil
		}
		select {
		case <-changed:
		case <-heartbeat.C:
			if err := out.beat(); err != nil {
				return "", err
			}
		case <-term.Done():
			return s.ended(), nil
		case <-ctx.Done():
			return s.ended(), nil
		}
	}
}

func (s *Server) ended() string {
	if s.stopping.Err() != nil {
		return "this scheduler stops: connect again"
	}
	return "this scheduler leads no more: connect again, the next one takes over"
}

// pause lets changes gather, so that a busy cluster costs no more than a few
// looks in a second. It reports whether the stream goes on.
func pause(ctx context.Context, term Term, pace time.Duration) bool {
	timer := time.NewTimer(pace)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-term.Done():
		return false
	case <-ctx.Done():
		return false
	}
}

// eventID names a state of a term. A listener who connects again, and gives it
// back as Last-Event-ID, begins with a snapshot like any other: what happened in
// between is not kept, and the next leader would not know it.
func eventID(epoch, number uint64) string { return fmt.Sprintf("%d-%d", epoch, number) }

// stream writes server-sent events.
type stream struct {
	w     http.ResponseWriter
	limit time.Duration
	slow  bool // a write took longer than the limit
}

func (s *stream) send(id, name string, body any) error {
	data, err := json.Marshal(body) // holds no line break
	if err != nil {
		return err
	}
	head := "event: " + name + "\n"
	if id != "" {
		head = "id: " + id + "\n" + head
	}
	return s.write(fmt.Appendf(nil, "%sdata: %s\n\n", head, data))
}

func (s *stream) sendAll(id string, list []events.Event) error {
	for _, e := range list {
		if err := s.send(id, EventChange, e); err != nil {
			return err
		}
	}
	return nil
}

// beat shows both sides and everything between them that the stream lives.
func (s *stream) beat() error { return s.write([]byte(": alive\n\n")) }

func (s *stream) write(data []byte) error {
	began := time.Now()
	if _, err := s.w.Write(data); err != nil {
		return err
	}
	err := http.NewResponseController(s.w).Flush()
	s.slow = s.slow || time.Since(began) > s.limit
	return err
}
