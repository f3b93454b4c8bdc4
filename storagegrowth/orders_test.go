package storagegrowth_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/leader"
	"scaleio-framework/storagegrowth"
	"scaleio-framework/storagegrowth/growthtest"
)

func manualApproval() storagegrowth.Options {
	o := eager()
	o.Policy.Approval = storagegrowth.ApprovalManual
	return o
}

func TestAGrowthWaitsForApproval(t *testing.T) {
	st := newStage(t, growthtest.New(3, 0.85), manualApproval())
	st.start()
	st.run(10 * time.Minute)
	require.Len(t, st.growths(), 1)
	g := st.growths()[0]
	require.Equal(t, model.GrowthAwaiting, g.State)
	require.Len(t, g.Slots, 3)
	require.Equal(t, uuid, g.Slots[0].Request.Tags[storagegrowth.TagFramework], "the preview is complete")
	require.Zero(t, st.site.Made)
	require.Contains(t, st.order("1", model.Order{Verb: model.GrowthApprove, Growth: "nonsense"}), "there is no growth nonsense")
	st.start() // the preview outlives its leader
	require.Empty(t, st.order("2", model.Order{Verb: model.GrowthApprove, Growth: g.ID, By: "ann"}))
	st.run(5 * time.Minute)
	requireGrown(t, st, "approved")
	require.Equal(t, "ann", st.growths()[0].Approved)
	require.Contains(t, st.order("3", model.Order{Verb: model.GrowthApprove, Growth: g.ID}), "does not wait")
}

// What waited for approval over midnight counts on the day it is approved.
func TestTheDayOfAGrowthIsThatOfItsApproval(t *testing.T) {
	s := growthtest.New(3, 0.85)
	s.AddPool("default", "second", []string{"h1", "h2", "h3"}, 0.3)
	o := manualApproval()
	o.Policy.MaxGiBPerDay = 400
	st := newStage(t, s, o)
	st.start()
	st.run(24 * time.Hour)
	s.Pools["default/second"].InUse = s.Pools["default/second"].InUse * 85 / 30
	st.run(24 * time.Hour)
	growths := st.growths()
	require.Len(t, growths, 2)
	require.Empty(t, st.order("1", model.Order{Verb: model.GrowthApprove, Growth: growths[0].ID}))
	require.Contains(t, st.order("2", model.Order{Verb: model.GrowthApprove, Growth: growths[1].ID}), "--growth.max-per-day leaves 88 GiB today")
	st.run(24 * time.Hour)
	require.Empty(t, st.order("3", model.Order{Verb: model.GrowthApprove, Growth: growths[1].ID}), "on another day")
}

func TestAPlanThatChangedNeedsANewApproval(t *testing.T) {
	st := newStage(t, growthtest.New(3, 0.85), manualApproval())
	st.start()
	st.run(10 * time.Minute)
	old := st.growths()[0]
	pool := st.site.Pools["default/default"]
	pool.InUse = pool.InUse * 115 / 100
	st.options.Policy.Target = 0.4
	st.start()
	reason := st.order("1", model.Order{Verb: model.GrowthApprove, Growth: old.ID})
	require.Contains(t, reason, "the pool has changed since growth "+old.ID+" was shown")
	require.Zero(t, st.site.Made)
	require.Equal(t, model.GrowthDeclined, st.growth(old.ID).State)
	fresh := st.growths()[1]
	require.Contains(t, reason, fresh.ID)
	require.Empty(t, st.order("2", model.Order{Verb: model.GrowthApprove, Growth: fresh.ID}))
	st.run(5 * time.Minute)
	require.Equal(t, model.GrowthDone, st.growth(fresh.ID).State)
	require.Len(t, st.site.Volumes, 3)
}

func TestNothingIsApprovedWhileThePoolIsDegraded(t *testing.T) {
	st := newStage(t, growthtest.New(3, 0.85), manualApproval())
	st.start()
	st.run(10 * time.Minute)
	st.site.Pools["default/default"].Degraded = true
	st.run(time.Second)
	require.Contains(t, st.order("1", model.Order{Verb: model.GrowthApprove, Growth: st.growths()[0].ID}), "degraded")
	require.Equal(t, model.GrowthAwaiting, st.growths()[0].State)
}

