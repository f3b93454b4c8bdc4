package bootstrap_test

import (
	"fmt"
	"strconv"
	"strings"
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

// Of refused orders the newest hundred are kept, from whichever term; records of
// the engine count, and stay.
func TestOldRefusalsAreForgotten(t *testing.T) {
	st := newStage(t, options(), newSite("a", "b", "c"))
	path := func(n int) string { return fmt.Sprintf("/orders-refused/%010d", n) }
	for n := range 150 {
		st.World.Put(path(n), []byte(`{"reason":"old"}`))
	}
	st.World.Put("/orders-refused/poison-20260101T000000000", []byte(`{"reason":"evidence"}`))
	st.install()
	kept := func() (names []string) {
		for name := range st.World.Stored() {
			if strings.HasPrefix(name, "/orders-refused/") {
				names = append(names, name)
			}
		}
		return names
	}
	require.Len(t, kept(), 151, "they go with the next one")
	for n := 150; n < 153; n++ {
		require.NotEmpty(t, st.order(fmt.Sprintf("%010d", n), `{"verb":"explode"}`))
		require.Len(t, kept(), 100)
		require.Contains(t, kept(), "/orders-refused/poison-20260101T000000000")
		require.Contains(t, kept(), path(n-98), "the oldest of 99 orders")
		require.NotContains(t, kept(), path(n-99))
	}
}

// A step that is done is done again by order; what comes after it stays done.
// The test volume's name is all that cannot come again: its removal was intended.
func TestRetryOfDoneSteps(t *testing.T) {
	st := newStage(t, options(), newSite("a", "b", "c"))
	st.install()
	require.True(t, st.view().Complete)
	for i, s := range st.view().Steps {
		before := st.view()
		reason := st.order(fmt.Sprint(i), fmt.Sprintf(`{"verb":"retry","host":%q,"step":%q}`, s.Host, s.Step))
		if s.Step == core.StepVerifyVolume {
			require.Contains(t, reason, "the removal of its volumes was begun")
			continue
		}
		require.Empty(t, reason, "%s %s", s.Host, s.Step)
		want := model.Running
		if s.Step == nodeproto.StepAgentRestart {
			want = model.Pending // until the redundancy is read
		}
		require.Equal(t, want, st.step(s.Host, s.Step).State, "%s %s", s.Host, s.Step)
		st.Settle(time.Second)
		for j, after := range st.view().Steps {
			want := before.Steps[j].Attempt
			if i == j {
				want++
			}
			require.Equal(t, model.Done, after.State, "%s %s after %s", after.Host, after.Step, s.Step)
			require.Equal(t, want, after.Attempt, "%s %s after %s", after.Host, after.Step, s.Step)
		}
	}
	require.Empty(t, st.site.violations)
	cluster, _ := st.records()
	require.Len(t, cluster.Gateways, 2)
	require.Len(t, st.site.volumes, 1)
	require.Len(t, st.site.devices, 3)
}

// A test volume may be made anew as long as nobody was told to remove it.
func TestRetryOfTheTestVolumeBeforeItsRemoval(t *testing.T) {
	st := newStage(t, options(), newSite("a", "b", "c"))
	st.Outside = pausing{st}
	st.install()
	require.Equal(t, model.Done, st.step("", core.StepVerifyVolume).State)
	require.Zero(t, st.step("", core.StepVerify).Attempt)
	require.Empty(t, st.order("2", `{"verb":"retry","step":"verify-volume"}`))
	require.Empty(t, st.order("3", `{"verb":"resume"}`))
	st.Settle(time.Minute)
	require.Equal(t, 2, st.step("", core.StepVerifyVolume).Attempt)
	require.Len(t, st.site.volumes, 2, "each attempt has a name of its own")
	require.True(t, st.view().Complete)
}

// pausing pauses the plan while the test volume is made.
type pausing struct{ *stage }

func (p pausing) Lost() {}

func (p pausing) Perform(now time.Time, effect core.Effect) []core.Event {
	events := p.site.Perform(now, effect)
	if call, ok := effect.(core.GatewayCall); ok && call.Step == core.StepVerifyVolume && call.Attempt == 1 {
		p.World.Put("/orders/1", []byte(`{"verb":"pause"}`))
		events = append([]core.Event{core.OrderReceived{Path: "/orders/1", Raw: []byte(`{"verb":"pause"}`)}}, events...)
	}
	return events
}

// Two hosts in the middle of a restart would wait for each other.
func TestRetryOfARestartKeepsTheTurn(t *testing.T) {
	st := newStage(t, options(), newSite("a", "b", "c"))
	st.install()
	st.site.slow["a/"+nodeproto.StepAgentRestart] = true
	require.Empty(t, st.order("1", `{"verb":"retry","host":"a","step":"agent-restart"}`))
	require.Contains(t, st.order("2", `{"verb":"retry","host":"b","step":"agent-restart"}`), "after agent-restart on a")
	st.Settle(time.Second)
	st.Deliver(core.NodeReported{Host: "a", Report: nodeproto.Report{Step: nodeproto.StepAgentRestart, Attempt: 2, State: nodeproto.Done}}, -1)
	require.Empty(t, st.order("3", `{"verb":"retry","host":"b","step":"agent-restart"}`))
	st.Settle(time.Minute)
	require.True(t, st.view().Complete)
}

// After a deliberate change of a gateway's certificate gateway-configure runs
// again: the record holds the new one, and nothing else is done again.
func TestRetryOfGatewayConfigureTakesTheNewCertificate(t *testing.T) {
	st := newStage(t, options(), newSite("a", "b", "c"))
	st.install()
	before, _ := st.records()
	require.Equal(t, []string{"cert", "cert"}, []string{before.Gateways[0].CertificatePEM, before.Gateways[1].CertificatePEM})
	host := before.Gateways[0].Host
	st.site.certificate = "new cert"
	require.Empty(t, st.order("1", fmt.Sprintf(`{"verb":"retry","host":%q,"step":"gateway-configure"}`, host)))
	during, _ := st.records()
	require.Equal(t, before.Gateways, during.Gateways, "it stays in use until the new one is known")
	st.Settle(time.Minute)
	after, _ := st.records()
	require.Len(t, after.Gateways, 2)
	require.Equal(t, model.Gateway{Host: host, URL: before.Gateways[0].URL, CertificatePEM: "new cert"}, after.Gateways[0])
	require.Equal(t, before.Gateways[1], after.Gateways[1])
	for _, s := range st.view().Steps {
		require.Equal(t, s.Attempt == 2, s.Host == host && s.Step == nodeproto.StepGatewayConfigure, "%s %s", s.Host, s.Step)
	}
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

// An ordinary host whose kernel will never have an SDC can store data all the
// same: an operator forces the steps of volumes complete, the last one first, and
// none of them is run.
func TestAHostThatWillHaveNoSDCCanStoreData(t *testing.T) {
	s := newSite("a", "b", "c", "d")
	s.faulty = func(host, step string, _ int) *nodeproto.Report {
		if host == "d" && step == nodeproto.StepSDCPackage {
			return &nodeproto.Report{State: nodeproto.Failed, Error: "no scini module fits the kernel", Hopeless: true}
		}
		return nil
	}
	st := newStage(t, options(), s)
	st.install()
	require.Equal(t, model.Stuck, st.step("d", nodeproto.StepSDCPackage).State)
	require.Equal(t, model.Done, st.step("d", core.StepAddDevices).State)
	require.False(t, st.view().Complete)
	before := len(s.hosts["d"].ran)
	for n, step := range []string{nodeproto.StepIsolator, nodeproto.StepVolumeDriverEndpoint, nodeproto.StepVolumeDriver, nodeproto.StepSDCPackage} {
		require.Empty(t, st.order(strconv.Itoa(n), `{"verb":"force-complete","host":"d","step":"`+step+`"}`))
		st.Settle(time.Minute)
	}
	require.True(t, st.view().Complete, "%v", st.view().Problems)
	require.Len(t, s.hosts["d"].ran, before)
	require.Equal(t, model.Skipped, st.step("d", nodeproto.StepAgentRestart).State)
}
