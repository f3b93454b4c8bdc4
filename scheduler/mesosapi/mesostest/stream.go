package mesostest

import (
	"net/http"
	"strconv"
	"sync"
	"time"
)

// stream is the event queue of one SUBSCRIBE response: filled under the cluster's mutex, drained by the HTTP handler.
type stream struct {
	id    string
	media mediaType

	mu    sync.Mutex
	queue [][]byte
	ended bool
	wake  chan struct{}
}

func newStream(id string, media mediaType) *stream {
	return &stream{id: id, media: media, wake: make(chan struct{}, 1)}
}

// send queues one event; it is dropped when the stream has ended.
func (s *stream) send(event message) {
	body, err := s.media.encode(event)
	if err != nil {
		// Only a required field left empty by this package gets here; the panic names it in the first test that does so.
		panic("mesostest: cannot encode an event: " + err.Error())
	}
	frame := append([]byte(strconv.Itoa(len(body))+"\n"), body...)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return
	}
	s.queue = append(s.queue, frame)
	s.signal()
}

// end closes the stream after the events queued so far; the TCP connection stays open.
func (s *stream) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	s.signal()
}

func (s *stream) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *stream) take() (frames [][]byte, ended bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	frames, s.queue = s.queue, nil
	return frames, s.ended
}

// serve writes the events until the stream ends or the client goes away. A heartbeat of 0 sends none.
func (s *stream) serve(w http.ResponseWriter, r *http.Request, heartbeat time.Duration, beat message) {
	w.Header().Set("Content-Type", string(s.media))
	w.WriteHeader(http.StatusOK)
	control := http.NewResponseController(w)
	var beats <-chan time.Time
	if heartbeat > 0 {
		ticker := time.NewTicker(heartbeat)
		defer ticker.Stop()
		beats = ticker.C
	}
	for {
		frames, ended := s.take()
		for _, frame := range frames {
			if _, err := w.Write(frame); err != nil {
				return
			}
		}
		if control.Flush() != nil || ended {
			return
		}
		select {
		case <-s.wake:
		case <-beats:
			s.send(beat)
		case <-r.Context().Done():
			return
		}
	}
}