func TestADeclinedGrowthMakesNothing(t *testing.T) {
	st := newStage(t, growthtest.New(3, 0.85), manualApproval())
	st.start()
	st.run(3 * time.Minute)
	g := st.growths()[0]
	require.Empty(t, st.order("1", model.Order{Verb: model.GrowthDecline, Growth: g.ID, By: "bob"}))
	st.run(5 * time.Minute)
	require.Len(t, st.growths(), 1, "the cool-down applies")
	require.Equal(t, model.GrowthDeclined, st.growth(g.ID).State)
	require.Contains(t, st.growth(g.ID).Reason, "declined by bob")
	require.Zero(t, st.site.Made)
	st.run(20 * time.Minute)
	require.Len(t, st.growths(), 2, "after it the operator is asked again")
}

func TestARequestGrowsAPool(t *testing.T) {
	st := newStage(t, growthtest.New(3, 0.2), manualApproval())
	st.start()
	require.Empty(t, st.order("1", model.Order{Verb: model.GrowthRequest, Pool: "default/default", SizeGiB: 600, By: "ann"}))
	st.run(5 * time.Minute)
	requireGrown(t, st, "requested")
	g := st.growths()[0]
	require.Equal(t, 200, g.Slots[0].Request.SizeGiB)
	require.Equal(t, "requested by ann", g.Reason)
	require.Contains(t, st.order("2", model.Order{Verb: model.GrowthRequest, Pool: "default/nope"}), "there is no storage pool default/nope")
	st.site.Pools["default/default"].Degraded = true
	require.Contains(t, st.order("3", model.Order{Verb: model.GrowthRequest, Pool: "default/default"}), "degraded")
}

// An order that cannot be decided is refused after a while, not kept for ever.
func TestAnOrderWithoutReadingsIsRefused(t *testing.T) {
	st := newStage(t, growthtest.New(3, 0.2), eager())
	st.performs = func(e core.Effect) (bool, bool) {
		_, read := e.(core.ReadPools)
		return true, !read
	}
	st.start()
	raw := []byte(`{"verb":"growth-request","pool":"default/default"}`)
	st.stored["/orders/1"] = leader.Entry{Data: raw}
	st.deliver(core.OrderReceived{Path: "/orders/1", Raw: raw})
	st.start() // a reload does not lose it
	st.run(5 * time.Minute)
	require.NotContains(t, st.stored, "/orders/1")
	require.Contains(t, string(st.stored["/orders-refused/1"].Data), "could not be decided within 2m0s")
}

func TestOrdersOfOthersAreLeftAlone(t *testing.T) {
	st := newStage(t, growthtest.New(3, 0.2), eager())
	st.start()
	for _, raw := range []string{`{"verb":"pause"}`, `{"verb":"growth-approve"}`, `nonsense`} {
		st.stored["/orders/1"] = leader.Entry{Data: []byte(raw)}
		st.deliver(core.OrderReceived{Path: "/orders/1", Raw: []byte(raw)})
		st.run(time.Minute)
		require.Contains(t, st.stored, "/orders/1", raw)
	}
}

// What EC2 may have begun cannot be declined.
func TestAGrowthThatHasBegunIsNotDeclined(t *testing.T) {
	s := growthtest.New(3, 0.85)
	s.CreateTakes = time.Hour
	st := newStage(t, s, eager())
	st.start()
	st.run(5 * time.Minute)
	require.Contains(t, st.order("1", model.Order{Verb: model.GrowthDecline, Growth: st.growths()[0].ID}), "is open: one can be declined")
	require.Contains(t, st.order("2", model.Order{Verb: model.GrowthDecline, Growth: "none"}), "there is no growth none")
}

// A record that has no place for another stand-in says so.
func TestARetryWithoutPlaceSaysSo(t *testing.T) {
	s := growthtest.New(20, 0.85)
	st := newStage(t, s, eager())
	s.Fault = func(c core.CloudCall) (core.CloudError, core.CloudError) {
		if c.Op == core.CloudAttach {
			return core.CloudAttachLimit, ""
		}
		return "", ""
	}
	st.options.Policy.MaxGiBPerDay, st.options.Policy.Cooldown = 0, 240*time.Hour
	st.start()
	st.run(time.Hour)
	g := st.growths()[0]
	require.Equal(t, model.GrowthPartial, g.State)
	require.Empty(t, st.order("1", model.Order{Verb: model.GrowthRetry, Growth: g.ID}))
	st.run(time.Hour)
	require.Len(t, st.growth(g.ID).Slots, 24)
	require.Contains(t, st.order("2", model.Order{Verb: model.GrowthRetry, Growth: g.ID}), "has tried as many volumes as its record holds: request another growth of pool default/default")
}
