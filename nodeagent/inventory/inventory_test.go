package inventory_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"scaleio-framework/internal/model"
	"scaleio-framework/nodeagent/hostfs"
	"scaleio-framework/nodeagent/inventory"
	"scaleio-framework/nodeagent/runner"
	"scaleio-framework/scaleio/scaleiotest"
)

const gib = int64(1) << 30

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// collect lays out a host and looks at it.
func collect(t *testing.T, tools string, disks ...scaleiotest.Disk) (string, func() model.Inventory) {
	t.Helper()
	root := t.TempDir()
	require.NoError(t, scaleiotest.PrepareHost(root, scaleiotest.HostSpec{Hostname: "node1", IP: "10.0.0.1", OS: scaleiotest.EL7, Disks: disks}))
	c := inventory.New(inventory.Options{
		Root: hostfs.New(root), Runner: runner.New(runner.Options{Tools: tools}), Address: "10.0.0.1", PublicKey: "key", Version: "v1",
	})
	return root, func() model.Inventory {
		inv, err := c.Collect(t.Context())
		require.NoError(t, err)
		return inv
	}
}

func needProbes(t *testing.T) {
	t.Helper()
	for _, tool := range []string{"blkid", "wipefs"} {
		_, err := exec.LookPath(tool)
		require.NoError(t, err, "make setup installs it")
	}
}

func TestAHostIsDescribed(t *testing.T) {
	root, look := collect(t, "")
	inv := look()
	require.Equal(t, "node1", inv.Hostname)
	require.Equal(t, model.OS{ID: "centos", Version: "7", Family: "rpm"}, inv.OS)
	require.Equal(t, "3.10.0-1160.el7.x86_64", inv.Kernel)
	require.Len(t, inv.MachineID, 32)
	require.NotEmpty(t, inv.BootID)
	require.Positive(t, inv.MemoryMB)
	require.Positive(t, inv.CPUs)
	require.NoError(t, inv.Validate())
	require.True(t, inventory.Equal(inv, look()), "a host that did not change is described the same")
	require.NoError(t, os.WriteFile(filepath.Join(root, "proc/meminfo"), []byte("MemTotal:       2048000 kB\nMemFree: 1 kB\n"), 0o644))
	require.Equal(t, int64(2000), look().MemoryMB)
	require.False(t, inventory.Equal(inv, look()))
}

func TestAnUnsupportedSystemIsDescribedAllTheSame(t *testing.T) {
	root, _ := collect(t, "")
	require.NoError(t, os.WriteFile(filepath.Join(root, "etc/os-release"), []byte("ID=plan9\nVERSION_ID=4\n"), 0o644))
	inv, err := inventory.New(inventory.Options{Root: hostfs.New(root), Runner: runner.New(runner.Options{}), Address: "10.0.0.1"}).Collect(t.Context())
	require.ErrorContains(t, err, "plan9")
	require.Equal(t, "node1", inv.Hostname)
	require.Equal(t, model.OS{ID: "plan9", Version: "4"}, inv.OS)
}

