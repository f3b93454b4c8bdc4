package leader

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"scaleio-framework/internal/clock"
	"scaleio-framework/internal/zkconn"
)

// retryElection is the pause before a candidate tries again what failed
// without a change of /leader to wait for.
const retryElection = 50 * time.Millisecond

const (
	firstDial  = 2 * time.Second
	laterDials = 30 * time.Second
)

// Options describe a candidate.
type Options struct {
	// Conn says where ZooKeeper is; its Root is the framework's.
	Conn zkconn.Options
	// Card introduces this process. Instance is required.
	Card Card
	// Dial opens a session; nil means zkconn.Dial. A simulation gives one that
	// needs no network.
	Dial Dial
	// Claim, if set, is called with what the leadership is known by, before
	// Elect returns the term and again whenever its fence has changed. It must
	// not block.
	Claim func(Claim)
	// Candidacy, if set, is called with what the candidate's card is known by,
	// each time before it is laid. It must not block.
	Candidacy func(Candidacy)
	// Logger may be nil.
	Logger hclog.Logger
}

// Status is what a scheduler knows of the election.
type Status struct {
	// Connected: a ZooKeeper server serves this process's session.
	Connected bool
	// Leading: this process has won; the term itself knows its lease.
	Leading bool
	// Known: there is a leader, and Leader is its card.
	Known  bool
	Leader Card
}

// Elector makes a process a candidate, and in the end the leader.
type Elector struct {
	opts Options
	log  hclog.Logger

	mu      sync.Mutex
	conn    Conn
	term    *Term
	known   bool
	leader  Card
	trouble string // the last logged reason to wait
}

// New checks the options. It starts nothing.
func New(opts Options) (*Elector, error) {
	if opts.Logger == nil {
		opts.Logger = hclog.NewNullLogger()
	}
	if err := opts.Card.validate(); err != nil {
		return nil, err
	}
	if err := opts.Conn.Validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if opts.Dial == nil {
		opts.Dial = dial
	}
	if opts.Conn.Logger == nil {
		opts.Conn.Logger = opts.Logger
	}
	if opts.Conn.SessionTimeout == 0 {
		opts.Conn.SessionTimeout = zkconn.DefaultSessionTimeout
	}
	return &Elector{opts: opts, log: opts.Logger.Named("leader").With("instance", opts.Card.Instance)}, nil
}

// Elect stands as a candidate until it has won, for ever if need be: it waits
// for ZooKeeper, and a session that expires is replaced. It returns an error
// only when ctx ends (the error is ctx's) or when waiting cannot help:
// ErrLayout, ErrUnreadable or ErrRefused. The term belongs to the caller, who
// ends it with HandOver or Close; it does not depend on ctx.
func (e *Elector) Elect(ctx context.Context) (*Term, error) {
	if e.hasLed() {
		return nil, fmt.Errorf("%w call: a process that has led does not stand again", ErrInvalid)
	}
	for {
		conn, err := e.connect(ctx)
		if err != nil {
			return nil, err
		}
		won, err := e.stand(ctx, conn)
		if err == nil {
			term := newTerm(conn, e.log, e.opts, won)
			e.lead(term)
			return term, nil
		}
		conn.Close()
		e.see(nil, false, Card{})
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case final(err):
			return nil, err
		}
		e.waiting("candidacy interrupted", err)
		if err := clock.Sleep(ctx, retryElection); err != nil {
			return nil, err
		}
	}
}

func (e *Elector) hasLed() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.term != nil
}

// final tells the errors for which waiting does not help.
func final(err error) bool {
	return errors.Is(err, ErrLayout) || errors.Is(err, ErrUnreadable) || errors.Is(err, ErrRefused)
}

// connect dials until it succeeds. Only a refusal is final.
func (e *Elector) connect(ctx context.Context) (Conn, error) {
	// The first attempt ends early, so that the trouble is told; the others
	// are long, because between them nobody dials.
	for patience := firstDial; ; patience = laterDials {
		attempt, cancel := context.WithTimeout(ctx, patience)
		conn, err := e.opts.Dial(attempt, e.opts.Conn)
		cancel()
		switch {
		case err == nil:
			e.see(conn, false, Card{})
			e.waited()
			return conn, nil
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case errors.Is(err, zkconn.ErrNoAuth):
			return nil, fmt.Errorf("%w: %w", ErrRefused, err)
		}
		e.waiting("zookeeper out of reach, waiting", err)
		if err := clock.Sleep(ctx, retryElection); err != nil {
			return nil, err
		}
	}
}

// waiting logs a reason to wait once.
func (e *Elector) waiting(message string, err error) {
	e.mu.Lock()
	told := e.trouble == message
	e.trouble = message
	e.mu.Unlock()
	if !told {
		e.log.Warn(message, "error", err)
	}
}

func (e *Elector) waited() {
	e.mu.Lock()
	waited := e.trouble != ""
	e.trouble = ""
	e.mu.Unlock()
	if waited {
		e.log.Info("zookeeper reached")
	}
}

func (e *Elector) see(conn Conn, known bool, leader Card) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if known && (!e.known || e.leader.Instance != leader.Instance) {
		e.log.Info("leader seen", "leader", leader.Instance, "url", leader.URL)
	}
	e.conn, e.known, e.leader = conn, known, leader
}

func (e *Elector) lead(term *Term) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.term = term
	e.log.Info("elected", "epoch", term.Epoch(), "session", term.Lease().Session())
}

// Status tells what this process knows now. It does not block.
func (e *Elector) Status() Status {
	e.mu.Lock()
	defer e.mu.Unlock()
	var s Status
	if e.conn != nil {
		state, _ := e.conn.State()
		s.Connected = state == zkconn.Connected
	}
	if e.term != nil {
		if e.term.Err() != nil {
			return Status{}
		}
		s.Leading, s.Known, s.Leader = true, true, e.term.Card()
		return s
	}
	s.Known, s.Leader = e.known, e.leader
	return s
}

// CurrentLeader is the card of the present leader, if one is known.
func (e *Elector) CurrentLeader() (Card, bool) {
	s := e.Status()
	return s.Leader, s.Known
}
