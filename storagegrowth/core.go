package storagegrowth

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/leader"
)

// PathStatus is the record that tells operators what growth thinks.
const PathStatus = "/growth-status"

// Core implements core.Core.
type Core struct {
	options Options

	uuid     string // of the cluster; empty while it is unknown
	release  string // of ScaleIO; empty until it is known
	gateways []model.Gateway
	// uninstalling says that the system is being removed: what is open is
	// finished, and nothing begins.
	uninstalling bool
	toldOpen     []string // the growths last told as open, while uninstalling
	hosts        map[string]*host
	growths      map[string]*model.Growth // by id
	unread       []string                 // growths whose records are unreadable
	status       *Status                  // nil when its record is unreadable
	totals       *Totals                  // nil when its record is unreadable

	pools  map[string]*pool // of the last readings, by "protection domain/pool"
	read   reading
	look   look
	slots  map[slotKey]*live
	orders map[string]*pending // by path
	// questions are previews that somebody waits for, by id.
	questions map[string]question
	queue     map[string]bool // growths to work on
	more      bool            // the timer that goes on with the queue runs
	opened    time.Time       // when a growth was last decided

	statusAt time.Time // when the status was last written
	totalsAt time.Time // when the totals were last written
	counted  bool      // there are totals that are not written
}

// host is what is known of a node.
type host struct {
	up        bool
	since     time.Time // when it went up or down
	address   core.NodeAddress
	inventory *model.Inventory
}

// slotKey names a slot.
type slotKey struct {
	growth string
	index  int
}

// New makes a growth core that knows nothing; Load follows. The error names
// the flags that are wrong.
func New(options Options) (*Core, error) {
	if err := options.validate(); err != nil {
		return nil, err
	}
	c := &Core{options: options}
	c.forget()
	return c, nil
}

// Name implements core.Core.
func (*Core) Name() string { return "growth" }

func (c *Core) forget() {
	*c = Core{
		options:   c.options,
		hosts:     make(map[string]*host),
		growths:   make(map[string]*model.Growth),
		status:    &Status{},
		totals:    &Totals{},
		pools:     make(map[string]*pool),
		slots:     make(map[slotKey]*live),
		orders:    make(map[string]*pending),
		questions: make(map[string]question),
		queue:     make(map[string]bool),
	}
}

// Load implements core.Core. A growth that cannot be read is left alone; the
// others go on. A cluster or node that cannot be read is its owner's concern.
func (c *Core) Load(stored leader.Snapshot) (map[string]error, error) {
	c.forget()
	unreadable := make(map[string]error)
	for _, path := range sortedKeys(stored) {
		data := stored[path].Data
		switch {
		case path == leader.PathCluster:
			if cluster, err := model.Decode[model.Cluster](data); err == nil {
				c.uuid, c.release, c.gateways, c.uninstalling = cluster.UUID, cluster.Release, cluster.Gateways, cluster.Uninstall != nil
			}
		case path == PathStatus:
			c.status = &Status{}
			if err := json.Unmarshal(data, c.status); err != nil {
				c.status = nil
				unreadable[path] = fmt.Errorf("not valid JSON: %w: remove it, it is made anew", err)
			}
		case path == PathTotals:
			var err error
			if c.totals, err = parseTotals(data); err != nil {
				unreadable[path] = err
			}
		default:
			if id, ok := below(path, leader.PathGrowth); ok {
				if err := c.loadGrowth(id, data); err != nil {
					unreadable[path] = err
					c.unread = append(c.unread, id)
				}
			} else if name, ok := below(path, leader.PathNodes); ok {
				c.loadNode(name, data)
			} else if _, ok := below(path, leader.PathOrders); ok {
				c.loadOrder(path, data)
			}
		}
	}
	return unreadable, nil
}

// below gives the name of a record directly below a path.
func below(path, parent string) (name string, ok bool) {
	name, ok = strings.CutPrefix(path, parent+"/")
	return name, ok && name != "" && !strings.Contains(name, "/")
}

func (c *Core) loadGrowth(id string, data []byte) error {
	g, err := model.Decode[model.Growth](data)
	if err != nil {
		return fmt.Errorf("%w: mend it by hand, then let another scheduler lead", err)
	}
	if g.ID != id {
		return fmt.Errorf("id is %q, want %q as in its path: mend it by hand, then let another scheduler lead", g.ID, id)
	}
	for i := range g.Slots {
		if s := &g.Slots[i]; s.Request.SizeGiB <= 0 || s.Request.Token == "" {
			return fmt.Errorf("slot %d has no complete request: mend it by hand, then let another scheduler lead", i)
		}
	}
	c.growths[id] = g
	return nil
}

// loadNode keeps what the last leader knew; NodeUp tells what is so now.
func (c *Core) loadNode(name string, data []byte) {
	node, err := model.Decode[model.Node](data)
	if err != nil || node.Hostname != name {
		return
	}
	h := &host{inventory: node.Inventory}
	if node.State != model.TaskRunning {
		h.since = node.Since
	}
	c.hosts[name] = h
}

// loadOrder keeps orders that wait: the source offers each only once in a
// term, and a reload within it must not lose them.
func (c *Core) loadOrder(path string, data []byte) {
	if order, err := model.ParseOrder(data); err == nil && order.Verb.IsGrowth() {
		c.orders[path] = &pending{order: order, raw: data}
	}
}

// Apply implements core.Core.
func (c *Core) Apply(now time.Time, event core.Event, out *core.Output) {
	t := &turn{Core: c, now: now, out: out, changed: make(map[string]bool)}
	switch e := event.(type) {
	case core.TermStarted:
		t.termStarted()
	case core.ClusterKnown:
		t.clusterKnown(e)
	case core.TimerFired:
		if !t.timerFired(e.Key) {
			return
		}
	case core.NodeUp:
		t.nodeUp(e)
	case core.NodeDown:
		t.nodeDown(e)
	case core.NodeReported:
		t.nodeReported(e)
	case core.GatewayAnswered:
		t.gatewayAnswered(e)
	case core.PoolsRead:
		t.poolsRead(e)
	case core.CloudAnswered:
		t.cloudAnswered(e)
	case core.OrderReceived:
		t.orderReceived(e)
	case core.PreviewAsked:
		t.previewAsked(e)
	default:
		return
	}
	t.finish()
}