func TestOnlyEmptyWholeDisksAreFree(t *testing.T) {
	needProbes(t)
	for name, c := range map[string]struct {
		disk scaleiotest.Disk
		why  string // empty: the disk is free
	}{
		"an empty disk":       {scaleiotest.Disk{Name: "sdb"}, ""},
		"an empty NVMe disk":  {scaleiotest.Disk{Name: "nvme1n1"}, ""},
		"a partitioned disk":  {scaleiotest.Disk{Name: "sdb", Partitions: []string{"sdb1"}}, "it has the partition sdb1"},
		"a mounted disk":      {scaleiotest.Disk{Name: "sdb", Mounted: "/data"}, "it is mounted at /data"},
		"a disk with holders": {scaleiotest.Disk{Name: "sdb", Holders: []string{"dm-0"}}, "it is held by dm-0"},
		"a removable disk":    {scaleiotest.Disk{Name: "sdb", Removable: true}, "it is removable"},
		"a read-only disk":    {scaleiotest.Disk{Name: "sdb", ReadOnly: true}, "it is read-only"},
		"an LVM volume":       {scaleiotest.Disk{Name: "sdb", Signature: "LVM2_member"}, "LVM2_member"},
		"an ext4 superblock":  {scaleiotest.Disk{Name: "sdb", Signature: "ext4"}, "signature"},
		"a disk of ScaleIO":   {scaleiotest.Disk{Name: "sdb", Signature: "SCALEIO-DEVICE-1"}, "something unknown is written on it, at byte 0"},
		"a partition table":   {scaleiotest.Disk{Name: "sdb", Signature: strings.Repeat("\x00", 510) + "\x55\xaa"}, "signature"},
	} {
		t.Run(name, func(t *testing.T) {
			c.disk.SizeBytes = 100 * gib
			_, look := collect(t, "", c.disk)
			disks := look().Disks
			require.Len(t, disks, 1)
			require.Equal(t, c.why == "", disks[0].Free, disks[0].Why)
			require.Contains(t, disks[0].Why, c.why)
			require.False(t, disks[0].Unexamined)
			require.Equal(t, 100*gib, disks[0].Size)
			require.Equal(t, "/dev/"+c.disk.Name, disks[0].Device)
		})
	}
}

