package bootstrap

import (
	"hash/fnv"
	"sort"
	"strconv"
	"strings"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/leader"
)

// ref names one step: host is empty for a step of the cluster.
type ref struct{ host, key string }

// name is which step it is, without the object.
func (r ref) name() string { return nodeproto.Name(r.key) }

// object is what the step works on, when it exists several times.
func (r ref) object() string {
	_, object, _ := strings.Cut(r.key, "/")
	return object
}

func (r ref) String() string {
	if r.host == "" {
		return r.key
	}
	return r.key + " on " + r.host
}

// Timers of the core. Those of a step carry host and key behind the prefix.
const (
	timerPrefix = "bootstrap/"
	timerSettle = "bootstrap/settle"
	timerMore   = "bootstrap/more"
	timerSweep  = "bootstrap/sweep"
	timerTurns  = "bootstrap/turns"
	// timerPlatform looks, once an attempt is recorded, whether it was for the
	// platform that is wanted now.
	timerPlatform = "bootstrap/platform"
	timerAsk      = "bootstrap/ask/"
	timerRetry    = "bootstrap/retry/"
	timerLost     = "bootstrap/lost/"
)

func timerOf(prefix string, r ref) string { return prefix + r.host + "/" + r.key }

// refOf reads what timerOf wrote.
func refOf(rest string) ref {
	host, key, _ := strings.Cut(rest, "/")
	return ref{host, key}
}

const planSuffix = "/plan"

func planPath(host string) string { return leader.PathNodes + "/" + host + planSuffix }

// hostOfPlan tells whose plan a path is.
func hostOfPlan(path string) (string, bool) {
	rest, ok := strings.CutPrefix(path, leader.PathNodes+"/")
	if !ok {
		return "", false
	}
	host, ok := strings.CutSuffix(rest, planSuffix)
	return host, ok && host != "" && !strings.Contains(host, "/")
}

// The keys of steps that exist once for each object.
func standbyKey(member string) string  { return nodeproto.StepAddStandbyMDM + "/" + member }
func domainKey(pd string) string       { return core.StepProtectionDomains + "/" + pd }
func faultSetKey(pd, fs string) string { return core.StepFaultSets + "/" + pd + "/" + fs }
func poolKey(pd, pool string) string   { return core.StepStoragePools + "/" + pd + "/" + pool }
func spareKey(pd, pool string) string  { return core.StepSparePolicy + "/" + pd + "/" + pool }

// objectName makes a host's name short enough for ScaleIO, still unique.
func objectName(host string) string {
	if len(host) <= maxName {
		return host
	}
	sum := strconv.FormatUint(uint64(hash(host)), 36)
	return host[:maxName-len(sum)-1] + "-" + sum
}

func hash(text string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(text)) // never fails
	return h.Sum32()
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
