package scaleio_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/scaleio"
	"scaleio-framework/scaleio/scaleiotest"
)

func TestStorageCommandLines(t *testing.T) {
	v4 := scaleio.SCLI{Version: scaleio.Version{Major: 4, Minor: 5}}
	for want, c := range map[string]scaleio.Command{
		"--add_protection_domain --protection_domain_name pd":                     v4.AddProtectionDomain("pd"),
		"--add_fault_set --protection_domain_name pd --fault_set_name rack1":      v4.AddFaultSet("pd", "rack1"),
		"--query_storage_pool --protection_domain_name pd --storage_pool_name sp": v4.QueryStoragePool("pd", "sp"),
		"--query_sds --sds_name a":                                                v4.QuerySDS("a"),
		"--query_all_volumes":                                                     v4.QueryVolumes(),
		"--add_storage_pool --protection_domain_name pd --storage_pool_name sp --media_type HDD --data_layout medium_granularity --dont_use_rmcache": v4.AddStoragePool("pd", scaleio.StoragePoolSpec{Name: "sp"}),
		"--add_storage_pool --protection_domain_name pd --storage_pool_name sp --media_type SSD --data_layout medium_granularity --use_rmcache":      v4.AddStoragePool("pd", scaleio.StoragePoolSpec{Name: "sp", MediaType: "SSD", UseRMCache: true}),
		"--add_storage_pool --protection_domain_name pd --storage_pool_name sp --dont_use_rmcache":                                                   scaleio.SCLI{}.AddStoragePool("pd", scaleio.StoragePoolSpec{Name: "sp", MediaType: "SSD"}),
		"--modify_zero_padding_policy --protection_domain_name pd --storage_pool_name sp --enable_zero_padding":                                      v4.SetZeroPadding("pd", "sp", true),
		"--modify_zero_padding_policy --protection_domain_name pd --storage_pool_name sp --disable_zero_padding":                                     v4.SetZeroPadding("pd", "sp", false),
		"--modify_spare_policy --protection_domain_name pd --storage_pool_name sp --spare_percentage 34 --i_am_sure":                                 v4.SetSparePercentage("pd", "sp", 34),
		"--add_sds --sds_ip 10.0.0.1,10.1.0.1 --sds_name a --protection_domain_name pd --fault_set_name rack1":                                       v4.AddSDS(scaleio.SCLISDS{Name: "a", ProtectionDomain: "pd", FaultSet: "rack1", IPs: []string{"10.0.0.1", "10.1.0.1"}}),
		"--add_sds --sds_ip 10.0.0.1 --sds_name a --protection_domain_name pd":                                                                       v4.AddSDS(scaleio.SCLISDS{Name: "a", ProtectionDomain: "pd", IPs: []string{"10.0.0.1"}}),
		"--add_sds_device --sds_name a --device_path /dev/sdb --device_name d --protection_domain_name pd --storage_pool_name sp":                    v4.AddSDSDevice(scaleio.SCLIDeviceSpec{Name: "d", Path: "/dev/sdb", SDS: "a", ProtectionDomain: "pd", StoragePool: "sp"}),
		"--add_sds_device --sds_name a --device_path /dev/sdb --device_name d --protection_domain_name pd --storage_pool_name sp --no_test":          v4.AddSDSDevice(scaleio.SCLIDeviceSpec{Name: "d", Path: "/dev/sdb", SDS: "a", ProtectionDomain: "pd", StoragePool: "sp", NoTest: true}),
		"--add_volume --protection_domain_name pd --storage_pool_name sp --size_gb 8 --volume_name v --thin_provisioned":                             v4.AddVolume("pd", "sp", "v", 8),
		"--map_volume_to_host --volume_name v --sdc_ip 10.0.0.1 --allow_multi_map":                                                                   v4.MapVolume("v", "10.0.0.1"),
		"--map_volume_to_sdc --volume_name v --sdc_ip 10.0.0.1 --allow_multi_map":                                                                    scaleio.SCLI{}.MapVolume("v", "10.0.0.1"),
		"--unmap_volume_from_host --volume_name v --all_hosts --i_am_sure":                                                                           v4.UnmapVolume("v", true),
		"--unmap_volume_from_sdc --volume_name v --all_sdcs --i_am_sure":                                                                             v4.UnmapVolume("v", false),
		"--remove_volume --volume_name v --i_am_sure":                                                                                                v4.RemoveVolume("v"),
		"--query_properties --object_type SDS --all_objects --properties ID,NAME":                                                                    v4.QueryProperties(scaleio.ObjectSDS, "ID", "NAME"),
	} {
		require.Equal(t, want, strings.Join(c.Args, " "))
		require.NotContains(t, c.String(), "takeover")
	}
}

