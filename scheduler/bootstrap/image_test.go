package bootstrap_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/scheduler/bootstrap"
)

const kernel = "5.15.86-flatcar"

// unpacking are options of a system whose hosts may have a read-only /usr.
func unpacking() bootstrap.Options {
	o := options()
	for i := range o.Packages {
		if name := o.Packages[i].Component; name != "gateway" && name != "rexray" && name != "dvdcli" {
			o.Packages[i].OSID, o.Packages[i].OSVersion = "el", "7"
		}
	}
	o.Unpack = "el7"
	return o
}

// with adds a kernel module to the packages.
func with(o bootstrap.Options, kernel string) bootstrap.Options {
	o.Packages = append(o.Packages, bootstrap.Package{
		Component: "scini", Family: "ko", OSVersion: kernel, Name: "scini", Version: "2.0-1.1",
		Artifact: nodeproto.Artifact{Path: "packages/scini-" + kernel + ".ko", SHA256: "00", Size: 1},
	})
	return o
}

// flatcar adds a host whose /usr is read-only.
func (s *site) flatcar(name string, attributes map[string]string) *host {
	h := s.add(name, attributes)
	h.os, h.kernel = model.OS{ID: "flatcar", Version: "3510", Family: model.FamilyUnpacked}, kernel
	return h
}

// succeed lets the scheduler of another configuration lead.
func (st *stage) succeed(o bootstrap.Options) *stage {
	again := newStage(st.t, o, st.site)
	for path, entry := range st.World.Stored() {
		again.World.Put(path, entry.Data)
	}
	again.install()
	return again
}

// driving are the steps that a host without an SDC does without.
var driving = []string{
	nodeproto.StepSDCPackage, nodeproto.StepVolumeDriver, nodeproto.StepVolumeDriverEndpoint, nodeproto.StepIsolator, nodeproto.StepAgentRestart,
}

func TestAHostWithoutAModuleStoresData(t *testing.T) {
	t.Parallel()
	s := newSite("a", "b", "c")
	s.flatcar("f", nil)
	st := newStage(t, unpacking(), s)
	st.install()
	require.True(t, st.view().Complete, "%v", st.view().Problems)
	_, plans := st.records()
	require.Equal(t, model.Storage, plans["f"].Persona)
	require.Empty(t, plans["f"].Problem)
	for name, step := range plans["f"].Steps {
		skipped := false
		for _, d := range driving {
			skipped = skipped || d == name
		}
		if !skipped {
			require.Equal(t, model.Done, step.State, name)
			continue
		}
		require.Equal(t, model.Skipped, step.State, name)
		require.Equal(t, "no scini-5.15.86-flatcar.ko is given, and where /usr is read-only the SDC needs a module for exactly the kernel that runs: the host stores data and uses no volumes (--hosts.without-sdc=data-node)", step.Reason)
	}
	require.Contains(t, s.sds, "f")
	require.Equal(t, model.Done, plans["a"].Steps[nodeproto.StepSDCPackage].State)
	var params nodeproto.PackageParams
	require.NoError(t, json.Unmarshal(plans["f"].Steps[nodeproto.StepSDSPackage].Params, &params))
	require.Equal(t, "EMC-ScaleIO-sds", params.Package)
	var needs nodeproto.PrerequisitesParams
	require.NoError(t, json.Unmarshal(plans["f"].Steps[nodeproto.StepPrerequisites].Params, &needs))
	require.Empty(t, needs.Packages, "there is no distribution to take them from")

	t.Run("and uses volumes once a module is given", func(t *testing.T) {
		st := st.succeed(with(unpacking(), kernel))
		_, plans := st.records()
		for _, name := range driving {
			require.Equal(t, model.Done, plans["f"].Steps[name].State, "%s: %s", name, plans["f"].Steps[name].Error)
		}
		require.NoError(t, json.Unmarshal(plans["f"].Steps[nodeproto.StepSDCPackage].Params, &params))
		require.Equal(t, "packages/scini-5.15.86-flatcar.ko", params.Module.Artifact.Path)
		require.Equal(t, kernel, params.Module.Kernel)
	})
}

func TestAHostWithoutAModuleIsLeftOut(t *testing.T) {
	t.Parallel()
	o := unpacking()
	o.WithoutSDC = bootstrap.WithoutSDCSkip
	s := newSite("a", "b", "c")
	s.flatcar("f", nil)
	st := newStage(t, o, s)
	st.install()
	require.True(t, st.view().Complete, "%v", st.view().Problems)
	_, plans := st.records()
	for name, step := range plans["f"].Steps {
		require.Equal(t, model.Skipped, step.State, name)
		require.Contains(t, step.Reason, "the host is left out (--hosts.without-sdc=skip)")
	}
	require.Empty(t, s.hosts["f"].ran)
	require.NotContains(t, s.sds, "f")
}

