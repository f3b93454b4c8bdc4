package scaleiotest

import "slices"

// Snapshot is the state of a System by names, so that two histories with the
// same end compare equal although their identifiers differ.
type Snapshot struct {
	Name    string                 `json:"name"`
	Cluster ClusterState           `json:"cluster"`
	Domains []string               `json:"domains"`
	Faults  []string               `json:"faultSets"`
	Pools   map[string]PoolState   `json:"pools"`
	SDSs    map[string]SDSState    `json:"sdss"`
	SDCs    map[string]bool        `json:"sdcs"`
	Volumes map[string]VolumeState `json:"volumes"`
	Hosts   map[string]HostState   `json:"hosts"`
}

// ClusterState is the MDM cluster; Mode is 0 before there is one. Members are
// listed by name, or by address where they have none.
type ClusterState struct {
	Mode            int      `json:"mode"`
	Healthy         bool     `json:"healthy"`
	PasswordChanged bool     `json:"passwordChanged"`
	Master          string   `json:"master"`
	Slaves          []string `json:"slaves"`
	TieBreakers     []string `json:"tieBreakers"`
	Standbys        []string `json:"standbys"`
}

// PoolState is a pool, keyed "domain/pool"; capacities in raw KiB.
type PoolState struct {
	SparePercent int   `json:"sparePercent"`
	ZeroPadding  bool  `json:"zeroPadding"`
	LimitKb      int64 `json:"limitKb"`
	SpareKb      int64 `json:"spareKb"`
	InUseKb      int64 `json:"inUseKb"`
	UnusedKb     int64 `json:"unusedKb"`
	RebalanceKb  int64 `json:"rebalanceKb"`
}

// SDSState is an SDS, keyed by name. Devices map paths to "domain/pool".
type SDSState struct {
	Domain    string            `json:"domain"`
	FaultSet  string            `json:"faultSet"`
	Host      string            `json:"host"`
	Connected bool              `json:"connected"`
	Devices   map[string]string `json:"devices"`
	// DeviceNames maps paths to the names devices were given.
	DeviceNames map[string]string `json:"deviceNames"`
}

// VolumeState is a volume, keyed by name.
type VolumeState struct {
	Pool     string   `json:"pool"`
	SizeKb   int64    `json:"sizeKb"`
	Thin     bool     `json:"thin"`
	MappedTo []string `json:"mappedTo"`
}

// HostState is a host, keyed by name.
type HostState struct {
	Packages map[string]string `json:"packages"`
	Active   []string          `json:"active"`
}

// Snapshot returns the present state.
func (s *System) Snapshot() Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	out := Snapshot{
		Name: s.name, Pools: map[string]PoolState{}, SDSs: map[string]SDSState{}, SDCs: map[string]bool{},
		Volumes: map[string]VolumeState{}, Hosts: map[string]HostState{},
	}
	if s.cluster != nil {
		out.Cluster = s.clusterState()
	}
	for _, d := range s.domains {
		out.Domains = append(out.Domains, d.name)
	}
	for _, f := range s.faultSets {
		out.Faults = append(out.Faults, f.domain.name+"/"+f.name)
	}
	slices.Sort(out.Domains)
	slices.Sort(out.Faults)
	s.snapshotStorage(&out)
	for _, c := range s.sdcs {
		out.SDCs[c.host.name] = c.connected()
	}
	for _, h := range s.hosts {
		state := HostState{Packages: map[string]string{}}
		for name, v := range h.packages {
			state.Packages[name] = v
		}
		for unit := range h.services {
			if h.running(unit) {
				state.Active = append(state.Active, unit)
			}
		}
		slices.Sort(state.Active)
		out.Hosts[h.name] = state
	}
	return out
}

func (s *System) clusterState() ClusterState {
	names := func(list []*mdm) []string {
		var out []string
		for _, m := range list {
			out = append(out, m.label())
		}
		slices.Sort(out)
		return out
	}
	c := s.cluster
	return ClusterState{
		Mode: c.mode, Healthy: c.aliveVoters() == c.mode, PasswordChanged: s.password != initialPassword,
		Master: c.master.label(), Slaves: names(c.slaves), TieBreakers: names(c.tbs), Standbys: names(c.standbys),
	}
}

func (m *mdm) label() string {
	if m.name != "" {
		return m.name
	}
	return m.ips[0]
}

func (s *System) snapshotStorage(out *Snapshot) {
	for _, p := range s.pools {
		f := s.poolFigures(p)
		out.Pools[p.label()] = PoolState{
			SparePercent: p.spare, ZeroPadding: p.zeroPad, LimitKb: f.limit, SpareKb: f.spare,
			InUseKb: f.inUse, UnusedKb: f.unused, RebalanceKb: f.rebalance,
		}
	}
	for _, x := range s.sdss {
		state := SDSState{
			Domain: x.domain.name, Host: x.host.name, Connected: x.connected(),
			Devices: map[string]string{}, DeviceNames: map[string]string{},
		}
		if x.faultSet != nil {
			state.FaultSet = x.faultSet.name
		}
		for _, d := range s.sdsDevices(x) {
			state.Devices[d.path] = d.pool.label()
			state.DeviceNames[d.path] = d.name
		}
		out.SDSs[x.name] = state
	}
	for _, v := range s.volumes {
		state := VolumeState{Pool: v.pool.label(), SizeKb: v.sizeKb, Thin: v.thin}
		for _, c := range v.mapped {
			state.MappedTo = append(state.MappedTo, c.host.name)
		}
		slices.Sort(state.MappedTo)
		out.Volumes[v.name] = state
	}
}

func (p *pool) label() string { return p.domain.name + "/" + p.name }