func TestVersionsTellWhatTheyBring(t *testing.T) {
	for _, c := range []struct {
		version        string
		known, gateway bool
	}{{"1.32", false, true}, {"2.0", true, true}, {"3.6", true, true}, {"4.0", true, false}, {"4.5-2100.105", true, false}, {"5.0", false, false}} {
		v, err := scaleio.ParseVersion(c.version)
		require.NoError(t, err)
		require.Equal(t, c.known, v.Known(), c.version)
		require.Equal(t, c.gateway, v.HasGateway(), c.version)
		require.Equal(t, !c.gateway, v.NeedsCertificates(), c.version)
	}
}

const properties = "STORAGE_POOL 1e4dd20f00000000:\n" +
	"\tID                                                 1e4dd20f00000000\n" +
	"\tNAME                                               my pool\n" +
	"\tSPARE_PERCENT                                      34%\n\n" +
	"STORAGE_POOL 1e4dd20f00000001:\r\n\tNAME   \r\n"

const sdsAnswer = `SDS ee7536f900000000 Name: SDS_[10.0.0.59] Version: 2.0.12000
Protection Domain: 073890cb00000000, Name: default
Device information (total 2 devices):
	 1: Name: N/A  Path: /dev/sdb  Original-path: /dev/xvdb  ID: befb164a00000000
		Storage Pool: default, Capacity: 298 GB Error-fixes: 0 scanned 0 MB, Compare errors: 0 State: Normal
	 2: Name: a-sdc  Path: /dev/disk/by-id/x  Original-path: /dev/disk/by-id/x  ID: befb164a00000001
		Storage Pool: other, Capacity: 298 GB Error-fixes: 0 scanned 0 MB, Compare errors: 0 State: Initial Test

Membership-state: Joined; Connection-state: Connected; SDS-state: Normal; 0 devices with error; 0 Rfcache devices with errors
`

const volumesAnswer = `Query-all-volumes returned 2 volumes
Protection Domain 073890cb00000000 Name: default
Storage Pool 92fd353300000000 Name: default
 Volume ID: b5a167e300000000 Name: volume1 Size: 8.0 GB (8192 MB) Mapped to 3 SDC Thick-provisioned
 Volume ID: b5a167e300000001 Name: my volume Size: 8.0 GB (8192 MB) Unmapped Thin-provisioned
`

func TestAnswersAboutObjects(t *testing.T) {
	pools, err := scaleio.ParseProperties(scaleio.ObjectStoragePool, properties)
	require.NoError(t, err)
	require.Equal(t, []scaleio.Properties{
		{ID: "1e4dd20f00000000", Values: map[string]string{"ID": "1e4dd20f00000000", "NAME": "my pool", "SPARE_PERCENT": "34%"}},
		{ID: "1e4dd20f00000001", Values: map[string]string{"NAME": ""}},
	}, pools)
	none, err := scaleio.ParseProperties(scaleio.ObjectSDS, "No objects returned\n")
	require.NoError(t, err)
	require.Empty(t, none)

	devices, err := scaleio.ParseSDSDevices(sdsAnswer)
	require.NoError(t, err)
	require.Equal(t, []scaleio.SCLIDevice{
		{ID: "befb164a00000000", Path: "/dev/sdb", OriginalPath: "/dev/xvdb", StoragePool: "default", State: "Normal"},
		{ID: "befb164a00000001", Name: "a-sdc", Path: "/dev/disk/by-id/x", OriginalPath: "/dev/disk/by-id/x", StoragePool: "other", State: "Initial Test"},
	}, devices)

	volumes, err := scaleio.ParseVolumes(volumesAnswer)
	require.NoError(t, err)
	require.Equal(t, []scaleio.SCLIVolume{
		{ID: "b5a167e300000000", Name: "volume1", Mapped: true}, {ID: "b5a167e300000001", Name: "my volume"},
	}, volumes)
	volumes, err = scaleio.ParseVolumes("Query-all-volumes returned 0 volumes\n<No volumes defined>\n")
	require.NoError(t, err)
	require.Empty(t, volumes)

	on, told := scaleio.ParseZeroPadding("Storage Pool x\n\tZero padding is enabled\n")
	require.True(t, on && told)
	on, told = scaleio.ParseZeroPadding("\tZero padding is disabled\n")
	require.True(t, !on && told)
	_, told = scaleio.ParseZeroPadding("")
	require.False(t, told)
}

