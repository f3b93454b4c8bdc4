package mesostest

import (
	"errors"
	"net"
	"net/http"
	"time"
)

// server is one listening socket whose connections can all be closed at once, as the death of a process does.
type server struct {
	addr string
	http *http.Server
	done chan struct{}
}

func (c *Cluster) serve(listener net.Listener, handler http.Handler) *server {
	s := &server{addr: listener.Addr().String(), done: make(chan struct{})}
	s.http = &http.Server{
		ReadHeaderTimeout: time.Minute,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !c.enter() {
				return
			}
			defer c.background.Done()
			handler.ServeHTTP(w, r)
		}),
	}
	go func() {
		defer close(s.done)
		// Serve returns ErrServerClosed after close; any other error shows as refused connections.
		_ = s.http.Serve(listener)
	}()
	return s
}

// close closes the listening socket and every connection.
func (s *server) close() error {
	if s == nil {
		return nil
	}
	err := s.http.Close()
	<-s.done
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
