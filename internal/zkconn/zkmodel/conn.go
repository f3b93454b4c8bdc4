package zkmodel

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"scaleio-framework/internal/zkconn"
)

const (
	firstPause   = 50 * time.Millisecond
	longestPause = time.Second
	// goodbye is how long Close waits for the server.
	goodbye = time.Second
)

// Conn is one session, under the contract of zkconn.Conn.
type Conn struct {
	e      *Ensemble
	client *Client
	opts   zkconn.Options
	key    string // names it among the ensemble's events

	expired chan struct{}
	done    chan struct{}
	live    context.Context
	kill    context.CancelFunc // ends live: waiting calls, watches
	ending  sync.Once
	tasks   sync.WaitGroup // watches

	// Guarded by the ensemble's lock.
	state      zkconn.State
	returns    int // how often the session became usable
	changed    chan struct{}
	over       bool
	session    int64
	negotiated time.Duration
	zxid       int64 // the latest seen
	next       int   // the server to try
	attempts   int   // since the last handshake
	link       *link // the present connection, nil between two
	outbox     []*flight
	flushing   bool
	writes     []*flight // begun and not settled
}

// Dial opens a session of this process, as zkconn.Dial does. Servers,
// credentials and TLS of the options must be valid and are not used.
func (c *Client) Dial(ctx context.Context, opts zkconn.Options) (*Conn, error) {
	if err := opts.Validate(); err != nil {
		return nil, err
	}
	c.awaitRunning("dial")
	conn := c.connect(withDefaults(opts))
	if err := conn.awaitSession(ctx, "dial"); err != nil {
		conn.Close()
		return nil, &zkconn.CallError{Op: "connect", Err: err, Cause: fmt.Errorf("servers %v", opts.Servers)}
	}
	return conn, nil
}

func withDefaults(o zkconn.Options) zkconn.Options {
	if o.SessionTimeout == 0 {
		o.SessionTimeout = zkconn.DefaultSessionTimeout
	}
	if o.CallTimeout == 0 {
		o.CallTimeout = o.SessionTimeout * 2 / 3
	}
	if o.Root == "/" {
		o.Root = ""
	}
	return o
}

func (c *Client) connect(opts zkconn.Options) *Conn {
	c.e.mu.Lock()
	defer c.e.mu.Unlock()
	c.dials++
	live, kill := context.WithCancel(context.Background())
	conn := &Conn{
		e: c.e, client: c, opts: opts, key: fmt.Sprintf("%s/%d", c.name, c.dials),
		expired: make(chan struct{}), done: make(chan struct{}), live: live, kill: kill,
		changed: make(chan struct{}),
	}
	if c.killed {
		conn.cutOff()
		return conn
	}
	c.conns = append(c.conns, conn)
	c.e.plan(time.Microsecond, conn.key, conn.dial)
	return conn
}

// dial tries the next server. The first round over all of them goes without a
// pause.
func (c *Conn) dial() {
	if c.over || c.link != nil {
		return
	}
	if c.client.frozen {
		c.client.whenRunning(c.dial)
		return
	}
	servers := c.e.servers
	if c.session == 0 && c.attempts == 0 {
		c.next = c.e.rng.IntN(len(servers))
	}
	s := servers[c.next%len(servers)]
	c.next++
	c.attempts++
	l := &link{conn: c, server: s, open: true, alive: true}
	c.link = l
	l.toServer(0, func() { s.greet(l, c.opts.SessionTimeout) })
	c.e.plan(c.e.about(handshakeTimeout(c.opts.SessionTimeout)), c.key, func() {
		c.client.whenRunning(func() {
			if !l.greeted {
				c.lost(l)
			}
		})
	})
}

func handshakeTimeout(session time.Duration) time.Duration {
	return min(max(session/3, time.Second), 5*time.Second)
}

// welcome completes the handshake.
func (c *Conn) welcome(l *link, s *session) {
	l.greeted = true
	c.attempts = 0
	c.session, c.negotiated = s.id, s.timeout
	c.set(zkconn.Connected)
	c.listen(l)
	c.ping(l)
	c.flush()
}

// refused ends the Conn: the servers know its session no more.
func (c *Conn) refused(l *link) {
	c.set(zkconn.Expired)
	close(c.expired)
	l.abandon()
	c.cutOff()
}

