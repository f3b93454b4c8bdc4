package fleet_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/scheduler/internal/coretest"
)

// What one event changes must fit into one commit, and yet every host of a
// large cluster gets its node agent, and every lost sign of life its note.
func TestALargeClusterIsServedInPieces(t *testing.T) {
	const size, limit = 330, 50
	var hosts []string
	for i := range size {
		hosts = append(hosts, fmt.Sprintf("host-%03d", i))
	}
	h := &history{t: t, mesos: newMesos(hosts...), accepted: make(map[string]bool), up: make(map[string]bool)}
	h.chaos = &coretest.Chaos{
		World: coretest.NewWorld(t, func() []core.Core {
			return []core.Core{newFleet(t), &placement{known: make(map[string]bool)}}
		}),
		Outside: h.mesos,
		Check: func(unit coretest.Unit) {
			require.LessOrEqual(t, len(unit.Changes), limit+1, "%s", unit.Event)
			h.check(unit)
		},
	}
	h.chaos.Start()
	for range 10 {
		h.chaos.Settle(2 * time.Second) // the filters of those without room end
		h.chaos.Post(h.mesos.offer(h.chaos.World.Now)...)
	}
	require.Equal(t, size, len(h.accepted), "hosts with a launch")
	h.chaos.Settle(3 * time.Minute)
	for _, host := range hosts {
		node := h.node(host)
		require.Equal(t, model.TaskRunning, node.State)
		require.Contains(t, node.Reason, "no message from the node agent")
	}
}
