package drills_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/sandbox"
)

const (
	bootstrap = sandbox.DuringBootstrap
	growth    = sandbox.DuringGrowth
	idle      = sandbox.DuringIdle
)

// sets are what -drills.set chooses from.
func sets() map[string][]sandbox.DrillOptions {
	return map[string][]sandbox.DrillOptions{
		"": {
			{Name: "pause", During: bootstrap},
			{Name: "node-agent", During: bootstrap},
		},
		// One of each kind: a process is killed, crashes, is asked to end, freezes
		// and has its clock set; a link is cut; servers of ZooKeeper fail; Mesos
		// and its hosts fail; and everything at once.
		"ci": {
			{Name: "kill", During: growth},
			{Name: "crash", During: bootstrap},
			{Name: "term", During: idle},
			{Name: "stop", During: bootstrap},
			{Name: "clock", During: growth},
			{Name: "cut-zookeeper", During: bootstrap},
			{Name: "cut-mesos", During: idle, Refuse: true},
			{Name: "zookeeper-leader", During: bootstrap},
			{Name: "quorum-short", During: bootstrap},
			{Name: "mesos-master", During: bootstrap},
			{Name: "host", During: growth},
			{Name: "cluster", During: bootstrap},
		},
		"all": all(),
	}
}

// all are all drills in the middle of a bootstrap and in the middle of a
// growth; what cuts a link drops what is sent in the one and refuses
// connections in the other.
func all() (list []sandbox.DrillOptions) {
	for _, d := range sandbox.Drills() {
		list = append(list,
			sandbox.DrillOptions{Name: d.Name, During: bootstrap},
			sandbox.DrillOptions{Name: d.Name, During: growth, Refuse: true})
	}
	return list
}

// Each set plays drills that there are, and the set of a plain go test, which
// runs beside other tests, none whose time is bounded.
func TestSets(t *testing.T) {
	var names, bounded []string
	for _, d := range sandbox.Drills() {
		names = append(names, d.Name)
		if d.Bound != nil {
			bounded = append(bounded, d.Name)
		}
	}
	require.Len(t, slices.Compact(slices.Sorted(slices.Values(names))), len(names), "two drills have one name")
	for set, list := range sets() {
		require.NotEmpty(t, list)
		for _, d := range list {
			require.Contains(t, names, d.Name, "set %q", set)
		}
	}
	for _, d := range sets()[""] {
		require.NotContains(t, bounded, d.Name)
	}
}
