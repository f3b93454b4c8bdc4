package gateway_test

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/redact"
	"scaleio-framework/scaleio/scaleiotest"
	"scaleio-framework/scheduler/gateway"
)

// platformPassword is of other rules than the MDM's.
const platformPassword = "a password of 30 characters !!"

// newPlatform makes a system of 4.5 with a management platform.
func newPlatform(t *testing.T) (world, *scaleiotest.Platform) {
	t.Helper()
	w := newWorld4(t, scaleiotest.Options{Version: "4.5-2100.105"})
	p, err := w.ServePlatform(scaleiotest.PlatformOptions{User: "admin", Password: platformPassword})
	require.NoError(t, err)
	t.Cleanup(func() { require.NotContains(t, w.log.String(), platformPassword, "the log holds the password") })
	return w, p
}

func newWorld4(t *testing.T, o scaleiotest.Options) world {
	t.Helper()
	s, err := scaleiotest.New(o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	require.NoError(t, s.Bootstrap(scaleiotest.BootstrapSpec{Hosts: scaleiotest.Hosts(3, 2, 200<<30), Password: password, Storage: true}))
	return world{System: s, log: &safeBuffer{}}
}

func (w world) platformPerformer(t *testing.T, change func(*gateway.Options)) *gateway.Performer {
	return w.performer(t, func(o *gateway.Options) {
		o.PlatformPassword = redact.New(platformPassword)
		if change != nil {
			change(o)
		}
	})
}

func (w world) meeting(t *testing.T, url string) core.GatewayCall {
	system, _ := w.IDs()
	return call(t, nil, core.StepManagementPlatform, core.ManagementPlatformParams{URL: url, SystemID: system})
}

// met is a platform as it stands in the cluster's record.
func (w world) met(t *testing.T, p *gateway.Performer, url string) model.Gateway {
	t.Helper()
	r := done[core.ManagementPlatformResult](t, p.Perform(t.Context(), w.meeting(t, url)))
	require.Equal(t, "4.5", r.Version)
	system, _ := w.IDs()
	return model.Gateway{URL: url, CertificatePEM: r.CertificatePEM, SystemID: system}
}

// Once it was met, pools are read and disks are added through the platform, by
// bearer tokens.
func TestThePoolsOf4xAreReadAndGrownThroughThePlatform(t *testing.T) {
	w, platform := newPlatform(t)
	require.NoError(t, w.Fill("default/default", 0.75))
	p := w.platformPerformer(t, nil)
	g := w.met(t, p, platform.URL())
	require.Equal(t, certificate(t, platform.URL()), g.CertificatePEM)

	read := p.ReadPools(t.Context(), core.ReadPools{Gateways: []model.Gateway{g}})
	require.Empty(t, read.Err)
	require.Empty(t, read.MDM)
	require.Len(t, read.Pools, 1)
	require.Equal(t, "4.5", read.Pools[0].Version)
	require.Empty(t, read.Pools[0].Implausible)
	require.InDelta(t, 0.75, float64(read.Pools[0].InUseKiB)/float64(read.Pools[0].LimitKiB-read.Pools[0].SpareKiB), 0.01)

	require.NoError(t, w.AddDisk("host1", scaleiotest.Disk{Name: "nvme1n1", SizeBytes: 200 << 30}))
	add := core.AddDevicesParams{
		SDS: "sds_host1", ProtectionDomain: "default", StoragePool: "default", TestMode: "none",
		Devices: []core.DeviceParams{{Name: "vol-1", Path: "/dev/nvme1n1"}},
	}
	for range 2 {
		result := done[core.AddDevicesResult](t, p.Perform(t.Context(), call(t, []model.Gateway{g}, core.StepAddDevices, add)))
		require.NotEmpty(t, result.IDs["vol-1"])
	}
	require.Equal(t, 1, w.Count(scaleiotest.OpCreateDevice, "sds_host1:/dev/nvme1n1"))

	texts, err := p.Blocking(t.Context(), []model.Gateway{g}, core.RemovalCheckParams{VolumePrefix: "verify-"})
	require.NoError(t, err)
	require.Empty(t, texts)
}

// A platform that serves another system than the plan's is told apart before
// anything of it is believed.
func TestAPlatformOfAnotherSystem(t *testing.T) {
	w, platform := newPlatform(t)
	system, _ := w.IDs()
	other := newWorld4(t, scaleiotest.Options{Version: "4.5-2100.105", Seed: 2})
	foreign, err := other.ServePlatform(scaleiotest.PlatformOptions{User: "admin", Password: platformPassword})
	require.NoError(t, err)
	otherID, _ := other.IDs()
	p := w.platformPerformer(t, nil)

	got := p.Perform(t.Context(), w.meeting(t, foreign.URL()))
	require.True(t, got.Hopeless)
	require.False(t, got.Interrupted, "waiting does not mend it")
	require.Contains(t, got.Err, "serves system "+otherID+", and this one is "+system+": give --gateway.management-platform the URL of the one that serves system "+system)

	platform.Forget()
	got = p.Perform(t.Context(), w.meeting(t, platform.URL()))
	require.True(t, got.Interrupted, "an operator may let it discover the system later")
	require.Contains(t, got.Err, "knows no system yet: let it discover the MDMs of system "+system)
	platform.Discover()
	g := w.met(t, p, platform.URL())

	// It may come to serve others later: what it lists could be theirs.
	platform.AlsoServe("00000000000000aa", "theirs")
	read := p.ReadPools(t.Context(), core.ReadPools{Gateways: []model.Gateway{g}})
	require.Contains(t, read.Err, "serves system 00000000000000aa theirs beside this one")
	require.Nil(t, read.Pools)
	got = p.Perform(t.Context(), call(t, []model.Gateway{g}, core.StepProtectionDomains, domain))
	require.Contains(t, got.Err, "beside this one")
	require.True(t, got.Interrupted, "the intent stands until it serves ours alone")
	require.False(t, got.Hopeless)
	require.Zero(t, w.Count(scaleiotest.OpCreatePD, "pd"))
	_, err = p.Blocking(t.Context(), []model.Gateway{g}, core.RemovalCheckParams{VolumePrefix: "verify-"})
	require.ErrorContains(t, err, "beside this one", "unreadable is not zero")
	got = p.Perform(t.Context(), w.meeting(t, platform.URL()))
	require.True(t, got.Hopeless)
}

func TestThePlatformsCertificateIsPinnedAtFirstSight(t *testing.T) {
	w, platform := newPlatform(t)
	p := w.platformPerformer(t, nil)
	g := w.met(t, p, platform.URL())
	require.NoError(t, platform.Renew())
	fresh := w.platformPerformer(t, nil) // no connection is open
	read := fresh.ReadPools(t.Context(), core.ReadPools{Gateways: []model.Gateway{g}})
	require.Contains(t, read.Err, "neither the one recorded for it nor signed by a known authority")
	require.Contains(t, read.Err, "order scaleioctl plan retry management-platform")
	again := w.met(t, fresh, platform.URL())
	require.NotEqual(t, g.CertificatePEM, again.CertificatePEM, "an order takes the new one")

	file := func(text []byte) func(*gateway.Options) {
		path := filepath.Join(t.TempDir(), "ca.pem")
		require.NoError(t, os.WriteFile(path, text, 0o600))
		return func(o *gateway.Options) { o.CAFile = path }
	}
	signed := w.platformPerformer(t, file(w.CA()))
	require.Empty(t, signed.ReadPools(t.Context(), core.ReadPools{Gateways: []model.Gateway{g}}).Err, "a renewed one of a configured authority")
	w.met(t, signed, platform.URL())
	foreign := newWorld4(t, scaleiotest.Options{Version: "4.5-2100.105", Seed: 2})
	got := w.platformPerformer(t, file(foreign.CA())).Perform(t.Context(), w.meeting(t, platform.URL()))
	require.Contains(t, got.Err, "no authority of --gateway.ca has signed the platform's certificate")
	require.False(t, got.Interrupted || got.Hopeless, "it counts, and an operator is asked for in the end")
}

// A wrong password is tried once: more would lock the user.
func TestThePlatformDoesNotTakeThePassword(t *testing.T) {
	w, platform := newPlatform(t)
	p := w.performer(t, nil) // the MDM's password
	got := p.Perform(t.Context(), w.meeting(t, platform.URL()))
	require.True(t, got.Hopeless)
	require.False(t, got.Interrupted)
	require.Contains(t, got.Err, "SIO_SCALEIO_GATEWAY_PASSWORD_FILE")
	require.NotContains(t, got.Err, password)
}

func TestWhatIsNoPlatform(t *testing.T) {
	w, _ := newPlatform(t)
	p := w.platformPerformer(t, func(o *gateway.Options) { o.Timeout = time.Second })
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	gone := "https://" + nobody.Addr().String()
	require.NoError(t, nobody.Close())
	got := p.Perform(t.Context(), w.meeting(t, gone))
	require.True(t, got.Interrupted, "one that is away is waited for")
	require.Contains(t, got.Err, gone)

	page := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>", http.StatusNotFound) }))
	page.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	page.StartTLS()
	t.Cleanup(page.Close)
	got = p.Perform(t.Context(), w.meeting(t, page.URL))
	require.True(t, got.Interrupted, "so answers one that is just starting, too")
	require.Contains(t, got.Err, "404")

	system := call(t, nil, core.StepManagementPlatform, core.ManagementPlatformParams{URL: page.URL})
	got = p.Perform(t.Context(), system)
	require.True(t, got.Hopeless)
	require.Contains(t, got.Err, "no system_id is given")
}

// A system of 4.x is emptied through its platform, unless a volume is mapped.
func TestASystemOf4xIsEmptiedThroughThePlatform(t *testing.T) {
	w, platform := newPlatform(t)
	p := w.platformPerformer(t, nil)
	through := []model.Gateway{w.met(t, p, platform.URL())}
	done[any](t, p.Perform(t.Context(), call(t, through, core.StepVerifyVolume, volume("users"))))
	for _, s := range append(removals()[:2], struct {
		step   string
		params any
		op     scaleiotest.Op
	}{step: core.StepRemovalCheck, params: core.RemovalCheckParams{VolumePrefix: ours}}) {
		got := p.Perform(t.Context(), call(t, through, s.step, s.params))
		require.Contains(t, got.Err, "volume users is mapped to SDC 127.0.1.13", s.step)
		require.True(t, got.Interrupted, "an operator is waited for")
	}
	done[any](t, p.Perform(t.Context(), call(t, through, core.StepVerify, core.VerifyParams{VolumePrefix: "users"})))
	for _, s := range removals() {
		for range 2 {
			done[any](t, p.Perform(t.Context(), call(t, through, s.step, s.params)))
		}
	}
	now := w.Snapshot()
	require.Empty(t, now.Domains)
	require.Empty(t, now.SDSs)
	require.Empty(t, now.Volumes)
}
