package bootstrap_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
)

// failing makes one step of a host end as told, a number of times.
func failing(s *site, host, step string, times int, report nodeproto.Report) {
	s.faulty = func(h, key string, _ int) *nodeproto.Report {
		if h != host || key != step || times == 0 {
			return nil
		}
		times--
		r := report
		r.State = nodeproto.Failed
		return &r
	}
}

func TestAFailedStepIsTriedAgainAfterABackoff(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what     string
		host     string
		step     string
		report   nodeproto.Report
		times    int
		state    model.StepState
		attempts int
		failures int
		within   time.Duration
	}{
		{"a failure is tried again", "a", nodeproto.StepSDSPackage, nodeproto.Report{Error: "no space"}, 2, model.Done, 3, 2, 4 * time.Second},
		{"five failures make it stuck", "a", nodeproto.StepSDSPackage, nodeproto.Report{Error: "no space"}, 100, model.Stuck, 5, 5, time.Hour},
		{"interruptions never do", "a", nodeproto.StepSDSPackage, nodeproto.Report{Error: "restarted", Interrupted: true}, 20, model.Done, 21, 0, time.Hour},
		{"no hope, no second attempt", "a", nodeproto.StepSDSPackage, nodeproto.Report{Error: "wrong kernel", Hopeless: true}, 100, model.Stuck, 1, 1, time.Hour},
		{"the same through a gateway", "a", core.StepAddSDS, nodeproto.Report{Error: "refused"}, 100, model.Stuck, 5, 5, time.Hour},
		{"an unreachable gateway does not count", "", core.StepVerify, nodeproto.Report{Error: "no route", Interrupted: true}, 20, model.Done, 21, 0, time.Hour},
	} {
		t.Run(c.what, func(t *testing.T) {
			st := newStage(t, options(), newSite("a", "b", "c"))
			failing(st.site, c.host, c.step, c.times, c.report)
			st.Start()
			st.Settle(c.within)
			step := st.step(c.host, c.step)
			require.Equal(t, c.state, step.State)
			require.Equal(t, c.attempts, step.Attempt)
			require.Equal(t, c.failures, step.Failures)
			if c.state == model.Stuck {
				require.Equal(t, c.report.Error, step.Error)
				require.Contains(t, strings.Join(st.view().Problems, "\n"), "is stuck: "+c.report.Error)
				require.False(t, st.view().Complete)
			}
		})
	}
}

// The back-off doubles, and outlives the leader.
func TestTheBackoffOutlivesTheLeader(t *testing.T) {
	st := newStage(t, options(), newSite("a", "b", "c"))
	failing(st.site, "a", nodeproto.StepSDSPackage, 3, nodeproto.Report{Error: "no space"})
	st.Start()
	st.Settle(2500 * time.Millisecond) // attempts at 0 s, 1 s; the third at 3 s
	require.Equal(t, 2, st.step("a", nodeproto.StepSDSPackage).Attempt)
	st.Start()
	st.Settle(400 * time.Millisecond)
	require.Equal(t, 2, st.step("a", nodeproto.StepSDSPackage).Attempt)
	st.Settle(200 * time.Millisecond)
	require.Equal(t, 3, st.step("a", nodeproto.StepSDSPackage).Attempt)
}

// Commands are repeated until a report answers, ever more slowly.
func TestACommandIsRepeatedUntilAReportAnswers(t *testing.T) {
	st := newStage(t, options(), newSite("a", "b", "c"))
	st.Start()
	for range 3 {
		st.Deliver(st.Pending[0], -1)
		st.Pending = st.Pending[1:]
	}
	st.Pending = nil
	st.Deliver(st.site.nodeUp("a"), 0) // the first command is lost
	sent := 0
	for _, unit := range st.World.Advance(10 * time.Second) {
		for _, effect := range unit.Effects {
			if e, ok := effect.(core.SendCommand); ok && e.Host == "a" {
				require.Equal(t, 1, e.Command.Attempt)
				sent++
			}
		}
	}
	require.Equal(t, 5, sent, "after 0.25, 0.75, 1.75, 3.75 and 7.75 s")
}

func TestRefusalsOfANode(t *testing.T) {
	for _, c := range []struct {
		reason   nodeproto.RefusalReason
		attempt  int
		failures int
	}{
		{nodeproto.OldAttempt, 2, 0},
		{nodeproto.OtherParams, 2, 0},
		{nodeproto.StaleEpoch, 1, 0},
		{nodeproto.Unsealable, 1, 0},
		{nodeproto.Malformed, 1, 1},
	} {
		t.Run(string(c.reason), func(t *testing.T) {
			st := newStage(t, options(), newSite("a", "b", "c"))
			st.Check = nil // an attempt that can never run is followed by the next at once
			st.site.slow["a/"+nodeproto.StepPrerequisites] = true
			st.Start()
			st.Settle(0)
			refusal := core.NodeRefused{Host: "a", Refusal: nodeproto.Refusal{Reason: c.reason, Step: nodeproto.StepPrerequisites, Attempt: 1, Text: "no"}}
			st.Deliver(refusal, -1)
			st.Deliver(refusal, -1)
			step := st.step("a", nodeproto.StepPrerequisites)
			require.Equal(t, c.attempt, step.Attempt)
			require.Equal(t, c.failures, step.Failures)
		})
	}
}

