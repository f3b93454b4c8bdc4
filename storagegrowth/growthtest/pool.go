package growthtest

import (
	"maps"
	"slices"

	"scaleio-framework/internal/core"
)

// Pool is a storage pool of ScaleIO.
type Pool struct {
	Domain, Name string
	InUse        int64 // KiB
	Spare        int   // percent
	Devices      []Device
	Degraded     bool
	Rebuilding   bool
	Rebalancing  bool
}

// Device is one device of a pool.
type Device struct {
	ID, Name, Path string
	SDS, Unit      string // fault unit
	Host           string
	KiB            int64
}

// AddPool makes a pool with a device of 100 GiB on each of the hosts, used to
// that part, and a spare of one fault unit.
func (s *Site) AddPool(domain, name string, hosts []string, used float64) {
	units := len(hosts)
	p := &Pool{Domain: domain, Name: name, Spare: (100 + units - 1) / units}
	for _, h := range hosts {
		s.AddSDS(SDS{Name: "sds-" + h, Host: h, Unit: "sds-" + h})
		p.Devices = append(p.Devices, Device{ID: "d-" + name + h, Name: name + "-first-" + h, Path: "/dev/sdb", SDS: "sds-" + h, Unit: "sds-" + h, Host: h, KiB: 103808000})
	}
	p.Fill(used)
	s.Pools[domain+"/"+name] = p
}

// Fill makes that part of the pool used.
func (p *Pool) Fill(used float64) {
	limit, spare := p.limit()
	p.InUse = int64(used * float64(limit-spare))
}

func (p *Pool) limit() (limit, spare int64) {
	for _, d := range p.Devices {
		limit += d.KiB
	}
	spare = limit * int64(p.Spare) / 100 / 1024 * 1024
	return limit, spare
}

// Fullness is the used part of what may be used.
func (p *Pool) Fullness() float64 {
	limit, spare := p.limit()
	return float64(p.InUse) / float64(limit-spare)
}

// Read is one reading of all pools.
func (s *Site) Read() core.PoolsRead {
	read := core.PoolsRead{At: s.Now}
	for _, key := range slices.Sorted(maps.Keys(s.Pools)) {
		read.Pools = append(read.Pools, s.Pools[key].reading(s))
	}
	return read
}

func (p *Pool) reading(s *Site) core.PoolReading {
	limit, spare := p.limit()
	r := core.PoolReading{
		ProtectionDomain: p.Domain, StoragePool: p.Name, ID: "p-" + p.Name, InUseKiB: p.InUse, LimitKiB: limit, SpareKiB: spare,
		UnusedKiB: limit - spare - p.InUse, SparePercent: p.Spare, HighPercent: 80, CriticalPercent: 90, Version: "2.6",
		Degraded: p.Degraded, Rebuilding: p.Rebuilding, Rebalancing: p.Rebalancing,
	}
	units := make(map[string]map[string][]Device)
	for _, d := range p.Devices {
		if units[d.Unit] == nil {
			units[d.Unit] = make(map[string][]Device)
		}
		units[d.Unit][d.SDS] = append(units[d.Unit][d.SDS], d)
	}
	for _, unit := range slices.Sorted(maps.Keys(units)) {
		u := core.FaultUnit{Name: unit}
		for _, sds := range slices.Sorted(maps.Keys(units[unit])) {
			devices := units[unit][sds]
			reading := core.SDSReading{ID: "id-" + sds, Name: sds, Address: s.Instances[devices[0].Host].Address, Healthy: true}
			for _, d := range devices {
				reading.Devices = append(reading.Devices, core.DeviceReading{
					ID: d.ID, Name: d.Name, Path: d.Path, LimitKiB: d.KiB, Normal: true,
					InUseKiB: min(d.KiB, int64(float64(p.InUse)*float64(d.KiB)/float64(limit))),
				})
			}
			u.SDSs = append(u.SDSs, reading)
		}
		r.Units = append(r.Units, u)
	}
	return r
}
