package bootstrap_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/scheduler/bootstrap"
)

const release4 = "4.5-2100.105"

// options4 have packages of 4.5, and none of the volume driver's left out.
func options4() bootstrap.Options {
	o := options()
	var packages []bootstrap.Package
	for _, p := range o.Packages {
		if p.Component != "rexray" && p.Component != "dvdcli" {
			p.Version = release4
		}
		if p.Component != "gateway" {
			packages = append(packages, p)
		}
	}
	activemq := packages[0]
	activemq.Component, activemq.Name = "activemq", "EMC-ScaleIO-activemq"
	o.Packages = append(packages, activemq)
	return o
}

func newSite4(names ...string) *site {
	s := newSite(names...)
	s.noGateway = true
	return s
}

// answer gives a box that only one node agent can open.
func (s *site) answer(h *host, c nodeproto.Command) core.Event {
	r := nodeproto.Report{Step: c.Step, Attempt: c.Attempt, State: nodeproto.Done}
	p := decode[nodeproto.SealedCertificateParams](s, c.Params)
	if s.authority == "" || !strings.HasSuffix(s.authority, " of "+h.name) {
		r.State, r.Error = nodeproto.Failed, "no authority here"
		return core.NodeReported{Host: h.name, Report: r}
	}
	raw, err := json.Marshal(nodeproto.SealedCertificate{Box: []byte(p.Recipient + " gets " + p.Member + " of " + s.authority)})
	if err != nil {
		s.wrong("box: %v", err)
	}
	r.Result = raw
	return core.NodeReported{Host: h.name, Report: r}
}

// refuse4 is what goes wrong on a host of 4.x; nil when nothing does.
func (s *site) refuse4(h *host, e core.SendCommand) *nodeproto.Report {
	fail := func(format string, args ...any) *nodeproto.Report {
		return &nodeproto.Report{State: nodeproto.Failed, Error: fmt.Sprintf(format, args...)}
	}
	step := nodeproto.Name(e.Command.Step)
	scli := false
	switch step {
	case nodeproto.StepMDMCertificate:
		p := decode[nodeproto.MDMCertificateParams](s, e.Command.Params)
		box := fmt.Sprintf("key-%s-%d gets %s of %s", h.name, h.boot, p.Member, p.Authority)
		if h.certificate != p.Authority && string(e.Sealed) != box {
			return fail("no certificate in %q, wanted is %q", e.Sealed, box)
		}
	case nodeproto.StepCreateCluster, nodeproto.StepAddStandbyMDM, nodeproto.StepSwitchClusterMode, nodeproto.StepRenameSystem,
		nodeproto.StepShrinkClusterMode, nodeproto.StepRemoveStandbyMDM:
		scli = true
		var p struct{ Release string }
		if p = decode[struct{ Release string }](s, e.Command.Params); p.Release != release4 {
			s.wrong("%s in the dialect of %q", step, p.Release)
		}
	case nodeproto.StepProtectionDomains, nodeproto.StepFaultSets, nodeproto.StepStoragePools, nodeproto.StepSparePolicy,
		nodeproto.StepAddSDS, nodeproto.StepAddDevices, nodeproto.StepVerifyVolume, nodeproto.StepVerify:
		scli = true
		if s.mode == "" {
			s.wrong("%s before the cluster is complete", step)
		}
		if s.primary != "" && s.primary != h.name {
			f := fail("this MDM is not the primary")
			f.Interrupted, f.Misplaced = true, true
			return f
		}
	case nodeproto.StepGatewayPackage, nodeproto.StepGatewayConfigure, nodeproto.StepVolumeDriver, nodeproto.StepIsolator, nodeproto.StepAgentRestart:
		s.wrong("%s, and 4.x has no gateway", step)
	}
	if scli {
		if len(e.Secrets) != 1 || e.Secrets[0] != nodeproto.SecretP12Password {
			s.wrong("%s with the secrets %v", step, e.Secrets)
		}
		if h.certificate != s.authority || s.authority == "" {
			s.wrong("%s on %s with a certificate of %q", step, h.name, h.certificate)
		}
	}
	return nil
}

