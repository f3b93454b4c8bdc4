package bootstrap

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
)

// The values of the persona attribute. An empty one leaves the choice to us.
const (
	wishNone    = "none"
	wishManager = string(model.Manager)
	wishTie     = string(model.TieBreaker)
	wishStorage = string(model.Storage)
)

// candidate is a host that may get a part.
type candidate struct {
	host          string
	cpus, memory  float64 // memory in MiB
	wish          string  // value of the persona attribute
	faultSet      string
	fitsMDM, fits bool // resources are enough for an MDM, for storage
}

// examine turns what was seen of a host into a candidate. The problem says why
// the host cannot be used, with the remedy.
func (o *Options) examine(seen core.HostSeen) (c candidate, problem string) {
	c = candidate{
		host: seen.Host, cpus: seen.CPUs, memory: seen.MemoryMB,
		wish: seen.Attributes[o.PersonaAttribute], faultSet: seen.Attributes[o.FaultSetAttribute],
	}
	// A node agent that runs already has taken its resources.
	c.fits = seen.Served || holds(seen, o.Storage)
	c.fitsMDM = seen.Served || holds(seen, o.MDM)
	switch c.wish {
	case "", wishManager, wishTie, wishStorage, wishNone:
	default:
		return c, fmt.Sprintf("Mesos attribute %s is %q, allowed are %s, %s, %s, %s: correct it on the agent and restart the agent",
			o.PersonaAttribute, c.wish, wishManager, wishTie, wishStorage, wishNone)
	}
	if why := badName(c.faultSet); c.faultSet != "" && why != "" {
		return c, fmt.Sprintf("Mesos attribute %s is %q, which cannot name a fault set: %s: correct it on the agent and restart the agent", o.FaultSetAttribute, c.faultSet, why)
	}
	return c, ""
}

func holds(seen core.HostSeen, want Resources) bool {
	return seen.CPUs >= want.CPUs && seen.MemoryMB >= want.MemoryMB
}

// tooSmall says that a host has not enough for its part.
func tooSmall(c candidate, want Resources) string {
	return fmt.Sprintf("Mesos offers %g CPUs and %g MB on this host, a node agent needs %g and %g: free resources on the agent, or lower --executor.cpu.non and --executor.mem.non",
		c.cpus, c.memory, want.CPUs, want.MemoryMB)
}

// Managers and tie-breakers of the two sizes of an MDM cluster.
func seats(nodes int) (managers, tieBreakers int) {
	if nodes == 5 {
		return 3, 2
	}
	return 2, 1
}

// seat is one place in the MDM cluster to be filled.
type seat struct {
	persona model.Persona
	name    string
}

func seatsOf(nodes int) []seat {
	managers, ties := seats(nodes)
	var all []seat
	for i := range managers {
		all = append(all, seat{model.Manager, fmt.Sprintf("mdm%d", i+1)})
	}
	for i := range ties {
		all = append(all, seat{model.TieBreaker, fmt.Sprintf("tb%d", i+1)})
	}
	return all
}

// choose fills the MDM cluster. Hosts whose attribute asks for the part come
// first, then hosts in fault sets that have no member yet, then those with
// most resources, then by name. It returns nil when there are not enough.
func choose(nodes int, candidates []candidate) []model.Member {
	var members []model.Member
	taken := make(map[string]bool)
	usedSets := make(map[string]bool)
	for _, s := range seatsOf(nodes) {
		best, ok := bestFor(s.persona, candidates, taken, usedSets)
		if !ok {
			return nil
		}
		taken[best.host] = true
		usedSets[best.faultSet] = true
		members = append(members, model.Member{Name: s.name, Host: best.host, Persona: s.persona})
	}
	return members
}

func bestFor(persona model.Persona, candidates []candidate, taken, usedSets map[string]bool) (candidate, bool) {
	var free []candidate
	for _, c := range candidates {
		if !taken[c.host] && c.fitsMDM && (c.wish == "" || c.wish == string(persona)) {
			free = append(free, c)
		}
	}
	if len(free) == 0 {
		return candidate{}, false
	}
	return slices.MinFunc(free, func(a, b candidate) int {
		return cmp.Or(
			preferred(a.wish != "", b.wish != ""),
			preferred(a.faultSet != "" && !usedSets[a.faultSet], b.faultSet != "" && !usedSets[b.faultSet]),
			cmp.Compare(b.memory, a.memory),
			cmp.Compare(b.cpus, a.cpus),
			strings.Compare(a.host, b.host),
		)
	}), true
}

func preferred(a, b bool) int {
	switch {
	case a && !b:
		return -1
	case b && !a:
		return 1
	}
	return 0
}

// useFaultSets tells whether the protection domain gets fault sets: every host
// names one, and there are enough for a pool.
func useFaultSets(candidates []candidate) bool {
	sets := make(map[string]bool)
	for _, c := range candidates {
		if c.faultSet == "" {
			return false
		}
		sets[c.faultSet] = true
	}
	return len(sets) >= minUnits
}

// minSpare is the spare of a new pool, in percent. We never go below it.
const minSpare = 10

// sparePercent is the share of the largest of so many equal fault units,
// rounded up: 34 for three.
func sparePercent(units int) int {
	units = max(units, minUnits)
	return max((100+units-1)/units, minSpare)
}
