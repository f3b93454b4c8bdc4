package fleet_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/core"
	"scaleio-framework/scheduler/fleet"
	"scaleio-framework/scheduler/internal/coretest"
)

func options() fleet.Options {
	o := fleet.DefaultOptions()
	o.NodeAgent = fleet.Artifact{URI: "http://leader/artifacts/scaleio-nodeagent", SHA256: "5a"}
	return o
}

func newFleet(t coretest.T) *fleet.Fleet {
	f, err := fleet.New(options())
	require.NoError(t, err)
	return f
}

func TestStories(t *testing.T) {
	coretest.Run(t, "testdata", func() []core.Core { return []core.Core{newFleet(t)} })
}

func TestOptionsAreValidated(t *testing.T) {
	for want, change := range map[string]func(*fleet.Options){
		"NodeAgent.URI":                       func(o *fleet.Options) { o.NodeAgent.URI = "" },
		"DeclineServed is 0s":                 func(o *fleet.Options) { o.DeclineServed = 0 },
		"MessageSilence is -1s":               func(o *fleet.Options) { o.MessageSilence = -time.Second },
		"ReviveBurst is 0":                    func(o *fleet.Options) { o.ReviveBurst = 0 },
		"Relaunch.Max 1ms is below Relaunch.": func(o *fleet.Options) { o.Relaunch.Max = time.Millisecond },
	} {
		o := options()
		change(&o)
		_, err := fleet.New(o)
		require.ErrorContains(t, err, want)
	}
}
