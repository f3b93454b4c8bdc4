package fleet

import (
	"hash/fnv"
	"sort"
	"strconv"
	"strings"
	"time"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
)

// Timers of the fleet. Those of a host carry its name behind a slash.
const (
	timerReconcile = "fleet/reconcile"
	timerImplicit  = "fleet/reconcile-all"
	timerRevive    = "fleet/revive"
	timerDecline   = "fleet/decline"
	timerSilence   = "fleet/silence"
	timerHold      = "fleet/hold/"
	timerRelaunch  = "fleet/relaunch/"
	timerLaunch    = "fleet/launch/"
)

// maxHosts is how many hosts one event may bring forward. What one event
// changes is committed in one piece, of at most 500 operations and 512 KiB
// (architecture section 5), with the changes of the other cores to the same
// hosts; ten KiB for each host is several times what one usually takes.
const maxHosts = 50

// turn is the application of one event: records that changed are put once, at
// its end, and its questions and declined offers go to Mesos in few calls.
type turn struct {
	*Fleet
	now     time.Time
	out     *core.Output
	changed []*host
	asked   []core.TaskRef
	// declined are the offers to give back, by filter.
	declined map[time.Duration][]string
}

// store marks the record of a host as changed.
func (t *turn) store(h *host) {
	if !h.changed {
		h.changed = true
		t.changed = append(t.changed, h)
	}
}

func (t *turn) finish() {
	for _, h := range t.changed {
		h.changed = false
		if !h.contact.IsZero() {
			at := h.contact.UTC()
			h.node.LastContact = &at
		}
		t.out.Put(nodePath(h.name), h.node)
	}
	t.sendDeclines()
	t.sendQuestions()
}

func (t *turn) timer(key string, after time.Duration) {
	t.out.Do(core.Timer{Key: key, After: after})
}

func (t *turn) timerFired(key string) {
	switch key {
	case timerReconcile:
		t.askAgain()
	case timerImplicit:
		t.askAll()
	case timerDecline:
		t.giveBack()
	case timerRevive:
		t.revive()
	case timerSilence:
		t.checkSilence()
	}
	cut := strings.LastIndexByte(key, '/') + 1
	kind, name := key[:cut], key[cut:]
	h := t.hosts[name]
	if h == nil {
		return
	}
	switch kind {
	case timerHold:
		t.holdEnded(h)
	case timerRelaunch:
		t.relaunchDue(h)
	case timerLaunch:
		t.launchLate(h)
	}
}

// jittered spreads the filter of served hosts over a quarter to both sides,
// the same for one host in one epoch. The steps are few, so that one call
// declines the offers of many hosts.
func (f *Fleet) jittered(host string) time.Duration {
	h := fnv.New32a()
	_, _ = h.Write([]byte(host + "/" + strconv.FormatUint(f.epoch, 10))) // never fails
	const steps = 16
	quarter := f.options.DeclineServed / 4
	offset := quarter * 2 / steps * time.Duration(h.Sum32()%steps)
	return (f.options.DeclineServed - quarter + offset).Round(time.Millisecond)
}

// sortedKeys gives a map's keys in the order in which it is walked.
func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// address is how the host's node agent is reached.
func address(node *model.Node) core.NodeAddress {
	return core.NodeAddress{
		AgentID:    node.Launch.AgentID,
		ExecutorID: node.Launch.ExecutorID,
		PublicKey:  node.Inventory.PublicKey,
	}
}
