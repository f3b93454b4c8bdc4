package nodeagent_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/scaleio/scaleiotest"
)

// A message holds 64 KiB. A host with the paths of a large storage network is
// served all the same; disks that can be taken are the last to be left out.
func TestAHostWithManyDisksIsDescribed(t *testing.T) {
	h, l := newHost(t), newLeader(t)
	h.tool("blkid", "exit 2")
	h.tool("wipefs", "exit 0")
	for i := range 400 {
		require.NoError(t, scaleiotest.AddDisk(h.root, scaleiotest.Disk{
			Name: fmt.Sprintf("nvme%dn1", i), SizeBytes: 1 << 20, Serial: fmt.Sprintf("vol-0123456789abcdef%d", i), Removable: i != 0 && i != 399,
		}))
	}
	h.agent(l)
	disks := l.wait("inventory", func(s sent) bool { return s.Inventory != nil }).Inventory.Disks
	require.Greater(t, len(disks), 100)
	require.Less(t, len(disks), 400)
	var free []string
	for _, d := range disks {
		if d.Free {
			free = append(free, d.Device)
		}
	}
	require.Equal(t, []string{"/dev/nvme0n1", "/dev/nvme399n1"}, free)
}
