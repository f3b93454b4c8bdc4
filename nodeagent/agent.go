package nodeagent

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/nodeagent/agentrestart"
	"scaleio-framework/nodeagent/hostfs"
	"scaleio-framework/nodeagent/imds"
	"scaleio-framework/nodeagent/inventory"
	"scaleio-framework/nodeagent/journal"
	"scaleio-framework/nodeagent/runner"
	"scaleio-framework/nodeagent/steps"
)

// Transport takes envelopes to the leader.
type Transport interface {
	// Update sends data reliably: it is delivered again until acknowledged.
	Update(ctx context.Context, data []byte) error
	// Send sends data that may be lost.
	Send(ctx context.Context, data []byte) error
}

// Options of an Agent.
type Options struct {
	// Name is the framework's name: one node agent runs per host and name.
	Name string
	// HostRoot is the directory that stands for the host; empty or "/" is the
	// machine itself.
	HostRoot string
	// Tools is a directory searched for programs before PATH; may be empty.
	Tools string
	// Address is where other nodes reach this host. Required.
	Address string
	// Version of this program, shown in the inventory.
	Version string
	// SCLIPasswordInArgs lets scli have passwords among its arguments where it
	// does not ask for them. Any user of the host can then read them.
	SCLIPasswordInArgs bool
	// AliveEvery is the pause between signs of life; 15 s when 0.
	AliveEvery time.Duration
	// InventoryEvery is the pause between looks at the host; 1 min when 0.
	InventoryEvery time.Duration
	// MesosVersion asks the host's Mesos agent which version it is. Required.
	MesosVersion func(ctx context.Context) (string, error)
	// MesosAgent is where the host's Mesos agent answers.
	MesosAgent agentrestart.Endpoint
	// Program is this program's own file: its copy guards the Mesos agent's
	// restart. Not used where the host is a directory.
	Program string
	// Metadata says which instance of a cloud the host is; nil asks nobody.
	Metadata  *imds.Reader
	Transport Transport
	Logger    hclog.Logger
}

func (o Options) validate() error {
	switch {
	case o.Name == "" || o.Name != filepath.Base(o.Name) || o.Name == "." || o.Name == "..":
		return fmt.Errorf("name %q cannot be a directory's name: set SIO_NAME to the framework's name", o.Name)
	case o.Address == "":
		return errors.New("the host's address is not known: start by a Mesos agent, which sets MESOS_AGENT_ENDPOINT, or set SIO_ADDRESS")
	case o.Transport == nil:
		return errors.New("option Transport is missing")
	case o.MesosVersion == nil:
		return errors.New("option MesosVersion is missing")
	case o.Logger == nil:
		return errors.New("option Logger is missing")
	case o.AliveEvery < 0 || o.InventoryEvery < 0:
		return errors.New("a pause is negative")
	}
	return nil
}

// inboxSize bounds the commands that wait while the journal is written.
// Messages may be lost by contract, so one too many is dropped.
const inboxSize = 256

// Agent is the node agent of one host.
type Agent struct {
	opt       Options
	log       hclog.Logger
	key       nodeproto.Key
	root      hostfs.Root
	inventory *inventory.Collector
	inbox     chan []byte
	outbox    *outbox
	look      chan struct{}
	announce  chan struct{}
	broken    chan error // holds why an outcome could not be journaled

	journal *journal.Journal
	host    *steps.Host
	locks   map[steps.Resource]chan struct{}

	dismissed atomic.Bool

	mu       sync.Mutex
	attempts map[string]*attempt
	work     sync.WaitGroup
}

// New wires an agent and starts nothing.
func New(o Options) (*Agent, error) {
	if err := o.validate(); err != nil {
		return nil, fmt.Errorf("node agent: %w", err)
	}
	if o.AliveEvery == 0 {
		o.AliveEvery = 15 * time.Second
	}
	if o.InventoryEvery == 0 {
		o.InventoryEvery = time.Minute
	}
	key, err := nodeproto.NewKey()
	if err != nil {
		return nil, fmt.Errorf("node agent: %w", err)
	}
	a := &Agent{
		opt: o, log: o.Logger, key: key,
		root:     hostfs.New(o.HostRoot),
		inbox:    make(chan []byte, inboxSize),
		look:     make(chan struct{}, 1),
		announce: make(chan struct{}, 1),
		broken:   make(chan error, 1),
		locks:    map[steps.Resource]chan struct{}{},
		attempts: map[string]*attempt{},
	}
	a.outbox = newOutbox(o.Transport, a.log, a.epoch)
	for _, r := range steps.Resources() {
		a.locks[r] = make(chan struct{}, 1)
	}
	// Looking at disks writes nothing, so these runs need no note.
	a.inventory = inventory.New(inventory.Options{
		Root: a.root, Runner: runner.New(runner.Options{Tools: o.Tools}),
		Address: o.Address, PublicKey: key.Public(), Version: o.Version, Metadata: o.Metadata, Logger: o.Logger,
	})
	return a, nil
}

