package events_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"scaleio-framework/internal/engine"
	"scaleio-framework/internal/events"
	"scaleio-framework/internal/model"
	"scaleio-framework/leader"
	"scaleio-framework/storagegrowth"
)

// some draws one of a few values, so that facts meet.
func some(t *rapid.T, label string, values ...string) string {
	return rapid.SampledFrom(values).Draw(t, label)
}

// drawView draws what may stand in ZooKeeper, records that somebody broke among them.
func drawView(t *rapid.T) engine.View {
	v := engine.View{Epoch: rapid.Uint64Range(1, 3).Draw(t, "epoch"), Records: make(leader.Snapshot), Unreadable: make(map[string]string)}
	put := func(path string, record any) {
		data, err := model.Encode(record, nil)
		require.NoError(t, err)
		if some(t, path, "whole", "whole", "whole", "broken", "missing") == "whole" {
			v.Records[path] = leader.Entry{Data: data}
		} else if rapid.Bool().Draw(t, "unreadable") {
			v.Records[path] = leader.Entry{Data: data[1:]}
			v.Unreadable[path] = some(t, "why", "not valid JSON", "edited outside")
		}
	}
	steps := func() map[string]model.Step {
		list := make(map[string]model.Step)
		for _, name := range []string{"sds-package", "add-sds", "verify", "of-a-newer-release"} {
			list[name] = model.Step{
				State:   model.StepState(some(t, "step", "pending", "running", "done", "failed", "stuck", "skipped")),
				Attempt: rapid.IntRange(1, 2).Draw(t, "attempt"), Runner: "h1", Error: some(t, "error", "", "no space left"),
			}
		}
		return list
	}
	put(leader.PathFramework, &model.Framework{ID: some(t, "id", "f", "g")})
	put(leader.PathCluster, &model.Cluster{UUID: "u", Paused: rapid.Bool().Draw(t, "paused"), Problem: some(t, "problem", "", "p"), Steps: steps()})
	for _, host := range []string{"h1", "h2"} {
		put(leader.PathNodes+"/"+host, &model.Node{Hostname: host, State: model.TaskNone, Reason: some(t, "reason", "", "r")})
		put(leader.PathNodes+"/"+host+"/plan", &model.NodePlan{Hostname: host, Persona: model.Storage, Steps: steps()})
	}
	put(storagegrowth.PathStatus, &storagegrowth.Status{
		Problem: some(t, "problem", "", "p"),
		Pools:   map[string]storagegrowth.PoolStatus{"d/" + some(t, "pool", "p", "q"): {Fullness: rapid.Float64().Draw(t, "fullness")}},
	})
	for _, id := range []string{"g1", "g1.2"} {
		put(leader.PathGrowth+"/"+id, &model.Growth{
			ID: id, State: model.GrowthOpen, ProtectionDomain: "d", StoragePool: "p",
			Slots: []model.GrowthSlot{{Host: some(t, "host", "h1", "h2"), State: model.SlotPlanned}},
		})
	}
	for i := range rapid.IntRange(0, 3).Draw(t, "orders") {
		number := fmt.Sprintf("%010d", i)
		switch some(t, "order", "waits", "taken", "refused") {
		case "waits":
			put(leader.PathOrders+"/"+number, &model.Order{Verb: model.Pause})
		case "taken":
			v.Taken = append(v.Taken, engine.TakenOrder{Path: leader.PathOrders + "/" + number, Data: []byte("{ broken")})
		default:
			put(leader.PathOrdersRefused+"/"+number, &model.RefusedOrder{Reason: "no such step"})
		}
	}
	return v
}

func TestTheEventsOfAHistoryGiveItsLastState(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := events.Of(drawView(t), rapid.Bool().Draw(t, "subscribed"))
		listener := events.With(now.List())
		require.Equal(t, now.List(), listener.List(), "a complete list states everything")
		for range rapid.IntRange(1, 3).Draw(t, "views") {
			next := events.Of(drawView(t), rapid.Bool().Draw(t, "subscribed"))
			told := make(map[string]bool)
			for _, e := range events.Diff(now, next) {
				name := fmt.Sprint(e.Type, e.Host, "|", e.Step, "|", e.Subject, "|", e.Order, "|", e.Path)
				if e.Type == events.Volume || e.Type == events.Growth || e.Type == events.Pool {
					name = fmt.Sprint(e.Type, e.Growth, "|", e.Slot, "|", e.Type == events.Pool, e.Pool)
				}
				require.False(t, told[name], "%s is told twice", name)
				told[name] = true
				if !e.Gone {
					require.NotContains(t, now.List(), e, "it was told before")
				}
				listener.Apply(e)
			}
			require.Equal(t, next.List(), listener.List())
			require.Empty(t, events.Diff(next, listener), "equal facts give no event")
			now = next
		}
	})
}
