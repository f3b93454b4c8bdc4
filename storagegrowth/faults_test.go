package storagegrowth_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/storagegrowth/growthtest"
)

// faulty is a stage whose provider answers a call as the table says, each rule
// so many times.
func faulty(t *testing.T, fault func(c core.CloudCall) (before, after core.CloudError)) *stage {
	s := growthtest.New(3, 0.85)
	s.Fault = fault
	st := newStage(t, s, eager())
	st.start()
	return st
}

// times fails the first n calls of an operation.
func times(n int, op core.CloudOp, err core.CloudError) func(core.CloudCall) (core.CloudError, core.CloudError) {
	return func(c core.CloudCall) (core.CloudError, core.CloudError) {
		if c.Op != op || n <= 0 {
			return "", ""
		}
		n--
		return err, ""
	}
}

// always fails every call of an operation for one slot.
func always(op core.CloudOp, slot int, err core.CloudError) func(core.CloudCall) (core.CloudError, core.CloudError) {
	return func(c core.CloudCall) (core.CloudError, core.CloudError) {
		if c.Op == op && c.Slot == slot && c.Growth != "" {
			return err, ""
		}
		return "", ""
	}
}

func TestPassingFaultsOfTheProvider(t *testing.T) {
	for _, test := range []struct {
		op  core.CloudOp
		err core.CloudError
	}{
		{core.CloudCreate, core.CloudThrottled},
		{core.CloudCreate, core.CloudUnknown},
		{core.CloudCreate, core.CloudNoCapacity},
		{core.CloudCreate, core.CloudUnauthorized},
		{core.CloudAttach, core.CloudThrottled},
		{core.CloudAttach, core.CloudUnknown},
		{core.CloudAttach, core.CloudDeviceInUse},
		{core.CloudAttach, core.CloudOther},
		{core.CloudLook, core.CloudUnauthorized},
		{core.CloudLook, core.CloudThrottled},
	} {
		t.Run(fmt.Sprintf("%s %s", test.op, test.err), func(t *testing.T) {
			st := faulty(t, times(4, test.op, test.err))
			st.run(20 * time.Minute)
			requireGrown(t, st, "after a while")
			require.Equal(t, 3, st.site.Made)
		})
	}
}

// EC2 burns a token when a creation fails afterwards. The volume is looked for
// for a minute; only then the token gets a suffix.
func TestABurntTokenGetsASuffix(t *testing.T) {
	s := growthtest.New(3, 0.85)
	st := newStage(t, s, eager())
	burning := true
	s.Fault = func(c core.CloudCall) (core.CloudError, core.CloudError) {
		if c.Op == core.CloudCreate && c.Slot == 1 && burning {
			s.Burnt[c.Request.Token], burning = true, false
		}
		return "", ""
	}
	st.start()
	st.run(50 * time.Second)
	require.False(t, strings.HasSuffix(st.growths()[0].Slots[1].Request.Token, "-2"), "not within a minute")
	st.run(20 * time.Minute)
	requireGrown(t, st, "with another token")
	require.True(t, strings.HasSuffix(st.growths()[0].Slots[1].Request.Token, "-2"))
	require.False(t, strings.Contains(st.growths()[0].Slots[0].Request.Token, "-"))
}

// A volume that fails afterwards leaves nothing, and its token is burnt.
func TestACreationThatFailsAfterwards(t *testing.T) {
	s := growthtest.New(3, 0.85)
	s.CreateTakes = 3 * time.Second
	st := newStage(t, s, eager())
	st.start()
	st.run(time.Second)
	for id, v := range s.Volumes {
		delete(s.Volumes, id)
		s.Burnt[v.Request.Token] = true
	}
	st.run(30 * time.Minute)
	requireGrown(t, st, "in the end")
}

// EC2 forgets a token when its replay would exceed a limit: the refusal may
// concern a volume that is there.
func TestALimitDoesNotHideAVolume(t *testing.T) {
	lost := true
	st := faulty(t, func(c core.CloudCall) (core.CloudError, core.CloudError) {
		if c.Op != core.CloudCreate {
			return "", ""
		}
		if lost {
			lost = false
			return "", core.CloudUnknown
		}
		if c.Slot == 0 {
			return core.CloudLimit, ""
		}
		return "", ""
	})
	st.run(20 * time.Minute)
	requireGrown(t, st, "the volume is found by its tags")
	require.Equal(t, 3, st.site.Made)
}

