package inventory_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/scaleio/scaleiotest"
)

// Whatever was written on a disk, it is offered exactly when blkid and wipefs
// find nothing and both its ends are zeros.
func TestAnOfferedDiskIsBlankForEverybody(t *testing.T) {
	needProbes(t)
	const size = 64 << 20
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	root, look := collect(t, "", scaleiotest.Disk{Name: "sdb", SizeBytes: size})
	device := filepath.Join(root, "dev/sdb")
	offered := 0
	for range 60 {
		require.NoError(t, os.Truncate(device, 0))
		require.NoError(t, os.Truncate(device, size))
		history := scribble(t, rng, device, size)
		disk := look().Disks[0]
		require.Equal(t, blankForAll(t, device, size), disk.Free, "%v: %s", history, disk.Why)
		require.False(t, disk.Unexamined)
		if disk.Free {
			offered++
		}
	}
	require.Positive(t, offered, "some histories leave a blank disk")
	require.Less(t, offered, 60)
}

// scribble lets a disk have a past: file systems, tables, single bytes, and
// zeros over parts of it.
func scribble(t *testing.T, rng *rand.Rand, device string, size int64) (history []string) {
	t.Helper()
	for range rng.IntN(3) {
		switch rng.IntN(5) {
		case 0:
			tool := [][]string{{"mkfs.ext4", "-q", "-F"}, {"mkswap"}}[rng.IntN(2)]
			out, err := exec.CommandContext(t.Context(), tool[0], append(tool[1:], device)...).CombinedOutput()
			require.NoError(t, err, "%s", out)
			history = append(history, tool[0])
		case 1:
			history = append(history, overwrite(t, device, []byte{byte(1 + rng.IntN(255))}, near(rng, size)))
		case 2:
			magic := []string{"LABELONE", "SWAPSPACE2", "\x53\xef", "\x55\xaa", "EFI PART", "_BHRfS_M", "XFSB", "\xfc\x4e\x2b\xa9"}[rng.IntN(8)]
			history = append(history, overwrite(t, device, []byte(magic), near(rng, size)))
		case 3:
			history = append(history, overwrite(t, device, make([]byte, 1<<20), 0))
		case 4:
			history = append(history, overwrite(t, device, make([]byte, 1<<20), size-1<<20))
		}
	}
	return history
}

// near is a place where something is likely to be written or overlooked.
func near(rng *rand.Rand, size int64) int64 {
	places := []int64{0, 510, 512, 1080, 4086, 4096, 65536, 1<<20 - 1, 1 << 20, size / 2, size - 1<<20 - 1, size - 1<<20, size - 65536, size - 512, size - 16}
	return places[rng.IntN(len(places))]
}

func overwrite(t *testing.T, device string, data []byte, at int64) string {
	t.Helper()
	f, err := os.OpenFile(device, os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteAt(data, at)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	return string(bytes.Trim(data, "\x00")) + " somewhere"
}

func blankForAll(t *testing.T, device string, size int64) bool {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "blkid", "-p", device).Output()
	var ended *exec.ExitError
	require.True(t, err == nil || errors.As(err, &ended), "%v", err)
	if err == nil || len(out) > 0 || ended.ExitCode() != 2 {
		return false
	}
	out, err = exec.CommandContext(t.Context(), "wipefs", "-n", device).Output()
	require.NoError(t, err)
	if len(out) > 0 {
		return false
	}
	f, err := os.Open(device)
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	for _, at := range []int64{0, size - 1<<20} {
		data, err := io.ReadAll(io.NewSectionReader(f, at, 1<<20))
		require.NoError(t, err)
		if len(bytes.Trim(data, "\x00")) > 0 {
			return false
		}
	}
	return true
}

// A drive without a medium has no size, and a path of multipath is the disk's
// other name.
func TestADiskWithoutSizeOrOfAnotherDeviceIsNotFree(t *testing.T) {
	root, look := collect(t, "", scaleiotest.Disk{Name: "sdb", SizeBytes: gib}, scaleiotest.Disk{Name: "sdc", SizeBytes: gib, Holders: []string{"dm-2"}})
	sizeFile := filepath.Join(root, "sys/block/sdb/size")
	require.NoError(t, os.WriteFile(sizeFile, []byte("0\n"), 0o644))
	disks := look().Disks
	require.Equal(t, "it has no medium", disks[0].Why)
	require.False(t, disks[0].Free)
	require.Equal(t, "it is held by dm-2", disks[1].Why)
	require.NoError(t, os.WriteFile(sizeFile, []byte("many\n"), 0o644))
	require.Equal(t, "its size cannot be read", look().Disks[0].Why)
	require.True(t, look().Disks[0].Unexamined)
	// A path that multipath leaves to its map is not a disk of its own.
	require.NoError(t, os.WriteFile(filepath.Join(root, "sys/block/sdb/hidden"), []byte("1\n"), 0o644))
	require.Len(t, look().Disks, 1)
}

