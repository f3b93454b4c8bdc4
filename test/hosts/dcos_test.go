//go:build hosts

package hosts_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/sandbox"
)

// DC/OS has its own REX-Ray, whose service puts DC/OS's configuration in place
// at each start: no package is installed beside it, and ours comes last.
func TestDCOS(t *testing.T) {
	w := prepare(t, families()["deb"], func(o *sandbox.Options) {
		o.VolumeDriver = true
		o.MesosUnit = sandbox.MesosUnit{DCOS: true, KillMode: "control-group"}
	})
	before := map[string]map[string]string{}
	for _, h := range w.Hosts() {
		before[h.Name] = treeWith(t, h.Root+"/opt/mesosphere", "etc/mesos-slave-common")
	}
	require.NoError(t, w.StartSchedulers())
	w.bootstrapped()
	for _, h := range w.Hosts() {
		runs := h.Agent().Runs()
		require.Len(t, runs, 2)
		require.Equal(t, "cgroups/cpu,cgroups/mem,disk/du,filesystem/linux", runs[0]["isolation"])
		require.Equal(t, "cgroups/cpu,cgroups/mem,disk/du,filesystem/linux,docker/volume", runs[1]["isolation"], "the whole list is repeated")
		require.Empty(t, runs[1]["modules"], "it excludes modules_dir")
		require.Equal(t, "MESOS_ISOLATION=cgroups/cpu,cgroups/mem,disk/du,filesystem/linux,docker/volume", w.on(h, "cat", "/var/lib/dcos/mesos-slave-common"))
		require.Empty(t, differences(before[h.Name], treeWith(t, h.Root+"/opt/mesosphere", "etc/mesos-slave-common")), "what an upgrade replaces is left alone")
		require.Empty(t, w.status(h, "rexray"))
		require.Empty(t, w.status(h, "dvdcli"))

		w.on(h, "systemctl", "restart", "dcos-rexray")
		require.Equal(t, "active", w.on(h, "systemctl", "is-active", "dcos-rexray"))
		require.Contains(t, w.on(h, "cat", "/etc/rexray/config.yml"), "systemName: \"scaleio\"", "after a start")
		for _, file := range []string{"/etc/rexray/config.yml", "/etc/rexray/scaleio.yml"} {
			require.Equal(t, "600 root", w.on(h, "stat", "--format=%a %U", file))
		}
		w.nothingLeft(h)
	}
}
