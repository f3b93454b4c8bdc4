package steps

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Listings as dpkg-deb --contents and rpm -qlp write them.
func TestTheKernelsOfAPackageAreRead(t *testing.T) {
	for name, c := range map[string]struct {
		listing string
		want    []string
	}{
		"of a .deb": {
			"drwxr-xr-x root/root 0 2020-01-01 00:00 ./bin/emc/scaleio/scini_sync/driver_cache/Ubuntu16.04/2.6.11000.113/4.4.0-38-generic/\n" +
				"-rw-r--r-- root/root 9 2020-01-01 00:00 ./bin/emc/scaleio/scini_sync/driver_cache/Ubuntu16.04/2.6.11000.113/4.4.0-38-generic/scini.tar\n" +
				"-rw-r--r-- root/root 9 2020-01-01 00:00 ./bin/emc/scaleio/scini_sync/driver_cache/Ubuntu16.04/2.6.11000.113/4.15.0-20-generic/scini.tar.gz\n",
			[]string{"4.15.0-20-generic", "4.4.0-38-generic"},
		},
		"of an .rpm": {
			"/bin/emc/scaleio/drv_cfg\n/bin/emc/scaleio/scini_sync/driver_cache/RHEL7/2.6/3.10.0-1160.el7.x86_64/scini.ko\n" +
				"/lib/modules/3.10.0-957.el7.x86_64/scini.ko.xz\n",
			[]string{"3.10.0-1160.el7.x86_64", "3.10.0-957.el7.x86_64"},
		},
		"a source to build from":  {"/bin/emc/scaleio/scini_sync/driver_cache/RHEL9/4.5.2100.105/Dell-PowerFlex-scini_builder-1.tgz\n", nil},
		"a module for any kernel": {"/opt/emc/scaleio/sdc/bin/scini.ko\n", nil},
		"other programs":          {"/opt/4.4.0-38-generic/scini_service\n", nil},
		"nothing":                 {"", nil},
	} {
		require.Equal(t, c.want, packedKernels(c.listing), name)
	}
	require.Equal(t, "a, b", someKernels([]string{"a", "b"}))
	require.Equal(t, "1, 2, 3, 4, 5, 6, 7, 8 and more", someKernels(strings.Split("1 2 3 4 5 6 7 8 9", " ")))
}

func FuzzPackedKernels(f *testing.F) {
	f.Add("x ./a/4.4.0-38-generic/scini.tar\n")
	f.Add("/1.1/scini.ko.gz")
	f.Fuzz(func(t *testing.T, listing string) {
		for _, k := range packedKernels(listing) {
			require.Contains(t, listing, "/"+k+"/scini")
			require.NotContains(t, k, "/")
		}
	})
}

func TestWhatDrvCfgSaysOfItsConnection(t *testing.T) {
	for name, c := range map[string]struct {
		said      string
		connected bool
	}{
		"connected":           {"Retrieved 1 mdm(s)\nMDM-ID d7f6c6427c56ab0f SDC ID 59f89f6100000005 INSTALLATION ID 295ee6f776af5e4c IPs [0]-172.26.2.124 [1]-172.26.2.125\n", true},
		"to one of two":       {"Retrieved 2 mdm(s)\nMDM-ID 0000000000000000 SDC ID 0000000000000000 IPs [0]-1.1.1.1\nMDM-ID d7f6c6427c56ab0f SDC ID 59f89f6100000005 IPs [0]-1.1.1.2\n", true},
		"not taken yet":       {"Retrieved 1 mdm(s)\nMDM-ID d7f6c6427c56ab0f SDC ID 0000000000000000 INSTALLATION ID 0000000000000000 IPs [0]-1.1.1.1\n", false},
		"not connected":       {"Retrieved 1 mdm(s)\nMDM-ID 0000000000000000 SDC ID 0000000000000000 INSTALLATION ID 0000000000000000 IPs [0]-1.1.1.1\n", false},
		"without any address": {"Retrieved 0 mdm(s)\n", false},
		"something else":      {"Usage: drv_cfg\n", false},
	} {
		require.Equal(t, c.connected, connected(c.said), name)
	}
}
