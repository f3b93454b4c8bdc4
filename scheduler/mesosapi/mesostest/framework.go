package mesostest

import (
	"slices"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// framework is what the master knows of a framework. A framework that only agents have told of has no stream yet.
type framework struct {
	id         string
	info       *mesos.FrameworkInfo
	stream     *stream
	suppressed map[string]bool
	filters    []filter
	// removal runs out when the failover timeout has passed without a subscription.
	removal *time.Timer
}

func (f *framework) capable(capability mesos.FrameworkInfo_Capability_Type) bool {
	return capable(f.info, capability)
}

func capable(info *mesos.FrameworkInfo, capability mesos.FrameworkInfo_Capability_Type) bool {
	return slices.ContainsFunc(info.Capabilities, func(c mesos.FrameworkInfo_Capability) bool { return c.Type == capability })
}

// roles are the roles that the framework gets offers for.
func (f *framework) roles() []string {
	if f.capable(mesos.FrameworkInfo_Capability_MULTI_ROLE) {
		return f.info.Roles
	}
	return []string{f.info.GetRole()}
}

func (f *framework) send(event *scheduler.Event) {
	if f.stream != nil {
		f.stream.send(event)
	}
}

func (f *framework) stopTimersLocked() {
	if f.removal != nil {
		f.removal.Stop()
		f.removal = nil
	}
	for i := range f.filters {
		f.filters[i].expiry.Stop()
	}
	f.filters = nil
}

// disconnectedLocked runs when a framework's stream has ended from the client's side.
func (c *Cluster) disconnectedLocked(m *master, f *framework, s *stream) {
	if c.master != m || f.stream != s {
		return
	}
	f.stream = nil
	s.end()
	c.log.Info("framework disconnected", "framework_id", f.id)
	c.withdrawOffersLocked(func(o *offer) bool { return o.framework == f.id }, false)
	timeout := time.Duration(max(f.info.GetFailoverTimeout(), 0) * float64(time.Second))
	if timeout == 0 {
		c.removeFrameworkLocked(m, f)
		return
	}
	f.removal = c.after(timeout, func() {
		if c.master == m && f.stream == nil {
			c.removeFrameworkLocked(m, f)
		}
	})
	c.allocateLocked()
}

// removeFrameworkLocked forgets a framework for good and shuts its executors down.
func (c *Cluster) removeFrameworkLocked(m *master, f *framework) {
	f.stopTimersLocked()
	if f.stream != nil {
		f.stream.end()
		f.stream = nil
	}
	delete(m.frameworks, f.id)
	m.removed[f.id] = true
	c.log.Info("framework removed", "framework_id", f.id)
	c.withdrawOffersLocked(func(o *offer) bool { return o.framework == f.id }, false)
	for _, record := range m.agents {
		for key := range record.tasks {
			if key.framework == f.id {
				delete(record.tasks, key)
			}
		}
		if record.active {
			record.agent.shutdownFrameworkLocked(f.id)
		}
	}
	c.allocateLocked()
}
