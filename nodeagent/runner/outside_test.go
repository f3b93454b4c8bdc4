package runner

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// classic are the mounts of a system with both versions, as el7 and Ubuntu
// 16.04 to 20.04 have them.
const classic = `25 19 0:22 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs ro,mode=755
26 25 0:23 / /sys/fs/cgroup/unified rw shared:9 - cgroup2 cgroup2 rw,nsdelegate
27 25 0:24 / /sys/fs/cgroup/systemd rw shared:10 - cgroup cgroup rw,xattr,name=systemd
30 25 0:27 / /sys/fs/cgroup/cpu,cpuacct rw shared:15 - cgroup cgroup rw,cpu,cpuacct
31 25 0:28 / /sys/fs/cgroup/freezer rw shared:16 - cgroup cgroup rw,freezer
`

func TestTheHierarchiesThatAreLeft(t *testing.T) {
	for name, c := range map[string]struct {
		groups, mounts string
		own            []string
		unified        string
	}{
		"an executor of Mesos' linux launcher": {
			"9:cpu,cpuacct:/mesos/d0b3\n8:freezer:/mesos/d0b3\n1:name=systemd:/mesos_executors.slice\n0::/\n", classic,
			[]string{"/sys/fs/cgroup/cpu,cpuacct", "/sys/fs/cgroup/freezer", "/sys/fs/cgroup/systemd"},
			"",
		},
		"version 2 alone": {
			"0::/system.slice/mesos-agent.service\n", "26 25 0:23 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
			nil, "/sys/fs/cgroup",
		},
		"at the root already":              {"8:freezer:/\n0::/\n", classic, nil, ""},
		"a part of the hierarchy, mounted": {"8:freezer:/mesos/d0b3\n", "31 25 0:28 /mesos /mnt rw - cgroup cgroup rw,freezer\n", nil, ""},
		"a hierarchy that is nowhere":      {"5:pids:/mesos/d0b3\n", classic, nil, ""},
		"a name that begins like another":  {"5:cpu:/x\n", "30 25 0:27 / /mnt rw - cgroup cgroup rw,cpuset\n", nil, ""},
		"lines that make no sense":         {"\nfreezer\n8:freezer\n", "x\n - \n31 25 - cgroup\n", nil, ""},
		"a path with a colon":              {"8:freezer:/a:b\n", classic, []string{"/sys/fs/cgroup/freezer"}, ""},
	} {
		own, unified := hierarchies(c.groups, c.mounts)
		require.Equal(t, c.own, own, name)
		require.Equal(t, c.unified, unified, name)
	}
}

func FuzzHierarchies(f *testing.F) {
	f.Add("8:freezer:/mesos/d0b3\n0::/x\n", classic)
	f.Fuzz(func(t *testing.T, groups, mounts string) {
		own, unified := hierarchies(groups, mounts)
		for _, root := range append(own, unified) {
			require.Contains(t, mounts, root, "only what is mounted is written to")
		}
	})
}