// StateDir is the host's directory of a framework's node agent.
func StateDir(root hostfs.Root, name string) string {
	return root.Path("/var/lib/scaleio-framework/" + name)
}

// HandleMessage takes a framework message. It never blocks.
func (a *Agent) HandleMessage(data []byte) {
	select {
	case a.inbox <- data:
	default:
		a.log.Warn("too many commands wait, one was dropped", "waiting", inboxSize)
	}
}

// Run works until the context ends, and returns nil then. Attempts that run at
// that moment are stopped and stay open in the journal; the next node agent
// finds out what became of them.
func (a *Agent) Run(ctx context.Context) (err error) {
	if err := a.open(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("node agent: %w", err)
	}
	defer func() { err = errors.Join(err, a.leave()) }()
	ctx, cancel := context.WithCancel(ctx)
	defer a.work.Wait()
	defer cancel()
	a.work.Go(func() { a.outbox.run(ctx) })
	a.work.Go(func() { a.watchHost(ctx) })
	a.recover(ctx)
	return a.loop(ctx)
}

// Dismiss says that the leader ends this node agent for good: Run then leaves
// nothing behind on a host that it was told to retire from.
func (a *Agent) Dismiss() { a.dismissed.Store(true) }

func (a *Agent) leave() (err error) {
	if a.dismissed.Load() {
		err = a.journal.Erase()
	}
	return errors.Join(err, a.journal.Close())
}

// open takes the state directory and ends what a predecessor left running.
func (a *Agent) open(ctx context.Context) error {
	dir := StateDir(a.root, a.opt.Name)
	j, err := journal.Open(ctx, dir, a.log)
	if err != nil {
		return err
	}
	groups := runner.NewGroups(j.GroupsDir())
	ended, err := groups.EndLeftovers()
	if err != nil {
		return errors.Join(err, j.Close())
	}
	if ended > 0 {
		a.log.Warn("ended programs that a former node agent left running", "groups", ended)
	}
	program := a.opt.Program
	if !a.root.IsMachine() {
		program = "" // nothing restarts us there
	}
	host, err := steps.NewHost(steps.HostOptions{
		Root: a.root, Runner: runner.New(runner.Options{Tools: a.opt.Tools, Groups: groups}),
		CacheDir: j.CacheDir(), RestartDir: j.RestartDir(), Pending: j.Pending(), Address: a.opt.Address, MesosVersion: a.opt.MesosVersion,
		MesosAgent: a.opt.MesosAgent, Program: program,
		SCLIPasswordInArgs: a.opt.SCLIPasswordInArgs, Logger: a.log,
	})
	if err != nil {
		return errors.Join(err, j.Close())
	}
	a.journal, a.host = j, host
	return nil
}

// epoch is the highest epoch seen, for envelopes, none of which is made before
// the journal is open.
func (a *Agent) epoch() uint64 { return a.journal.Epoch() }

func (a *Agent) loop(ctx context.Context) error {
	alive := time.NewTicker(a.opt.AliveEvery)
	defer alive.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-alive.C:
			a.outbox.send(nodeproto.Envelope{Alive: &nodeproto.Alive{Running: a.running()}})
		// A journal that cannot be written makes every promise void. The next
		// node agent finds out what became of the attempts left open.
		case err := <-a.broken:
			return fmt.Errorf("node agent: %w", err)
		case data := <-a.inbox:
			if err := a.take(ctx, data); err != nil {
				return fmt.Errorf("node agent: %w", err)
			}
		}
	}
}

// watchHost sends the inventory when it is first known and when it changed.
func (a *Agent) watchHost(ctx context.Context) {
	every := time.NewTicker(a.opt.InventoryEvery)
	defer every.Stop()
	var last model.Inventory
	var complaint string
	for {
		found, err := a.inventory.Collect(ctx)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			complaint = ""
		} else if text := err.Error(); text != complaint {
			// Said once per text: it comes again every minute.
			complaint = text
			a.log.Error("the host cannot be used", "error", err)
		}
		// What is known goes up even if it cannot be used: the leader records
		// why, where an operator looks.
		if found.Hostname != "" && !inventory.Equal(found, last) {
			last = found
			a.outbox.update(nodeproto.Envelope{Inventory: &found})
		}
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		case <-a.look:
		case <-a.announce:
			last = model.Inventory{}
		}
	}
}

// Announce sends the inventory again, although it may not have changed: to a
// task that is new.
func (a *Agent) Announce() {
	select {
	case a.announce <- struct{}{}:
	default:
	}
}

// lookSoon asks for an early look at the host.
func (a *Agent) lookSoon() {
	select {
	case a.look <- struct{}{}:
	default:
	}
}
