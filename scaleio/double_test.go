package scaleio_test

import (
	"crypto/x509"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/redact"
	"scaleio-framework/scaleio"
	"scaleio-framework/scaleio/scaleiotest"
)

// world is a ScaleIO with a working cluster and no storage yet.
func world(t *testing.T, version string) (*scaleiotest.System, *scaleio.Client) {
	s, err := scaleiotest.New(scaleiotest.Options{Version: version})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	require.NoError(t, s.Bootstrap(scaleiotest.BootstrapSpec{
		Hosts: scaleiotest.Hosts(3, 1, 100<<30), Password: password, Name: "scaleio",
	}))
	authorities := x509.NewCertPool()
	require.True(t, authorities.AppendCertsFromPEM(s.CA()))
	c, err := scaleio.New(scaleio.Options{
		Endpoint: s.GatewayURL("host1"), Password: redact.New(password), CA: authorities, Timeout: 10 * time.Second,
	})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return s, c
}

// platform is what a leader makes through the gateway, each part with the
// operation that it counts as.
type platform struct {
	t *testing.T
	c *scaleio.Client
	// ensure performs one operation.
	ensure func(op scaleiotest.Op, f func() (scaleio.Ensured, error)) string
}

func (p platform) build(sdcIP string) (poolID string) {
	ctx := short(p.t)
	pd := p.ensure(scaleiotest.OpCreatePD, func() (scaleio.Ensured, error) { return p.c.EnsureProtectionDomain(ctx, "default") })
	sp := p.ensure(scaleiotest.OpCreatePool, func() (scaleio.Ensured, error) {
		return p.c.EnsureStoragePool(ctx, pd, scaleio.StoragePoolSpec{Name: "default", ZeroPadding: true})
	})
	p.ensure(scaleiotest.OpSetSpare, changed(func() (bool, error) { return p.c.EnsureSparePercentage(ctx, sp, 34) }))
	for i := range 3 {
		fs := p.ensure(scaleiotest.OpCreateFaultSet, func() (scaleio.Ensured, error) {
			return p.c.EnsureFaultSet(ctx, pd, fmt.Sprintf("rack%d", i+1))
		})
		sds := p.ensure(scaleiotest.OpCreateSDS, func() (scaleio.Ensured, error) {
			return p.c.EnsureSDS(ctx, scaleio.SDSSpec{
				Name: fmt.Sprintf("host%d", i+1), ProtectionDomainID: pd, FaultSetID: fs, IPs: []string{fmt.Sprintf("127.0.1.%d", 11+i)},
			})
		})
		p.ensure(scaleiotest.OpCreateDevice, func() (scaleio.Ensured, error) {
			return p.c.EnsureDevice(ctx, scaleio.DeviceSpec{Name: "sdb", Path: "/dev/sdb", SDSID: sds, StoragePoolID: sp, TestMode: scaleio.TestNone})
		})
	}
	volume := p.ensure(scaleiotest.OpCreateVolume, func() (scaleio.Ensured, error) {
		return p.c.EnsureVolume(ctx, scaleio.VolumeSpec{Name: "verify-1", ProtectionDomainID: pd, StoragePoolID: sp, SizeKiB: 8 << 20})
	})
	sdc, err := p.c.FindSDC(ctx, sdcIP)
	require.NoError(p.t, err)
	require.NotNil(p.t, sdc)
	p.ensure(scaleiotest.OpMapVolume, changed(func() (bool, error) { return p.c.EnsureMapped(ctx, volume, sdc.ID) }))
	p.ensure(scaleiotest.OpUnmapVolume, changed(func() (bool, error) { return p.c.EnsureUnmapped(ctx, volume, sdc.ID) }))
	p.ensure(scaleiotest.OpRemoveVolume, changed(func() (bool, error) { return p.c.EnsureVolumeRemoved(ctx, volume) }))
	found, err := p.c.FindVolume(ctx, "verify-1")
	require.NoError(p.t, err)
	require.Nil(p.t, found)
	return sp
}

// changed makes the operations without an id look like those with one.
func changed(f func() (bool, error)) func() (scaleio.Ensured, error) {
	return func() (scaleio.Ensured, error) {
		done, err := f()
		return scaleio.Ensured{Created: done}, err
	}
}

