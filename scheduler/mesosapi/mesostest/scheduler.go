package mesostest

import (
	"crypto/subtle"
	"net/http"

	"github.com/google/uuid"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

const streamIDHeader = "Mesos-Stream-Id"

// handleScheduler serves one request to the scheduler API, with the checks in the order of a real master.
func (c *Cluster) handleScheduler(m *master, w http.ResponseWriter, r *http.Request) {
	refused := c.authenticate(r)
	if refused == nil {
		refused = c.recovered(m)
	}
	if refused != nil {
		refused.write(w)
		return
	}
	call := &scheduler.Call{}
	if _, refused = readCall(w, r, call); refused == nil {
		refused = c.validateCall(call)
	}
	if refused != nil {
		refused.write(w)
		return
	}
	if call.Type == scheduler.Call_SUBSCRIBE {
		c.handleSubscribe(m, w, r, call)
		return
	}
	if refused = c.dispatch(m, call, r.Header.Get(streamIDHeader)); refused != nil {
		refused.write(w)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

func (c *Cluster) authenticate(r *http.Request) *refusal {
	want := c.opts.Credential
	if want == nil {
		return nil
	}
	principal, secret, _ := r.BasicAuth()
	if principal == want.Principal && subtle.ConstantTimeCompare([]byte(secret), []byte(want.Secret.Reveal())) == 1 {
		return nil
	}
	return &refusal{
		status: http.StatusUnauthorized, text: "401 Unauthorized.",
		header: [2]string{"Www-Authenticate", `Basic realm="mesos-master-scheduler"`},
	}
}

func (c *Cluster) recovered(m *master) *refusal {
	c.mu.Lock()
	defer c.mu.Unlock()
	if m.ready {
		return nil
	}
	return &refusal{status: http.StatusServiceUnavailable, text: "Master has not finished recovery"}
}

// handleSubscribe answers 200 and keeps the stream until one side ends it.
func (c *Cluster) handleSubscribe(m *master, w http.ResponseWriter, r *http.Request, call *scheduler.Call) {
	media, refused := acceptable(r)
	if refused == nil && r.Header.Get(streamIDHeader) != "" {
		refused = badRequest("Subscribe calls should not include the 'Mesos-Stream-Id' header")
	}
	if refused != nil {
		refused.write(w)
		return
	}
	s := newStream(uuid.NewString(), media)
	w.Header().Set(streamIDHeader, s.id)
	c.mu.Lock()
	f := c.subscribeLocked(m, s, call)
	c.mu.Unlock()
	s.serve(w, r, c.opts.HeartbeatInterval, &scheduler.Event{Type: scheduler.Event_HEARTBEAT})
	if f != nil {
		c.mu.Lock()
		c.disconnectedLocked(m, f, s)
		c.mu.Unlock()
	}
}

// dispatch carries out a call other than SUBSCRIBE; nil means 202.
func (c *Cluster) dispatch(m *master, call *scheduler.Call, streamID string) *refusal {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := m.frameworks[call.FrameworkID.Value]
	switch {
	case f == nil || c.master != m:
		return badRequest("Framework cannot be found")
	case f.stream == nil:
		return forbidden("Framework is not subscribed")
	case streamID == "":
		return badRequest("All non-subscribe calls should include the 'Mesos-Stream-Id' header")
	case streamID != f.stream.id:
		return badRequest("The stream ID '%s' included in this request didn't match the stream ID currently associated"+
			" with framework ID %s", streamID, f.id)
	}
	switch call.Type {
	case scheduler.Call_TEARDOWN:
		c.removeFrameworkLocked(m, f)
	case scheduler.Call_ACCEPT:
		c.acceptLocked(m, f, call.Accept)
	case scheduler.Call_DECLINE:
		c.declineLocked(m, f, call.Decline)
	case scheduler.Call_REVIVE:
		c.reviveLocked(f, call.GetRevive().GetRoles())
	case scheduler.Call_SUPPRESS:
		c.suppressLocked(f, call.GetSuppress().GetRoles())
	case scheduler.Call_KILL:
		c.killLocked(m, f, call.Kill)
	case scheduler.Call_SHUTDOWN:
		c.shutdownLocked(m, f, call.Shutdown)
	case scheduler.Call_ACKNOWLEDGE:
		c.acknowledgeLocked(m, f, call.Acknowledge)
	case scheduler.Call_RECONCILE:
		c.reconcileLocked(m, f, call.Reconcile)
	case scheduler.Call_MESSAGE:
		c.messageLocked(m, f, call.Message)
	default:
		return &refusal{status: http.StatusNotImplemented, text: "mesostest does not implement " + call.Type.String()}
	}
	return nil
}
