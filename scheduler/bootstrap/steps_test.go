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
	"scaleio-framework/scheduler/bootstrap"
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

func TestMissingPackagesAreExplainedBeforeAHostIsTouched(t *testing.T) {
	o := options()
	o.Packages = slices.DeleteFunc(o.Packages, func(p bootstrap.Package) bool {
		return slices.Contains([]string{"lia", "gateway", "dvdcli"}, p.Component)
	})
	st := newStage(t, o, newSite("a", "b", "c", "d"))
	st.install()
	for host, missing := range map[string]string{"a": "lia, gateway, dvdcli", "d": "lia, dvdcli"} {
		require.Empty(t, st.site.hosts[host].journal, "nothing was sent to %s", host)
		step := st.step(host, nodeproto.StepPrerequisites)
		require.Equal(t, model.Stuck, step.State)
		require.Zero(t, step.Attempt)
		require.Equal(t, "no package of "+missing+" for centos 7 (rpm): give one in --artifacts.dir or --packages of every scheduler, restart them, then order retry", step.Error)
	}

	again := newStage(t, options(), st.site)
	for path, entry := range st.World.Stored() {
		again.World.Put(path, entry.Data)
	}
	again.install()
	require.True(t, again.view().Complete, "%v", again.view().Problems)
}

// What a distribution must have beside the vendor's packages differs by its
// release.
func TestPrerequisitesFollowTheSystem(t *testing.T) {
	for name, c := range map[string]struct {
		os               model.OS
		manager, storage []string
	}{
		"Red Hat 7":    {model.OS{ID: "centos", Version: "7", Family: "rpm"}, []string{"libaio", "numactl", "java-1.8.0-openjdk"}, []string{"libaio", "numactl"}},
		"Red Hat 8":    {model.OS{ID: "rocky", Version: "8.10", Family: "rpm"}, []string{"libaio", "numactl", "python3", "binutils", "java-1.8.0-openjdk"}, []string{"libaio", "numactl", "python3", "binutils"}},
		"SLES 12":      {model.OS{ID: "sles", Version: "12.5", Family: "rpm"}, []string{"libaio1", "numactl", "python3", "java-1_8_0-openjdk"}, []string{"libaio1", "numactl", "python3"}},
		"Amazon Linux": {model.OS{ID: "amzn", Version: "2", Family: "rpm"}, []string{"libaio", "numactl", "java-1.8.0-openjdk"}, []string{"libaio", "numactl"}},
	} {
		st := newStage(t, options(), newSite("a", "b", "c", "d"))
		for _, h := range st.site.hosts {
			h.os = c.os
		}
		st.install()
		for host, want := range map[string][]string{"a": c.manager, "d": c.storage} {
			var params nodeproto.PrerequisitesParams
			require.NoError(t, json.Unmarshal(st.step(host, nodeproto.StepPrerequisites).Params, &params), name)
			require.Equal(t, want, params.Packages, name)
		}
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

// A host's agent says which version it is, so all modules are sent.
func TestTheModulesOfTheIsolatorAreSent(t *testing.T) {
	o := options()
	o.Isolator = bootstrap.IsolatorDVDI
	_, err := bootstrap.New(o)
	require.ErrorContains(t, err, "--volumes.isolator is dvdi, but no libmesos_dvdi_isolator-")
	var want []nodeproto.IsolatorModule
	for _, version := range []string{"0.28.2", "1.0.1"} {
		m := nodeproto.IsolatorModule{MesosVersion: version, Artifact: nodeproto.Artifact{Path: "packages/" + version + ".so", SHA256: "00", Size: 1}}
		want = append(want, m)
		o.Packages = append(o.Packages, bootstrap.Package{Component: "dvdi", Family: "so", Name: "dvdi", Version: version, Artifact: m.Artifact})
	}
	st := newStage(t, o, newSite("a", "b", "c"))
	st.install()
	var params nodeproto.IsolatorParams
	require.NoError(t, json.Unmarshal(st.step("a", nodeproto.StepIsolator).Params, &params))
	require.Equal(t, nodeproto.IsolatorParams{Mode: "dvdi", Modules: want, Service: o.AgentService}, params)
}

// The record of each package says which keys may have signed it.
func TestTheKeysOfAFamilyAreSentWithItsPackages(t *testing.T) {
	o := options()
	key := nodeproto.Artifact{Path: "packages/00/RPM-GPG-KEY-ScaleIO", SHA256: "00", Size: 1}
	for _, family := range []string{"rpm", "deb"} {
		o.Packages = append(o.Packages, bootstrap.Package{Component: "key", Family: family, Name: "RPM-GPG-KEY-ScaleIO", Artifact: key})
	}
	st := newStage(t, o, newSite("a", "b", "c"))
	st.install()
	var params nodeproto.PackageParams
	require.NoError(t, json.Unmarshal(st.step("a", nodeproto.StepSDSPackage).Params, &params))
	require.Equal(t, []nodeproto.Artifact{key}, params.Keys)
	var driver nodeproto.VolumeDriverParams
	require.NoError(t, json.Unmarshal(st.step("a", nodeproto.StepVolumeDriver).Params, &driver))
	require.Equal(t, []nodeproto.Artifact{key}, driver.Keys)
}

// What is denied is not taken, whatever else says that it may be, and is not
// waited for.
func TestDeniedDevicesAreNeverTaken(t *testing.T) {
	o := options()
	o.DevicePattern, o.DeviceDeny = "/dev/sd*", "/dev/sdb, /dev/disk/by-id/keep-*"
	st := newStage(t, o, newSite("a", "b", "c", "d"))
	st.site.hosts["a"].disks = []model.Disk{
		{Path: "/dev/sdb", Device: "/dev/sdb", Size: 200e9, Free: true},
		{Path: "/dev/disk/by-id/keep-1", Device: "/dev/sdc", Size: 200e9, Free: true},
		{Path: "/dev/disk/by-id/take-1", Device: "/dev/sdd", Size: 200e9, Free: true},
	}
	st.site.hosts["b"].disks = []model.Disk{{Path: "/dev/sdb", Device: "/dev/sdb", Size: 200e9, Why: "its holders cannot be listed", Unexamined: true}}
	st.install()
	_, plans := st.records()
	require.Equal(t, []model.Device{{Name: "a-sdd", Path: "/dev/disk/by-id/take-1", Size: 200e9, ID: "dev-a-sdd"}}, plans["a"].Devices)
	step := st.step("b", core.StepAddDevices)
	require.Equal(t, model.Skipped, step.State)
	require.Contains(t, step.Reason, "/dev/sdb: among --devices.deny=/dev/sdb, /dev/disk/by-id/keep-*")
}

func TestDevices(t *testing.T) {
	t.Parallel()
	disk := func(device string, size int64, why string) model.Disk {
		return model.Disk{Path: device, Device: device, Size: size, Free: why == "", Why: why}
	}
	unexamined := func(device string) model.Disk {
		return model.Disk{Path: device, Device: device, Size: 200e9, Why: "its holders cannot be listed", Unexamined: true}
	}
	const big = 200e9
	for _, c := range []struct {
		what    string
		pattern string
		disks   []model.Disk
		names   []string
		reason  string
		problem string
	}{
		{"every free disk is taken", "auto", []model.Disk{disk("/dev/sda", big, "it is mounted at /"), disk("/dev/sdb", big, ""), disk("/dev/sdc", big, "")}, []string{"a-sdb", "a-sdc"}, "", ""},
		{"patterns choose", "/dev/sd[c-d], /dev/nvme*", []model.Disk{disk("/dev/sdb", big, ""), disk("/dev/sdc", big, ""), disk("/dev/nvme1n1", big, "")}, []string{"a-sdc", "a-nvme1n1"}, "", ""},
		{"small disks are not taken", "auto", []model.Disk{disk("/dev/sdb", 99_999_999_999, ""), disk("/dev/sdc", 100_000_000_000, "")}, []string{"a-sdc"}, "", ""},
		{"none is free", "auto", []model.Disk{disk("/dev/sda", big, "it is mounted at /"), disk("/dev/sdb", 5, "")}, nil, "/dev/sda: it is mounted at /; /dev/sdb: 5 bytes", ""},
		{"there are none", "auto", nil, nil, "no disks", ""},
		{"what was not examined holds the choice up", "auto", []model.Disk{disk("/dev/sdb", big, ""), unexamined("/dev/sdc")}, nil, "", "/dev/sdc: its holders cannot be listed"},
		{"unless no pattern wants it", "/dev/sdb", []model.Disk{disk("/dev/sdb", big, ""), unexamined("/dev/sdc")}, []string{"a-sdb"}, "", ""},
	} {
		t.Run(c.what, func(t *testing.T) {
			o := options()
			o.DevicePattern = c.pattern
			st := newStage(t, o, newSite("a", "b", "c"))
			st.site.hosts["a"].disks = c.disks
			st.install()
			_, plans := st.records()
			plan, step := plans["a"], st.step("a", core.StepAddDevices)
			var names []string
			for _, d := range plan.Devices {
				names = append(names, d.Name)
			}
			require.Equal(t, c.names, names)
			switch {
			case c.problem != "":
				require.Contains(t, plan.Problem, c.problem)
				require.False(t, plan.DevicesFrozen)
				require.Equal(t, model.Pending, step.State)
				st.site.hosts["a"].disks = []model.Disk{disk("/dev/sdb", big, "")}
				st.Post(st.site.nodeUp("a"))
				st.Settle(time.Second)
				_, plans = st.records()
				require.Empty(t, plans["a"].Problem)
				require.Equal(t, model.Done, st.step("a", core.StepAddDevices).State)
			case c.reason != "":
				require.Equal(t, model.Skipped, step.State)
				require.Contains(t, step.Reason, c.reason)
			}
		})
	}
}

// Disks that turn up later stay out, until an operator orders otherwise.
func TestLaterDisksEnterByAnOrder(t *testing.T) {
	st := newStage(t, options(), newSite("a", "b", "c"))
	st.site.hosts["a"].disks = nil
	st.install()
	require.Equal(t, model.Skipped, st.step("a", core.StepAddDevices).State)
	require.Contains(t, st.order("1", `{"verb":"retry","host":"a","step":"add-devices"}`), "no disks")
	st.site.hosts["a"].disks = []model.Disk{{Path: "/dev/sdz", Device: "/dev/sdz", Size: 200e9, Free: true}}
	st.Post(st.site.nodeUp("a"))
	st.Settle(time.Minute)
	require.Equal(t, model.Skipped, st.step("a", core.StepAddDevices).State)
	require.Empty(t, st.order("2", `{"verb":"retry","host":"a","step":"add-devices"}`))
	st.Settle(time.Minute)
	require.Equal(t, model.Done, st.step("a", core.StepAddDevices).State)
	require.Equal(t, "/dev/sdz", st.site.devices["a/a-sdz"])
	require.True(t, st.view().Complete)
}

// A volume of a growth is added by that growth: neither the first choice of
// disks nor a later order takes it, in whichever term it was made.
func TestVolumesOfGrowthsStayOut(t *testing.T) {
	stored := []byte(`{"id":"g1","state":"open","slots":[{"index":0,"state":"attached","volume_id":"vol-0a"}]}`)
	disk := func(name, serial string) model.Disk {
		return model.Disk{Path: "/dev/" + name, Device: "/dev/" + name, Size: 200e9, Free: true, Serial: serial}
	}
	st := newStage(t, options(), newSite("a", "b", "c"))
	st.World.Put("/growth/g1", stored)
	unexamined := disk("nvme3n1", "vol0a")
	unexamined.Free, unexamined.Unexamined, unexamined.Why = false, true, "it was not examined"
	st.site.hosts["a"].disks = []model.Disk{disk("nvme1n1", "vol0a"), unexamined}
	st.install()
	require.Equal(t, model.Skipped, st.step("a", core.StepAddDevices).State)
	require.Contains(t, st.step("a", core.StepAddDevices).Reason, "/dev/nvme1n1: it is volume vol0a of a growth")

	st.Deliver(core.CloudAnswered{Op: core.CloudCreate, Growth: "g2", Volumes: []core.CloudVolume{{ID: "vol-0b"}}}, -1)
	st.site.hosts["a"].disks = []model.Disk{disk("nvme1n1", ""), disk("nvme2n1", "vol0b")}
	st.site.hosts["a"].disks[0].Path = "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0a"
	st.Post(st.site.nodeUp("a"))
	st.Settle(time.Second)
	require.Contains(t, st.order("1", `{"verb":"retry","host":"a","step":"add-devices"}`), "/dev/nvme2n1: it is volume vol0b of a growth")

	st.site.hosts["a"].disks = append(st.site.hosts["a"].disks, disk("nvme4n1", "vol0c"))
	st.Post(st.site.nodeUp("a"))
	st.Settle(time.Second)
	require.Empty(t, st.order("2", `{"verb":"retry","host":"a","step":"add-devices"}`))
	st.Settle(time.Minute)
	require.Equal(t, model.Done, st.step("a", core.StepAddDevices).State)
	_, plans := st.records()
	require.Len(t, plans["a"].Devices, 1)
	require.Equal(t, "/dev/nvme4n1", plans["a"].Devices[0].Path)
}

// A growth that cannot be read may own any EBS volume.
func TestAnUnreadableGrowthKeepsVolumesOut(t *testing.T) {
	st := newStage(t, options(), newSite("a", "b", "c"))
	st.World.Put("/growth/g1", []byte(`{"slots":`))
	st.site.hosts["a"].disks = []model.Disk{
		{Path: "/dev/nvme1n1", Device: "/dev/nvme1n1", Size: 200e9, Free: true, Serial: "vol0a"},
		{Path: "/dev/sdb", Device: "/dev/sdb", Size: 200e9, Free: true, Serial: "S3Z1"},
	}
	st.install()
	_, plans := st.records()
	require.Len(t, plans["a"].Devices, 1)
	require.Equal(t, "/dev/sdb", plans["a"].Devices[0].Path)
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