// What cannot be read, or not to its end, must not pass for an empty system.
func TestAPartOfAnAnswerIsNone(t *testing.T) {
	for name, parse := range map[string]func() error{
		"nothing":      func() error { _, err := scaleio.ParseProperties(scaleio.ObjectSDS, ""); return err },
		"another kind": func() error { _, err := scaleio.ParseProperties(scaleio.ObjectSDS, properties); return err },
		"no devices":   func() error { _, err := scaleio.ParseSDSDevices("SDS x"); return err },
		"a device missing": func() error {
			_, err := scaleio.ParseSDSDevices(strings.Replace(sdsAnswer, "2: Name", "2) Name", 1))
			return err
		},
		"no volumes": func() error { _, err := scaleio.ParseVolumes("Usage: scli"); return err },
		"a volume missing": func() error {
			_, err := scaleio.ParseVolumes(strings.Replace(volumesAnswer, " Size: ", " ", 1))
			return err
		},
	} {
		require.ErrorIs(t, parse(), scaleio.ErrNoAnswer, name)
	}
}

// The double and the parsers agree about a system with everything in it.
func TestObjectsOfASystemByScli(t *testing.T) {
	s, _ := world(t, "3.6-700.103")
	cli := scaleio.SCLI{Version: scaleio.Version{Major: 3, Minor: 6}, ApproveCertificate: true}
	r, _ := typing(t, s, "host1", cli.Login("admin"), map[scaleio.SecretName]string{scaleio.SecretPassword: password})
	require.Equal(t, scaleio.OutcomeOK, r.Outcome)
	for _, c := range []scaleio.Command{
		cli.AddProtectionDomain("pd"), cli.AddFaultSet("pd", "rack1"), cli.AddStoragePool("pd", scaleio.StoragePoolSpec{Name: "sp"}),
		cli.SetZeroPadding("pd", "sp", true), cli.SetSparePercentage("pd", "sp", 34),
		cli.AddSDS(scaleio.SCLISDS{Name: "sds1", ProtectionDomain: "pd", FaultSet: "rack1", IPs: []string{scaleiotest.Hosts(1, 1, 1)[0].IP}}),
		cli.AddSDSDevice(scaleio.SCLIDeviceSpec{Name: "d", Path: "/dev/sdb", SDS: "sds1", ProtectionDomain: "pd", StoragePool: "sp", NoTest: true}),
	} {
		r, _ := typing(t, s, "host1", c, nil)
		require.NoError(t, r.Err(c))
	}
	for kind, keys := range map[scaleio.ObjectType][]string{
		scaleio.ObjectProtectionDomain: {"NAME"}, scaleio.ObjectFaultSet: {"NAME", "PROTECTION_DOMAIN_ID"}, scaleio.ObjectStoragePool: {"NAME", "SPARE_PERCENT", "PROTECTION_DOMAIN_ID"},
		scaleio.ObjectSDS: {"NAME", "IPS", "PROTECTION_DOMAIN_ID", "FAULT_SET_ID"},
	} {
		_, text := typing(t, s, "host1", cli.QueryProperties(kind, keys...), nil)
		objects, err := scaleio.ParseProperties(kind, text)
		require.NoError(t, err)
		require.NotEmpty(t, objects)
		for _, key := range keys {
			require.NotEmpty(t, objects[0].Values[key], "%s %s", kind, key)
		}
	}
	_, text := typing(t, s, "host1", cli.QuerySDS("sds1"), nil)
	devices, err := scaleio.ParseSDSDevices(text)
	require.NoError(t, err)
	require.NotEmpty(t, devices)
	require.Equal(t, "Normal", devices[0].State)
	require.Equal(t, "sp", devices[0].StoragePool)
	require.Equal(t, "d", devices[0].Name)
	_, text = typing(t, s, "host1", cli.QueryStoragePool("pd", "sp"), nil)
	on, told := scaleio.ParseZeroPadding(text)
	require.True(t, on && told)
}

func FuzzParseObjects(f *testing.F) {
	for _, text := range []string{properties, sdsAnswer, volumesAnswer, "No objects returned"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if all, err := scaleio.ParseProperties(scaleio.ObjectStoragePool, text); err == nil {
			for _, o := range all {
				require.Len(t, o.ID, 16)
			}
		}
		if devices, err := scaleio.ParseSDSDevices(text); err == nil {
			for _, d := range devices {
				require.Len(t, d.ID, 16)
			}
		}
		if volumes, err := scaleio.ParseVolumes(text); err == nil {
			for _, v := range volumes {
				require.Len(t, v.ID, 16)
			}
		}
	})
}
