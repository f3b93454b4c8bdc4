package storagegrowth_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
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

func orphan(s *growthtest.Site, id string) {
	s.Volumes[id] = &growthtest.Volume{ID: id, Request: model.VolumeRequest{Zone: "z1", SizeGiB: 100, Tags: map[string]string{
		storagegrowth.TagFramework: uuid, storagegrowth.TagGrowth: "20250101T000000-aaaa", storagegrowth.TagSlot: "0",
	}}}
}

func TestOrphansAreReportedAndDeletedOnlyByOrder(t *testing.T) {
	s := growthtest.New(3, 0.2)
	orphan(s, "vol-lost")
	orphan(s, "vol-used")
	s.Volumes["vol-used"].Instance, s.Volumes["vol-used"].Device = "i-h1", "/dev/sdq"
	orphan(s, "vol-foreign")
	s.Volumes["vol-foreign"].Request.Tags[storagegrowth.TagFramework] = "another installation"
	st := newStage(t, s, eager())
	st.start()
	st.run(3 * time.Hour)
	orphans := st.view().Orphans
	require.Len(t, orphans, 2)
	require.Equal(t, storagegrowth.Orphan{Volume: "vol-lost", SizeGiB: 100, State: "available", Growth: "20250101T000000-aaaa", Slot: "0"}, orphans[0])
	require.Equal(t, "i-h1", orphans[1].Instance)
	require.Len(t, s.Volumes, 3)
	require.Contains(t, st.order("1", model.Order{Verb: model.GrowthDeleteOrphan, Volume: "vol-used"}), "attached to instance i-h1")
	require.Contains(t, st.order("2", model.Order{Verb: model.GrowthDeleteOrphan, Volume: "vol-foreign"}), "not ours to delete")
	require.Len(t, s.Volumes, 3)
	deletions := 0
	st.performs = func(e core.Effect) (bool, bool) {
		c, ok := e.(core.CloudCall)
		if ok && c.Op == core.CloudDelete {
			deletions++
			require.Contains(t, string(st.stored[storagegrowth.PathStatus].Data), "vol-lost", "the intent comes first")
			return deletions > 1, deletions > 1
		}
		return true, true
	}
	require.Empty(t, st.order("3", model.Order{Verb: model.GrowthDeleteOrphan, Volume: "vol-lost", By: "ann"}))
	st.start() // the first call was lost with its leader
	st.run(5 * time.Minute)
	require.NotContains(t, s.Volumes, "vol-lost")
	require.Len(t, s.Volumes, 2)
	require.Empty(t, st.view().Deletions)
	require.Len(t, st.view().Orphans, 1)
}

// refusingDeletions is a site with an orphan that EC2 does not delete.
func refusingDeletions() *growthtest.Site {
	s := growthtest.New(3, 0.2)
	orphan(s, "vol-lost")
	s.Fault = func(c core.CloudCall) (core.CloudError, core.CloudError) {
		if c.Op == core.CloudDelete {
			return core.CloudUnauthorized, ""
		}
		return "", ""
	}
	return s
}

// A deletion that is refused is told, and repeated without haste: EC2 throttles
// the whole account.
func TestARefusedDeletionIsToldAndRepeated(t *testing.T) {
	s := refusingDeletions()
	st := newStage(t, s, eager())
	st.start()
	st.run(2 * time.Minute)
	require.Empty(t, st.order("1", model.Order{Verb: model.GrowthDeleteOrphan, Volume: "vol-lost"}))
	st.run(time.Hour)
	require.Equal(t, "delete: injected unauthorized", st.view().Deletions[0].Error)
	require.Less(t, s.Calls[core.CloudDelete], 70)
	require.Less(t, s.Calls[core.CloudLook], 140)
	s.Fault = nil
	st.run(5 * time.Minute)
	require.NotContains(t, s.Volumes, "vol-lost")
	require.Empty(t, st.view().Deletions)
}

// An ordered deletion outlives a change of --growth.provider.
func TestADeletionIsFinishedUnderAnotherProvider(t *testing.T) {
	s := refusingDeletions()
	st := newStage(t, s, eager())
	st.start()
	st.run(2 * time.Minute)
	require.Empty(t, st.order("1", model.Order{Verb: model.GrowthDeleteOrphan, Volume: "vol-lost"}))
	s.Fault = nil
	st.options.Policy.Provider = storagegrowth.ProviderManual
	st.start()
	st.run(5 * time.Minute)
	require.NotContains(t, s.Volumes, "vol-lost")
}

