package mesostest

import (
	"fmt"
	"maps"
	"slices"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// defaultRefusal is how long resources are withheld after a decline or an accept without a filter of its own.
const defaultRefusal = 5 * time.Second

// maxRefusal is what a real master cuts longer refusals down to.
const maxRefusal = 365 * 24 * time.Hour

// offer is one outstanding offer.
type offer struct {
	id, framework, role string
	agent               *Agent
	resources           mesos.Resources
}

// filter withholds resources of an agent from a framework's role for some time.
type filter struct {
	agent, role string
	refused     mesos.Resources
	expiry      *time.Timer
}

// allocateLocked makes all offers that are possible now, one OFFERS event for each framework.
func (c *Cluster) allocateLocked() {
	m := c.master
	if m == nil || c.state != clusterRunning {
		return
	}
	made := map[string][]mesos.Offer{}
	for _, agent := range c.agents {
		record := m.agents[agent.id]
		if record == nil || !record.active {
			continue
		}
		free := c.freeLocked(m, agent)
		if !worthOffering(free) {
			continue
		}
		f, role := c.chooseLocked(m, agent, free)
		if f == nil {
			continue
		}
		o := &offer{id: fmt.Sprintf("%s-O%d", m.id, m.nextOffer), framework: f.id, role: role, agent: agent, resources: free}
		m.nextOffer++
		m.offers[o.id] = o
		made[f.id] = append(made[f.id], agent.offerLocked(o))
	}
	for id, offers := range made {
		m.frameworks[id].send(&scheduler.Event{Type: scheduler.Event_OFFERS, Offers: &scheduler.Event_Offers{Offers: offers}})
	}
}

// freeLocked is what an agent has beyond its tasks, its executors and the offers that are out.
func (c *Cluster) freeLocked(m *master, agent *Agent) mesos.Resources {
	free := agent.resources.Minus(agent.usedLocked()...)
	for _, o := range m.offers {
		if o.agent == agent {
			free.Subtract(o.resources...)
		}
	}
	return free
}

// chooseLocked picks the framework, and its role, that an agent's free resources are offered to: the one that holds the
// fewest offers and tasks, by id among equals.
func (c *Cluster) chooseLocked(m *master, agent *Agent, free mesos.Resources) (*framework, string) {
	var best *framework
	bestRole, bestShare := "", 0
	for _, id := range slices.Sorted(maps.Keys(m.frameworks)) {
		f := m.frameworks[id]
		if f.stream == nil || agent.opts.GPUs > 0 && !f.capable(mesos.FrameworkInfo_Capability_GPU_RESOURCES) {
			continue
		}
		role, ok := f.roleForLocked(agent, free)
		if !ok {
			continue
		}
		if share := c.shareLocked(m, id); best == nil || share < bestShare {
			best, bestRole, bestShare = f, role, share
		}
	}
	return best, bestRole
}

func (f *framework) roleForLocked(agent *Agent, free mesos.Resources) (string, bool) {
	for _, role := range f.roles() {
		refused := slices.ContainsFunc(f.filters, func(x filter) bool {
			return x.agent == agent.id && x.role == role && contains(x.refused, free)
		})
		if !refused && !f.suppressed[role] {
			return role, true
		}
	}
	return "", false
}

func (c *Cluster) shareLocked(m *master, id string) int {
	share := 0
	for _, o := range m.offers {
		if o.framework == id {
			share++
		}
	}
	for _, agent := range c.agents {
		for key := range agent.tasks {
			if key.framework == id {
				share++
			}
		}
	}
	return share
}

// withdrawOffersLocked takes offers back, with RESCIND events when the framework is still there to hear of it.
func (c *Cluster) withdrawOffersLocked(which func(*offer) bool, tell bool) {
	if c.master == nil {
		return
	}
	for _, id := range slices.Sorted(maps.Keys(c.master.offers)) {
		o := c.master.offers[id]
		if !which(o) {
			continue
		}
		delete(c.master.offers, id)
		if f := c.master.frameworks[o.framework]; tell && f != nil {
			f.send(&scheduler.Event{Type: scheduler.Event_RESCIND, Rescind: &scheduler.Event_Rescind{OfferID: mesos.OfferID{Value: id}}})
		}
	}
}

// refuseLocked withholds resources as a decline or the unused part of an accept asks, then lets others have them.
func (c *Cluster) refuseLocked(f *framework, o *offer, refused mesos.Resources, filters *mesos.Filters) {
	wait := defaultRefusal
	if filters != nil && filters.RefuseSeconds != nil {
		wait = time.Duration(min(*filters.RefuseSeconds, maxRefusal.Seconds()) * float64(time.Second))
	}
	// A real master considers declined resources again in its next batch, never at once.
	wait = max(wait, c.opts.OfferInterval)
	x := filter{agent: o.agent.id, role: o.role, refused: refused}
	x.expiry = c.after(wait, func() {
		f.filters = slices.DeleteFunc(f.filters, func(y filter) bool { return y.expiry == x.expiry })
		c.allocateLocked()
	})
	f.filters = append(f.filters, x)
}

func (c *Cluster) declineLocked(m *master, f *framework, call *scheduler.Call_Decline) {
	for _, id := range call.OfferIDs {
		if o := m.offers[id.Value]; o != nil && o.framework == f.id {
			delete(m.offers, o.id)
			c.refuseLocked(f, o, o.resources, call.Filters)
		}
	}
	c.allocateLocked()
}

// reviveLocked clears the suppression and the filters of the given roles, of all roles when none is given.
func (c *Cluster) reviveLocked(f *framework, roles []string) {
	if len(roles) == 0 {
		roles = f.roles()
	}
	for _, role := range roles {
		delete(f.suppressed, role)
	}
	f.filters = slices.DeleteFunc(f.filters, func(x filter) bool {
		cleared := slices.Contains(roles, x.role)
		if cleared {
			x.expiry.Stop()
		}
		return cleared
	})
	c.allocateLocked()
}

// suppressLocked stops new offers for the given roles, for all roles when none is given. Offers that are out stay out.
func (c *Cluster) suppressLocked(f *framework, roles []string) {
	if len(roles) == 0 {
		roles = f.roles()
	}
	for _, role := range roles {
		f.suppressed[role] = true
	}
}
