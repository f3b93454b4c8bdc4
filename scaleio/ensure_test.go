package scaleio_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/scaleio"
)

// A reply that was lost after the effect is made good by asking.
func TestLostReplyIsAskedAfter(t *testing.T) {
	g := newGateway(t)
	c := g.client(t)
	g.once(domains, g.serve)
	g.once(domains, g.lostReply)
	done, err := c.EnsureProtectionDomain(short(t), "default")
	require.NoError(t, err)
	require.True(t, done.Created)
	again, err := c.EnsureProtectionDomain(short(t), "default")
	require.NoError(t, err)
	require.Equal(t, scaleio.Ensured{ID: done.ID}, again)
	require.Equal(t, 1, g.count("ProtectionDomain"))
}

// A request that had no effect is reported and not repeated: it may still be
// on its way.
func TestLostRequestIsNotRepeated(t *testing.T) {
	g := newGateway(t)
	c := g.client(t)
	g.once(domains, g.serve)
	g.once(domains, reset)
	_, err := c.EnsureProtectionDomain(short(t), "default")
	require.True(t, scaleio.IsAmbiguous(err), "%v", err)
	require.Equal(t, 0, g.count("ProtectionDomain"))
}

// A list that could not be read is not an empty one (R8).
func TestUnreadableListCreatesNothing(t *testing.T) {
	for name, text := range map[string]string{
		"not JSON":              `<html>`,
		"an object":             `{}`,
		"an element without id": `[{"name":"other"}]`,
		"cut off":               `[{"id":"1"}`,
		"followed by something": `[] []`,
	} {
		t.Run(name, func(t *testing.T) {
			g := newGateway(t)
			c := g.client(t)
			g.once(domains, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(text)) })
			_, err := c.EnsureProtectionDomain(short(t), "default")
			require.ErrorContains(t, err, "cannot be used")
			require.Equal(t, 0, g.count("ProtectionDomain"))
		})
	}
}

// Two leaders, one of them paused for a while, make one object.
func TestConcurrentEnsuresMakeOneObject(t *testing.T) {
	g := newGateway(t)
	clients := make(chan *scaleio.Client, 10)
	for range 5 {
		c := g.client(t)
		clients <- c
		clients <- c
	}
	together(t, 10, func() error {
		done, err := (<-clients).EnsureProtectionDomain(short(t), "default")
		if err == nil && done.ID != "0000000000000001" {
			return fmt.Errorf("made %s", done.ID)
		}
		return err
	})
	require.Equal(t, 1, g.count("ProtectionDomain"))
}

func TestMismatchesSayWhatDiffers(t *testing.T) {
	type object = map[string]any
	sds := scaleio.SDSSpec{Name: "node1", ProtectionDomainID: "pd1", FaultSetID: "fs1", IPs: []string{"10.0.0.2", "10.0.0.1"}}
	ips := []any{object{"ip": "10.0.0.1", "role": "all"}, object{"ip": "10.0.0.2", "role": "all"}}
	ensureSDS := func(t *testing.T, c *scaleio.Client) error { _, err := c.EnsureSDS(short(t), sds); return err }
	for _, test := range []struct {
		name   string
		kind   string
		have   object
		ensure func(*testing.T, *scaleio.Client) error
		want   string // empty: it is the object asked for
	}{
		{
			"the SDS is as it should be, whatever the order of its addresses", "Sds",
			object{"id": "s1", "name": "node1", "protectionDomainId": "pd1", "faultSetId": "fs1", "ipList": ips, "port": "7072"},
			ensureSDS, "",
		},
		{
			"the SDS is in another fault set", "Sds",
			object{"id": "s1", "name": "node1", "protectionDomainId": "pd1", "faultSetId": nil, "ipList": ips, "port": 7072},
			ensureSDS, `fault set is "" instead of "fs1"`,
		},
		{
			"the SDS is in another protection domain", "Sds",
			object{"id": "s1", "name": "node1", "protectionDomainId": "pd2", "faultSetId": "fs1", "ipList": ips},
			ensureSDS, `protection domain is "pd2" instead of "pd1"`,
		},
		{
			"the SDS has other addresses", "Sds",
			object{"id": "s1", "name": "node1", "protectionDomainId": "pd1", "faultSetId": "fs1", "ipList": ips[:1]},
			ensureSDS, `addresses is "10.0.0.1" instead of "10.0.0.1,10.0.0.2"`,
		},
		{
			"another SDS has an address", "Sds",
			object{"id": "s1", "name": "old", "protectionDomainId": "pd1", "faultSetId": "fs1", "ipList": ips},
			ensureSDS, `name is "old" instead of "node1"`,
		},
		{
			"the SDS is being removed", "Sds",
			object{"id": "s1", "name": "node1", "protectionDomainId": "pd1", "faultSetId": "fs1", "ipList": ips, "sdsState": "RemovePending"},
			ensureSDS, `state is "RemovePending"`,
		},
		{
			"a new protection domain is still being activated", "ProtectionDomain",
			object{"id": "p1", "name": "pd", "protectionDomainState": "ActivePending"},
			func(t *testing.T, c *scaleio.Client) error {
				_, err := c.EnsureProtectionDomain(short(t), "pd")
				return err
			}, "",
		},
		{
			"the protection domain is not active", "ProtectionDomain",
			object{"id": "p1", "name": "pd", "protectionDomainState": "Inactive"},
			func(t *testing.T, c *scaleio.Client) error {
				_, err := c.EnsureProtectionDomain(short(t), "pd")
				return err
			}, `state is "Inactive"`,
		},
		{
			"the pool has another media type", "StoragePool",
			object{"id": "p1", "name": "sp", "protectionDomainId": "pd1", "sparePercentage": 10, "zeroPaddingEnabled": false, "mediaType": "HDD"},
			func(t *testing.T, c *scaleio.Client) error {
				_, err := c.EnsureStoragePool(short(t), "pd1", scaleio.StoragePoolSpec{Name: "sp", MediaType: "SSD"})
				return err
			}, `media type is "hdd" instead of "ssd"`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := newGateway(t)
			g.objects[test.kind] = []object{test.have}
			err := test.ensure(t, g.client(t))
			if test.want == "" {
				require.NoError(t, err)
				return
			}
			var differs *scaleio.MismatchError
			require.ErrorAs(t, err, &differs)
			require.NotEmpty(t, differs.Remedy)
			require.ErrorContains(t, err, test.want)
			require.Equal(t, 1, g.count(test.kind), "nothing was made")
		})
	}
}

