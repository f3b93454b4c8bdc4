package bootstrap_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/scheduler/bootstrap"
)

func TestThreeHostsBecomeASystem(t *testing.T) {
	st := newStage(t, options(), newSite("a", "b", "c"))
	st.install()
	cluster, plans := st.records()
	view := st.view()
	require.True(t, view.Complete, "%+v", view)
	require.Empty(t, view.Problems)
	require.Equal(t, 1, st.site.created)
	require.Equal(t, "3_node", st.site.mode)
	require.Equal(t, []string{"mdm1", "mdm2", "tb1"}, st.site.members)
	require.Equal(t, 34, st.site.spare["default"])
	require.Equal(t, map[string]string{"a/a-sdb": "/dev/disk/by-id/x", "b/b-sdb": "/dev/disk/by-id/x", "c/c-sdb": "/dev/disk/by-id/x"}, st.site.devices)
	require.Len(t, st.site.volumes, 1)
	require.Equal(t, "sys", cluster.SystemID)
	require.Len(t, cluster.Gateways, 2)
	require.Equal(t, []string{"addr-a", "addr-b", "addr-c"}, []string{cluster.Members[0].Address, cluster.Members[1].Address, cluster.Members[2].Address})
	require.Equal(t, "id-a", plans["a"].SDSID)
	require.Equal(t, "dev-a-sdb", plans["a"].Devices[0].ID)
	require.NotContains(t, plans["c"].Steps, nodeproto.StepGatewayPackage, "a tie-breaker has no gateway")
	require.ElementsMatch(t, []string{"a", "b", "c"}, st.site.restarts)
}

func TestFiveHostsInFaultSets(t *testing.T) {
	t.Parallel()
	s := newSite()
	for i, name := range []string{"a", "b", "c", "d", "e", "f"} {
		s.add(name, map[string]string{"scaleio-fault-set": fmt.Sprintf("rack%d", i%3)})
	}
	o := options()
	o.MDMNodes = 5
	o.Settle = time.Second
	st := newStage(t, o, s)
	st.install()
	require.True(t, st.view().Complete, "%+v", st.view().Problems)
	require.Equal(t, "5_node", s.mode)
	require.ElementsMatch(t, []string{"mdm1", "mdm2", "mdm3", "tb1", "tb2"}, s.members)
	require.Equal(t, 34, s.spare["default"])
	require.Equal(t, map[string]string{"a": "rack0", "b": "rack1", "c": "rack2", "d": "rack0", "e": "rack1", "f": "rack2"}, s.sds)
}

func TestAFourthHostIsOnboardedAlone(t *testing.T) {
	st := newStage(t, options(), newSite("a", "b", "c"))
	st.install()
	st.site.add("d", nil)
	st.Post(st.site.seen("d"))
	st.Settle(time.Minute)
	require.True(t, st.view().Complete)
	_, plans := st.records()
	require.Equal(t, model.Storage, plans["d"].Persona)
	require.Equal(t, "dev-d-sdb", plans["d"].Devices[0].ID)
	require.Len(t, st.site.volumes, 1, "verify is done once")
}

// A step waits for its own needs only: a host whose prerequisites hang holds up
// nothing of the packages of the others.
func TestNoBarriers(t *testing.T) {
	st := newStage(t, options(), newSite("a", "b", "c", "d"))
	st.site.slow["d/"+nodeproto.StepPrerequisites] = true
	st.install()
	view := st.view()
	require.False(t, view.Complete)
	require.Equal(t, model.Done, st.step("", core.StepVerify).State)
	for _, s := range view.Steps {
		if s.Host == "d" && s.Step == nodeproto.StepSDSPackage {
			require.Equal(t, []string{"prerequisites on d"}, s.WaitsFor)
		}
	}
}

// Without a driver there is nothing by which an agent could mount volumes: its
// flags are left alone, and the rest of the system is complete.
func TestWithoutADriverTheAgentsAreLeftAlone(t *testing.T) {
	for _, c := range []struct {
		what   string
		spoil  func(*bootstrap.Options)
		reason string
	}{
		{"no packages of it", func(o *bootstrap.Options) {
			o.Packages = slices.DeleteFunc(o.Packages, func(p bootstrap.Package) bool { return p.Component == "rexray" || p.Component == "dvdcli" })
		}, "no packages of rexray and dvdcli"},
		{"it is not wanted", func(o *bootstrap.Options) { o.VolumeDriver = false }, "--volumes.driver is off"},
	} {
		t.Run(c.what, func(t *testing.T) {
			o := options()
			c.spoil(&o)
			st := newStage(t, o, newSite("a", "b", "c"))
			st.install()
			require.True(t, st.view().Complete, "%v", st.view().Problems)
			require.Empty(t, st.site.restarts)
			for _, key := range []string{
				nodeproto.StepVolumeDriver, nodeproto.StepVolumeDriverEndpoint, nodeproto.StepIsolator, nodeproto.StepAgentRestart,
			} {
				require.Equal(t, model.Skipped, st.step("a", key).State, key)
				require.Contains(t, st.step("a", key).Reason, c.reason, key)
				require.Contains(t, st.order("1", `{"verb":"retry","host":"a","step":"`+key+`"}`), c.reason, key)
				require.Contains(t, st.order("2", `{"verb":"force-complete","host":"a","step":"`+key+`"}`), "is skipped: ", key)
			}
		})
	}
}
