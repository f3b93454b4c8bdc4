package zkmodel

import (
	"path"
	"slices"

	"scaleio-framework/internal/zkconn"
)

// watched is what a watch is left on: a znode, or the list of its children.
type watched struct {
	path     string
	children bool
}

// watch is one watch of a connection. Its event is closed when it fires, or
// when the client finds the connection broken.
type watch struct {
	link  *link
	event chan struct{}
	fired bool // at the client
}

func (w *watch) fire() {
	if !w.fired {
		w.fired = true
		w.link.watches = slices.DeleteFunc(w.link.watches, func(o *watch) bool { return o == w })
		close(w.event)
	}
}

// leave notes a watch. On an absent znode only a kindExists leaves one.
func (s *server) leave(l *link, f *flight, exists bool) <-chan struct{} {
	if !exists && f.kind != kindExists {
		return nil
	}
	w := &watch{link: l, event: make(chan struct{})}
	on := watched{f.full, f.kind == kindChildren}
	s.watches[on] = append(s.watches[on], w)
	l.watches = append(l.watches, w)
	return w.event
}

// notify fires the watches that an operation concerns, each once.
func (s *server) notify(op zkconn.Op) {
	if op.Kind == zkconn.OpCheck {
		return
	}
	s.fire(watched{op.Path, false})
	if op.Kind == zkconn.OpSet {
		return
	}
	if op.Kind == zkconn.OpDelete {
		s.fire(watched{op.Path, true})
	}
	s.fire(watched{path.Dir(op.Path), true})
}

func (s *server) fire(on watched) {
	left := s.watches[on]
	delete(s.watches, on)
	for _, w := range left {
		if w.link.alive {
			w.link.toClient(0, w.fire)
		}
	}
}
