package zkconn

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/hashicorp/go-hclog"
)

// errOver is what the dialer answers once no connection may be made any more.
var errOver = errors.New("the session is over")

// Conn is one ZooKeeper session. Its methods may be called concurrently.
type Conn struct {
	opts   Options
	log    hclog.Logger
	acl    []zk.ACL
	client *zk.Conn
	hosts  *hosts
	state  *mailbox

	expired chan struct{} // closed by the client's callback
	closing chan struct{} // closed by Close
	done    chan struct{} // closed by supervise, when all has ended
	live    context.Context
	kill    context.CancelFunc // ends live: waiting calls, dials, watches

	closeOnce sync.Once

	mu          sync.Mutex
	over        bool // no new calls, watches, sockets
	tasks       sync.WaitGroup
	socket      net.Conn
	session     int64
	negotiated  time.Duration
	dialFailure error                      // of the latest dial
	writes      map[chan struct{}]struct{} // begun and not settled
}

// Dial opens a session and waits until it is usable, or for ctx to end: with
// every server out of reach it waits on. The Conn belongs to the caller, who
// must Close it; ctx ends only the waiting.
func Dial(ctx context.Context, opts Options) (*Conn, error) {
	opts = opts.withDefaults()
	if err := opts.validate(); err != nil {
		return nil, err
	}
	live, kill := context.WithCancel(context.Background())
	c := &Conn{
		opts:    opts,
		log:     opts.Logger.Named("zookeeper"),
		acl:     zk.WorldACL(zk.PermAll),
		hosts:   &hosts{},
		state:   newMailbox(),
		expired: make(chan struct{}),
		closing: make(chan struct{}),
		done:    make(chan struct{}),
		live:    live,
		kill:    kill,
		writes:  map[chan struct{}]struct{}{},
	}
	if opts.DigestUser != "" {
		c.acl = zk.DigestACL(zk.PermAll, opts.DigestUser, opts.DigestPassword.Reveal())
	}
	client, events, err := zk.Connect(opts.Servers, opts.SessionTimeout,
		zk.WithDialer(c.dial),
		zk.WithHostProvider(c.hosts),
		zk.WithEventCallback(c.onEvent),
		zk.WithLogger(clientLog{c.log}),
		zk.WithLogInfo(false))
	if err != nil {
		kill()
		return nil, fmt.Errorf("zookeeper: connect to %v: %w", opts.Servers, err)
	}
	c.client = client
	go c.supervise(events)
	if err := c.establish(ctx); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// establish waits for the session and authenticates it.
func (c *Conn) establish(ctx context.Context) error {
	for {
		if err := c.awaitSession(ctx); err != nil {
			return &CallError{Op: "connect", Err: err, Cause: c.whyNot()}
		}
		if c.opts.DigestUser == "" {
			return nil
		}
		credentials := []byte(c.opts.DigestUser + ":" + c.opts.DigestPassword.Reveal())
		_, err := call(ctx, c, request{op: "authenticate", read: true}, func(z *zk.Conn) (struct{}, error) {
			return struct{}{}, z.AddAuth("digest", credentials)
		})
		if err == nil || errors.Is(err, ErrNoAuth) || errors.Is(err, ErrExpired) || ctx.Err() != nil {
			return err
		}
	}
}

// whyNot says what stands in the way of a connection.
func (c *Conn) whyNot() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dialFailure != nil {
		return fmt.Errorf("servers %v: %w", c.opts.Servers, c.dialFailure)
	}
	return fmt.Errorf("servers %v", c.opts.Servers)
}

// dial makes the client's connections, until the session is over.
func (c *Conn) dial(network, address string, _ time.Duration) (net.Conn, error) {
	conn, err := c.open(network, address)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.live.Err() == nil {
		c.dialFailure = err
	}
	return conn, err
}

