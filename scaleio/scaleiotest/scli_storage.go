package scaleiotest

import (
	"strconv"
	"strings"
)

// storageCommands are scli's commands that make and change storage objects.
func storageCommands() map[string]command {
	const pd, sp = "protection_domain_name", "storage_pool_name"
	return map[string]command{
		"add_protection_domain": {need: []string{pd}, op: OpCreatePD, named: pd, run: (*cli).addDomain},
		"add_storage_pool": {
			need: []string{pd, sp}, op: OpCreatePool, named: sp,
			may: []string{"media_type", "data_layout", "use_rmcache", "dont_use_rmcache", "rmcache_write_handling_mode"},
			run: (*cli).addPool,
		},
		"add_fault_set": {need: []string{pd, "fault_set_name"}, op: OpCreateFaultSet, named: "fault_set_name", run: (*cli).addFaultSet},
		"add_sds": {
			need: []string{pd, "sds_ip"}, op: OpCreateSDS, named: "sds_name",
			may: []string{
				"sds_name", sp, "device_path", "device_name", "fault_set_name", "sds_port", "sds_ip_role", "no_test",
				"force_clean", "disable_rmcache",
			},
			run: (*cli).addSDS,
		},
		"add_sds_device": {
			need: []string{"sds_name|sds_ip|sds_id", "device_path", sp}, op: OpCreateDevice, named: "device_path",
			may: []string{pd, "device_name", "test_time", "no_test", "force_device_takeover", "media_type"},
			run: (*cli).addDevice,
		},
		"add_volume": {
			need: []string{pd, sp, "size_gb", "volume_name"}, op: OpCreateVolume, named: "volume_name",
			may: []string{"thin_provisioned", "use_rmcache", "dont_use_rmcache"},
			run: (*cli).addVolume,
		},
		"map_volume_to_sdc": {
			need: []string{"volume_name|volume_id", "sdc_ip|sdc_id|sdc_guid|sdc_name"}, op: OpMapVolume, named: "volume_name",
			may: []string{"allow_multi_map"}, run: (*cli).mapVolume,
		},
		"map_volume_to_host": {
			need: []string{"volume_name|volume_id", "sdc_ip|sdc_id|sdc_guid|sdc_name"}, op: OpMapVolume, named: "volume_name",
			may: []string{"allow_multi_map"}, run: (*cli).mapVolume,
		},
		"unmap_volume_from_host": {
			need: []string{"volume_name|volume_id", "sdc_ip|sdc_id|sdc_guid|sdc_name|all_hosts"}, op: OpUnmapVolume, named: "volume_name",
			run: (*cli).unmapVolume,
		},
		"unmap_volume_from_sdc": {
			need: []string{"volume_name|volume_id", "sdc_ip|sdc_id|sdc_guid|sdc_name|all_sdcs|all_sdc"}, op: OpUnmapVolume, named: "volume_name",
			run: (*cli).unmapVolume,
		},
		"modify_spare_policy": {need: []string{pd, sp, "spare_percentage"}, op: OpSetSpare, named: sp, run: (*cli).modifySpare},
		"modify_zero_padding_policy": {
			need: []string{pd, sp, "enable_zero_padding|disable_zero_padding"}, op: OpSetZeroPadding, named: sp,
			run: func(c *cli) error {
				p, err := c.pool()
				if err == nil {
					_, err = c.s.setZeroPadding(p, c.has("enable_zero_padding"))
				}
				c.printf("Successfully modified zero padding policy\n")
				return err
			},
		},
		"set_capacity_alerts_threshold": {
			need: []string{"capacity_high_threshold", "capacity_critical_threshold"}, op: OpSetSystem,
			may: []string{"all_storage_pools", "system_default", pd, sp}, run: (*cli).setThresholds,
		},
		"set_performance_parameters": {
			op: OpSetSystem, may: []string{"all_sdc", "all_sds", "apply_to_mdm", "profile"},
			run: func(c *cli) error { c.printf("Successfully set performance parameters\n"); return nil },
		},
		"set_rmcache_usage": {
			op: OpSetSystem, may: []string{pd, sp, "use_rmcache", "dont_use_rmcache", "sds_name"},
			run: func(c *cli) error { c.printf("Successfully set RAM Read Cache usage\n"); return nil },
		},
	}
}

