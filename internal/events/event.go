package events

// Type says what an event is about.
type Type string

const (
	// Leader: who leads, under which epoch.
	Leader Type = "leader"
	// Mesos: how the framework stands with Mesos.
	Mesos Type = "mesos"
	// Plan: installing, stuck or complete, and whether it is paused.
	Plan Type = "plan"
	// Trouble: why nothing happens in the cluster (no host), on a host, or
	// with the growth of pools.
	Trouble Type = "problem"
	// Node: where the node agent of a host stands.
	Node Type = "node"
	// Step: one step of the install plan.
	Step Type = "step"
	// Pool: how full a pool is, and the last decision about it.
	Pool Type = "pool"
	// Growth: one growth of a pool.
	Growth Type = "growth"
	// Volume: one volume of a growth.
	Volume Type = "volume"
	// Order: an order that waits, or was applied or refused.
	Order Type = "order"
	// Unreadable: a record that is left alone.
	Unreadable Type = "unreadable"
)

// Subjects of Trouble that are no host.
const (
	SubjectCluster  = "cluster"
	SubjectGrowth   = "growth"
	SubjectProvider = "provider"
)

// Event is one fact in its new state. The fields that name it are Type, Host,
// Step, Subject, Pool, Growth, Slot, Order and Path; the others say how it is.
type Event struct {
	Type Type   `json:"type"`
	Host string `json:"host,omitempty"`
	Step string `json:"step,omitempty"`
	// Subject is what a problem that is no host's is about.
	Subject string `json:"subject,omitempty"`
	Pool    string `json:"pool,omitempty"` // "protection domain/pool"
	Growth  string `json:"growth,omitempty"`
	// Slot counts the volumes of a growth from 1.
	Slot  int    `json:"slot,omitempty"`
	Order string `json:"order,omitempty"` // the number of its znode
	Path  string `json:"path,omitempty"`  // of a record that is unreadable

	// Gone says that the fact is no more; the rest is as it was last.
	Gone bool `json:"gone,omitempty"`

	State string `json:"state,omitempty"`
	// Attempt is a step's, or the number of a node agent's launch.
	Attempt int `json:"attempt,omitempty"`
	// Failures of a step or a volume, of those that count towards giving up.
	Failures int    `json:"failures,omitempty"`
	Error    string `json:"error,omitempty"`
	// Reason says why something is as it is, where that is no error.
	Reason    string `json:"reason,omitempty"`
	Epoch     uint64 `json:"epoch,omitempty"`
	Instance  string `json:"instance,omitempty"`
	URL       string `json:"url,omitempty"`
	Framework string `json:"framework,omitempty"`
	Paused    bool   `json:"paused,omitempty"`
	Verb      string `json:"verb,omitempty"` // of an order
	By        string `json:"by,omitempty"`
	// Percent is how full a pool is, to a tenth.
	Percent float64 `json:"percent,omitempty"`
	// Degraded and Rebuilding are a pool's.
	Degraded   bool `json:"degraded,omitempty"`
	Rebuilding bool `json:"rebuilding,omitempty"`
	// VolumeID and GiB are a growth's volume.
	VolumeID string `json:"volume_id,omitempty"`
	GiB      int    `json:"gib,omitempty"`
}

// key names a fact. A host of a volume is how it is, not which one it is.
type key struct {
	kind                      Type
	host, step, subject, pool string
	growth, order, path       string
	slot                      int
}

func (e Event) key() key {
	switch e.Type {
	case Leader, Mesos, Plan:
		return key{kind: e.Type}
	case Growth:
		return key{kind: e.Type, growth: e.Growth}
	case Volume:
		return key{kind: e.Type, growth: e.Growth, slot: e.Slot}
	default:
		return key{kind: e.Type, host: e.Host, step: e.Step, subject: e.Subject, pool: e.Pool, order: e.Order, path: e.Path}
	}
}
