package bootstrap_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/scheduler/bootstrap"
	"scaleio-framework/scheduler/internal/coretest"
)

const orderUninstall = `{"verb":"uninstall","system":"scaleio","by":"ann"}`

// removed checks that nothing of the system is left on the site.
func (st *stage) removed(t coretestT) {
	view := st.view()
	require.True(t, view.Complete, "%v %v", view.Counts, view.Steps)
	require.Empty(t, view.Problems)
	require.Empty(t, st.site.anywhere(
		nodeproto.StepMDMPackage, nodeproto.StepSDSPackage, nodeproto.StepSDCPackage, nodeproto.StepLIAPackage, nodeproto.StepGatewayPackage, nodeproto.StepActiveMQPackage))
	require.Empty(t, st.site.violations)
}

// both are the sites on which a removal is played: with gateways, and of 4.x
// with a management platform.
func both() map[string]func(t coretest.T, names ...string) *stage {
	return map[string]func(t coretest.T, names ...string) *stage{
		"gateways": func(t coretest.T, names ...string) *stage { return newStage(t, options(), newSite(names...)) },
		"platform": func(t coretest.T, names ...string) *stage {
			s := newSite4(names...)
			s.platforms = map[string]string{platform: "sys"}
			return newStage(t, platformOptions(platform), s)
		},
	}
}

type coretestT interface {
	Errorf(format string, args ...any)
	FailNow()
}

func TestASystemIsRemoved(t *testing.T) {
	st := newStage(t, options(), newSite("a", "b", "c", "d"))
	st.install()
	require.Empty(t, st.order("1", orderUninstall))
	st.Settle(time.Minute)
	st.removed(t)
	require.Empty(t, st.site.sds)
	require.Empty(t, st.site.devices)
	require.Empty(t, st.site.domains)
	require.ElementsMatch(t, []string{"a", "b", "c", "d"}, st.site.restored)
	require.Equal(t, "a", st.site.primary)
	cluster, _ := st.records()
	require.NotNil(t, cluster.Uninstall.Finished)
	require.Empty(t, cluster.Gateways)
	require.Equal(t, map[string]bool{"a": true, "b": true, "c": true, "d": true}, st.site.released)

	// A later leader leaves it at that, and new hosts alone.
	before := st.World.Stored()
	st.Start()
	st.site.add("e", nil)
	st.Post(st.site.seen("e"), st.site.seen("a"))
	st.Settle(time.Minute)
	require.Equal(t, before, st.World.Stored())
	require.Contains(t, st.order("2", orderUninstall), "was ordered already")
	require.Contains(t, st.order("3", `{"verb":"uninstall-cancel"}`), "cannot be taken back")
}

func TestOrdersAboutARemovalThatMakeNoSense(t *testing.T) {
	st := newStage(t, options(), newSite("a", "b", "c"))
	st.install()
	for body, want := range map[string]string{
		`{"verb":"uninstall"}`:                  "names no system",
		`{"verb":"uninstall","system":"other"}`: `named "scaleio", not "other"`,
		`{"verb":"uninstall","system":"scaleio","keep_data":true,"remove_volumes":true}`: "give one of them",
		`{"verb":"uninstall-cancel"}`:              "no removal was ordered",
		`{"verb":"forget-host","host":"a"}`:        "only while the system is removed",
		`{"verb":"pause","system":"scaleio"}`:      `takes no "system"`,
		`{"verb":"retry","step":"remove-volumes"}`: "there is no step remove-volumes",
	} {
		before := st.World.Stored()["/cluster"]
		require.Contains(t, st.order("1", body), want, body)
		require.Equal(t, before, st.World.Stored()["/cluster"], body)
		delete(st.World.Stored(), "/orders-refused/1")
	}
}

// A dry run says what the order would be refused for.
func TestADryRunSaysThatASystemCannotBeRemoved(t *testing.T) {
	cluster := &model.Cluster{Release: "4.5-2100.105", Steps: map[string]model.Step{nodeproto.StepCreateCluster: {State: model.Done, Attempt: 1}}}
	preview := bootstrap.PreviewRemoval(cluster, nil, nil, false)
	require.Len(t, preview.Blocked, 1)
	require.Contains(t, preview.Blocked[0], "a system of release 4.5-2100.105 is removed through its management platform")
	require.Contains(t, preview.Blocked[0], "--gateway.management-platform")
	cluster.Gateways = []model.Gateway{{URL: platform, SystemID: "sys"}}
	require.Empty(t, bootstrap.PreviewRemoval(cluster, nil, nil, false).Blocked)
}