func TestWhatIsWrittenAtTheEndOfADiskIsSeenToo(t *testing.T) {
	needProbes(t)
	root, look := collect(t, "", scaleiotest.Disk{Name: "sdb", SizeBytes: gib})
	require.True(t, look().Disks[0].Free)
	f, err := os.OpenFile(filepath.Join(root, "dev/sdb"), os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteAt([]byte{1}, gib-7)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	require.Contains(t, look().Disks[0].Why, "at byte 1073741817: if nobody needs it")
	require.False(t, look().Disks[0].Unexamined)
}

func TestARealFileSystemIsSeen(t *testing.T) {
	needProbes(t)
	mkfs, err := exec.LookPath("mkfs.ext4")
	require.NoError(t, err, "make setup installs it")
	root, look := collect(t, "", scaleiotest.Disk{Name: "sdb", SizeBytes: gib})
	require.True(t, look().Disks[0].Free)
	out, err := exec.CommandContext(t.Context(), mkfs, "-q", "-F", filepath.Join(root, "dev/sdb")).CombinedOutput()
	require.NoError(t, err, "%s", out)
	disk := look().Disks[0]
	require.False(t, disk.Free)
	require.Contains(t, disk.Why, "ext4")
}

func TestADiskThatIsSwappedToIsNotFree(t *testing.T) {
	root, look := collect(t, "", scaleiotest.Disk{Name: "sdb", SizeBytes: gib})
	require.NoError(t, os.WriteFile(filepath.Join(root, "proc/swaps"),
		[]byte("Filename Type Size Used Priority\n/dev/sdb partition 8388604 0 -2\n"), 0o644))
	require.Equal(t, "it is swapped to", look().Disks[0].Why)
}

func TestAMountByAnotherNameCountsToo(t *testing.T) {
	root, look := collect(t, "", scaleiotest.Disk{Name: "sdb", SizeBytes: gib, Serial: "vol-01"})
	mounts := filepath.Join(root, "proc/mounts")
	require.NoError(t, os.WriteFile(mounts, []byte("/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol01 /my\\040data xfs rw 0 0\n"), 0o644))
	require.Equal(t, "it is mounted at /my data", look().Disks[0].Why)
	// And by the device's number alone.
	require.NoError(t, os.WriteFile(mounts, []byte("/dev/root / ext4 rw 0 0\n"), 0o644))
	require.NoError(t, os.MkdirAll(filepath.Join(root, "proc/1"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(root, "proc/1/mountinfo"), []byte("22 1 8:16 / / rw - ext4 /dev/root rw\n"), 0o644))
	require.Equal(t, "it is mounted at /", look().Disks[0].Why)
	require.NoError(t, os.RemoveAll(filepath.Join(root, "proc/1")))
	require.NoError(t, os.Remove(mounts))
	require.Equal(t, "the host's mounts cannot be read", look().Disks[0].Why)
	require.True(t, look().Disks[0].Unexamined)
}

func TestWithoutTheToolsNothingIsFree(t *testing.T) {
	needProbes(t)
	_, look := collect(t, "", scaleiotest.Disk{Name: "sdb", SizeBytes: gib})
	t.Setenv("PATH", t.TempDir())
	require.True(t, look().Disks[0].Free, "this collector was made with the tools")
	_, look = collect(t, "", scaleiotest.Disk{Name: "sdb", SizeBytes: gib})
	require.Equal(t, "it was not examined: the host has no blkid", look().Disks[0].Why)
	require.True(t, look().Disks[0].Unexamined)

	tools := t.TempDir()
	for name, script := range map[string]string{"blkid": "exit 2", "wipefs": "echo cannot open >&2; exit 1"} {
		require.NoError(t, os.WriteFile(filepath.Join(tools, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755))
	}
	_, look = collect(t, tools, scaleiotest.Disk{Name: "sdb", SizeBytes: gib})
	disk := look().Disks[0]
	require.False(t, disk.Free)
	require.Contains(t, disk.Why, "cannot open")
	require.True(t, disk.Unexamined)
}

func TestVirtualDevicesAreNoDisks(t *testing.T) {
	names := []string{"loop0", "ram1", "zram0", "dm-3", "md127", "sr0", "fd0", "scinia", "nbd2", "rbd0", "drbd1", "bcache0", "zd16", "nullb0", "ublkb1", "rnbd2"}
	var disks []scaleiotest.Disk
	for _, name := range append(names, "sdb", "xvdf", "vdb") {
		disks = append(disks, scaleiotest.Disk{Name: name, SizeBytes: gib})
	}
	_, look := collect(t, "", disks...)
	var found []string
	for _, d := range look().Disks {
		found = append(found, d.Device)
	}
	require.Equal(t, []string{"/dev/sdb", "/dev/vdb", "/dev/xvdf"}, found)
}

func TestTheMostStablePathIsPreferred(t *testing.T) {
	root, look := collect(t, "", scaleiotest.Disk{Name: "nvme1n1", SizeBytes: gib, Serial: "vol-0abc"})
	byID := filepath.Join(root, "dev/disk/by-id")
	require.NoError(t, os.Symlink("../../nvme1n1", filepath.Join(byID, "nvme-eui.0001")))
	require.NoError(t, os.Symlink("../../nvme1n1p1", filepath.Join(byID, "a-partition")))
	disk := look().Disks[0]
	require.Equal(t, "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0abc", disk.Path)
	require.Equal(t, "vol0abc", disk.Serial)
	require.Equal(t, "Double", disk.Model)
}

func TestOperatingSystems(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want model.OS
		err  string
	}{
		"Ubuntu":                   {"NAME=\"Ubuntu\"\nID=ubuntu\nVERSION_ID=\"14.04\"\n", model.OS{ID: "ubuntu", Version: "14.04", Family: "deb"}, ""},
		"Debian":                   {"ID=debian\nVERSION_ID=\"12\"\n", model.OS{ID: "debian", Version: "12", Family: "deb"}, ""},
		"CentOS":                   {"ID=\"centos\"\nVERSION_ID=\"7\"\n", model.OS{ID: "centos", Version: "7", Family: "rpm"}, ""},
		"Rocky":                    {"ID='rocky'\nVERSION_ID='9.3'\n", model.OS{ID: "rocky", Version: "9.3", Family: "rpm"}, ""},
		"AlmaLinux":                {"ID=almalinux\nVERSION_ID=8.9\n", model.OS{ID: "almalinux", Version: "8.9", Family: "rpm"}, ""},
		"Red Hat":                  {"ID=rhel\nVERSION_ID=8\n", model.OS{ID: "rhel", Version: "8", Family: "rpm"}, ""},
		"SUSE":                     {"# a comment\n\nID=\"sles\"\nVERSION_ID=\"12.2\"\n", model.OS{ID: "sles", Version: "12.2", Family: "rpm"}, ""},
		"Fedora without version":   {"ID=fedora\r\n", model.OS{ID: "fedora", Family: "rpm"}, ""},
		"one that is like another": {"ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n", model.OS{ID: "linuxmint", Family: "deb"}, ""},
		"Flatcar":                  {"ID=flatcar\nID_LIKE=coreos\nVERSION_ID=3510\n", model.OS{ID: "flatcar", Version: "3510", Family: "unpacked"}, ""},
		"Container Linux":          {"ID=coreos\nVERSION_ID=2345.3.0\n", model.OS{ID: "coreos", Version: "2345.3.0", Family: "unpacked"}, ""},
		"Red Hat CoreOS":           {"ID=\"rhcos\"\nID_LIKE=\"rhel fedora\"\nVERSION_ID=\"4.13\"\nVARIANT_ID=coreos\n", model.OS{ID: "rhcos", Version: "4.13", Family: "unpacked"}, ""},
		"Fedora CoreOS":            {"ID=fedora\nVERSION_ID=35\nVARIANT_ID=coreos\nOSTREE_VERSION='35.20211203.3.0'\n", model.OS{ID: "fedora", Version: "35", Family: "unpacked"}, ""},
		"another of OSTree":        {"ID=rhel\nVERSION_ID=9.2\nOSTREE_VERSION=9.2\n", model.OS{ID: "rhel", Version: "9.2", Family: "unpacked"}, ""},
		"Fedora's server":          {"ID=fedora\nVERSION_ID=38\nVARIANT_ID=server\n", model.OS{ID: "fedora", Version: "38", Family: "rpm"}, ""},
		"one that is unknown":      {"ID=plan9\nVERSION_ID=4\n", model.OS{ID: "plan9", Version: "4"}, `"plan9" "4" is not supported`},
		"nothing":                  {"", model.OS{}, "no ID"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := inventory.ParseOSRelease([]byte(c.text))
			require.Equal(t, c.want, got)
			if c.err == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, c.err)
			}
		})
	}
	_, err := inventory.OS(hostfs.New(t.TempDir()))
	require.ErrorContains(t, err, "/etc/os-release")
}