func (c *cli) domain() (*domain, error) {
	d := c.s.domainNamed(c.opt["protection_domain_name"])
	if d == nil {
		return nil, errNoPD
	}
	return d, nil
}

func (c *cli) pool() (*pool, error) {
	d, err := c.domain()
	if err != nil {
		return nil, err
	}
	return c.poolIn(d, c.opt["storage_pool_name"])
}

func (c *cli) poolIn(d *domain, name string) (*pool, error) {
	p := c.s.poolNamed(d, name)
	if p == nil {
		return nil, errNoPool
	}
	return p, nil
}

// number reads the integer value of an option.
func (c *cli) number(option string, other int) (int, error) {
	if !c.has(option) {
		return other, nil
	}
	n, err := strconv.Atoi(strings.TrimSuffix(c.opt[option], "%"))
	if err != nil {
		return 0, errRange
	}
	return n, nil
}

func (c *cli) addDomain() error {
	id, err := c.s.createDomain(c.opt["protection_domain_name"])
	c.printf("Successfully created protection domain %s. Object ID %s\n", c.opt["protection_domain_name"], id)
	return err
}

func (c *cli) addPool() error {
	d, err := c.domain()
	if err != nil {
		return err
	}
	id, err := c.s.createPool(newPool{
		domain: d, name: c.opt["storage_pool_name"], media: c.opt["media_type"], spare: 10, useRmcache: c.has("use_rmcache"),
	})
	c.printf("Successfully created a storage pool %s. Object ID %s\n", c.opt["storage_pool_name"], id)
	return err
}

func (c *cli) addFaultSet() error {
	d, err := c.domain()
	if err != nil {
		return err
	}
	id, err := c.s.createFaultSet(d, c.opt["fault_set_name"])
	c.printf("Successfully created Fault Set %s. Object ID %s\n", c.opt["fault_set_name"], id)
	return err
}

// scliRoles are scli's spellings of the roles of an SDS address.
var scliRoles = map[string]string{"all": "all", "sds_only": "sdsOnly", "sdc_only": "sdcOnly"}

func (c *cli) addSDS() error {
	d, err := c.domain()
	if err != nil {
		return err
	}
	port, err := c.number("sds_port", 7072)
	if err != nil {
		return err
	}
	n := newSDS{name: c.opt["sds_name"], domain: d, port: port}
	roles := fields(c.opt["sds_ip_role"])
	for i, ip := range fields(c.opt["sds_ip"]) {
		role := "all"
		if i < len(roles) {
			role = scliRoles[roles[i]]
		}
		n.ips = append(n.ips, sdsIP{ip: ip, role: role})
	}
	if name := c.opt["fault_set_name"]; name != "" {
		if n.faultSet = c.s.faultSetNamed(d, name); n.faultSet == nil {
			return errNoFaultSet
		}
	}
	if n.devices, err = c.sdsDevices(d); err != nil {
		return err
	}
	id, err := c.s.createSDS(n)
	c.printf("Successfully created SDS %s. Object ID %s\n", n.name, id)
	return err
}

// sdsDevices are the devices that come with an SDS: as many pools as paths.
func (c *cli) sdsDevices(d *domain) ([]newDevice, error) {
	pools, paths := fields(c.opt["storage_pool_name"]), fields(c.opt["device_path"])
	var out []newDevice
	for i, path := range paths {
		if i >= len(pools) {
			return nil, errRange
		}
		p, err := c.poolIn(d, pools[i])
		if err != nil {
			return nil, err
		}
		out = append(out, newDevice{pool: p, path: path, noTest: c.has("no_test"), takeover: c.has("force_clean")})
	}
	return out, nil
}

