package zkmodel

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"scaleio-framework/internal/zkconn"
)

// Options describe an ensemble.
type Options struct {
	// Seed draws every delay and every choice.
	Seed uint64
	// Servers is the size of the ensemble. Zero means 3.
	Servers int
	// TickTime is ZooKeeper's unit of time: sessions last 2 to 20 ticks and
	// expire at a multiple of it. Zero means 500 ms.
	TickTime time.Duration
	// Latency is the longest way between two machines; each packet takes
	// between a tenth of it and all of it. Zero means 1 ms.
	Latency time.Duration
	// Lag is the longest time, beyond that way, by which a follower is behind
	// its leader. Zero means 1 ms.
	Lag time.Duration
	// Election is the longest time that the servers take to elect their
	// leader. Zero means 300 ms.
	Election time.Duration
	// Fate, when set, decides on each request as it is sent. It runs under the
	// ensemble's lock and must not call back.
	Fate func(Call) Fate
	// Observe, when set, is told of each write that is applied. It runs under
	// the ensemble's lock and must not call back.
	Observe func(Applied)
}

func (o Options) withDefaults() Options {
	if o.Servers == 0 {
		o.Servers = 3
	}
	for _, d := range []struct {
		field    *time.Duration
		fallback time.Duration
	}{
		{&o.TickTime, 500 * time.Millisecond},
		{&o.Latency, time.Millisecond},
		{&o.Lag, time.Millisecond},
		{&o.Election, 300 * time.Millisecond},
	} {
		if *d.field == 0 {
			*d.field = d.fallback
		}
	}
	return o
}

// Applied is a write that has taken effect.
type Applied struct {
	// At is when.
	At time.Time
	// Zxid numbers the transactions.
	Zxid int64
	// Client is the name of the process, empty for the end of a session.
	Client string
	// Session is the session that wrote, or that ended.
	Session int64
	// Ops are the operations under their full paths; those of an expired or
	// closed session remove its ephemeral znodes.
	Ops []zkconn.Op
}

// Ensemble is a ZooKeeper service in memory.
type Ensemble struct {
	opts Options

	mu       sync.Mutex
	rng      *rand.Rand
	agenda   agenda
	head     tree // what the leader has committed
	zxid     int64
	log      []transaction
	servers  []*server
	leader   *server   // nil while there is none
	election int       // numbers the elections, so that an older one is void
	limbo    []*flight // writes that no quorum has taken yet
	sessions map[int64]*session
	clients  map[string]*Client
	drawn    int64 // session ids
}

// transaction is a write as the servers replay it.
type transaction struct {
	ops   []zkconn.Op
	stamp stamp
	ends  bool // its session
}

// New makes an ensemble whose servers are up and agree on a leader. It belongs
// to the synctest bubble in which it is made, if there is one.
func New(opts Options) *Ensemble {
	e := &Ensemble{
		opts:     opts.withDefaults(),
		head:     newTree(),
		sessions: map[int64]*session{},
		clients:  map[string]*Client{},
	}
	e.rng = rand.New(rand.NewPCG(e.opts.Seed, 0))
	for i := range e.opts.Servers {
		e.servers = append(e.servers, &server{e: e, name: fmt.Sprintf("zk%d", i), tree: newTree(), watches: map[watched][]*watch{}, up: true, serving: true})
	}
	e.leader = e.servers[0]
	e.leader.leads = true
	return e
}

// Client returns the process of that name, a new one at the first call.
func (e *Ensemble) Client(name string) *Client {
	e.mu.Lock()
	defer e.mu.Unlock()
	c := e.clients[name]
	if c == nil {
		c = &Client{e: e, name: name}
		e.clients[name] = c
	}
	return c
}

// Peek returns what the leader has committed under a full path.
func (e *Ensemble) Peek(path string) (data []byte, stat zkconn.Stat, exists bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	z := e.head[path]
	if z == nil {
		return nil, zkconn.Stat{}, false
	}
	return z.data, z.stat(), true
}

// plan puts an event on the agenda.
func (e *Ensemble) plan(after time.Duration, key string, run func()) {
	e.agenda.plan(time.Now().Add(after), key, run, e.fire)
}

// fire runs the next event.
func (e *Ensemble) fire() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if next, ok := e.agenda.due(time.Now()); ok {
		next.run()
	}
	e.agenda.arm()
}

// way draws the time of a packet between two machines.
func (e *Ensemble) way() time.Duration {
	shortest := e.opts.Latency / 10
	return shortest + e.upTo(e.opts.Latency-shortest)
}

// about makes a timer of a client fire a moment late, as timers do: two that
// were set together for the same time would be in no order otherwise.
func (e *Ensemble) about(d time.Duration) time.Duration { return d + e.upTo(100*time.Microsecond) }

// upTo draws a time between 1 ns and the longest.
func (e *Ensemble) upTo(longest time.Duration) time.Duration {
	return 1 + time.Duration(e.rng.Int64N(int64(max(longest, 1))))
}

// commit applies a write at the leader and sends it to the followers.
func (e *Ensemble) commit(client string, session int64, ops []zkconn.Op, ends bool) ([]zkconn.OpResult, int, error) {
	s := stamp{zxid: e.zxid + 1, at: time.Now(), session: session}
	done, results, failed, err := e.head.apply(ops, s)
	if err != nil {
		return nil, failed, err
	}
	e.zxid++
	e.log = append(e.log, transaction{done, s, ends})
	if e.opts.Observe != nil {
		if ends {
			client = ""
		}
		e.opts.Observe(Applied{At: s.at, Zxid: s.zxid, Client: client, Session: session, Ops: done})
	}
	for _, server := range e.servers {
		server.learn(e.zxid)
	}
	return results, 0, nil
}

// Servers is the size of the ensemble.
func (e *Ensemble) Servers() int { return len(e.servers) }
