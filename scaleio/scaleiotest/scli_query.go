package scaleiotest

import (
	"fmt"
	"strings"
)

// queryCommands are scli's commands that change nothing.
func queryCommands() map[string]command {
	const pd = "protection_domain_name"
	q := func(name string, need []string, run func(*cli) error) command {
		return command{need: need, may: []string{"all_objects", pd}, op: OpRead, named: name, run: run}
	}
	cluster := q("", nil, func(c *cli) error { c.queryCluster(); return nil })
	cluster.open = true
	return map[string]command{
		"query_cluster":      cluster,
		"query_all":          q("", nil, func(c *cli) error { c.queryAll(); return nil }),
		"query_all_sds":      q("", nil, func(c *cli) error { c.queryAllSDS(); return nil }),
		"query_sds":          q("", []string{"sds_name|sds_ip|sds_id"}, (*cli).querySDS),
		"query_all_sdc":      q("", nil, func(c *cli) error { c.queryAllSDC(); return nil }),
		"query_all_volumes":  q("", nil, func(c *cli) error { c.queryAllVolumes(); return nil }),
		"query_storage_pool": q("", []string{pd, "storage_pool_name"}, (*cli).queryPool),
		"query_volume": q("", []string{"volume_name|volume_id"}, func(c *cli) error {
			v, err := c.volume()
			if err == nil {
				c.printf("Volume ID: %s Name: %s\n", v.id, v.name)
			}
			return err
		}),
		"query_all_fault_sets": q("", []string{pd}, (*cli).queryFaultSets),
		"query_properties": {
			need: []string{"object_type", "all_objects|object_id", "properties|preset"}, op: OpRead, run: (*cli).queryProperties,
		},
	}
}

// size prints an amount as scli does: 112.0 GB (114688 MB).
func size(kb int64) string {
	if kb == 0 {
		return "0 Bytes"
	}
	return fmt.Sprintf("%.1f GB (%d MB)", float64(kb)/gibKb, kb/mibKb)
}

func (c *cli) queryAll() {
	s := c.s
	c.printf("System Info:\n\tProduct:  EMC ScaleIO Version: %s\n\tID:      %s\n\tManager ID:      0000000000000000\n\n", s.version.product(), s.systemID)
	c.printf("License info:\n\tInstallation ID: %s\n\tSWID:\n\tMaximum capacity: Unlimited\n", s.installID)
	c.printf("\tUsage time left: Unlimited *** Non-Production License ***\n\tEnterprise features: Enabled\n")
	c.printf("\tThe system was activated %d days ago\n\n", int(s.opt.Now().Sub(s.started).Hours()/24))
	c.printf("System settings:\n\tCapacity alert thresholds: High: %d, Critical: %d\n\tThick volume reservation percent: 0\n", s.highAlert, s.criticalAlert)
	c.printf("\tMDM restricted SDC mode: %s\n\tTLS version: TLSv1.2\n\n", enabled(s.restricted))
	c.printf("Query all returned %d Protection Domain:\n", len(s.domains))
	var total figures
	for _, d := range s.domains {
		total = total.plus(c.queryDomain(d))
	}
	c.querySummary(total)
}

func (c *cli) queryDomain(d *domain) figures {
	f, _ := c.s.groupFigures("ProtectionDomain", d.id)
	pools, sets, servers, volumes := 0, 0, 0, 0
	for _, p := range c.s.pools {
		if p.domain == d {
			pools++
			volumes += len(c.s.poolVolumes(p))
		}
	}
	for _, x := range c.s.faultSets {
		if x.domain == d {
			sets++
		}
	}
	for _, x := range c.s.sdss {
		if x.domain == d {
			servers++
		}
	}
	c.printf("Protection Domain %s (Id: %s) has %d storage pools, %d Fault Sets, %d SDS nodes, %d volumes and %s available for volume allocation\nOperational state is Active\n\n",
		d.name, d.id, pools, sets, servers, volumes, size(f.allocatable))
	for _, p := range c.s.pools {
		if p.domain == d {
			c.printf("Storage Pool %s (Id: %s) has %d volumes and %s available for volume allocation\n", p.name, p.id, len(c.s.poolVolumes(p)), size(c.s.poolFigures(p).allocatable))
			c.printf("\tZero padding is %s\n\tSpare policy: %d%% out of total\n\tChecksum mode: disabled\n\n", enabled(p.zeroPad), p.spare)
		}
	}
	return f
}

func (c *cli) querySummary(f figures) {
	up := 0
	for _, x := range c.s.sdss {
		if x.connected() {
			up++
		}
	}
	c.printf("SDS Summary:\n\tTotal %d SDS Nodes\n\t%d SDS nodes have membership state 'Joined'\n\t%d SDS nodes have connection state 'Connected'\n", len(c.s.sdss), up, up)
	for _, line := range []struct {
		kb   int64
		what string
	}{
		{f.limit, "total"},
		{f.unused, "unused"},
		{f.snapReserved, "snapshots"},
		{f.inUse, "in-use"},
		{f.thin, "thin"},
		{f.inUse - 2*f.degraded - f.failed, "protected"},
		{f.failed, "failed"},
		{f.degraded, "degraded-failed"},
		{f.degraded, "degraded-healthy"},
		{f.rebalance, "total rebalance"},
		{f.spare, "spare"},
		{f.inUse, "at-rest"},
	} {
		c.printf("\t%s %s capacity\n", size(line.kb), line.what)
	}
	c.printf("\nVolumes summary:\n\t%d volumes\n", len(c.s.volumes))
}

