package parent

import (
	"context"
	"time"

	"scaleio-framework/internal/zkconn"
)

// retryDial is the pause after a dial that ZooKeeper refused. While it is only
// out of reach the dial itself waits.
const retryDial = time.Second

// session keeps an idle ZooKeeper session, for the moment it is needed. It is
// no candidate and owns no znode.
type session struct {
	opts   zkconn.Options
	ready  chan *zkconn.Conn // lends the present connection
	cancel context.CancelFunc
	ended  chan struct{}
}

// openSession starts to connect and returns at once.
func openSession(opts zkconn.Options) *session {
	opts.Logger = nil // the worker tells its own trouble with ZooKeeper
	ctx, cancel := context.WithCancel(context.Background())
	s := &session{opts: opts, ready: make(chan *zkconn.Conn), cancel: cancel, ended: make(chan struct{})}
	go s.keep(ctx)
	return s
}

// keep connects, and connects again whenever the session has expired, until
// ctx ends.
func (s *session) keep(ctx context.Context) {
	defer close(s.ended)
	for ctx.Err() == nil {
		conn, err := zkconn.Dial(ctx, s.opts)
		if err != nil {
			select {
			case <-time.After(retryDial):
			case <-ctx.Done():
			}
			continue
		}
		s.lend(ctx, conn)
		conn.Close()
	}
}

// lend gives the connection to whoever asks, until it is of no use any more.
func (s *session) lend(ctx context.Context, conn *zkconn.Conn) {
	for {
		select {
		case s.ready <- conn:
		case <-conn.Expired():
			return
		case <-ctx.Done():
			return
		}
	}
}

// await returns a connection as soon as there is one.
func (s *session) await(ctx context.Context) (*zkconn.Conn, error) {
	select {
	case conn := <-s.ready:
		return conn, nil
	case <-ctx.Done():
		return nil, zkconn.ErrDisconnected
	}
}

// close ends the session and waits for everything of it.
func (s *session) close() {
	s.cancel()
	<-s.ended
}