// Reports that are about something else change nothing.
func TestForeignReportsAreIgnored(t *testing.T) {
	st := newStage(t, options(), newSite("a", "b", "c"))
	st.site.slow["a/"+nodeproto.StepPrerequisites] = true
	st.Start()
	st.Settle(0)
	before := st.World.Stored()
	done := func(host, step string, attempt int) core.NodeReported {
		return core.NodeReported{Host: host, Report: nodeproto.Report{Step: step, Attempt: attempt, State: nodeproto.Done}}
	}
	for _, event := range []core.Event{
		done("a", nodeproto.StepPrerequisites, 2),
		done("a", "no-such-step", 1),
		done("a", nodeproto.StepSDSPackage, 1),
		done("x", nodeproto.StepPrerequisites, 1),
		done("c", nodeproto.StepCreateCluster, 1),
		core.GatewayAnswered{Step: core.StepVerify, Attempt: 1},
		core.GatewayAnswered{Host: "a", Step: nodeproto.StepPrerequisites, Attempt: 1},
		core.Poisoned{Event: done("a", nodeproto.StepPrerequisites, 1)},
		core.NodeDown{Host: "x"},
		core.TimerFired{Key: "bootstrap/ask/x/y"},
		core.TimerFired{Key: "bootstrap/retry/a/" + nodeproto.StepPrerequisites},
		core.TimerFired{Key: "bootstrap/lost/a"},
		core.OrderReceived{Path: "/elsewhere/1"},
	} {
		st.Deliver(event, 0)
		require.Equal(t, before, st.World.Stored(), "%s", event)
	}
}

// The first gateway to look pins the MDMs' certificates; a later one that was
// shown others is not used.
func TestAnMDMsCertificateIsPinnedAtFirstSight(t *testing.T) {
	st := newStage(t, options(), newSite("a", "b", "c"))
	st.site.faulty = func(host, step string, _ int) *nodeproto.Report {
		if host != "b" || step != nodeproto.StepGatewayConfigure {
			return nil
		}
		raw, err := json.Marshal(nodeproto.GatewayResult{URL: "https://b:443", MDMCertificates: map[string]string{"addr-a": "another", "addr-b": "certificate of addr-b"}})
		require.NoError(t, err)
		return &nodeproto.Report{State: nodeproto.Done, Result: raw}
	}
	st.Start()
	st.Settle(time.Hour)
	cluster, _ := st.records()
	require.Equal(t, map[string]string{"addr-a": "certificate of addr-a", "addr-b": "certificate of addr-b"}, cluster.MDMCertificates)
	require.Len(t, cluster.Gateways, 1)
	step := st.step("b", nodeproto.StepGatewayConfigure)
	require.Equal(t, model.Stuck, step.State)
	require.Contains(t, step.Error, "the MDM addr-a showed another certificate than to the gateway before")
}

// Agents restart one fault unit at a time, and not while another host of the
// system is away.
func TestAgentsRestartOneUnitAtATime(t *testing.T) {
	t.Parallel()
	s := newSite()
	for name, set := range map[string]string{"a": "r1", "b": "r2", "c": "r3", "d": "r1"} {
		s.add(name, map[string]string{"scaleio-fault-set": set})
		s.slow[name+"/"+nodeproto.StepAgentRestart] = true
	}
	st := newStage(t, options(), s)
	st.install()
	restarting := func() (hosts []string) {
		for _, name := range s.names() {
			if st.step(name, nodeproto.StepAgentRestart).State == model.Running {
				hosts = append(hosts, name)
			}
		}
		return hosts
	}
	end := func(host string) {
		st.Post(core.NodeReported{Host: host, Report: nodeproto.Report{Step: nodeproto.StepAgentRestart, Attempt: 1, State: nodeproto.Done}})
		st.Settle(time.Second)
	}
	order := []string{}
	for range 4 {
		now := restarting()
		require.NotEmpty(t, now)
		units := map[string]bool{}
		for _, host := range now {
			units[s.hosts[host].attributes["scaleio-fault-set"]] = true
		}
		require.Len(t, units, 1, "restarting at once: %v", now)
		order = append(order, now[0])
		host := now[0]
		if len(order) == 2 {
			st.Deliver(core.NodeDown{Host: host, Reason: "agent restarts"}, -1)
			end(host)
			if len(now) == 1 {
				require.Empty(t, restarting(), "%s is not back yet", host)
				require.Contains(t, fmt.Sprint(st.view().Steps), "waits until "+host+" is back")
			}
			st.Post(s.nodeUp(host))
			st.Settle(time.Second)
			continue
		}
		end(host)
	}
	require.Len(t, order, 4)
	require.True(t, st.view().Complete, "%v", st.view().Counts)
}

