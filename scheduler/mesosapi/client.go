package mesosapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"scaleio-framework/internal/core"
)

const (
	// takenPause is the wait before we take the framework back from someone
	// who subscribed with our id although the fence is ours.
	takenPause = time.Second
	// takenTimes within takenWithin mean that it is no accident.
	takenTimes  = 3
	takenWithin = time.Minute
	// maxRedirects in a row are followed at once; more mean that the masters
	// do not agree, and are waited for.
	maxRedirects = 3
)

// Client is a scheduler's connection to Mesos.
type Client struct {
	opts Options
	log  hclog.Logger
	http *http.Client

	mu      sync.Mutex
	running bool
	current *subscription // nil while not subscribed
}

// New checks the options and connects to nothing.
func New(opts Options) (*Client, error) {
	opts = opts.withDefaults()
	if err := opts.validate(); err != nil {
		return nil, err
	}
	return &Client{
		opts: opts,
		log:  opts.Logger.Named("mesos"),
		http: &http.Client{
			Transport:     newTransport(opts),
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// Run keeps a subscription under the framework id until ctx ends (nil) or a
// final error comes. It runs the detector, too; nobody else needs to. It posts
// what happens from the caller's goroutine; post may block.
func (c *Client) Run(ctx context.Context, frameworkID string, post func(core.Event)) error {
	if frameworkID == "" {
		return errors.New("mesos: no framework id: it is drawn and stored before the first subscription")
	}
	c.mu.Lock()
	if c.running {
		c.mu.Unlock()
		return errors.New("mesos: the client runs already")
	}
	c.running = true
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		c.running = false
		c.mu.Unlock()
		c.http.CloseIdleConnections()
	}()

	ctx, cancel := context.WithCancel(ctx)
	var detecting sync.WaitGroup
	detecting.Go(func() { c.opts.Detector.Run(ctx) })
	defer detecting.Wait()
	defer cancel()
	k := keeper{client: c, frameworkID: frameworkID, post: post, backoff: backoff{max: c.opts.MaxBackoff}}
	return k.keep(ctx)
}

// Subscribed tells whether a master has us subscribed at the moment.
func (c *Client) Subscribed() bool { return c.subscribed() != nil }

// subscribed returns the present subscription, or nil.
func (c *Client) subscribed() *subscription {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.current
}

func (c *Client) setSubscribed(s *subscription) {
	c.mu.Lock()
	c.current = s
	c.mu.Unlock()
	if c.opts.SubscriptionChanged != nil {
		c.opts.SubscriptionChanged()
	}
}

// keeper makes one subscription after the other.
type keeper struct {
	client      *Client
	frameworkID string
	post        func(core.Event)

	backoff   backoff
	redirects int                 // in a row
	hint      string              // the master named by the last redirect
	taken     []time.Time         // when others took the framework
	logged    map[string]struct{} // errors since the last subscription
}

// keep returns only with a final error, or nil when ctx ends.
func (k *keeper) keep(ctx context.Context) error {
	for {
		leader, err := k.leader(ctx)
		if err == nil {
			err = k.attempt(ctx, leader)
		}
		if ctx.Err() != nil {
			return nil
		}
		pause, err := k.judge(ctx, err)
		if err != nil {
			return err
		}
		wait(ctx, pause, leader.Changed)
	}
}

func (k *keeper) leader(ctx context.Context) (Leader, error) {
	if hint := k.hint; hint != "" {
		k.hint = ""
		return Leader{Address: hint}, nil
	}
	return k.client.opts.Detector.Leader(ctx)
}

// attempt makes one subscription and lives through it. It always returns an
// error: why there is no subscription any more.
func (k *keeper) attempt(ctx context.Context, leader Leader) error {
	if err := k.client.opts.Fence(ctx); err != nil {
		return &fencedError{err}
	}
	s := &subscription{client: k.client, frameworkID: k.frameworkID, master: leader.Address, post: k.post}
	err := s.run(ctx, leader.Changed)
	if !s.began.IsZero() {
		k.logged, k.redirects = nil, 0
		// A stream that broke at once was no recovery.
		if time.Since(s.began) > k.backoff.max {
			k.backoff.reset()
		}
		// When ctx has ended, nobody may be left to take the event.
		if ctx.Err() == nil {
			k.client.log.Warn("subscription ended", "master", leader.Address, "error", err)
			k.post(core.MesosDisconnected{Reason: err.Error()})
		}
	} else if ctx.Err() == nil {
		k.complain(leader, err)
	}
	return err
}

// judge decides whether an error is final, or how long to wait.
func (k *keeper) judge(ctx context.Context, err error) (time.Duration, error) {
	var (
		fenced   *fencedError
		refused  *SubscriptionError
		redirect *redirectError
		taken    failedOverError
	)
	switch {
	case errors.As(err, &fenced):
		return 0, fmt.Errorf("mesos: not subscribing: %w", fenced.err)
	case errors.Is(err, ErrFrameworkRemoved), errors.Is(err, ErrOtherFramework), errors.As(err, &refused):
		return 0, err
	case errors.As(err, &taken):
		return takenPause, k.takenOver(ctx)
	case errors.As(err, &redirect):
		k.hint = redirect.to
		if k.redirects++; k.redirects <= maxRedirects {
			return 0, nil
		}
	}
	k.redirects = 0
	return k.backoff.next(), nil
}

// takenOver decides whether to take the framework back.
func (k *keeper) takenOver(ctx context.Context) error {
	if err := k.client.opts.Fence(ctx); err != nil {
		return fmt.Errorf("mesos: another scheduler took the framework: %w", err)
	}
	now := time.Now()
	recent := []time.Time{now}
	for _, t := range k.taken {
		if now.Sub(t) < takenWithin {
			recent = append(recent, t)
		}
	}
	if k.taken = recent; len(recent) >= takenTimes {
		return ErrFrameworkTaken
	}
	return nil
}

// complain logs each error once between two subscriptions.
func (k *keeper) complain(leader Leader, err error) {
	const most = 100 // texts that differ by a number must not fill the memory
	text := leader.Address + err.Error()
	if _, known := k.logged[text]; known || len(k.logged) >= most {
		return
	}
	if k.logged == nil {
		k.logged = map[string]struct{}{}
	}
	k.logged[text] = struct{}{}
	k.client.log.Warn("subscription failed, trying again", "master", leader.Address, "error", err)
}
