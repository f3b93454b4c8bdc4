package fleet

import "scaleio-framework/internal/core"

// hostReleased ends the node agent of a host on which nothing is left to do,
// and launches none there any more.
func (t *turn) hostReleased(name string) {
	delete(t.wanted, name)
	delete(t.revival.needy, name)
	t.released[name] = true
	if h := t.hosts[name]; h != nil && h.served() {
		t.dismiss(h)
	}
}

// dismiss kills the host's task, and asks what became of it: a KILL may be
// lost, and the answer that the task lives leads here again.
func (t *turn) dismiss(h *host) {
	t.out.Do(core.Kill{TaskID: h.node.Launch.TaskID, AgentID: h.node.Launch.AgentID})
	t.askSoon(h)
}
