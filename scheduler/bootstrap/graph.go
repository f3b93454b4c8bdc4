package bootstrap

import (
	"encoding/json"
	"slices"

	"scaleio-framework/internal/model"
)

// Scope says how often a step exists.
type Scope string

const (
	// PerNode: once on each host of its personas.
	PerNode Scope = "node"
	// PerCluster: once.
	PerCluster Scope = "cluster"
	// PerObject: once for each object of the cluster, named behind a slash.
	PerObject Scope = "object"
)

// Runner says who performs a step.
type Runner string

const (
	// OwnHost: the node agent of the step's own host.
	OwnHost Runner = "own host"
	// FirstMDM: the node agent of the first member, by scli.
	FirstMDM Runner = "first MDM"
	// LastMDM: the node agent of a manager, by scli: of the primary MDM, which is
	// found by trying, later of the only one that is left.
	LastMDM Runner = "last MDM"
	// ByGateway: the leader, through any gateway's REST API. Where the release
	// has no gateway, the node agent of the manager that is the primary MDM, by
	// scli; for a removal the leader, through the management platform.
	ByGateway Runner = "gateway"
	// ByPlatform: the leader, through the management platform of a 4.x system.
	ByPlatform Runner = "platform"
)

// Relation says which instances of a step another one waits for.
type Relation string

const (
	// SameHost: the step of the same host, where that host has it.
	SameHost Relation = "same host"
	// All: every instance of a step of the cluster, at least one.
	All Relation = "all"
	// Own: the instance for the host's, or the object's, own domain, pool or
	// fault set.
	Own Relation = "own"
	// EachMember: the step of every host of the MDM cluster.
	EachMember Relation = "each member"
	// AnyGateway: at least one gateway that was proven to work. Met where the
	// release has no gateways.
	AnyGateway Relation = "any gateway"
	// OwnGateway: the gateway that suits the host best was proven to work; those
	// that are not to be expected do not count. Met where the release has no
	// gateways.
	OwnGateway Relation = "own gateway"
	// ThreeUnits: the step of hosts in at least three fault units.
	ThreeUnits Relation = "three fault units"
	// AnyNode: the step of at least one host.
	AnyNode Relation = "any node"
	// Turn: no host of another fault unit is in this step, and no other member
	// of the MDM cluster where the host is one.
	Turn Relation = "turn"
	// EveryHost: the step of every host that has it.
	EveryHost Relation = "every host"
	// EachObject: every instance of a step of the cluster, if there is any.
	EachObject Relation = "each object"
	// OtherHosts: for the host of the last MDM, the step of every other host.
	OtherHosts Relation = "other hosts"
)

// Need is one edge of the graph.
type Need struct {
	Relation Relation `json:"relation"`
	Step     string   `json:"step"`
	Reason   string   `json:"reason"`
}

// StepInfo describes one kind of step, for the API and the documentation.
type StepInfo struct {
	Name     string          `json:"name"`
	Phase    string          `json:"phase"`
	Scope    Scope           `json:"scope"`
	Runner   Runner          `json:"runner"`
	Personas []model.Persona `json:"personas,omitempty"` // empty: all
	Secrets  []string        `json:"secrets,omitempty"`
	Needs    []Need          `json:"needs,omitempty"`
	Text     string          `json:"text"`
}

// Graph describes the install plan, in the order in which it is shown.
func Graph() []StepInfo { return infos(table()) }

// RemovalGraph describes the removal, in the order in which it is shown.
func RemovalGraph() []StepInfo { return infos(removalTable()) }

func infos(specs []*spec) []StepInfo {
	infos := make([]StepInfo, 0, len(specs))
	for _, s := range specs {
		infos = append(infos, s.StepInfo)
	}
	return infos
}

// spec is one row of the table: a kind of step and how it is done.
type spec struct {
	StepInfo
	// onDemand steps are added when they are needed, not to every plan.
	onDemand bool
	// removal steps belong to removalTable, the others to table: those of one
	// table begin only while those of the other do not.
	removal bool
	// undoes is the step of the installation that made what a removal step takes
	// away; empty when there is none such.
	undoes string
	// since4 steps exist from release 4.0 on only.
	since4 bool
	// params builds the complete intent.
	params func(t *turn, r ref) (any, error)
	// result takes over what a done step said; nil ignores it.
	result func(t *turn, r ref, raw json.RawMessage) error
}

// fits reports whether hosts of a persona have the step.
func (s *spec) fits(persona model.Persona) bool {
	return s.Scope == PerNode && (len(s.Personas) == 0 || slices.Contains(s.Personas, persona))
}

// graph is the table with its indexes.
type graph struct {
	specs  []*spec
	byName map[string]*spec
	rank   map[string]int
	// dependents tells who waits for a step, and how.
	dependents map[string][]dependent
}

type dependent struct {
	spec     *spec
	relation Relation
}

func newGraph() *graph {
	g := &graph{
		specs:      slices.Concat(table(), removalTable()),
		byName:     make(map[string]*spec),
		rank:       make(map[string]int),
		dependents: make(map[string][]dependent),
	}
	for i, s := range g.specs {
		g.byName[s.Name] = s
		g.rank[s.Name] = i
		for _, n := range s.Needs {
			g.dependents[n.Step] = append(g.dependents[n.Step], dependent{s, n.Relation})
		}
	}
	return g
}