// installed4 checks the end of a bootstrap of 4.x.
func (st *stage) installed4() {
	t := st.t
	view := st.view()
	require.True(t, view.Complete, "%v", view.Problems)
	cluster, plans := st.records()
	require.Equal(t, release4, cluster.Release)
	require.Equal(t, st.site.authority, cluster.MDMAuthority)
	require.Empty(t, cluster.Gateways)
	require.Equal(t, 1, st.site.created)
	managers := 0
	for host, plan := range plans {
		if plan.Persona == model.Manager {
			managers++
			require.Equal(t, model.Done, plan.Steps[nodeproto.StepMDMCertificate].State, host)
			require.Equal(t, st.site.authority, st.site.hosts[host].certificate)
		} else {
			require.NotContains(t, plan.Steps, nodeproto.StepMDMCertificate)
			require.Empty(t, st.site.hosts[host].certificate)
		}
		for _, step := range []string{nodeproto.StepGatewayPackage, nodeproto.StepGatewayConfigure, nodeproto.StepVolumeDriver, nodeproto.StepVolumeDriverEndpoint, nodeproto.StepIsolator, nodeproto.StepAgentRestart} {
			if s, has := plan.Steps[step]; has {
				require.Equal(t, model.Skipped, s.State, "%s on %s", step, host)
				require.Contains(t, s.Reason, "PowerFlex 4.x has n", "%s on %s", step, host)
			}
		}
		require.Equal(t, "id-"+host, plan.SDSID)
	}
	require.Equal(t, 2, managers)
	for path, entry := range st.World.Stored() {
		require.NotContains(t, string(entry.Data), " gets mdm", "a box is never stored: %s", path)
		require.NotContains(t, string(entry.Data), "a2V5L", "nor in base64: %s", path)
	}
}

// With packages of 4.5 the same core makes a system without a gateway.
func TestBootstrapOf4x(t *testing.T) {
	t.Parallel()
	st := newStage(t, options4(), newSite4("a", "b", "c", "d"))
	st.install()
	st.installed4()
	require.Equal(t, model.Done, st.step("a", nodeproto.StepActiveMQPackage).State)
	prepared := decode[nodeproto.PrerequisitesParams](st.site, st.step("a", nodeproto.StepPrerequisites).Params)
	require.Contains(t, prepared.Packages, "java-17-openjdk-headless")
	require.Contains(t, prepared.Packages, "python3")
	require.Empty(t, prepared.Java)
	for _, p := range prepared.Ports {
		require.NotEqual(t, 6611, p.Port)
	}
	require.True(t, decode[nodeproto.LIAIDParams](st.site, st.step("d", nodeproto.StepLIAID).Params).TokenLogin)

	// A host that joins later is served the same way.
	st.site.add("e", nil)
	st.Deliver(st.site.seen("e"), -1)
	st.Settle(time.Minute)
	require.Equal(t, model.Done, st.step("e", core.StepAddDevices).State)
	require.Contains(t, st.order("0000000001", `{"verb":"uninstall","system":"scaleio"}`), "a system of release 4.5-2100.105 is removed through its management platform")
}

// Whoever makes it, the steps that are there only for 4.x are in no other plan.
func TestOlderPlansHaveNoStepsOf4x(t *testing.T) {
	st := newStage(t, options(), newSite("a", "b", "c"))
	st.install()
	cluster, plans := st.records()
	require.NotContains(t, cluster.Steps, nodeproto.StepMDMAuthority)
	require.Equal(t, "2.0-1.1", cluster.Release)
	for _, plan := range plans {
		require.NotContains(t, plan.Steps, nodeproto.StepMDMCertificate)
		require.NotContains(t, plan.Steps, nodeproto.StepActiveMQPackage)
	}
}

// The leader may die after any unit; the box is asked for again, and what comes
// of it is the same.
func TestALeaderOf4xMayDieAnywhere(t *testing.T) {
	t.Parallel()
	run := func(at int) (*stage, int) {
		st := newStage(t, options4(), newSite4("a", "b", "c"))
		st.Check = nil
		st.Start()
		n := 0
		for ; len(st.Pending) > 0; n++ {
			event := st.Pending[0]
			st.Pending = st.Pending[1:]
			st.World.Now = st.World.Now.Add(time.Millisecond)
			if n == at {
				st.Deliver(event, 0) // committed, and nothing of it was done
				st.Start()
				continue
			}
			st.Deliver(event, -1)
		}
		st.Settle(time.Minute)
		return st, n
	}
	clean, units := run(-1)
	clean.installed4()
	for at := rand.IntN(stride); at < units; at += stride {
		st, _ := run(at)
		st.installed4()
		require.Empty(t, st.site.violations, "death after unit %d", at)
		require.Equal(t, clean.site.devices, st.site.devices, "death after unit %d", at)
		require.Equal(t, 1, st.site.authorities, "death after unit %d", at)
	}
}

