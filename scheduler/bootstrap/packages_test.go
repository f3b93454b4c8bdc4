package bootstrap_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/scheduler/bootstrap"
)

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