// Pools that cannot be read at the moment do not say that a volume is in use:
// its deletion waits.
func TestADeletionOutlivesPoolsThatCannotBeRead(t *testing.T) {
	s := refusingDeletions()
	st := newStage(t, s, eager())
	st.start()
	st.run(2 * time.Minute)
	require.Empty(t, st.order("1", model.Order{Verb: model.GrowthDeleteOrphan, Volume: "vol-lost"}))
	s.Fault = nil
	st.performs = func(e core.Effect) (bool, bool) {
		_, read := e.(core.ReadPools)
		return !read, !read
	}
	st.start()
	st.run(10 * time.Minute)
	require.Contains(t, s.Volumes, "vol-lost")
	require.Len(t, st.view().Deletions, 1)
	st.performs = nil
	st.run(10 * time.Minute)
	require.NotContains(t, s.Volumes, "vol-lost")
	require.Empty(t, st.view().Deletions)
}

// A volume that is a device is no orphan, however old its growth is.
func TestDevicesAreNeverOrphans(t *testing.T) {
	st := newStage(t, growthtest.New(3, 0.85), eager())
	st.start()
	st.run(20 * time.Minute)
	requireGrown(t, st, "grown")
	g := st.growths()[0]
	delete(st.stored, leader.PathGrowth+"/"+g.ID) // forgotten after a hundred others
	st.start()
	st.run(2 * time.Hour)
	require.Empty(t, st.view().Orphans)
	require.Contains(t, st.order("1", model.Order{Verb: model.GrowthDeleteOrphan, Volume: g.Slots[0].VolumeID}), "is a device of a storage pool")
	require.Len(t, st.site.Volumes, 3)
}

// Without a cloud the operator is asked for disks, and the growth goes on when
// they are there. Disks that were there before are not taken.
func TestManualGrowth(t *testing.T) {
	s := growthtest.New(3, 0.85)
	for _, i := range s.Instances {
		i.Disks = []model.Disk{{Path: "/dev/disk/by-id/old", Size: 1000 * growthtest.GiB, Free: true}}
	}
	o := eager()
	o.Policy.Provider = storagegrowth.ProviderManual
	st := newStage(t, s, o)
	st.start()
	st.run(3 * time.Hour)
	require.Len(t, st.growths(), 1)
	g := st.growths()[0]
	require.Equal(t, model.GrowthOpen, g.State)
	require.Equal(t, "waits for an empty disk of at least 104 GiB on host h1: add it, nothing else is to be done", g.Slots[0].Error)
	require.Empty(t, s.Calls)
	for _, name := range []string{"h1", "h2", "h3"} {
		i := s.Instances[name]
		i.Disks = append(i.Disks, model.Disk{Path: "/dev/disk/by-id/small", Size: 50 * growthtest.GiB, Free: true},
			model.Disk{Path: "/dev/disk/by-id/full", Size: 200 * growthtest.GiB, Why: "ext4"},
			model.Disk{Path: "/dev/disk/by-id/new", Size: 200 * growthtest.GiB, Free: true})
		st.post(s.NodeUp(i))
		st.run(time.Minute)
	}
	st.run(5 * time.Minute)
	require.Equal(t, model.GrowthDone, st.growths()[0].State)
	pool := s.Pools["default/default"]
	require.Len(t, pool.Devices, 6)
	for _, d := range pool.Devices[3:] {
		require.Equal(t, "/dev/disk/by-id/new", d.Path)
		require.LessOrEqual(t, len(d.Name), 31)
	}
	require.LessOrEqual(t, pool.Fullness(), 0.65)
}

