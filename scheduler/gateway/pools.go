package gateway

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"

	"scaleio-framework/internal/core"
	"scaleio-framework/scaleio"
)

// ReadPools reads every pool through the first gateway that answers. Use and
// capacity of a pool come from one answer; whatever cannot be read of them makes
// the whole reading void, since unreadable is not zero (R8).
func (p *Performer) ReadPools(ctx context.Context, e core.ReadPools) core.PoolsRead {
	read := core.PoolsRead{Asked: e.Asked}
	err := error(notYet{"no gateway is configured yet"})
	for _, g := range e.Gateways {
		var client *scaleio.Client
		if client, err = p.client(g); err != nil {
			break
		}
		if err = serves(ctx, client, g); err == nil {
			read.MDM = mdm(ctx, client)
			read.Pools, err = pools(ctx, client)
		}
		if err == nil || !mayDiffer(err) {
			break
		}
	}
	read.At = p.opts.Now()
	if err != nil {
		read.Pools, read.Err = nil, p.mask(err.Error())
	}
	read.MDM = p.mask(read.MDM)
	return read
}

// mdm says why the MDM cluster is not known to be whole; empty when it is.
func mdm(ctx context.Context, c *scaleio.Client) string {
	system, err := c.System(ctx)
	switch {
	case err != nil:
		return "the state of the MDM cluster cannot be read: " + err.Error()
	case !system.MDMCluster.Healthy():
		return "the MDM cluster is " + system.MDMCluster.State
	}
	return ""
}

// system is what one reading needs besides the statistics.
type system struct {
	version    scaleio.Version
	domains    []scaleio.ProtectionDomain
	pools      []scaleio.StoragePool
	sets       []scaleio.FaultSet
	sdss       []scaleio.SDS
	devices    []scaleio.Device
	capacities map[string]scaleio.DeviceCapacity
}

func pools(ctx context.Context, c *scaleio.Client) ([]core.PoolReading, error) {
	var s system
	var errs [7]error
	s.version, errs[0] = c.Version(ctx)
	s.domains, errs[1] = c.ProtectionDomains(ctx)
	s.pools, errs[2] = c.StoragePools(ctx)
	s.sets, errs[3] = c.FaultSets(ctx)
	s.sdss, errs[4] = c.SDSs(ctx)
	s.devices, errs[5] = c.Devices(ctx)
	s.capacities, errs[6] = c.AllDeviceCapacities(ctx)
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	statistics, err := c.AllPoolStatistics(ctx)
	if err != nil {
		return nil, err
	}
	readings := make([]core.PoolReading, 0, len(s.pools))
	for _, pool := range s.pools {
		readings = append(readings, s.reading(pool, statistics))
	}
	slices.SortFunc(readings, func(a, b core.PoolReading) int {
		return cmp.Or(cmp.Compare(a.ProtectionDomain, b.ProtectionDomain), cmp.Compare(a.StoragePool, b.StoragePool))
	})
	return readings, nil
}

func (s *system) reading(pool scaleio.StoragePool, statistics map[string]scaleio.PoolStatistics) core.PoolReading {
	r := core.PoolReading{
		StoragePool: pool.Name, ID: pool.ID, Version: s.version.String(),
		SparePercent: int(pool.SparePercentage),
		HighPercent:  int(pool.CapacityAlertHigh), CriticalPercent: int(pool.CapacityAlertCritical),
		Units: s.units(pool),
	}
	for _, d := range s.domains {
		if d.ID == pool.ProtectionDomainID {
			r.ProtectionDomain = d.Name
		}
	}
	figures, ok := statistics[pool.ID]
	if !ok {
		r.Implausible = "the gateway gave no statistics of the pool"
		return r
	}
	if err := figures.Check(); err != nil {
		r.Implausible = err.Error()
	}
	for _, d := range s.devices {
		if _, ok := s.capacities[d.ID]; !ok && d.StoragePoolID == pool.ID {
			r.Implausible = "the gateway gave no statistics of device " + d.Name
		}
	}
	r.InUseKiB, r.LimitKiB, r.SpareKiB, r.UnusedKiB = figures.InUseKiB, figures.LimitKiB, figures.SpareKiB, figures.UnusedKiB
	r.Degraded, r.Rebuilding, r.Rebalancing = figures.Degraded(), figures.Rebuilding(), figures.Rebalancing()
	return r
}

// units groups the SDSs that have devices in the pool by what fails together.
func (s *system) units(pool scaleio.StoragePool) []core.FaultUnit {
	units := make(map[string]*core.FaultUnit)
	for _, sds := range s.sdss {
		reading := s.sdsReading(sds, pool)
		if len(reading.Devices) == 0 {
			continue
		}
		name := sds.Name
		for _, set := range s.sets {
			if sds.FaultSetID != "" && set.ID == sds.FaultSetID {
				name = set.Name
			}
		}
		if units[name] == nil {
			units[name] = &core.FaultUnit{Name: name}
		}
		units[name].SDSs = append(units[name].SDSs, reading)
	}
	list := make([]core.FaultUnit, 0, len(units))
	for _, name := range slices.Sorted(maps.Keys(units)) {
		unit := units[name]
		slices.SortFunc(unit.SDSs, func(a, b core.SDSReading) int { return cmp.Compare(a.Name, b.Name) })
		list = append(list, *unit)
	}
	return list
}

func (s *system) sdsReading(sds scaleio.SDS, pool scaleio.StoragePool) core.SDSReading {
	r := core.SDSReading{ID: sds.ID, Name: sds.Name, Healthy: sds.Healthy()}
	if len(sds.IPs) > 0 {
		r.Address = sds.IPs[0].IP
	}
	for _, d := range s.devices {
		switch {
		case d.SDSID != sds.ID:
		case d.StoragePoolID != pool.ID:
			r.OtherDevices++
		default:
			r.Devices = append(r.Devices, core.DeviceReading{
				ID: d.ID, Name: d.Name, Path: d.CurrentPath, Normal: d.Normal(),
				LimitKiB: d.CapacityKiB, InUseKiB: s.capacities[d.ID].InUseKiB,
			})
		}
	}
	slices.SortFunc(r.Devices, func(a, b core.DeviceReading) int { return cmp.Compare(a.Name, b.Name) })
	return r
}
