package mesostest

import (
	"fmt"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// subscribeLocked attaches the stream to its framework, new, known or known only from agents. It returns nil, with the ERROR
// event in the stream, when the framework is not acceptable.
func (c *Cluster) subscribeLocked(m *master, s *stream, call *scheduler.Call) *framework {
	info := call.Subscribe.FrameworkInfo
	refuse := func(text string) *framework {
		s.send(errorEvent(text))
		s.end()
		return nil
	}
	if c.master != m {
		s.end()
		return nil
	}
	if text := validateFramework(info, call.Subscribe.SuppressedRoles); text != "" {
		return refuse(text)
	}
	if info.ID == nil {
		info.ID = &mesos.FrameworkID{Value: fmt.Sprintf("%s-%04d", m.id, m.nextFramework)}
		m.nextFramework++
	}
	id := info.ID.Value
	if m.removed[id] {
		return refuse("Framework has been removed")
	}
	f := m.frameworks[id]
	if f == nil {
		f = &framework{id: id, info: info}
		m.frameworks[id] = f
	}
	if f.info.GetPrincipal() != info.GetPrincipal() {
		return refuse("Changing framework's principal is not allowed.")
	}
	if f.stream != nil {
		f.stream.send(errorEvent("Framework failed over"))
		f.stream.end()
	}
	f.stopTimersLocked()
	f.info, f.stream, f.suppressed = info, s, map[string]bool{}
	for _, role := range call.Subscribe.SuppressedRoles {
		f.suppressed[role] = true
	}
	c.counters.subscribes++
	c.log.Info("framework subscribed", "framework_id", id, "name", info.Name, "stream_id", s.id)
	interval := c.opts.HeartbeatInterval.Seconds()
	f.send(&scheduler.Event{Type: scheduler.Event_SUBSCRIBED, Subscribed: &scheduler.Event_Subscribed{
		FrameworkID: info.ID, HeartbeatIntervalSeconds: &interval, MasterInfo: m.info,
	}})
	f.send(&scheduler.Event{Type: scheduler.Event_HEARTBEAT})
	c.withdrawOffersLocked(func(o *offer) bool { return o.framework == id }, false)
	for _, record := range m.agents {
		if record.active {
			record.agent.frameworkSubscribedLocked(f)
		}
	}
	c.allocateLocked()
	return f
}

func errorEvent(text string) *scheduler.Event {
	return &scheduler.Event{Type: scheduler.Event_ERROR, Error: &scheduler.Event_Error{Message: text}}
}