// A box is sealed to a node agent that may be gone when it comes: the step asks
// for another one. The host of the authority may be away meanwhile.
func TestABoxForANodeAgentThatIsGone(t *testing.T) {
	st := newStage(t, options4(), newSite4("a", "b", "c"))
	held := st.site.hosts["b"]
	lost := 0
	st.site.faulty = func(host, step string, attempt int) *nodeproto.Report {
		if host != "b" || step != nodeproto.StepMDMCertificate || lost > 0 {
			return nil
		}
		lost++
		held.boot++ // it was restarted just before
		return &nodeproto.Report{State: nodeproto.Failed, Interrupted: true, Error: "the node agent was restarted"}
	}
	st.Start()
	st.Settle(0)
	st.Deliver(st.site.nodeUp("b"), -1)
	st.Settle(time.Minute)
	st.installed4()
	require.Equal(t, 2, st.step("b", nodeproto.StepMDMCertificate).Attempt)
}

// The primary may be another host than the first by the time that a host joins.
func TestThePrimaryIsAnotherHost(t *testing.T) {
	st := newStage(t, options4(), newSite4("a", "b", "c"))
	st.install()
	st.installed4()
	st.site.primary = "b"
	st.site.add("d", nil)
	st.Deliver(st.site.seen("d"), -1)
	st.Settle(time.Minute)
	step := st.step("d", core.StepAddSDS)
	require.Equal(t, model.Done, step.State, step.Error)
	require.Equal(t, "b", step.Runner)
	require.Zero(t, step.Failures)
	require.Equal(t, model.Done, st.step("d", core.StepAddDevices).State)
}

// The first MDM's host is lost before the cluster is made: its authority goes
// with it, and certificates that were given are replaced.
func TestTheAuthorityIsLostWithItsHost(t *testing.T) {
	s := newSite4("a", "b", "c", "d")
	st := newStage(t, options4(), s)
	hold := true
	s.faulty = func(host, step string, _ int) *nodeproto.Report {
		if hold && step == nodeproto.StepCreateCluster {
			t.Error("create-cluster was begun")
		}
		if hold && host == "a" && step == nodeproto.StepMDMCertificate {
			return &nodeproto.Report{State: nodeproto.Failed, Interrupted: true, Error: "not yet"}
		}
		return nil
	}
	st.Start()
	st.Settle(time.Second)
	cluster, _ := st.records()
	require.Equal(t, "a", cluster.Members[0].Host)
	require.Equal(t, "authority 1 of a", cluster.MDMAuthority)
	require.Equal(t, "authority 1 of a", s.hosts["b"].certificate)

	hold = false
	s.hosts["a"].gone = true
	st.Deliver(core.NodeDown{Host: "a", Reason: "lost"}, -1)
	st.Settle(time.Hour)
	cluster, _ = st.records()
	require.Equal(t, "d", cluster.Members[0].Host)
	require.Equal(t, "authority 2 of d", cluster.MDMAuthority)
	require.Equal(t, "authority 2 of d", s.hosts["b"].certificate, "the one of a is worth nothing any more")
	require.Equal(t, "authority 2 of d", s.hosts["d"].certificate)
	require.Equal(t, 1, s.created)
	require.Equal(t, model.Done, st.step("", core.StepVerify).State)
	refused := st.order("0000000001", `{"verb":"retry","step":"mdm-authority"}`)
	require.Contains(t, refused, "the MDM cluster trusts the authority that was made")
}

// Packages of the other side of 4.0 do not mix with a system that was begun.
func TestPackagesOfAnotherRelease(t *testing.T) {
	s := newSite("a", "b", "c")
	st := newStage(t, options(), s)
	st.install()
	require.True(t, st.view().Complete)
	stored := st.World.Stored()
	st = newStage(t, options4(), s)
	for path, entry := range stored {
		st.World.Put(path, entry.Data)
	}
	s.add("d", nil)
	st.Start()
	st.Deliver(s.seen("d"), -1)
	st.Settle(time.Minute)
	step := st.step("d", nodeproto.StepPrerequisites)
	require.Equal(t, model.Stuck, step.State)
	require.Contains(t, step.Error, "no package of sds, lia, sdc for centos 7 (rpm) that goes with 2.0-1.1")
}