// Before anything was changed the order can be taken back, and given again.
func TestARemovalIsCancelledWhileItWaits(t *testing.T) {
	st := newStage(t, options(), newSite("a", "b", "c"))
	st.install()
	st.site.foreign["v1"] = "b"
	require.Empty(t, st.order("1", orderUninstall))
	st.Settle(time.Minute)
	check := st.step("", core.StepRemovalCheck)
	require.Contains(t, check.Error, "volume v1 is mapped to b")
	require.Equal(t, model.Pending, check.State, "the operator is waited for")
	require.False(t, st.view().Complete)
	for _, name := range st.site.names() {
		require.NotContains(t, st.site.hosts[name].ran, nodeproto.StepRestoreAgentFlags)
	}
	require.Empty(t, st.order("2", `{"verb":"uninstall-cancel"}`))
	st.site.add("d", nil)
	st.Post(st.site.seen("d"))
	st.Settle(time.Hour)
	require.True(t, st.view().Complete, "%v", st.view().Problems)
	require.Nil(t, st.view().Uninstall)
	require.Equal(t, model.Done, st.step("d", core.StepAddDevices).State, "hosts are onboarded again")

	require.Empty(t, st.order("3", orderUninstall))
	st.Settle(time.Minute)
	require.Greater(t, st.step("", core.StepRemovalCheck).Attempt, check.Attempt)
	st.site.foreign["v1"] = ""
	st.Settle(time.Hour)
	require.Contains(t, st.step("", core.StepRemovalCheck).Error, "volume v1 exists")
	delete(st.site.foreign, "v1")
	st.Settle(time.Hour)
	st.removed(t)
}

func TestWhatBecomesOfVolumes(t *testing.T) {
	for _, c := range []struct {
		what, options string
		kept          bool
	}{
		{"they are removed on demand", `,"remove_volumes":true`, false},
		{"they are kept with the devices", `,"keep_data":true`, true},
	} {
		t.Run(c.what, func(t *testing.T) {
			st := newStage(t, options(), newSite("a", "b", "c"))
			st.install()
			st.site.foreign["v1"] = ""
			require.Empty(t, st.order("1", `{"verb":"uninstall","system":"scaleio"`+c.options+`}`))
			st.Settle(time.Minute)
			st.removed(t)
			require.Equal(t, c.kept, len(st.site.foreign) == 1)
			require.Equal(t, c.kept, len(st.site.devices) == 3)
			if c.kept {
				require.Equal(t, "the data is kept", st.step("a", core.StepRemoveSDS).Reason)
				require.Contains(t, string(st.step("a", nodeproto.StepRemoveMDMPackage).Params), `"keep_files": true`)
				require.NotContains(t, string(st.step("b", nodeproto.StepRemoveMDMPackage).Params), `"keep_files": true`)
			}
		})
	}
}

// A volume that is mapped after the check stops the host that has it, and with
// it everything that would lose data.
func TestAVolumeThatIsMappedLateStopsTheRemoval(t *testing.T) {
	st := newStage(t, options(), newSite("a", "b", "c"))
	st.install()
	st.site.faulty = func(_, step string, _ int) *nodeproto.Report {
		if step == nodeproto.StepRestoreAgentFlags {
			st.site.foreign["v1"] = "c"
		}
		return nil
	}
	require.Empty(t, st.order("1", orderUninstall))
	st.Settle(time.Hour)
	require.Contains(t, st.step("c", nodeproto.StepRemoveSDCPackage).Error, "volume v1 is mapped to this host")
	require.Zero(t, st.step("", core.StepRemoveVolumes).Attempt)
	require.Len(t, st.site.devices, 3)
	require.Contains(t, st.order("2", `{"verb":"uninstall-cancel"}`), "cannot be taken back")
	st.site.faulty = nil
	delete(st.site.foreign, "v1")
	st.Settle(time.Hour)
	st.removed(t)
}