// sds finds the SDS that the options name.
func (c *cli) sds() (*sds, error) {
	if x := c.s.sdsNamed(c.opt["sds_name"]); x != nil {
		return x, nil
	}
	for _, x := range c.s.sdss {
		if x.id == c.opt["sds_id"] {
			return x, nil
		}
		for _, ip := range x.ips {
			if ip.ip == c.opt["sds_ip"] {
				return x, nil
			}
		}
	}
	return nil, errNoSDS
}

func (c *cli) addDevice() error {
	x, err := c.sds()
	if err != nil {
		return err
	}
	p, err := c.poolIn(x.domain, c.opt["storage_pool_name"])
	if err != nil {
		return err
	}
	id, err := c.s.createDevice(newDevice{
		sds: x, pool: p, path: c.opt["device_path"], name: c.opt["device_name"], media: c.opt["media_type"],
		noTest: c.has("no_test"), takeover: c.has("force_device_takeover"),
	})
	c.printf("Successfully added device %s to SDS. New device ID: %s\n", c.opt["device_path"], id)
	return err
}

func (c *cli) addVolume() error {
	p, err := c.pool()
	if err != nil {
		return err
	}
	gb, err := c.number("size_gb", 0)
	if err != nil {
		return err
	}
	rounded := roundVolume(int64(gb)*gibKb) / gibKb
	if rounded != int64(gb) {
		c.printf("Warning: Rounding up the volume size to %d GB\n", rounded)
	}
	id, err := c.s.createVolume(newVolume{pool: p, name: c.opt["volume_name"], sizeKb: rounded * gibKb, thin: c.has("thin_provisioned")})
	c.printf("Successfully created volume of size %d GB. Object ID %s\n", rounded, id)
	return err
}

func (c *cli) volume() (*volume, error) {
	v := c.s.volumeNamed(c.opt["volume_name"])
	if v == nil {
		v = c.s.volumeBy(c.opt["volume_id"])
	}
	if v == nil {
		return nil, errNoVolume
	}
	return v, nil
}

func (c *cli) sdc() (*sdc, error) {
	x := c.s.sdcBy(c.opt["sdc_ip"] + c.opt["sdc_id"] + c.opt["sdc_guid"] + c.opt["sdc_name"])
	if x == nil {
		return nil, errNoSDC
	}
	return x, nil
}

func (c *cli) mapVolume() error {
	v, err := c.volume()
	if err != nil {
		return err
	}
	x, err := c.sdc()
	if err != nil {
		return err
	}
	_, err = c.s.mapVolume(v, x, c.has("allow_multi_map"))
	c.printf("Successfully mapped volume with ID %s to SDC %s.\n", v.id, x.id)
	return err
}

func (c *cli) unmapVolume() error {
	v, err := c.volume()
	if err != nil {
		return err
	}
	var x *sdc
	if !c.has("all_sdcs") && !c.has("all_sdc") && !c.has("all_hosts") {
		if x, err = c.sdc(); err != nil {
			return err
		}
	}
	_, err = c.s.unmapVolume(v, x)
	c.printf("Successfully unmapped volume with ID %s\n", v.id)
	return err
}

func (c *cli) modifySpare() error {
	p, err := c.pool()
	if err != nil {
		return err
	}
	n, err := c.number("spare_percentage", -1)
	if err != nil {
		return err
	}
	_, err = c.s.setSpare(p, n)
	c.printf("Successfully modified spare policy\n")
	return err
}

func (c *cli) setThresholds() error {
	high, err := c.number("capacity_high_threshold", 80)
	if err != nil {
		return err
	}
	crit, err := c.number("capacity_critical_threshold", 90)
	if err != nil {
		return err
	}
	pools := c.s.pools
	if c.has("storage_pool_name") {
		p, err := c.pool()
		if err != nil {
			return err
		}
		pools = []*pool{p}
	}
	for _, p := range pools {
		if _, err := c.s.setAlerts(p, high, crit); err != nil {
			return err
		}
	}
	if c.has("system_default") {
		c.s.highAlert, c.s.criticalAlert = high, crit
	}
	c.printf("Successfully modified capacity alerts threshold\n")
	return nil
}