// After an update of its image a host runs another kernel.
func TestAnotherKernelNeedsAnotherModule(t *testing.T) {
	t.Parallel()
	const next = "6.1.90-flatcar"
	s := newSite("a", "b", "c")
	f := s.flatcar("f", nil)
	st := newStage(t, with(with(unpacking(), kernel), next), s)
	st.install()
	require.Equal(t, model.Done, st.step("f", nodeproto.StepSDCPackage).State)
	f.kernel, f.boot = next, 1
	st.Post(s.nodeUp("f"))
	st.Settle(time.Minute)
	step := st.step("f", nodeproto.StepSDCPackage)
	require.Equal(t, model.Done, step.State)
	require.Equal(t, 2, step.Attempt)
	require.Contains(t, string(step.Params), "scini-"+next)

	f.kernel, f.boot = "6.6.1-flatcar", 2
	st.Post(s.nodeUp("f"))
	st.Settle(time.Minute)
	step = st.step("f", nodeproto.StepSDCPackage)
	require.Equal(t, model.Skipped, step.State)
	require.Contains(t, step.Reason, "no scini-6.6.1-flatcar.ko is given")
	require.True(t, st.view().Complete)
}

func TestNothingIsDoneOnAnImageUntilItIsSaidWhosePackagesItGets(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct{ unpack, says string }{
		"nothing is said":      {"", "/usr of flatcar 3510 is read-only, so packages would be unpacked into /opt, and nothing says whose: set --hosts.unpack, to el7 for example"},
		"a system without any": {"el8", "no package of sds, lia for el 8 (rpm)"},
	} {
		t.Run(what, func(t *testing.T) {
			o := unpacking()
			o.Unpack = c.unpack
			s := newSite("a", "b", "c")
			s.flatcar("f", nil)
			st := newStage(t, o, s)
			st.install()
			step := st.step("f", nodeproto.StepPrerequisites)
			require.Equal(t, model.Stuck, step.State)
			require.Zero(t, step.Attempt)
			require.Contains(t, step.Error, c.says)
			require.Empty(t, s.hosts["f"].ran)
			require.Equal(t, model.Done, st.step("", core.StepVerify).State, "the others go on")

			st = st.succeed(unpacking())
			require.Equal(t, model.Done, st.step("f", core.StepAddDevices).State, "another scheduler knows more")
		})
	}
}

// Mesos does not tell which system a host has: a place in the MDM cluster that
// such a host got goes to another one.
func TestAnImageHasNoPlaceInTheMDMCluster(t *testing.T) {
	t.Parallel()
	s := newSite("c", "d")
	s.flatcar("a", nil)
	s.flatcar("b", nil)
	st := newStage(t, unpacking(), s)
	st.install()
	cluster, plans := st.records()
	require.Contains(t, cluster.Problem, "mdm2 cannot be on b: its system flatcar 3510 has a read-only /usr, where no gateway can be installed")
	require.Contains(t, cluster.Problem, "add another agent, it takes the place")
	require.Equal(t, model.Pending, st.step("", nodeproto.StepCreateCluster).State)
	require.Empty(t, s.hosts["b"].ran, "it is not touched before it has another part")
	require.Contains(t, plans["b"].Steps[nodeproto.StepPrerequisites].Reason, "read-only /usr")

	s.add("e", nil)
	s.hosts["e"].running = true
	st.Post(s.nodeUp("e"))
	st.Settle(time.Minute)
	cluster, plans = st.records()
	require.True(t, st.view().Complete, "%v %v", st.view().Problems, cluster.Members)
	require.Empty(t, cluster.Problem)
	for _, m := range cluster.Members {
		require.NotContains(t, []string{"a", "b"}, m.Host)
	}
	for _, host := range []string{"a", "b"} {
		require.Equal(t, model.Storage, plans[host].Persona)
		require.Contains(t, s.sds, host)
	}
}

// It reboots by itself, so a quorum is built on it only where that is asked for.
func TestAnImageIsATieBreakerWhereThatIsAskedFor(t *testing.T) {
	t.Parallel()
	s := newSite("a", "b")
	s.flatcar("c", map[string]string{"scaleio-persona": "tie-breaker"})
	st := newStage(t, unpacking(), s)
	st.install()
	cluster, plans := st.records()
	require.True(t, st.view().Complete, "%v", st.view().Problems)
	require.Equal(t, model.Member{Name: "tb1", Host: "c", Persona: model.TieBreaker, Address: "addr-c"}, cluster.Members[2])
	require.Equal(t, model.Skipped, plans["c"].Steps[nodeproto.StepSDCPackage].State)
}

func TestPoliciesForImagesAreChecked(t *testing.T) {
	for what, change := range map[string]func(*bootstrap.Options){
		`--hosts.unpack is "ubuntu16.04"`:    func(o *bootstrap.Options) { o.Unpack = "ubuntu16.04" },
		`--hosts.without-sdc is "sometimes"`: func(o *bootstrap.Options) { o.WithoutSDC = "sometimes" },
	} {
		o := unpacking()
		change(&o)
		_, err := bootstrap.New(o)
		require.ErrorContains(t, err, what)
	}
}
