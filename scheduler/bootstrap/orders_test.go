package bootstrap_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
)

func TestOrdersThatAreRefused(t *testing.T) {
	st := newStage(t, options(), newSite("a", "b", "c"))
	st.site.slow["a/"+nodeproto.StepLIAPackage] = true
	st.install()
	for i, c := range []struct{ what, order, want string }{
		{"no JSON", `{"verb":`, "not valid JSON"},
		{"unknown verb", `{"verb":"explode"}`, "unknown verb"},
		{"no step", `{"verb":"retry","host":"a"}`, "names no step"},
		{"unknown step", `{"verb":"retry","host":"a","step":"dance"}`, `no step "dance"`},
		{"unknown host", `{"verb":"retry","host":"z","step":"lia-id"}`, `no host "z"`},
		{"a node's step without a host", `{"verb":"retry","step":"lia-id"}`, `give "host"`},
		{"a cluster's step with a host", `{"verb":"retry","host":"a","step":"verify"}`, `leave "host" out`},
		{"a step that the host has not", `{"verb":"retry","host":"c","step":"gateway-package"}`, "no step gateway-package on c"},
		{"an unknown object", `{"verb":"retry","step":"fault-sets/default/r9"}`, "no step fault-sets/default/r9"},
		{"retry of a done step", `{"verb":"retry","step":"create-cluster"}`, "is done"},
		{"retry of a running step", `{"verb":"retry","host":"a","step":"lia-package"}`, "is running"},
		{"retry of a step that waits", `{"verb":"retry","host":"a","step":"lia-id"}`, "waits for lia-package on a"},
		{"force of a done step", `{"verb":"force-complete","step":"create-cluster"}`, "is done"},
	} {
		require.Contains(t, st.order(string(rune('a'+i)), c.order), c.want, c.what)
	}
}

// What a gateway was asked for cannot be taken back.
func TestAGatewayStepThatRunsIsNotForced(t *testing.T) {
	st := newStage(t, options(), newSite("a", "b", "c"))
	st.Outside = silent{st.site, core.StepVerify}
	st.install()
	require.Contains(t, st.order("1", `{"verb":"force-complete","step":"verify"}`), "cannot be taken back")
}

// silent loses the calls of one gateway step.
type silent struct {
	*site
	step string
}

func (s silent) Perform(now time.Time, effect core.Effect) []core.Event {
	if call, ok := effect.(core.GatewayCall); ok && call.Step == s.step {
		return nil
	}
	return s.site.Perform(now, effect)
}

func TestPauseAndResume(t *testing.T) {
	st := newStage(t, options(), newSite("a", "b", "c"))
	st.site.slow["a/"+nodeproto.StepPrerequisites] = true
	st.Start()
	st.Settle(time.Second)
	require.Empty(t, st.order("1", `{"verb":"pause","by":"ann"}`))
	require.Empty(t, st.order("2", `{"verb":"pause"}`), "twice is once")
	st.site.slow = map[string]bool{}
	st.Post(core.NodeReported{Host: "a", Report: nodeproto.Report{Step: nodeproto.StepPrerequisites, Attempt: 1, State: nodeproto.Done}})
	st.site.hosts["a"].journal[nodeproto.StepPrerequisites] = nodeproto.Report{Step: nodeproto.StepPrerequisites, Attempt: 1, State: nodeproto.Done}
	st.Settle(time.Minute)
	require.True(t, st.view().Paused)
	require.Equal(t, model.Done, st.step("a", nodeproto.StepPrerequisites).State, "what runs ends")
	require.Equal(t, model.Pending, st.step("a", nodeproto.StepSDSPackage).State, "nothing new starts")
	st.Start() // the next leader is paused, too
	st.Settle(time.Minute)
	require.Equal(t, model.Pending, st.step("a", nodeproto.StepSDSPackage).State)
	require.Empty(t, st.order("3", `{"verb":"resume"}`))
	st.Settle(time.Minute)
	require.True(t, st.view().Complete)
}

func TestRetryOfAStuckStep(t *testing.T) {
	st := newStage(t, options(), newSite("a", "b", "c"))
	failing(st.site, "a", nodeproto.StepSDSPackage, 6, nodeproto.Report{Error: "no space"})
	st.Start()
	st.Settle(time.Hour)
	require.Equal(t, model.Stuck, st.step("a", nodeproto.StepSDSPackage).State)
	require.Empty(t, st.order("1", `{"verb":"retry","host":"a","step":"sds-package"}`))
	step := st.step("a", nodeproto.StepSDSPackage)
	require.Equal(t, model.Running, step.State, "at once")
	require.Equal(t, 6, step.Attempt)
	st.Settle(time.Minute)
	step = st.step("a", nodeproto.StepSDSPackage)
	require.Equal(t, model.Done, step.State)
	require.Equal(t, 1, step.Failures, "counted anew")
	require.True(t, st.view().Complete)
}

func TestForceCompleteOfAStuckStep(t *testing.T) {
	st := newStage(t, options(), newSite("a", "b", "c"))
	failing(st.site, "a", nodeproto.StepLIAPackage, 100, nodeproto.Report{Error: "no", Hopeless: true})
	st.install()
	st.site.forced = map[string]bool{nodeproto.StepLIAPackage: true}
	require.Empty(t, st.order("1", `{"verb":"force-complete","host":"a","step":"lia-package","by":"ann"}`))
	step := st.step("a", nodeproto.StepLIAPackage)
	require.Equal(t, model.Done, step.State)
	require.Equal(t, "forced complete by ann", step.Reason)
	st.Settle(time.Minute)
	require.True(t, st.view().Complete)
}

// A running step is made impossible before it counts as done, even when the
// leader changes in between (R10).
func TestForceCompleteOfARunningStepLeavesATombstone(t *testing.T) {
	st := newStage(t, options(), newSite("a", "b", "c"))
	st.site.slow["a/"+nodeproto.StepLIAPackage] = true
	st.site.forced = map[string]bool{nodeproto.StepLIAPackage: true}
	st.install()
	st.World.Put("/orders/1", []byte(`{}`))
	st.Deliver(core.OrderReceived{Path: "/orders/1", Raw: []byte(`{"verb":"force-complete","host":"a","step":"lia-package","by":"ann"}`)}, 0)
	require.Equal(t, model.Running, st.step("a", nodeproto.StepLIAPackage).State, "not before the node confirms it")
	st.Start() // the leader died before it sent the tombstone
	st.Settle(time.Second)
	step := st.step("a", nodeproto.StepLIAPackage)
	require.Equal(t, model.Done, step.State)
	require.Equal(t, "forced complete by ann", step.Reason)
	require.Equal(t, nodeproto.Cancelled, st.site.hosts["a"].journal[nodeproto.StepLIAPackage].State)
}

// A tombstone that comes too late finds the step done.
func TestForceCompleteThatComesTooLate(t *testing.T) {
	st := newStage(t, options(), newSite("a", "b", "c"))
	st.site.slow["a/"+nodeproto.StepLIAPackage] = true
	st.install()
	st.site.hosts["a"].journal[nodeproto.StepLIAPackage] = nodeproto.Report{Step: nodeproto.StepLIAPackage, Attempt: 1, State: nodeproto.Done}
	require.Empty(t, st.order("1", `{"verb":"force-complete","host":"a","step":"lia-package"}`))
	st.Settle(time.Minute)
	step := st.step("a", nodeproto.StepLIAPackage)
	require.Equal(t, model.Done, step.State)
	require.Empty(t, step.Reason)
	require.True(t, st.view().Complete)
}
