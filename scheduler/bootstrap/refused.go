package bootstrap

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/leader"
)

const (
	// maxRaw is how much of an unreadable order is kept, in bytes.
	maxRaw = 4 << 10
	// maxRefused is how many records are kept below /orders-refused.
	maxRefused = 100
	// maxForgotten is how many of them are removed in one unit.
	maxForgotten = 200
	// poisonPrefix begins the names of the engine's own records.
	poisonPrefix = "poison-"
)

// refuse keeps an order that cannot be applied, with the reason, and forgets
// the oldest ones. What the growth core and the engine put there counts from
// the next term on; the engine's records, of events that could not be stored,
// are evidence and stay.
func (t *turn) refuse(name string, raw []byte, reason error) {
	record := model.RefusedOrder{Reason: nodeproto.Shorten(reason.Error()), At: t.now}
	if json.Valid(raw) && len(raw) <= maxRaw {
		record.Order = raw
	} else {
		record.Raw = strings.ToValidUTF8(string(raw[:min(len(raw), maxRaw)]), "\uFFFD")
	}
	t.out.Put(leader.PathOrdersRefused+"/"+name, record)
	t.refused[name] = true
	surplus := min(len(t.refused)-maxRefused, maxForgotten)
	for _, old := range bySequence(t.refused) {
		if surplus <= 0 {
			return
		}
		if old == name || strings.HasPrefix(old, poisonPrefix) {
			continue
		}
		t.out.Delete(leader.PathOrdersRefused + "/" + old)
		delete(t.refused, old)
		surplus--
	}
}

// bySequence sorts the names of orders by their age: ZooKeeper counts them in
// digits of one length, until they do not suffice.
func bySequence(names map[string]bool) []string {
	sorted := sortedKeys(names)
	slices.SortStableFunc(sorted, func(a, b string) int { return cmp.Compare(len(a), len(b)) })
	return sorted
}

// refusedName tells which refused order a path is.
func refusedName(path string) (string, bool) {
	name, ok := strings.CutPrefix(path, leader.PathOrdersRefused+"/")
	return name, ok && name != "" && !strings.Contains(name, "/")
}