func TestTwoVolumesForOneIntentAreReported(t *testing.T) {
	s := growthtest.New(3, 0.85)
	st := newStage(t, s, eager())
	s.Fault = func(c core.CloudCall) (core.CloudError, core.CloudError) {
		if c.Op == core.CloudCreate && c.Slot == 0 && s.Made < 5 {
			twin := &growthtest.Volume{Request: c.Request, ID: "vol-twin", Created: s.Now}
			s.Volumes[twin.ID] = twin
			return "", core.CloudUnknown
		}
		return "", ""
	}
	st.start()
	st.run(20 * time.Minute)
	g := st.growths()[0]
	require.Equal(t, model.GrowthPartial, g.State)
	require.Equal(t, model.SlotFailed, g.Slots[0].State)
	require.Contains(t, g.Slots[0].Error, "vol-twin")
	require.Len(t, s.Volumes, 4, "nothing is deleted")
	require.Equal(t, model.SlotDone, g.Slots[1].State)
	st.run(2 * time.Hour)
	require.Len(t, st.view().Orphans, 2)
}

// What fails for good ends in words, with nothing leaked, and can be resumed.
func TestLastingFaults(t *testing.T) {
	for _, test := range []struct {
		about string
		op    core.CloudOp
		err   core.CloudError
		state model.SlotState
		left  int
		words string
	}{
		{"no permission to create", core.CloudCreate, core.CloudUnauthorized, model.SlotFailed, 2, "injected unauthorized"},
		{"account limit", core.CloudCreate, core.CloudLimit, model.SlotFailed, 2, "injected limit"},
		{"zone without capacity", core.CloudCreate, core.CloudNoCapacity, model.SlotFailed, 2, "injected no-capacity"},
		{"key not usable", core.CloudCreate, core.CloudKey, model.SlotFailed, 2, "injected key-not-usable"},
		{"no attachment left", core.CloudAttach, core.CloudAttachLimit, model.SlotRolledBack, 2, "injected attach-limit"},
		{"no permission to attach", core.CloudAttach, core.CloudUnauthorized, model.SlotRolledBack, 2, "injected unauthorized"},
		{"every device name is in use", core.CloudAttach, core.CloudDeviceInUse, model.SlotRolledBack, 2, "8 were refused"},
	} {
		t.Run(test.about, func(t *testing.T) {
			st := faulty(t, always(test.op, 0, test.err))
			st.run(30 * time.Minute)
			g := st.growths()[0]
			require.Equal(t, model.GrowthPartial, g.State)
			require.Equal(t, test.state, g.Slots[0].State, g.Slots[0].Error)
			require.Contains(t, g.Slots[0].Error, test.words)
			require.Len(t, st.site.Volumes, test.left)
			st.site.Fault = nil
			require.Empty(t, st.order("1", model.Order{Verb: model.GrowthRetry, Growth: g.ID}))
			st.run(20 * time.Minute)
			requireGrown(t, st, "after a retry")
		})
	}
}

// A volume that could not be removed is removed by a retry, and never used
// again: what stands in for it is a volume already.
func TestARetryDoesNotUseARemovedVolume(t *testing.T) {
	for _, op := range []core.CloudOp{core.CloudDelete, core.CloudDetach} {
		s := growthtest.New(3, 0.85)
		s.Stuck["/dev/sdf"] = true
		s.Fault = always(op, 0, core.CloudUnauthorized)
		st := newStage(t, s, eager())
		st.start()
		st.run(time.Hour)
		g := st.growths()[0]
		require.Equal(t, model.GrowthPartial, g.State)
		require.Equal(t, model.SlotFailed, g.Slots[0].State)
		s.Fault = nil
		require.Empty(t, st.order("1", model.Order{Verb: model.GrowthRetry, Growth: g.ID}))
		st.run(20 * time.Minute)
		requireGrown(t, st, string(op))
	}
}

func TestABlockDeviceThatDoesNotAppear(t *testing.T) {
	s := growthtest.New(3, 0.85)
	st := newStage(t, s, eager())
	s.Hidden["vol-0002"] = true
	st.start()
	st.run(30 * time.Minute)
	g := st.growths()[0]
	require.Equal(t, model.GrowthPartial, g.State)
	require.Equal(t, model.SlotFailed, g.Slots[1].State)
	require.Contains(t, g.Slots[1].Error, "its block device has not appeared on h2: no disk with serial number vol-0002")
	require.Len(t, s.Volumes, 3, "an attached volume is not proven unused")
	delete(s.Hidden, "vol-0002")
	require.Empty(t, st.order("1", model.Order{Verb: model.GrowthRetry, Growth: g.ID}))
	st.run(10 * time.Minute)
	requireGrown(t, st, "after a retry")
}

func TestAGatewayThatRefusesTheDevice(t *testing.T) {
	s := growthtest.New(3, 0.85)
	st := newStage(t, s, eager())
	s.GatewayErr = func(p core.AddDevicesParams) (string, bool) {
		if p.SDS == "sds-h3" {
			return "Could not open SDS device", false
		}
		return "", false
	}
	st.start()
	st.run(30 * time.Minute)
	g := st.growths()[0]
	require.Equal(t, model.GrowthPartial, g.State)
	require.Equal(t, model.SlotFailed, g.Slots[2].State)
	require.Contains(t, g.Slots[2].Error, "Could not open SDS device")
	s.GatewayErr = nil
	require.Empty(t, st.order("1", model.Order{Verb: model.GrowthRetry, Growth: g.ID}))
	st.run(10 * time.Minute)
	requireGrown(t, st, "after a retry")
}