// Without multipath nobody holds the two paths, and ScaleIO would be given one
// disk as two: each would overwrite the other's data.
func TestADiskSeenOverTwoPathsIsNotOffered(t *testing.T) {
	needProbes(t)
	for _, where := range []string{"wwid", "device/wwid"} {
		root, look := collect(t, "",
			scaleiotest.Disk{Name: "sdb", SizeBytes: gib}, scaleiotest.Disk{Name: "sdc", SizeBytes: gib}, scaleiotest.Disk{Name: "sdd", SizeBytes: gib})
		for disk, id := range map[string]string{"sdb": "naa.5000c5", "sdc": "naa.5000c5", "sdd": "naa.5000c6"} {
			file := filepath.Join(root, "sys/block", disk, where)
			require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
			require.NoError(t, os.WriteFile(file, []byte(id+"\n"), 0o644))
		}
		disks := look().Disks
		require.False(t, disks[0].Free)
		require.Equal(t, "it is the same disk as /dev/sdc, over another path (naa.5000c5): leave one path to it", disks[0].Why)
		require.Equal(t, "it is the same disk as /dev/sdb, over another path (naa.5000c5): leave one path to it", disks[1].Why)
		require.False(t, disks[1].Free)
		require.True(t, disks[2].Free, disks[2].Why)
		require.NoError(t, os.Mkdir(filepath.Join(root, "sys/block/sdb/holders/dm-0"), 0o755))
		disks = look().Disks
		require.Equal(t, "it is held by dm-0", disks[0].Why)
		require.False(t, disks[1].Free, "what one path tells is true of the other")
	}
}

// A link that was left over names another disk, and leads to that one as soon
// as udev has done its work: ScaleIO must not be given it.
func TestALinkOfAnotherDiskIsNoPath(t *testing.T) {
	root, look := collect(t, "", scaleiotest.Disk{Name: "nvme1n1", SizeBytes: gib, Serial: "vol-0def"})
	links := filepath.Join(root, "dev/disk/by-id")
	own := look().Disks[0].Path
	require.Contains(t, own, "vol0def")
	require.NoError(t, os.Symlink("../../nvme1n1", filepath.Join(links, "nvme-Amazon_Elastic_Block_Store_vol0abc")))
	require.Equal(t, own, look().Disks[0].Path)
	require.NoError(t, os.Remove(filepath.Join(root, own)))
	require.Equal(t, "/dev/nvme1n1", look().Disks[0].Path, "its own link is not there yet")
	require.NoError(t, os.Symlink("../../nvme1n1", filepath.Join(links, "nvme-nvme.1d0f-766f6c")))
	require.Equal(t, "/dev/disk/by-id/nvme-nvme.1d0f-766f6c", look().Disks[0].Path, "a worldwide name holds no serial number to compare")
}

// The namespaces of one NVMe controller share its serial number, and the link
// that is made of it alone leads to whichever was seen last.
func TestALinkThatTwoDisksShareIsNoPath(t *testing.T) {
	root, look := collect(t, "", scaleiotest.Disk{Name: "nvme1n1", SizeBytes: gib, Serial: "S1"}, scaleiotest.Disk{Name: "nvme1n2", SizeBytes: gib, Serial: "S1"})
	require.Equal(t, "/dev/nvme1n1", look().Disks[0].Path)
	links := filepath.Join(root, "dev/disk/by-id")
	require.NoError(t, os.Symlink("../../nvme1n1", filepath.Join(links, "nvme-Model_S1_1")))
	require.NoError(t, os.Symlink("../../nvme1n2", filepath.Join(links, "nvme-eui.02")))
	disks := look().Disks
	require.Equal(t, "/dev/disk/by-id/nvme-Model_S1_1", disks[0].Path)
	require.Equal(t, "/dev/disk/by-id/nvme-eui.02", disks[1].Path)
	for _, name := range []string{"nvme1n1", "nvme1n2"} {
		require.NoError(t, os.Remove(filepath.Join(root, "sys/block", name, "device/serial")))
	}
	require.Contains(t, look().Disks[0].Path, "nvme-Amazon_Elastic_Block_Store_S1", "where the kernel tells no serial number, nothing is shared")
}
