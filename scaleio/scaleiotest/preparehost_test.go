package scaleiotest_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/scaleio/scaleiotest"
)

func TestPrepareHost(t *testing.T) {
	root := t.TempDir()
	require.NoError(t, scaleiotest.PrepareHost(root, scaleiotest.HostSpec{
		Hostname: "n1", IP: "127.0.1.11", OS: scaleiotest.EL7,
		Disks: []scaleiotest.Disk{
			{Name: "sda", SizeBytes: 40 << 30, Mounted: "/", Partitions: []string{"sda1", "sda2"}},
			{Name: "nvme1n1", SizeBytes: disk100, Serial: "vol-0abc"},
			{Name: "sdc", SizeBytes: disk100, Signature: "ext4", Holders: []string{"dm-0"}, ReadOnly: true},
		},
	}))
	for path, want := range map[string]string{
		"etc/hostname": "n1\n", "sys/block/nvme1n1/size": "209715200\n", "sys/block/sdc/ro": "1\n",
		"sys/block/sda/sda1/partition": "1\n", "sys/block/sdc/removable": "0\n", "proc/sys/kernel/osrelease": "3.10.0-1160.el7.x86_64\n",
	} {
		text, err := os.ReadFile(filepath.Join(root, path))
		require.NoError(t, err)
		require.Equal(t, want, string(text), path)
	}
	mounts, err := os.ReadFile(filepath.Join(root, "proc/mounts"))
	require.NoError(t, err)
	require.Contains(t, string(mounts), "/dev/sda1 / ext4")
	info, err := os.Stat(filepath.Join(root, "dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0abc"))
	require.NoError(t, err)
	require.Equal(t, int64(disk100), info.Size(), "the stable name leads to the disk")
	require.FileExists(t, filepath.Join(root, "sys/block/sdc/holders/dm-0"))
	require.NoError(t, scaleiotest.RemoveDisk(root, "nvme1n1"))
	require.NoFileExists(t, filepath.Join(root, "dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0abc"))
	require.NoDirExists(t, filepath.Join(root, "sys/block/nvme1n1"))
	require.Error(t, scaleiotest.PrepareHost(root, scaleiotest.HostSpec{Hostname: "n1", IP: "127.0.1.11", OS: "dos"}))
	require.Error(t, scaleiotest.AddDisk(root, scaleiotest.Disk{Name: "a/b", SizeBytes: 1}))
}

// A disk that was a device keeps its header until the device is removed, and
// is found under its stable name too.
func TestDisksOfDirectories(t *testing.T) {
	w, root := attached(t)
	w.scliOK("host1", "--login --username admin --password admin")
	w.scliOK("host1", "--set_password --old_password admin --new_password "+password)
	w.scliOK("host1", "--login --username admin --password "+password)
	w.scliOK("host1", "--add_protection_domain --protection_domain_name pd")
	w.scliOK("host1", "--add_storage_pool --protection_domain_name pd --storage_pool_name sp")
	w.scliOK("host1", "--add_sds --sds_ip 127.0.1.11 --protection_domain_name pd --sds_name s1")
	const byID = "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0abc"
	w.scliOK("host1", "--add_sds_device --sds_name s1 --storage_pool_name sp --device_path "+byID)
	w.refused("host1", "--add_sds_device --sds_name s1 --storage_pool_name sp --device_path /dev/sdb", "A device with the given path already exists in the SDS")

	head := func() string {
		f, err := os.Open(filepath.Join(root, "dev/sdb"))
		require.NoError(t, err)
		defer func() { require.NoError(t, f.Close()) }()
		b := make([]byte, 7)
		_, err = f.Read(b)
		require.NoError(t, err)
		return string(b)
	}
	require.Equal(t, "SCALEIO", head())
	w.scliOK("host1", "--remove_sds_device --sds_name s1 --device_path "+byID)
	require.Equal(t, "\x00\x00\x00\x00\x00\x00\x00", head())

	require.NoError(t, w.AddDisk("host1", scaleiotest.Disk{Name: "sdo", SizeBytes: disk100, Signature: "SCALEIO-DEVICE-1"}))
	w.refused("host1", "--add_sds_device --sds_name s1 --storage_pool_name sp --device_path /dev/sdo", "The SDS device already has a ScaleIO header")
	w.scliOK("host1", "--add_sds_device --sds_name s1 --storage_pool_name sp --device_path /dev/sdo --force_device_takeover")
	require.NoError(t, w.AddDisk("host1", scaleiotest.Disk{Name: "sdp", SizeBytes: disk100, Partitions: []string{"sdp1"}}))
	w.refused("host1", "--add_sds_device --sds_name s1 --storage_pool_name sp --device_path /dev/sdp", "Unable to add a device that was already partitioned")
	require.NoError(t, w.AddDisk("host1", scaleiotest.Disk{Name: "sdq", SizeBytes: disk100, Mounted: "/data"}))
	w.refused("host1", "--add_sds_device --sds_name s1 --storage_pool_name sp --device_path /dev/sdq", "Unable to add a device that was already mounted")
}