// A gateway that is away for an hour does not use attempts up.
func TestGatewaysThatAreAway(t *testing.T) {
	s := growthtest.New(3, 0.85)
	st := newStage(t, s, eager())
	s.GatewayErr = func(core.AddDevicesParams) (string, bool) { return "no gateway answers", true }
	st.start()
	st.run(time.Hour)
	require.Equal(t, model.GrowthOpen, st.growths()[0].State)
	require.Contains(t, st.growths()[0].Slots[0].Error, "no gateway answers")
	s.GatewayErr = nil
	st.run(10 * time.Minute)
	requireGrown(t, st, "when it is back")
}

func TestALostNodeIsParked(t *testing.T) {
	s := growthtest.New(3, 0.85)
	st := newStage(t, s, eager())
	st.performs = func(e core.Effect) (bool, bool) {
		if c, ok := e.(core.SendCommand); ok && c.Host == "h2" {
			s.Instances["h2"].Down = true
			st.post(core.NodeDown{Host: "h2", Reason: "gone"})
		}
		return true, true
	}
	st.start()
	st.run(20 * time.Minute)
	require.Equal(t, model.GrowthOpen, st.growths()[0].State)
	st.start() // its loss outlives the leader
	st.run(32 * time.Minute)
	g := st.growths()[0]
	require.Equal(t, model.GrowthPartial, g.State)
	require.Equal(t, model.SlotParked, g.Slots[1].State)
	require.Contains(t, g.Slots[1].Error, "volume "+g.Slots[1].VolumeID+" is left as it is")
	require.Len(t, s.Volumes, 3)
	require.Equal(t, g.Slots[1].VolumeID, st.view().Orphans[0].Volume)

	st.performs, s.Instances["h2"].Down = nil, false
	st.post(s.NodeUp(s.Instances["h2"]))
	require.Empty(t, st.order("1", model.Order{Verb: model.GrowthRetry, Growth: g.ID}))
	st.run(10 * time.Minute)
	requireGrown(t, st, "when it is back")
	require.Equal(t, 3, s.Made)
}

func TestAnotherInstanceUnderTheSameNameIsParked(t *testing.T) {
	s := growthtest.New(3, 0.85)
	s.CreateTakes = 10 * time.Second
	st := newStage(t, s, eager())
	st.start()
	st.run(5 * time.Second)
	s.Instances["h2"].ID = "i-other"
	st.post(s.NodeUp(s.Instances["h2"]))
	st.run(10 * time.Minute)
	g := st.growths()[0]
	require.Equal(t, model.GrowthPartial, g.State)
	require.Contains(t, g.Slots[1].Error, "host h2 is instance i-other now, the volume was planned for i-h2")
	require.False(t, slices.ContainsFunc(st.released, func(e core.Effect) bool {
		c, ok := e.(core.CloudCall)
		return ok && c.Op == core.CloudAttach && c.Slot == 1
	}))
}

func TestAVolumeThatSomebodyElseTook(t *testing.T) {
	s := growthtest.New(3, 0.85)
	s.CreateTakes = 10 * time.Second
	st := newStage(t, s, eager())
	st.start()
	st.run(5 * time.Second)
	s.Volumes["vol-0001"].Instance, s.Volumes["vol-0001"].Device = "i-foreign", "/dev/sdz"
	delete(s.Volumes, "vol-0002")
	s.Burnt[st.growths()[0].Slots[1].Request.Token] = true
	st.run(10 * time.Minute)
	g := st.growths()[0]
	require.Equal(t, model.SlotFailed, g.Slots[0].State)
	require.Contains(t, g.Slots[0].Error, "attached to instance i-foreign")
	require.Equal(t, model.SlotDone, g.Slots[1].State, "a volume that is gone before it was used is made again")
}

// A provider that cannot be asked: nothing is decided, and the words say why.
func TestNoCredentials(t *testing.T) {
	st := faulty(t, func(core.CloudCall) (core.CloudError, core.CloudError) { return core.CloudUnauthorized, "" })
	st.run(20 * time.Minute)
	require.Empty(t, st.growths())
	v := st.view()
	require.Contains(t, v.Provider, "unauthorized: injected unauthorized")
	require.Contains(t, v.Pools[0].Decision, "the provider is asked")
	require.InDelta(t, 0.85, v.Pools[0].Fullness, 0.001)
	require.Less(t, st.site.Calls[core.CloudLook], 120, "it asks at a decent pace")
	st.site.Fault = nil
	st.run(20 * time.Minute)
	requireGrown(t, st, "with credentials")
}
