package fleet_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/leader"
	"scaleio-framework/scheduler/fleet"
)

func record(t *testing.T, value any) leader.Entry {
	t.Helper()
	data, err := model.Encode(value, nil)
	require.NoError(t, err)
	return leader.Entry{Data: data}
}

func loaded(t *testing.T, stored leader.Snapshot) (*fleet.Fleet, error) {
	t.Helper()
	options := fleet.DefaultOptions()
	options.NodeAgent.URI = "http://leader/artifacts/nodeagent"
	f, err := fleet.New(options)
	require.NoError(t, err)
	_, err = f.Load(stored)
	return f, err
}

// A new id would leave the node agents of the old framework running beside the
// new ones, so it is drawn only at the very beginning or when an operator gave
// the old one up.
func TestAnIDIsNotReplacedUnasked(t *testing.T) {
	launched := record(t, model.Node{
		Hostname: "a", AgentID: "S1", State: model.TaskRunning,
		Launch: &model.Launch{Number: 1, TaskID: "a-1", ExecutorID: "scaleio-a", AgentID: "S1"},
	})
	seen := record(t, model.Node{Hostname: "a", AgentID: "S1", State: model.TaskNone})

	_, err := loaded(t, leader.Snapshot{"/nodes/a": launched})
	require.ErrorContains(t, err, "/framework is gone although node agents were launched")
	require.ErrorContains(t, err, "scaleioctl framework reset")

	for name, stored := range map[string]leader.Snapshot{
		"nothing was launched yet":    {"/nodes/a": seen},
		"an operator gave the id up":  {"/nodes/a": launched, "/framework": record(t, model.Framework{Forgotten: "old"})},
		"it is the very first leader": {},
	} {
		f, err := loaded(t, stored)
		require.NoError(t, err, name)
		var out core.Output
		f.Apply(time.Now(), core.TermStarted{Epoch: 2, Entropy: "new"}, &out)
		require.Contains(t, out.Effects, core.Subscribe{FrameworkID: "new-scaleio"}, name)
	}
}