// What was sent out is finished before anything is removed (R10).
func TestARemovalWaitsForWhatRuns(t *testing.T) {
	st := newStage(t, options(), newSite("a", "b", "c"))
	st.site.slow["b/"+nodeproto.StepLIAPackage] = true
	st.install()
	require.Empty(t, st.order("1", orderUninstall))
	st.Settle(time.Hour)
	check := st.step("", core.StepRemovalCheck)
	require.Zero(t, check.Attempt)
	require.Contains(t, check.Reason, "the end of lia-package on b")
	require.Contains(t, st.order("2", `{"verb":"retry","host":"a","step":"lia-package"}`), "the system is being removed")
	st.Post(core.NodeReported{Host: "b", Report: nodeproto.Report{Step: nodeproto.StepLIAPackage, Attempt: 1, State: nodeproto.Failed, Error: "no space"}})
	st.Settle(time.Minute)
	st.removed(t)
	require.Equal(t, model.Failed, st.step("b", nodeproto.StepLIAPackage).State, "it is not tried again")
}

// An installation that never came far is removed as well.
func TestWhatWasHardlyBegunIsRemoved(t *testing.T) {
	for _, units := range []int{0, 1, 5, 20, 40, 60, 80} {
		st := newStage(t, options(), newSite("a", "b", "c"))
		st.Start()
		for range units {
			if len(st.Pending) > 0 {
				event := st.Pending[0]
				st.Pending = st.Pending[1:]
				st.Deliver(event, -1)
			}
		}
		require.Empty(t, st.order("1", orderUninstall))
		st.Settle(time.Hour)
		view := st.view()
		cluster, _ := st.records()
		if check := st.step("", core.StepRemovalCheck); cluster.Gateways == nil && !check.Over() {
			// Whether there are volumes cannot be read (R8): an operator says so.
			require.Empty(t, st.order("2", `{"verb":"force-complete","step":"removal-check"}`))
			st.Settle(time.Hour)
			view = st.view()
		}
		require.True(t, view.Complete, "after %d units: %v", units, view.Steps)
		st.removed(t)
	}
}

// The primary MDM may be any manager by now.
func TestTheLastMDMIsThePrimary(t *testing.T) {
	st := newStage(t, options(), newSite("a", "b", "c"))
	st.install()
	st.site.primary = "b"
	require.Empty(t, st.order("1", orderUninstall))
	st.Settle(time.Hour)
	st.removed(t)
	require.Equal(t, "b", st.step("", nodeproto.StepShrinkClusterMode).Runner)
	require.Equal(t, model.Skipped, st.step("", nodeproto.StepRemoveStandbyMDM+"/mdm2").State)
	require.Equal(t, "b", st.step("", nodeproto.StepRemoveStandbyMDM+"/mdm1").Runner)
}

// A host that is gone for good holds the removal up until it is forgotten.
func TestAHostIsForgotten(t *testing.T) {
	for _, lost := range []string{"a", "b", "d"} {
		t.Run(lost, func(t *testing.T) {
			st := newStage(t, options(), newSite("a", "b", "c", "d"))
			st.install()
			st.site.hosts[lost].gone = true
			st.Deliver(core.NodeDown{Host: lost, Reason: "gone"}, -1)
			require.Empty(t, st.order("1", orderUninstall))
			st.Settle(time.Hour)
			require.False(t, st.view().Complete)
			require.Contains(t, st.order("2", `{"verb":"forget-host","host":"c"}`), "can be spoken to")
			require.Contains(t, st.order("3", `{"verb":"forget-host","host":"x"}`), "no host")
			require.Empty(t, st.order("4", `{"verb":"forget-host","host":"`+lost+`","by":"ann"}`))
			st.Settle(time.Hour)
			st.removed(t)
			require.Empty(t, st.site.sds)
			require.Equal(t, "the host was forgotten by ann", st.step(lost, nodeproto.StepRemoveSDSPackage).Reason)
			require.True(t, st.site.released[lost])
		})
	}
}

// No growth is open while volumes and devices are removed.
func TestARemovalWaitsForGrowths(t *testing.T) {
	st := newStage(t, options(), newSite("a", "b", "c"))
	st.install()
	st.Deliver(core.GrowthsOpen{IDs: []string{"g1"}}, -1)
	// The stage's own growth core tells that none is open as soon as it hears of
	// the order: what comes last counts.
	require.Empty(t, st.order("1", orderUninstall))
	st.Settle(time.Minute)
	st.removed(t)
}