// A growth by hand that nobody brings disks for ends by an order; what has its
// disk already is kept.
func TestAGrowthByHandIsDeclined(t *testing.T) {
	for name, c := range map[string]struct {
		disks   []string
		want    model.GrowthState
		devices int
	}{
		"before any disk":  {nil, model.GrowthDeclined, 3},
		"after one of two": {[]string{"h2"}, model.GrowthPartial, 4},
	} {
		t.Run(name, func(t *testing.T) {
			s := growthtest.New(3, 0.85)
			o := eager()
			o.Policy.Provider = storagegrowth.ProviderManual
			st := newStage(t, s, o)
			st.start()
			st.run(time.Hour)
			id := st.growths()[0].ID
			for _, host := range c.disks {
				i := s.Instances[host]
				i.Disks = append(i.Disks, model.Disk{Path: "/dev/disk/by-id/new", Size: 200 * growthtest.GiB, Free: true})
				st.post(s.NodeUp(i))
			}
			st.run(5 * time.Minute)
			require.Empty(t, st.order("1", model.Order{Verb: model.GrowthDecline, Growth: id, By: "ann"}))
			st.run(time.Minute)
			g := st.growths()[0]
			require.Equal(t, c.want, g.State)
			require.Len(t, s.Pools["default/default"].Devices, c.devices)
			require.Contains(t, g.Reason+g.Slots[0].Error, "declined by ann")
			require.Contains(t, st.order("2", model.Order{Verb: model.GrowthDecline, Growth: id}), "one can be declined while it waits for approval or, by hand, for disks")

			// The next leader lets it rest, too, until the cool-down is over.
			st.start()
			st.run(time.Minute)
			require.Len(t, st.growths(), 1)
			require.Equal(t, c.want, st.growths()[0].State)
		})
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

// A large growth has several records, each within the limits of one.
func TestALargeGrowthHasSeveralRecords(t *testing.T) {
	s := growthtest.New(largeGrowth, 0.85)
	o := eager()
	o.Policy.MaxGiBPerDay = 0
	o.Policy.KMSKeyID = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
	o.Policy.Tags = map[string]string{}
	for i := range 12 {
		o.Policy.Tags[fmt.Sprintf("tag-number-%02d", i)] = "a value of 19 bytes"
	}
	st := newStage(t, s, o)
	s.CreateTakes = 5 * time.Second
	st.start()
	st.run(time.Minute)
	require.Len(t, st.growths(), largeGrowth/20)
	for _, g := range st.growths() {
		require.Len(t, g.Slots, 20)
	}
	require.Len(t, st.view().Growths, 1)
	st.start()
	st.run(10 * time.Minute)
	view := st.view().Growths
	require.Len(t, view, 1)
	require.Equal(t, model.GrowthDone, view[0].State)
	require.Equal(t, largeGrowth, view[0].Volumes)
	require.Equal(t, largeGrowth, s.Made)
	require.Len(t, s.Pools["default/default"].Devices, 2*largeGrowth)
}

// The worst record that can come about still fits.
func TestRecordsStayWithinTheirLimit(t *testing.T) {
	s := growthtest.New(20, 0.85)
	s.Stuck = map[string]bool{}
	for _, name := range "fghijklmnopqrstuvwxyz" {
		s.Stuck["/dev/sd"+string(name)] = true
	}
	o := eager()
	o.Policy.Tags = map[string]string{}
	for i := range 12 {
		o.Policy.Tags[fmt.Sprintf("tag-number-%02d", i)] = "a value of 19 bytes"
	}
	st := newStage(t, s, o)
	st.start()
	st.run(12 * time.Minute)
	for _, g := range st.growths() {
		require.NotNil(t, g.Finished)
		require.LessOrEqual(t, len(g.Slots), 24)
		require.Less(t, len(st.stored[leader.PathGrowth+"/"+g.ID].Data), 60<<10)
	}
}

func TestSpareIsReportedAndRaisedOnlyByPolicy(t *testing.T) {
	s := growthtest.New(3, 0.5)
	s.Pools["default/default"].Spare = 10
	st := newStage(t, s, eager())
	st.start()
	st.run(10 * time.Minute)
	require.Equal(t, 34, st.view().Pools[0].SpareNeeded)
	require.Equal(t, 10, s.Pools["default/default"].Spare)
	st.options.Policy.AdjustSpare = true
	st.start()
	st.run(10 * time.Minute)
	require.Equal(t, 34, s.Pools["default/default"].Spare)
	require.Zero(t, st.view().Pools[0].SpareNeeded)
}

// What bootstrap tells after its first term is enough to begin.
func TestAClusterThatIsMadeLater(t *testing.T) {
	st := newStage(t, growthtest.New(3, 0.85), eager())
	cluster := st.stored[leader.PathCluster]
	delete(st.stored, leader.PathCluster)
	st.start()
	st.run(10 * time.Minute)
	require.Empty(t, st.growths())
	require.Contains(t, st.view().Problem, "no gateway is known yet")
	st.stored[leader.PathCluster] = cluster
	st.post(core.ClusterKnown{UUID: uuid, Gateways: []model.Gateway{{Host: "h1", URL: "https://h1"}}})
	st.run(10 * time.Minute)
	requireGrown(t, st, "in the same term")
}

// A release without gateways tells no figures: nothing is read, nothing grows,
// and the reason is told (R8).
func TestAReleaseWithoutGateways(t *testing.T) {
	st := newStage(t, growthtest.New(3, 0.95), eager())
	delete(st.stored, leader.PathCluster)
	st.start()
	st.post(core.ClusterKnown{UUID: uuid, Release: "4.5-2100.105"})
	st.run(10 * time.Minute)
	require.Empty(t, st.growths())
	require.Contains(t, st.view().Problem, "pools of release 4.5-2100.105 are neither read nor grown: that takes a gateway")
	require.Contains(t, st.view().Problem, "--gateway.management-platform")

	// A management platform is one.
	st.post(core.ClusterKnown{UUID: uuid, Release: "4.5-2100.105", Gateways: []model.Gateway{{URL: "https://p", SystemID: "1"}}})
	st.run(10 * time.Minute)
	require.Empty(t, st.view().Problem)
	requireGrown(t, st, "through the platform")
}

// A problem that is over is told at once, however young the status is.
func TestAProblemThatIsOverIsNotTold(t *testing.T) {
	st := newStage(t, growthtest.New(3, 0.3), options())
	delete(st.stored, leader.PathCluster)
	st.start()
	st.run(5 * time.Second)
	require.Contains(t, st.view().Problem, "no gateway is known yet")
	st.post(core.ClusterKnown{UUID: uuid, Gateways: []model.Gateway{{Host: "h1", URL: "https://h1"}}})
	st.run(time.Second)
	require.Empty(t, st.view().Problem)
}

// That data has only one copy is told with the reading that says so, and so is
// the end of it.
func TestAPoolThatIsNotWholeIsToldAtOnce(t *testing.T) {
	for _, fail := range []func(*growthtest.Pool, bool){
		func(p *growthtest.Pool, on bool) { p.Degraded = on },
		func(p *growthtest.Pool, on bool) { p.Rebuilding = on },
	} {
		s := growthtest.New(3, 0.3)
		o := options()
		o.Policy.Interval = 10 * time.Second
		st := newStage(t, s, o)
		st.start()
		st.run(95 * time.Second)
		for _, on := range []bool{true, false} {
			fail(s.Pools["default/default"], on)
			st.run(11 * time.Second)
			pool := st.view().Pools[0]
			require.Equal(t, on, pool.Degraded || pool.Rebuilding)
		}
	}
}

func TestFinishedGrowthsAreForgottenInTheEnd(t *testing.T) {
	st := newStage(t, growthtest.New(3, 0.85), eager())
	for i := range 105 {
		at := st.now.Add(-time.Duration(200-i) * 24 * time.Hour)
		id := fmt.Sprintf("old-%03d", i)
		data, err := model.Encode(model.Growth{ID: id, State: model.GrowthDone, ProtectionDomain: "default", StoragePool: "default", Decided: at, Finished: &at, Provider: "aws"}, nil)
		require.NoError(t, err)
		st.stored[leader.PathGrowth+"/"+id] = leader.Entry{Data: data}
	}
	st.start()
	st.run(time.Hour)
	require.NotContains(t, st.stored, leader.PathGrowth+"/old-005")
	require.Contains(t, st.stored, leader.PathGrowth+"/old-006")
	require.Len(t, st.growths(), 100)
}

// A record that cannot be read is left alone, and reports of strangers are
// ignored.
func TestWhatIsNotOurs(t *testing.T) {
	st := newStage(t, growthtest.New(3, 0.85), eager())
	st.stored[leader.PathGrowth+"/bad"] = leader.Entry{Data: []byte(`{"id":"bad","state":"dreaming"}`)}
	c, err := storagegrowth.New(st.options)
	require.NoError(t, err)
	unreadable, err := c.Load(st.stored)
	require.NoError(t, err)
	require.ErrorContains(t, unreadable[leader.PathGrowth+"/bad"], "dreaming")
	delete(st.stored, leader.PathGrowth+"/bad")
	st.start()
	for _, event := range []core.Event{
		core.NodeReported{Host: "h1", Report: nodeproto.Report{Step: "locate/vol-9", State: nodeproto.Done, Attempt: 1}},
		core.NodeReported{Host: "h1", Report: nodeproto.Report{Step: "sds-package", State: nodeproto.Done, Attempt: 1}},
		core.GatewayAnswered{Step: "add-devices/none/7", Attempt: 1},
		core.GatewayAnswered{Step: "add-devices", Host: "h1", Attempt: 1},
		core.CloudAnswered{Op: core.CloudCreate, Growth: "none", Slot: -4},
		core.CloudAnswered{Op: core.CloudDelete, Growth: "orphans/vol-9"},
		core.CloudAnswered{Op: core.CloudLook},
		core.NodeDown{Host: "stranger"},
		core.TimerFired{Key: "growth/slots/none"},
		core.TimerFired{Key: "settle"},
		core.PoolsRead{Err: "no gateway answers"},
	} {
		st.deliver(event)
	}
	st.run(10 * time.Minute)
	requireGrown(t, st, "all the same")
}

// A spare percentage that the gateway does not take is told with its reason.
func TestARefusedSpareIsTold(t *testing.T) {
	s := growthtest.New(3, 0.5)
	s.Pools["default/default"].Spare = 10
	s.SpareErr = "the pool has no room for it"
	o := eager()
	o.Policy.AdjustSpare = true
	st := newStage(t, s, o)
	st.start()
	st.run(30 * time.Minute)
	require.Contains(t, string(st.stored[storagegrowth.PathStatus].Data), "the pool has no room for it")
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