// A driver's endpoint moves when its gateway is gone.
func TestTheEndpointFollowsTheGateways(t *testing.T) {
	st := newStage(t, options(), newSite("a", "b", "c"))
	st.install()
	cluster, _ := st.records()
	var params nodeproto.VolumeDriverEndpointParams
	require.NoError(t, json.Unmarshal(st.step("c", nodeproto.StepVolumeDriverEndpoint).Params, &params))
	cluster.Gateways = slices.DeleteFunc(cluster.Gateways, func(g model.Gateway) bool { return g.URL+"/api" == params.Endpoint })
	require.Len(t, cluster.Gateways, 1)
	data, err := model.Encode(cluster, nil)
	require.NoError(t, err)
	st.World.Put("/cluster", data)
	st.Start()
	st.Settle(time.Minute)
	step := st.step("c", nodeproto.StepVolumeDriverEndpoint)
	require.Equal(t, 2, step.Attempt)
	require.NoError(t, json.Unmarshal(step.Params, &params))
	require.Equal(t, cluster.Gateways[0].URL+"/api", params.Endpoint)
	require.True(t, st.view().Complete)
}

func TestAnUnreadablePlanCostsItsHostAlone(t *testing.T) {
	st := newStage(t, options(), newSite("a", "b", "c"))
	st.install()
	for what, data := range map[string]string{
		"broken JSON":    `{"hostname":`,
		"another host":   `{"hostname":"x","persona":"storage"}`,
		"unknown part":   `{"hostname":"a","persona":"boss"}`,
		"unknown state":  `{"hostname":"a","persona":"storage","steps":{"lia-id":{"state":"maybe"}}}`,
		"nothing at all": ``,
	} {
		st.World.Put("/nodes/a/plan", []byte(data))
		st.Start()
		st.site.add("d", nil)
		st.Post(st.site.seen("d"), st.site.nodeUp("a"), st.site.seen("a"))
		st.Settle(time.Minute)
		require.Contains(t, st.World.Unreadable(), "/nodes/a/plan", what)
		require.Equal(t, data, string(st.World.Stored()["/nodes/a/plan"].Data))
		require.Equal(t, model.Done, st.step("d", core.StepAddDevices).State)
		require.Contains(t, st.order("9", `{"verb":"retry","host":"a","step":"lia-id"}`), "unreadable")
	}
}

// What a host is asked for before anything is installed on it follows from its
// part: ports of its components, and for a manager memory and Java.
func TestAHostIsAskedForWhatItsPartNeeds(t *testing.T) {
	o := options()
	o.GatewayPort, o.GatewayHTTPPort = 8443, 8080
	o.MDM.MemoryMB = 2048
	o.Driver = &nodeproto.DriverSource{Build: true}
	st := newStage(t, o, newSite("a", "b", "c"))
	st.install()
	_, plans := st.records()
	asked := func(host string) (p nodeproto.PrerequisitesParams, ports []int) {
		require.NoError(t, json.Unmarshal(plans[host].Steps[nodeproto.StepPrerequisites].Params, &p))
		for _, port := range p.Ports {
			require.NotEmpty(t, port.Package)
			ports = append(ports, port.Port)
		}
		return p, ports
	}
	for host, plan := range plans {
		p, ports := asked(host)
		if plan.Persona == model.Manager {
			require.ElementsMatch(t, []int{7072, 9099, 9011, 6611, 8443, 8080}, ports)
			require.Equal(t, "1.8", p.Java)
			require.Equal(t, int64(2048), p.MinMemoryMB, "who gives node agents less wants less")
			var gateway nodeproto.PackageParams
			require.NoError(t, json.Unmarshal(plan.Steps[nodeproto.StepGatewayPackage].Params, &gateway))
			require.Equal(t, &nodeproto.GatewayPorts{HTTPS: 8443, HTTP: 8080}, gateway.GatewayPorts)
		} else {
			require.ElementsMatch(t, []int{7072, 9099, 9011, 6611}, ports)
			require.Zero(t, p.Java)
			require.Zero(t, p.MinMemoryMB)
		}
		var sdc nodeproto.PackageParams
		require.NoError(t, json.Unmarshal(plan.Steps[nodeproto.StepSDCPackage].Params, &sdc))
		require.Equal(t, o.Driver, sdc.Driver)
	}
}