// ping keeps the session alive, every third of it.
func (c *Conn) ping(l *link) {
	c.e.plan(c.e.about(c.negotiated/3), c.key, func() {
		c.client.whenRunning(func() {
			if !l.open {
				return
			}
			l.toServer(0, func() {
				l.server.hear(l.session)
				l.toClient(0, func() {})
			})
			c.ping(l)
		})
	})
}

// listen gives a server up that was silent for two thirds of the session.
func (c *Conn) listen(l *link) {
	by := l.heard.Add(c.negotiated * 2 / 3)
	c.e.plan(c.e.about(time.Until(by)), c.key, func() {
		c.client.whenRunning(func() {
			switch {
			case !l.open:
			case time.Since(l.heard) >= c.negotiated*2/3:
				c.lost(l)
			default:
				c.listen(l)
			}
		})
	})
}

// lost is the end of a connection, and the beginning of the next.
func (c *Conn) lost(l *link) {
	if !l.open {
		return
	}
	c.set(zkconn.Connecting)
	c.link = nil
	l.abandon()
	if !c.over {
		c.e.plan(c.e.about(c.pause()), c.key, c.dial)
	}
}

// pause is how long to wait before the next server is tried.
func (c *Conn) pause() time.Duration {
	servers := len(c.e.servers)
	rounds := c.attempts / servers
	if rounds == 0 || c.attempts%servers != 0 {
		return 0
	}
	return min(firstPause<<min(rounds-1, 10), longestPause)
}

// set moves to a state. Expired and Closed are final, the first wins.
func (c *Conn) set(s zkconn.State) {
	if c.state == zkconn.Expired || c.state == zkconn.Closed || c.state == s {
		return
	}
	c.state = s
	if s == zkconn.Connected {
		c.returns++
	}
	close(c.changed)
	c.changed = make(chan struct{})
}

// cutOff ends the Conn at the client, without a word to the servers.
func (c *Conn) cutOff() {
	if c.over {
		return
	}
	c.over = true
	c.set(zkconn.Closed)
	if l := c.link; l != nil {
		c.e.plan(hesitation, c.key, l.abandon)
	}
	outbox := c.outbox
	c.outbox = nil
	for _, f := range outbox {
		c.settle(f, reply{lost: true})
	}
	c.client.conns = slices.DeleteFunc(c.client.conns, func(o *Conn) bool { return o == c })
	c.kill()
	go func() {
		c.tasks.Wait()
		close(c.done)
	}()
}

// Close ends the session and returns when every goroutine has ended: at once
// when a server answers, within a second when none does.
func (c *Conn) Close() {
	c.ending.Do(func() {
		c.client.awaitRunning("close " + c.key)
		if f := c.leave(); f != nil {
			timer := time.NewTimer(goodbye)
			defer timer.Stop()
			select {
			case <-f.settled:
			case <-timer.C:
			case <-c.live.Done():
			}
			c.client.awaitRunning("close " + c.key)
		}
		c.e.mu.Lock()
		defer c.e.mu.Unlock()
		c.cutOff()
	})
	<-c.done
}

// leave tells the server, if there is one, that the session is to end.
func (c *Conn) leave() *flight {
	c.e.mu.Lock()
	defer c.e.mu.Unlock()
	if c.over || c.state != zkconn.Connected {
		return nil
	}
	f := &flight{op: "close", kind: kindEnd}
	c.enqueue(f)
	return f
}

// Expired is closed when the session has expired.
func (c *Conn) Expired() <-chan struct{} { return c.expired }

// Done is closed when the Conn is over and everything in it has ended.
func (c *Conn) Done() <-chan struct{} { return c.done }

// State returns the present state and a channel that its next change closes.
func (c *Conn) State() (zkconn.State, <-chan struct{}) {
	c.e.mu.Lock()
	defer c.e.mu.Unlock()
	return c.state, c.changed
}

// SessionID is the id of the session, as found in Stat.EphemeralOwner.
func (c *Conn) SessionID() int64 {
	c.e.mu.Lock()
	defer c.e.mu.Unlock()
	return c.session
}

// NegotiatedTimeout is the session timeout that the server granted.
func (c *Conn) NegotiatedTimeout() time.Duration {
	c.e.mu.Lock()
	defer c.e.mu.Unlock()
	return c.negotiated
}
