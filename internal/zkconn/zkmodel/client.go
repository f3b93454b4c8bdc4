package zkmodel

import "slices"

// Client is one process that uses the ensemble. What happens to a process or
// to its network happens to all of its connections.
type Client struct {
	e    *Ensemble
	name string

	// Guarded by the ensemble's lock.
	dials   int
	conns   []*Conn
	cut     bool
	held    []func() // packets that a cut holds up
	frozen  bool
	stopped []stopped // goroutines that wait to go on
	thawing []func()  // what the process does as soon as it runs
	killed  bool
}

// stopped is a goroutine of a frozen process. They go on one after the other,
// in the order of what they do.
type stopped struct {
	doing string
	goOn  chan struct{}
}

// Cut separates the process from all servers. Packets are held up; those that
// still find their connection arrive after Heal, the others never.
func (c *Client) Cut() {
	c.e.mu.Lock()
	defer c.e.mu.Unlock()
	c.cut = true
}

// Heal ends a Cut.
func (c *Client) Heal() {
	c.e.mu.Lock()
	defer c.e.mu.Unlock()
	held := c.held
	c.cut, c.held = false, nil
	for _, send := range held {
		send()
	}
}

// Freeze stops the process as SIGSTOP does: none of its calls begins or
// returns, and nothing that arrives is read. The clock of the caller runs on;
// deadlines that pass meanwhile have passed when it wakes.
func (c *Client) Freeze() {
	c.e.mu.Lock()
	defer c.e.mu.Unlock()
	c.frozen = !c.killed
}

// Thaw ends a Freeze.
func (c *Client) Thaw() {
	c.e.mu.Lock()
	defer c.e.mu.Unlock()
	c.thaw()
}

func (c *Client) thaw() {
	if !c.frozen {
		return
	}
	c.frozen = false
	for _, s := range c.stopped {
		c.e.plan(0, c.name+" "+s.doing, func() { close(s.goOn) })
	}
	thawing := c.thawing
	c.stopped, c.thawing = nil, nil
	for _, run := range thawing {
		c.e.plan(0, c.name, func() { c.whenRunning(run) })
	}
}

// whenRunning runs at once, or when the process has been thawed.
func (c *Client) whenRunning(run func()) {
	if c.frozen {
		c.thawing = append(c.thawing, run)
		return
	}
	run()
}

// awaitRunning blocks while the process is frozen.
func (c *Client) awaitRunning(doing string) {
	for {
		c.e.mu.Lock()
		if !c.frozen {
			c.e.mu.Unlock()
			return
		}
		goOn := make(chan struct{})
		c.stopped = append(c.stopped, stopped{doing, goOn})
		c.e.mu.Unlock()
		<-goOn
	}
}

// Kill ends the process as SIGKILL does: its connections break without a word,
// its sessions live until they expire, and what it has sent may still arrive.
// For the goroutines that stand for it every call fails as after Close.
func (c *Client) Kill() {
	c.e.mu.Lock()
	defer c.e.mu.Unlock()
	c.killed = true
	c.thaw()
	for _, conn := range slices.Clone(c.conns) {
		conn.cutOff()
	}
}