func TestAnImageWhoseSELinuxEnforcesCannotBeUsed(t *testing.T) {
	const flatcar = "ID=flatcar\nVERSION_ID=3510\n"
	for name, c := range map[string]struct{ release, enforce, err string }{
		"an image":                  {flatcar, "", ""},
		"one that only writes down": {flatcar, "0", ""},
		"one that enforces":         {flatcar, "1", `"flatcar" "3510" has a read-only /usr`},
		"an ordinary host":          {"ID=centos\nVERSION_ID=7\n", "1", ""},
	} {
		t.Run(name, func(t *testing.T) {
			root := hostfs.New(t.TempDir())
			require.NoError(t, root.Write("/etc/os-release", []byte(c.release), 0o644))
			if c.enforce != "" {
				require.NoError(t, root.Write("/sys/fs/selinux/enforce", []byte(c.enforce), 0o644))
			}
			_, err := inventory.OS(root)
			if c.err == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, c.err)
			}
		})
	}
}

func FuzzParseOSRelease(f *testing.F) {
	f.Add([]byte("ID=ubuntu\nVERSION_ID=\"14.04\"\n"))
	f.Add([]byte("ID='\nID_LIKE=\\"))
	f.Fuzz(func(t *testing.T, data []byte) {
		system, err := inventory.ParseOSRelease(data)
		if err == nil {
			require.Contains(t, []string{"deb", "rpm"}, system.Family)
			require.NotEmpty(t, system.ID)
		}
	})
}
