//go:build hosts

package hosts_test

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/model"
	"scaleio-framework/internal/sandbox"
	"scaleio-framework/nodeagent/hosttest"
)

// diskBytes is well above the smallest disk that is taken.
const diskBytes = 110 << 30

// A disk with anything on it is not offered by its host, is not named by the
// plan, and holds at the end what it held; an empty one beside it is taken.
func TestADiskWithDataIsNeverTouched(t *testing.T) {
	w := prepare(t, families()["deb"])
	h := w.Hosts()[0]
	free := []string{"/dev/sdb"} // comes with the world
	kinds := []struct {
		what, why string
		write     func(*hosttest.Disk)
	}{
		{"ext4", "ext4", outer(t, "mkfs.ext4", "-q", "-E", "lazy_itable_init=1,lazy_journal_init=1")},
		{"xfs", "xfs", outer(t, "mkfs.xfs", "-q")},
		{"an LVM volume", "LVM2_member", outer(t, "pvcreate", "-q")},
		{"swap", "swap", outer(t, "mkswap")},
		{"a GPT with a partition", "it has the partition", partitioned(t, "label: gpt\n,,\n")},
		{"a DOS table with a partition", "it has the partition", partitioned(t, "label: dos\n,,\n")},
		{"an empty table", "signature", partitioned(t, "label: gpt\n")},
		{"the header of another ScaleIO system", "something unknown is written on it, at byte 0", writing(t, "SCALEIO-DEVICE-1", 0)},
		{"data of a database, without any header", "something unknown is written on it, at byte 8192", writing(t, "rows", 8192)},
		{"something at its end", "something unknown is written on it", writing(t, "tail", diskBytes-512)},
		{"a member of a RAID with its superblock at the end", "linux_raid_member", raidMember(t, superblock090)},
		{"a member of a RAID with its superblock at 4 KiB", "linux_raid_member", raidMember(t, superblock12)},
		{"LUKS", "crypto_LUKS", writing(t, "LUKS\xba\xbe\x00\x01", 0)},
		{"btrfs", "btrfs", writing(t, "_BHRfS_M", 65600)},
		{"bcache", "something unknown is written on it, at byte 4120", writing(t, "\xc6\x85\x73\xf6\x4e\x1a\x45\xca\x82\x65\xf5\x7f\x48\xba\x6d\x81", 4096+24)},
		{"ZFS, by its last label alone", "something unknown is written on it", writing(t, "\x0c\xb1\xba\x00", diskBytes-128<<10)},
		{"nothing, but it is read-only", "it is read-only", readOnly(t)},
		{"nothing, but a program has it open for itself", "a program or the kernel has it for itself", opened(t)},
		{"nothing", "", func(*hosttest.Disk) {}},
	}
	disks := make([]*hosttest.Disk, len(kinds))
	before := make([]string, len(kinds))
	for i, k := range kinds {
		var err error
		disks[i], err = h.Machine.AddDisk(t.Context(), fmt.Sprintf("sd%c", 'c'+i), diskBytes)
		require.NoError(t, err)
		k.write(disks[i])
		before[i] = fingerprint(t, disks[i])
		if k.why == "" {
			free = append(free, disks[i].Path())
		}
	}
	require.NoError(t, w.StartSchedulers())
	state := w.bootstrapped()

	require.Equal(t, free, paths(state.Plans[h.Name].Devices), "what the plan names")
	found := w.System().Snapshot().SDSs
	taken := 0
	for _, sds := range found {
		if sds.Host == h.Name {
			require.Len(t, sds.Devices, len(free))
			for _, path := range free {
				require.Contains(t, sds.Devices, path)
			}
			taken++
		}
	}
	require.Equal(t, 1, taken, "the host has one SDS")
	// The host tells by itself, a minute later at the most, what was taken.
	state = w.await("the host to see what was taken", func(s sandbox.State) bool {
		seen := inventoryOf(s, h)
		return !slices.ContainsFunc(free, func(path string) bool { return seen[path].Free })
	})
	seen := inventoryOf(state, h)
	for i, k := range kinds {
		d := seen[disks[i].Path()]
		require.Equal(t, int64(diskBytes), d.Size, k.what)
		require.False(t, d.Free, "%s: a device of ScaleIO is free no more, either", k.what)
		if k.why == "" {
			require.NotEqual(t, before[i], fingerprint(t, disks[i]), "ScaleIO wrote its header")
			continue
		}
		require.Contains(t, d.Why, k.why, k.what)
		require.False(t, d.Unexamined, k.what)
		require.Equal(t, before[i], fingerprint(t, disks[i]), k.what)
	}
}

func paths(devices []model.Device) []string {
	var list []string
	for _, d := range devices {
		list = append(list, d.Path)
	}
	return list
}

func inventoryOf(s sandbox.State, h *sandbox.Host) map[string]model.Disk {
	found := map[string]model.Disk{}
	for _, d := range s.Nodes[h.Name].Inventory.Disks {
		found[d.Path] = d
	}
	return found
}

// outer runs a program of this system on a disk.
func outer(t *testing.T, argv ...string) func(*hosttest.Disk) {
	return func(d *hosttest.Disk) {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), argv[0], append(argv[1:], d.Device)...).CombinedOutput()
		require.NoError(t, err, "%s: %s", argv[0], out)
	}
}

// readOnly makes a disk read-only until the test ends: a loop device stays so for
// whoever gets it next.
func readOnly(t *testing.T) func(*hosttest.Disk) {
	return func(d *hosttest.Disk) {
		t.Helper()
		outer(t, "blockdev", "--setro")(d)
		t.Cleanup(func() { require.NoError(t, exec.Command("blockdev", "--setrw", d.Device).Run()) })
	}
}

// opened keeps a disk open as a database or an iSCSI target does.
func opened(t *testing.T) func(*hosttest.Disk) {
	return func(d *hosttest.Disk) {
		t.Helper()
		f, err := os.OpenFile(d.Device, os.O_RDONLY|os.O_EXCL, 0)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, f.Close()) })
	}
}

func partitioned(t *testing.T, script string) func(*hosttest.Disk) {
	return func(d *hosttest.Disk) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "sfdisk", "--quiet", d.Device)
		cmd.Stdin = strings.NewReader(script)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		if !strings.Contains(script, ",") {
			return // no partition
		}
		// Not every kernel reads every kind of table by itself.
		out, err = exec.CommandContext(t.Context(), "partx", "--update", d.Device).CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
}

func writing(t *testing.T, text string, at int64) func(*hosttest.Disk) {
	return func(d *hosttest.Disk) {
		t.Helper()
		f, err := os.OpenFile(d.Device, os.O_WRONLY|syscall.O_SYNC, 0)
		require.NoError(t, err)
		_, err = f.WriteAt([]byte(text), at)
		require.NoError(t, err)
		require.NoError(t, f.Close())
	}
}

// fingerprint is of the first and the last 16 MiB: the rest of such a disk is
// too much to read.
func fingerprint(t *testing.T, d *hosttest.Disk) string {
	t.Helper()
	f, err := os.Open(d.Device)
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	sum := sha256.New()
	for _, from := range []int64{0, diskBytes - 16<<20} {
		_, err = io.Copy(sum, io.NewSectionReader(f, from, 16<<20))
		require.NoError(t, err)
	}
	return fmt.Sprintf("%x", sum.Sum(nil))
}