func enabled(on bool) string {
	if on {
		return "enabled"
	}
	return "disabled"
}

func (c *cli) queryAllSDS() {
	if len(c.s.sdss) == 0 {
		c.printf("Query-all-SDS returned 0 SDS nodes\n")
		return
	}
	c.printf("Query-all-SDS returned %d SDS nodes.\n", len(c.s.sdss))
	for _, d := range c.s.domains {
		c.printf("\nProtection Domain %s Name: %s\n", d.id, d.name)
		for _, x := range c.s.sdss {
			if x.domain == d {
				c.printf("SDS ID: %s Name: %s State: %s IP    %s Port: %d Version: %s\n", x.id, x.name, sdsState(x), sdsIPs(x), x.port, c.s.version.scli())
			}
		}
	}
}

func sdsState(x *sds) string {
	if x.connected() {
		return "Connected, Joined"
	}
	return "Disconnected, Decoupled"
}

func sdsIPs(x *sds) string {
	out := []string{}
	for _, ip := range x.ips {
		out = append(out, ip.ip)
	}
	return strings.Join(out, ",")
}

func (c *cli) querySDS() error {
	x, err := c.sds()
	if err != nil {
		return err
	}
	c.printf("SDS %s Name: %s Version: %s\nProtection Domain: %s, Name: %s\n", x.id, x.name, c.s.version.scli(), x.domain.id, x.domain.name)
	c.printf("DRL mode: Volatile\nAuthentication error: None\nIP information (total %d IPs):\n", len(x.ips))
	for i, ip := range x.ips {
		c.printf("\t %d: %s     Role: %s\n", i+1, ip.ip, map[string]string{"all": "All (SDS and SDC)", "sdsOnly": "SDS Only", "sdcOnly": "SDC Only"}[ip.role])
	}
	devices := c.s.sdsDevices(x)
	c.printf("\tPort: %d\n\nDevice information (total %d devices):\n", x.port, len(devices))
	for i, d := range devices {
		name := d.name
		if name == "" {
			name = "N/A"
		}
		c.printf("\t %d: Name: %s  Path: %s  Original-path: %s  ID: %s\n", i+1, name, d.path, d.original, d.id)
		c.printf("\t\tStorage Pool: %s, Capacity: %d GB Error-fixes: 0 scanned 0 MB, Compare errors: 0 State: %s\n", d.pool.name, d.limitKb/gibKb, d.stateAt(c.s.opt.Now()))
	}
	membership, connection, _ := strings.Cut(sdsState(x), ", ")
	c.printf("\nMembership-state: %s; Connection-state: %s; SDS-state: Normal; 0 devices with error; 0 Rfcache devices with errors\n", connection, membership)
	return nil
}

func (c *cli) queryAllSDC() {
	c.printf("MDM restricted SDC mode: %s\nQuery all SDC returned %d SDC nodes.\n", enabled(c.s.restricted), len(c.s.sdcs))
	for _, x := range c.s.sdcs {
		state := "Connected"
		if !x.connected() {
			state = "Disconnected"
		}
		name := x.name
		if name == "" {
			name = "N/A"
		}
		c.printf("SDC ID: %s Name: %s IP: %s State: %s GUID: %s Version: %s\n", x.id, name, x.host.ip, state, x.guid, c.s.version.scli())
	}
}

func (c *cli) queryAllVolumes() {
	c.printf("Query-all-volumes returned %d volumes\n", len(c.s.volumes))
	if len(c.s.volumes) == 0 {
		c.printf("<No volumes defined>\n")
	}
	for _, d := range c.s.domains {
		for _, p := range c.s.pools {
			volumes := c.s.poolVolumes(p)
			if p.domain != d || len(volumes) == 0 {
				continue
			}
			c.printf("Protection Domain %s Name: %s\nStorage Pool %s Name: %s\n", d.id, d.name, p.id, p.name)
			for _, v := range volumes {
				kind, mapped := "Thick-provisioned", "Unmapped"
				if v.thin {
					kind = "Thin-provisioned"
				}
				if len(v.mapped) > 0 {
					mapped = fmt.Sprintf("Mapped to %d SDC", len(v.mapped))
				}
				c.printf(" Volume ID: %s Name: %s Size: %s %s %s\n", v.id, v.name, size(v.sizeKb), mapped, kind)
			}
		}
	}
}

func (c *cli) queryPool() error {
	p, err := c.pool()
	if err != nil {
		return err
	}
	f := c.s.poolFigures(p)
	c.printf("Storage Pool %s (Id: %s) has %d volumes and %s available for volume allocation\n", p.name, p.id, len(c.s.poolVolumes(p)), size(f.allocatable))
	c.printf("\tZero padding is %s\n\tSpare policy: %d%% out of total\n", enabled(p.zeroPad), p.spare)
	c.printf("\tCapacity alert thresholds: High: %d, Critical: %d\n", p.high, p.crit)
	return nil
}

func (c *cli) queryFaultSets() error {
	d, err := c.domain()
	if err != nil {
		return err
	}
	var lines []string
	for _, f := range c.s.faultSets {
		if f.domain == d {
			lines = append(lines, fmt.Sprintf("Fault Set ID: %s Name: %s\n", f.id, f.name))
		}
	}
	c.printf("Query-all-fault-sets returned %d Fault Sets\n%s", len(lines), strings.Join(lines, ""))
	return nil
}