func (c *Conn) open(network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(c.live, c.hosts.pause()+c.opts.handshakeTimeout())
	defer cancel()
	if wait := c.hosts.pause(); wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	if c.live.Err() != nil {
		return nil, errOver
	}
	raw, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if c.opts.TLS != nil {
		if raw, err = c.encrypt(ctx, raw, address); err != nil {
			return nil, err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		_ = raw.Close()
		return nil, errOver
	}
	c.socket = raw
	return newWire(raw, c.opts.handshakeTimeout(), c.onSession), nil
}

func (c *Conn) encrypt(ctx context.Context, raw net.Conn, address string) (net.Conn, error) {
	config := c.opts.TLS.Clone()
	if config.ServerName == "" {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			_ = raw.Close()
			return nil, err
		}
		config.ServerName = host
	}
	conn := tls.Client(raw, config)
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, err
	}
	return conn, nil
}

// onSession notes what a server's connect response says. A zero session id
// means that the server knows the session no more; the client tells that by
// its callback.
func (c *Conn) onSession(timeout time.Duration, session int64) {
	if session == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.negotiated, c.session = timeout, session
}

// onEvent runs on the client's connection goroutine: it must neither block
// nor call the client. The client dials again only after it has returned.
func (c *Conn) onEvent(e zk.Event) {
	if e.Type != zk.EventSession {
		return
	}
	switch e.State {
	case zk.StateHasSession:
		if c.state.set(Connected) {
			c.log.Debug("session usable", "server", e.Server, "session", fmt.Sprintf("%#x", c.SessionID()))
		}
	case zk.StateExpired:
		c.mu.Lock()
		first := !c.over
		c.mu.Unlock()
		if first && c.state.set(Expired) {
			close(c.expired)
		}
		c.cut()
	case zk.StateDisconnected, zk.StateConnecting, zk.StateConnected:
		if c.state.set(Connecting) {
			c.log.Debug("session without a server")
		}
	}
}

// cut ends the connection without a word to the server and bars new ones.
func (c *Conn) cut() {
	c.hosts.stop()
	c.mu.Lock()
	c.over = true
	socket := c.socket
	c.mu.Unlock()
	c.kill()
	if socket != nil {
		_ = socket.Close()
	}
}

// supervise ends everything when the session expires or the owner closes.
func (c *Conn) supervise(events <-chan zk.Event) {
	defer close(c.done)
	select {
	case <-c.expired:
	case <-c.closing:
	}
	if state, _, _ := c.state.get(); state != Connected {
		c.cut()
	}
	c.client.Close() // tells the server, if there is one, for at most a second
	c.state.set(Closed)
	c.cut()
	for range events { // closed by the client's last goroutine
	}
	c.tasks.Wait()
}

// Close ends the session and returns when every goroutine has ended. Calls in
// progress end with ErrClosed. It may be called more than once.
func (c *Conn) Close() {
	c.closeOnce.Do(func() { close(c.closing) })
	<-c.done
}

// Expired is closed when the session has expired.
func (c *Conn) Expired() <-chan struct{} { return c.expired }

// Done is closed when the Conn is over, by Close or by expiry, and everything
// in it has ended.
func (c *Conn) Done() <-chan struct{} { return c.done }

// State returns the present state and a channel that its next change closes.
func (c *Conn) State() (State, <-chan struct{}) {
	s, _, changed := c.state.get()
	return s, changed
}

// SessionID is the id of the session, as found in Stat.EphemeralOwner.
func (c *Conn) SessionID() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session
}

// Server is the "host:port" that serves the session or did so last.
func (c *Conn) Server() string { return c.client.Server() }

// NegotiatedTimeout is the session timeout that the server granted.
func (c *Conn) NegotiatedTimeout() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.negotiated
}

// clientLog passes the client's own lines on; they are for debugging.
type clientLog struct{ log hclog.Logger }

// Printf logs one line of the client.
func (l clientLog) Printf(format string, args ...any) {
	l.log.Debug("client says", "line", fmt.Sprintf(format, args...))
}