// The whole plan is made while each operation loses its reply once, once is
// lost itself, and once finds its session ended; each is then repeated as a
// woken ex-leader would. Every effect happens exactly once.
func TestEnsureOperationsOnASystem(t *testing.T) {
	for _, version := range []string{"2.6-11000.113", "3.0-200.104", "3.6-700.103"} {
		for name, fault := range map[string]*scaleiotest.Fault{
			"nothing goes wrong": nil,
			"lost replies":       {Kind: scaleiotest.ReplyLost},
			"lost requests":      {Kind: scaleiotest.Reset},
			"ended sessions":     {Kind: scaleiotest.Unauthorized},
			"timeouts":           {Kind: scaleiotest.Reject},
		} {
			t.Run(version+"/"+name, func(t *testing.T) {
				s, c := world(t, version)
				p := platform{t: t, c: c}
				p.ensure = func(op scaleiotest.Op, f func() (scaleio.Ensured, error)) string {
					if fault != nil {
						strike := *fault
						strike.Op = op
						s.Inject(strike)
					}
					first, err := f()
					if fault != nil && (fault.Kind == scaleiotest.Reset || fault.Kind == scaleiotest.Reject) {
						require.True(t, scaleio.IsAmbiguous(err), "%s: %v", op, err)
						first, err = f()
					}
					require.NoError(t, err, op)
					require.True(t, first.Created, op)
					if op == scaleiotest.OpRemoveVolume || op == scaleiotest.OpUnmapVolume {
						second, err := f()
						require.NoError(t, err, op)
						require.False(t, second.Created, op)
						return first.ID
					}
					second, err := f()
					require.NoError(t, err, op)
					require.Equal(t, scaleio.Ensured{ID: first.ID}, second, op)
					return first.ID
				}
				pool := p.build("127.0.1.12")
				for op, want := range map[scaleiotest.Op]int{
					scaleiotest.OpCreatePD: 1, scaleiotest.OpCreatePool: 1, scaleiotest.OpSetSpare: 1,
					scaleiotest.OpCreateFaultSet: 3, scaleiotest.OpCreateSDS: 3, scaleiotest.OpCreateDevice: 3,
					scaleiotest.OpCreateVolume: 1, scaleiotest.OpMapVolume: 1, scaleiotest.OpUnmapVolume: 1, scaleiotest.OpRemoveVolume: 1,
				} {
					require.Equal(t, want, s.Count(op, ""), op)
				}
				checkStorage(t, c, pool)
			})
		}
	}
}

func checkStorage(t *testing.T, c *scaleio.Client, pool string) {
	ctx := short(t)
	system, err := c.System(ctx)
	require.NoError(t, err)
	require.Equal(t, "scaleio", system.Name)
	require.True(t, system.MDMCluster.Healthy())
	sp, err := c.StoragePool(ctx, pool)
	require.NoError(t, err)
	require.EqualValues(t, 34, sp.SparePercentage)
	require.True(t, sp.ZeroPadding)
	devices, err := c.DevicesOfStoragePool(ctx, pool)
	require.NoError(t, err)
	require.Len(t, devices, 3)
	for _, d := range devices {
		one, err := c.Device(ctx, d.ID)
		require.NoError(t, err)
		require.True(t, one.Normal())
		want, err := scaleio.DeviceKiB(100 << 30)
		require.NoError(t, err)
		require.Equal(t, want, one.CapacityKiB)
	}
	one, err := c.PoolStatistics(ctx, pool)
	require.NoError(t, err)
	require.NoError(t, one.Check())
	all, err := c.AllPoolStatistics(ctx)
	require.NoError(t, err)
	require.Equal(t, one.InUseKiB, all[pool].InUseKiB)
	each, err := c.AllDeviceCapacities(ctx)
	require.NoError(t, err)
	require.Len(t, each, 3)
	_, err = c.Alerts(ctx)
	require.NoError(t, err)
}

// What an operator made by hand under the plan's names is left alone.
func TestMismatchesOnASystem(t *testing.T) {
	_, c := world(t, "3.6-700.103")
	ctx := short(t)
	pd, err := c.EnsureProtectionDomain(ctx, "default")
	require.NoError(t, err)
	sp, err := c.EnsureStoragePool(ctx, pd.ID, scaleio.StoragePoolSpec{Name: "default"})
	require.NoError(t, err)
	other, err := c.EnsureStoragePool(ctx, pd.ID, scaleio.StoragePoolSpec{Name: "other"})
	require.NoError(t, err)
	sds, err := c.EnsureSDS(ctx, scaleio.SDSSpec{Name: "host1", ProtectionDomainID: pd.ID, IPs: []string{"127.0.1.11"}})
	require.NoError(t, err)

	again, err := c.EnsureStoragePool(ctx, pd.ID, scaleio.StoragePoolSpec{Name: "default", ZeroPadding: true})
	require.NoError(t, err, "zero padding can be changed before the first device")
	require.Equal(t, sp.ID, again.ID)
	device := scaleio.DeviceSpec{Name: "sdb", Path: "/dev/sdb", SDSID: sds.ID, StoragePoolID: sp.ID}
	_, err = c.EnsureDevice(ctx, device)
	require.NoError(t, err)
	var differs *scaleio.MismatchError
	_, err = c.EnsureStoragePool(ctx, pd.ID, scaleio.StoragePoolSpec{Name: "default"})
	require.ErrorAs(t, err, &differs)
	require.Equal(t, []scaleio.Difference{{Field: "zero padding", Want: "false", Have: "true"}}, differs.Differences)

	device.StoragePoolID = other.ID
	_, err = c.EnsureDevice(ctx, device)
	require.ErrorAs(t, err, &differs)
	require.Equal(t, "storage pool", differs.Differences[0].Field)
	device.StoragePoolID, device.Name = sp.ID, "another"
	_, err = c.EnsureDevice(ctx, device)
	require.ErrorAs(t, err, &differs)
	require.Equal(t, []scaleio.Difference{{Field: "name", Want: "another", Have: "sdb"}}, differs.Differences)
	device.Name, device.Path = "sdb", "/dev/disk/by-id/of-the-same-disk"
	_, err = c.EnsureDevice(ctx, device)
	require.NoError(t, err, "the name is the identity, whatever the path is today")
}
