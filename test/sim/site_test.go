package sim_test

import (
	"errors"
	"slices"
	"time"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/scheduler/bootstrap"
	"scaleio-framework/scheduler/fleet"
	"scaleio-framework/storagegrowth"
)

// site is what a world begins with and what it shall become.
type site struct {
	name  string
	hosts []string
	// late are hosts whose Mesos agents register when the others are at work.
	late []string
	// ready sites begin with everything installed on their hosts.
	ready bool
	// fill is the part of the pool that is used once all is installed, and that
	// lets it grow; 0 is none.
	fill float64
	// approval is how growths are approved; empty is by themselves.
	approval string
	// createTakes and attachTakes are EC2's.
	createTakes, attachTakes time.Duration
	// sticky makes the first device name of each instance stay attaching.
	sticky bool
}

// The sites that are played. A seed varies what they leave open.
var (
	wide    = site{name: "four hosts", hosts: []string{"a", "b", "c", "d"}}
	fresh   = site{name: "three hosts", hosts: []string{"a", "b", "c"}}
	joined  = site{name: "three hosts and a late one", hosts: []string{"a", "b", "c"}, late: []string{"d"}}
	growing = site{name: "growth", hosts: []string{"a", "b", "c"}, ready: true, fill: nearlyFull, createTakes: 3 * time.Second, attachTakes: 2 * time.Second}
	whole   = site{
		name: "all in one", hosts: []string{"a", "b", "c"}, late: []string{"d"}, fill: nearlyFull,
		createTakes: 3 * time.Second, attachTakes: 2 * time.Second,
	}
)

// drawn are the sites of seeds, the cheap ones more often.
var drawn = []site{fresh, fresh, fresh, joined, growing, growing, growing, whole}

// nearlyFull is above the policy's threshold.
const nearlyFull = 0.85

func (s site) allHosts() []string { return slices.Concat(s.hosts, s.late) }

// cores are those that internal/app makes, with its defaults but for the time
// that placement waits, and for a pool growing at the first reading that says
// so.
func (s site) cores() []core.Core {
	b := bootstrap.DefaultOptions()
	b.Settle = time.Second
	for _, component := range []string{"mdm", "sds", "sdc", "lia", "gateway", "rexray", "dvdcli"} {
		b.Packages = append(b.Packages, bootstrap.Package{
			Component: component, Family: "rpm", Name: "EMC-ScaleIO-" + component, Version: "2.0-1.1",
			Artifact: nodeproto.Artifact{Path: "packages/" + component + ".rpm", SHA256: "00", Size: 1},
		})
	}
	f := fleet.DefaultOptions()
	f.NodeAgent = fleet.Artifact{URI: "http://scheduler/artifacts/nodeagent", SHA256: "00"}
	g := storagegrowth.DefaultOptions()
	g.Policy.For = 0
	if s.approval != "" {
		g.Policy.Approval = s.approval
	}
	fleetCore, err1 := fleet.New(f)
	bootstrapCore, err2 := bootstrap.New(b)
	growthCore, err3 := storagegrowth.New(g)
	if err := errors.Join(err1, err2, err3); err != nil {
		panic(err)
	}
	return []core.Core{fleetCore, bootstrapCore, growthCore}
}