func TestRequestsUseTheSpellingOfAllVersions(t *testing.T) {
	g := newGateway(t)
	c := g.client(t)
	_, err := c.EnsureSDS(short(t), scaleio.SDSSpec{Name: "node1", ProtectionDomainID: "pd1", IPs: []string{"10.0.0.1"}})
	require.NoError(t, err)
	require.Equal(t, map[string]any{
		"name": "node1", "protectionDomainId": "pd1", "sdsPort": "7072",
		"sdsIpList": []any{map[string]any{"SdsIp": map[string]any{"ip": "10.0.0.1", "role": "all"}}},
	}, g.body("/api/types/Sds/instances"))
	g.with(func() { g.objects["Sds"] = append(g.objects["Sds"], map[string]any{"id": "s1"}) })
	_, err = c.EnsureDevice(short(t), scaleio.DeviceSpec{Name: "vol-1", Path: "/dev/xvdf", SDSID: "s1", StoragePoolID: "p1", TestMode: scaleio.TestNone})
	require.NoError(t, err)
	require.Equal(t, map[string]any{
		"name": "vol-1", "deviceCurrentPathname": "/dev/xvdf", "sdsId": "s1", "storagePoolId": "p1", "testMode": "noTest",
	}, g.body("/api/types/Device/instances"), "and never a forced takeover")
}

func TestNonsenseIsRefusedBeforeItIsSent(t *testing.T) {
	c := newGateway(t).client(t)
	ctx := short(t)
	device := scaleio.DeviceSpec{Name: "d", Path: "/dev/sdb", SDSID: "s", StoragePoolID: "p"}
	for name, err := range map[string]func() error{
		"an empty name": func() error { _, err := c.EnsureProtectionDomain(ctx, ""); return err },
		"a long name":   func() error { _, err := c.EnsureFaultSet(ctx, "pd", "a-name-of-more-than-31-characters"); return err },
		"a name with a blank": func() error {
			_, err := c.EnsureStoragePool(ctx, "pd", scaleio.StoragePoolSpec{Name: "a b"})
			return err
		},
		"an SDS without IP": func() error { _, err := c.EnsureSDS(ctx, scaleio.SDSSpec{Name: "s"}); return err },
		"an SDS by host name": func() error {
			_, err := c.EnsureSDS(ctx, scaleio.SDSSpec{Name: "s", IPs: []string{"host"}})
			return err
		},
		"a relative path":      func() error { d := device; d.Path = "sdb"; _, err := c.EnsureDevice(ctx, d); return err },
		"a device without SDS": func() error { d := device; d.SDSID = ""; _, err := c.EnsureDevice(ctx, d); return err },
		"an unknown test mode": func() error { d := device; d.TestMode = "x"; _, err := c.EnsureDevice(ctx, d); return err },
		"a spare of 100":       func() error { _, err := c.EnsureSparePercentage(ctx, "p", 100); return err },
		"a volume of 1 GiB": func() error {
			_, err := c.EnsureVolume(ctx, scaleio.VolumeSpec{Name: "v", SizeKiB: 1 << 20})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) { require.Error(t, err()) })
	}
}
