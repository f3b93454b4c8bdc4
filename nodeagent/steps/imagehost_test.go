package steps_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/nodeagent/packages"
	"scaleio-framework/nodeagent/rpmfile/rpmfiletest"
	"scaleio-framework/scaleio/scaleiotest"
)

// unpackable writes a package of rpm and gives the parameters that install it.
func (w *world) unpackable(component string) nodeproto.PackageParams {
	w.t.Helper()
	home := "./opt/emc/scaleio/" + component
	p := rpmfiletest.Package{
		Name: "EMC-ScaleIO-" + component, Version: "2.6", Release: "11000.113.el7", Compression: "xz",
		Entries: []rpmfiletest.Entry{
			{Name: home + "/bin/run_bin.sh", Mode: rpmfiletest.Regular | 0o755, Body: "#!/bin/sh\n"},
			{Name: home + "/VERSION", Body: version},
		},
	}
	path := filepath.Join("packages", p.Name+".rpm")
	require.NoError(w.t, p.Write(filepath.Join(w.files, path)))
	return nodeproto.PackageParams{Component: component, Package: p.Name, Version: version, Artifact: w.artifact(path)}
}

func TestAnImageGetsItsModuleBeforeItsSDC(t *testing.T) {
	const kernel = "5.15.86-flatcar"
	w := newWorld(t, scaleiotest.Options{})
	n := w.node("a", w.ip(1), scaleiotest.EL7)
	n.write(map[string]string{"etc/os-release": "ID=flatcar\nVERSION_ID=3510\n", "proc/sys/kernel/osrelease": kernel + "\n"})
	require.NoError(t, os.WriteFile(filepath.Join(w.files, "packages", "scini.ko"), []byte("module"), 0o644))
	params := w.unpackable("sdc")
	params.MDMAddresses = []string{w.ip(2), w.ip(3)}
	params.Module = &nodeproto.KernelModule{Kernel: "6.1.90-flatcar", Artifact: w.artifact("packages/scini.ko")}

	_, _, err := n.try(nodeproto.StepSDCPackage, params)
	require.ErrorContains(t, err, "the host runs the kernel 5.15.86-flatcar, the module is for 6.1.90-flatcar")
	require.NoFileExists(t, filepath.Join(n.root, packages.DrvCfg), "nothing is unpacked without the module")

	params.Module.Kernel = kernel
	// No MDM has taken this SDC, and none will: there is no cluster.
	_, _, err = n.try(nodeproto.StepSDCPackage, params)
	require.Error(t, err)
	require.Equal(t, "module", n.read(packages.ModuleFile(kernel)))
	require.Contains(t, n.read(packages.DrvCfg), "mdm "+w.ip(2)+","+w.ip(3)+"\n")
	require.Contains(t, n.read("etc/systemd/system/scini.service"), "load_scini start")
}

func TestAnImageWithoutPackagesOfADistribution(t *testing.T) {
	w := newWorld(t, scaleiotest.Options{})
	n := w.node("a", w.ip(1), scaleiotest.EL7)
	n.write(map[string]string{"etc/os-release": "ID=flatcar\nVERSION_ID=3510\n"})
	_, changed, err := n.try(nodeproto.StepPrerequisites, nodeproto.PrerequisitesParams{})
	require.NoError(t, err)
	require.False(t, changed)
	require.NoError(t, os.Remove(filepath.Join(w.tools, "dvdcli")))
	// The Mesos agent would not start again without dvdcli on its PATH.
	_, _, err = n.try(nodeproto.StepIsolator, nodeproto.IsolatorParams{Mode: "docker-volume"})
	require.ErrorContains(t, err, "add that directory to the agent's PATH")
}
