package bootstrap_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/scheduler/bootstrap"
)

// A system of 4.x is removed through its platform, whichever of its managers is
// the primary MDM by then, and not while a volume is mapped.
func TestASystemOf4xIsRemovedThroughItsPlatform(t *testing.T) {
	s := newSite4("a", "b", "c", "d")
	st := newStage(t, options4(), s)
	st.install()
	require.Contains(t, st.order("1", orderUninstall), "is removed through its management platform, which tells whether a volume is mapped, and none is known")
	s.platforms = map[string]string{platform: "sys"}
	st = st.under(platformOptions(platform))
	s.primary = "b"
	s.foreign["v1"] = "c"
	require.Empty(t, st.order("2", orderUninstall))
	st.Settle(time.Hour)
	require.Contains(t, st.step("", core.StepRemovalCheck).Error, "volume v1 is mapped to c")
	require.Empty(t, st.order("3", `{"verb":"uninstall-cancel"}`))
	st.Settle(time.Hour)
	require.True(t, st.view().Complete)
	require.Empty(t, st.order("4", orderUninstall))
	st.Settle(time.Minute)

	// The option may be taken back: the removal goes on through what it knows.
	st = st.under(options4())
	require.Equal(t, known(platform, "cert"), st.platformOf())
	delete(s.foreign, "v1")
	st.Settle(time.Hour)
	st.removed(t)
	require.Empty(t, st.platformOf())
	require.Equal(t, "b", st.step("", nodeproto.StepShrinkClusterMode).Runner)
	shrink := decode[nodeproto.ShrinkClusterModeParams](s, st.step("", nodeproto.StepShrinkClusterMode).Params)
	require.Equal(t, release4, shrink.Release)
	require.Equal(t, model.RunnerGateway, st.step("a", core.StepRemoveSDS).Runner)
	require.Equal(t, model.Done, st.step("a", nodeproto.StepRemoveActiveMQPackage).State)
	require.Equal(t, model.Skipped, st.step("d", nodeproto.StepRemoveActiveMQPackage).State, "it was never there")
	require.Equal(t, model.Skipped, st.step("a", nodeproto.StepRemoveGatewayPackage).State)
	cluster, plans := st.records()
	require.Empty(t, bootstrap.PreviewRemoval(cluster, plans, nil, false).Blocked, "there is nothing left to refuse")
}

// An attempt that ends when the removal was ordered takes nothing away from it,
// whatever the option says by then.
func TestAPlatformIsNotDroppedWhileItsSystemIsRemoved(t *testing.T) {
	s := newSite4("a", "b", "c")
	s.platforms = map[string]string{platform: "sys"}
	st := newStage(t, platformOptions(platform), s)
	st.install()
	st.World.Put("/orders/1", []byte(`{}`))
	st.Deliver(core.OrderReceived{Path: "/orders/1", Raw: []byte(`{"verb":"retry","step":"management-platform"}`)}, 0)
	require.Equal(t, model.Running, st.step("", core.StepManagementPlatform).State)
	require.Empty(t, st.order("2", orderUninstall))
	st = st.under(options4())
	st.Settle(time.Hour)
	require.Equal(t, model.Done, st.step("", core.StepManagementPlatform).State)
	st.removed(t)
}

// Before the cluster was begun there is nothing that a platform would tell of.
func TestASystemOf4xThatWasHardlyBegunIsRemoved(t *testing.T) {
	s := newSite4("a", "b", "c")
	s.slow["a/"+nodeproto.StepMDMAuthority] = true
	st := newStage(t, options4(), s)
	st.install()
	require.Empty(t, st.order("1", orderUninstall))
	st.Post(core.NodeReported{Host: "a", Report: nodeproto.Report{Step: nodeproto.StepMDMAuthority, Attempt: 1, State: nodeproto.Failed, Error: "no"}})
	st.Settle(time.Hour)
	st.removed(t)
}

// The removal of a system with gateways has no step of 4.x.
func TestAnOlderRemovalHasNoStepsOf4x(t *testing.T) {
	st := newStage(t, options(), newSite("a", "b", "c"))
	st.install()
	require.Empty(t, st.order("1", orderUninstall))
	st.Settle(time.Minute)
	st.removed(t)
	_, plans := st.records()
	for _, plan := range plans {
		require.NotContains(t, plan.Steps, nodeproto.StepRemoveActiveMQPackage)
	}
	require.NotContains(t, string(st.step("", nodeproto.StepShrinkClusterMode).Params), "release", "node agents of before know no such parameter")
}
