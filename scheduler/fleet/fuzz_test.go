package fleet_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/core"
	"scaleio-framework/leader"
	"scaleio-framework/scheduler/internal/coretest"
)

// Whatever stands in the records: an error or an unreadable path, never a
// panic, and never a write to what could not be read (World checks that).
func FuzzLoad(f *testing.F) {
	f.Add([]byte(`{"id":"x-scaleio"}`), []byte(`{"hostname":"a","state":"running","launch":{"number":1,"task_id":"a-1"}}`))
	f.Add([]byte(`{}`), []byte(`{}`))
	f.Add([]byte(`{"id":"x"}`), []byte(`{"hostname":"a","state":"none","launch":{}}`))
	f.Add([]byte(`{"id":"x"}`), []byte(`{"hostname":"a","state":"ended","reason":"; note: ","launch":{"number":1,"task_id":"a-1"}}`))
	f.Fuzz(func(t *testing.T, framework, node []byte) {
		stored := leader.Snapshot{"/framework": {Data: framework}, "/nodes/a": {Data: node}, "/nodes/a/plan": {Data: node}}
		if _, err := newFleet(t).Load(stored); err != nil {
			return
		}
		world := coretest.NewWorld(t, func() []core.Core { return []core.Core{newFleet(t)} })
		for path, entry := range stored {
			world.Put(path, entry.Data)
		}
		world.Start()
		for _, event := range []core.Event{
			core.MesosSubscribed{},
			core.OffersReceived{Offers: []core.Offer{{ID: "o1", AgentID: "S1", Hostname: "a", CPUs: 4, MemoryMB: 4096}}},
			core.HostWanted{Host: "a", CPUs: 1, MemoryMB: 512},
			core.TaskUpdated{TaskID: "a-1", AgentID: "S1", State: "TASK_RUNNING", Reason: "REASON_RECONCILIATION"},
			core.AgentFailed{AgentID: "S1"},
			core.TaskUpdated{TaskID: "a-1", AgentID: "S1", State: "TASK_FAILED"},
		} {
			world.Apply(event)
		}
		world.Advance(5 * time.Minute)
	})
}

// Whatever an update says, it is acknowledged in its own unit, and said twice
// it changes nothing the second time.
func FuzzTaskUpdated(f *testing.F) {
	f.Add("a-1", "TASK_RUNNING", "", "", []byte(`{"v":1,"epoch":1,"seq":1,"alive":{}}`))
	f.Add("a-1", "TASK_LOST", "REASON_INVALID_OFFERS", "x", []byte(nil))
	f.Add("a-2", "TASK_STAGING", "REASON_RECONCILIATION", "", []byte{0xff})
	f.Add("b-7", "TASK_RUNNING", "", "\xff; note: ", []byte(`{"v":1,"report":{"step":"x","attempt":1,"state":"done"}}`))
	f.Fuzz(func(t *testing.T, task, state, reason, message string, data []byte) {
		world := coretest.NewWorld(t, func() []core.Core { return []core.Core{newFleet(t)} })
		world.Start()
		world.Apply(core.MesosSubscribed{})
		world.Apply(core.OffersReceived{Offers: []core.Offer{{ID: "o1", AgentID: "S1", Hostname: "a", CPUs: 4, MemoryMB: 4096}}})
		world.Apply(core.HostWanted{Host: "a", CPUs: 1, MemoryMB: 512})
		update := core.TaskUpdated{
			TaskID: task, AgentID: "S1", State: state, Reason: reason, Message: message, UUID: []byte("u"), Data: data,
		}
		for range 2 {
			unit := world.Apply(update)
			require.Contains(t, unit.Effects, core.Acknowledge{TaskID: task, AgentID: "S1", UUID: []byte("u")})
		}
		require.Empty(t, world.Apply(update).Changes, "said again, it is stored again")
	})
}
