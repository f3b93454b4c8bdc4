package ec2test

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// Cloud is the account. Its methods may be called side by side.
type Cloud struct {
	opts Options

	// turn is held for one request or one change at a time, callbacks included,
	// so that nobody sees an attached volume before its disk appeared.
	turn sync.Mutex

	mu        sync.Mutex // guards what follows; never held during a callback
	volumes   map[string]*volume
	instances map[string]*instance
	types     map[string]InstanceType
	tokens    map[string]*token
	faults    []*Fault
	denied    map[string]bool
	noRoom    map[string]bool // zones without capacity
	badKeys   map[string]bool
	limits    Limits
	counts    map[string]*Counter
	requests  int
	ids       int
	events    []func() // callbacks of the turn

	doors doors
}

// New makes an account without instances. It listens to nothing yet.
func New(opts Options) (*Cloud, error) {
	opts = opts.withDefaults()
	if err := opts.validate(); err != nil {
		return nil, fmt.Errorf("ec2test: %w", err)
	}
	c := &Cloud{
		opts: opts, limits: opts.Limits,
		volumes: map[string]*volume{}, instances: map[string]*instance{}, types: instanceTypes(),
		tokens: map[string]*token{}, denied: map[string]bool{}, noRoom: map[string]bool{}, badKeys: map[string]bool{},
		counts: map[string]*Counter{},
	}
	c.doors.closed = make(chan struct{})
	return c, nil
}

// change runs f on the settled account, then the callbacks it gave rise to.
func (c *Cloud) change(f func()) {
	c.turn.Lock()
	defer c.turn.Unlock()
	c.mu.Lock()
	c.step(false)
	f()
	events := c.events
	c.events = nil
	c.mu.Unlock()
	for _, e := range events {
		e()
	}
}

// Advance takes the next step of everything that is under way and not stuck:
// creating becomes available, attaching attached, detaching detached.
func (c *Cloud) Advance() {
	c.change(func() { c.step(true) })
}

// Settle takes the steps whose delay is over, as any request does.
func (c *Cloud) Settle() { c.change(func() {}) }

// step takes steps that are due, or all.
func (c *Cloud) step(all bool) {
	now := c.opts.Now()
	due := func(t time.Time) bool { return all || !c.opts.Manual && !now.Before(t) }
	for _, id := range sorted(c.volumes) {
		v := c.volumes[id]
		switch {
		case v.state == "creating" && due(v.due):
			c.finishCreation(v)
		case v.att == nil:
		case v.att.state == "attaching" && !v.att.stuck && due(v.att.due):
			v.att.state = "attached"
			c.announce(c.opts.OnAttach, v)
		case v.att.state == "detaching" && due(v.att.due):
			c.finishDetaching(v)
		}
	}
}

func (c *Cloud) announce(f func(Attachment), v *volume) {
	if f == nil {
		return
	}
	a := v.attachment()
	c.events = append(c.events, func() { f(a) })
}

// newID makes the next id of a kind, "vol" or "i".
func (c *Cloud) newID(kind string) string {
	c.ids++
	return fmt.Sprintf("%s-0%016x", kind, 0xe200000000+c.ids)
}

// SetLimits changes the limits of the account.
func (c *Cloud) SetLimits(l Limits) {
	c.change(func() { c.limits = l })
}

// Deny takes away the permission for actions, for example CreateTags.
func (c *Cloud) Deny(actions ...string) {
	c.change(func() {
		for _, a := range actions {
			c.denied[a] = true
		}
	})
}

// Allow gives the permission for actions back.
func (c *Cloud) Allow(actions ...string) {
	c.change(func() {
		for _, a := range actions {
			delete(c.denied, a)
		}
	})
}

// SetCapacity says whether a zone has room for new volumes.
func (c *Cloud) SetCapacity(zone string, has bool) {
	c.change(func() { c.noRoom[zone] = !has })
}

// SetKeyUsable says whether a KMS key encrypts. With one that does not a
// creation is accepted, and the volume vanishes instead of becoming available.
func (c *Cloud) SetKeyUsable(keyID string, usable bool) {
	c.change(func() { c.badKeys[keyID] = !usable })
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
