//go:build hosts

package hosts_test

import (
	"encoding/binary"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/nodeagent/hosttest"
)

// md's magic number.
const raidMagic = 0xa92b4efc

// raidMember writes the superblock of a RAID, as md does when it is created: a
// kernel without md cannot make one. mdadm confirms that it is one.
func raidMember(t *testing.T, superblock func() ([]byte, int64)) func(*hosttest.Disk) {
	return func(d *hosttest.Disk) {
		t.Helper()
		data, at := superblock()
		f, err := os.OpenFile(d.Device, os.O_WRONLY|syscall.O_SYNC, 0)
		require.NoError(t, err)
		_, err = f.WriteAt(data, at)
		require.NoError(t, err)
		require.NoError(t, f.Close())
		out, err := exec.CommandContext(t.Context(), "mdadm", "--examine", d.Device).CombinedOutput()
		require.NoError(t, err, "%s", out)
		require.Contains(t, string(out), "raid1")
		require.Contains(t, string(out), "- correct")
	}
}

// superblock090 is of version 0.90, which stands in the last whole 64 KiB but
// one, in the machine's own byte order.
func superblock090() ([]byte, int64) {
	const at = diskBytes&^(64<<10-1) - 64<<10
	sb := make([]byte, 4096)
	word := func(n int, value uint32) { binary.LittleEndian.PutUint32(sb[4*n:], value) }
	for n, value := range map[int]uint32{
		0: raidMagic, 1: 0, 2: 90, 5: 0x11111111, 6: 1_400_000_000, 7: 1, 8: at / 1024, 9: 2, 10: 2, 13: 0x22222222, 14: 0x33333333, 15: 0x44444444,
		32: 1_400_000_000, 33: 1, 34: 2, 35: 2, 39: 1, // state: clean, two of two
	} {
		word(n, value)
	}
	sum := uint64(0)
	for n := range len(sb) / 4 {
		sum += uint64(binary.LittleEndian.Uint32(sb[4*n:]))
	}
	word(38, uint32(sum+sum>>32))
	return sb, at
}

// superblock12 is of version 1.2, at 4 KiB.
func superblock12() ([]byte, int64) {
	const at, data = 4096, 2048 // bytes; sectors
	sb := make([]byte, 256+2*2)
	le := binary.LittleEndian
	le.PutUint32(sb[0:], raidMagic)
	le.PutUint32(sb[4:], 1)
	copy(sb[16:], "an array's uuid!")
	copy(sb[32:], "host:data")
	le.PutUint64(sb[64:], 1_400_000_000)
	le.PutUint32(sb[72:], 1) // raid1
	le.PutUint64(sb[80:], diskBytes/512-data)
	le.PutUint32(sb[92:], 2)
	le.PutUint64(sb[128:], data)
	le.PutUint64(sb[136:], diskBytes/512-data)
	le.PutUint64(sb[144:], at/512)
	copy(sb[168:], "a device's uuid!")
	le.PutUint64(sb[192:], 1_400_000_000)
	le.PutUint64(sb[200:], 1)
	le.PutUint64(sb[208:], ^uint64(0)) // not resyncing
	le.PutUint32(sb[220:], 2)
	le.PutUint16(sb[258:], 1)
	sum := uint64(0)
	for n := range len(sb) / 4 {
		sum += uint64(le.Uint32(sb[4*n:]))
	}
	le.PutUint32(sb[216:], uint32(sum&0xffffffff+sum>>32))
	return sb, at
}
