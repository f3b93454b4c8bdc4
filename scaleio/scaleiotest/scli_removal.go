package scaleiotest

// removalCommands are scli's commands that take storage objects away.
func removalCommands() map[string]command {
	const pd = "protection_domain_name"
	return map[string]command{
		"remove_protection_domain": {need: []string{pd}, op: OpRemovePD, named: pd, run: func(c *cli) error {
			d, err := c.domain()
			if err != nil {
				return err
			}
			c.printf("Successfully removed protection domain\n")
			_, err = c.s.removeDomain(d)
			return err
		}},
		"remove_storage_pool": {need: []string{pd, "storage_pool_name"}, op: OpRemovePool, named: "storage_pool_name", run: func(c *cli) error {
			p, err := c.pool()
			if err != nil {
				return err
			}
			c.printf("Successfully removed storage pool\n")
			_, err = c.s.removePool(p)
			return err
		}},
		"remove_fault_set": {need: []string{pd, "fault_set_name"}, op: OpRemoveFaultSet, named: "fault_set_name", run: func(c *cli) error {
			d, err := c.domain()
			if err != nil {
				return err
			}
			f := c.s.faultSetNamed(d, c.opt["fault_set_name"])
			if f == nil {
				return errNoFaultSet
			}
			c.printf("Successfully removed Fault Set\n")
			_, err = c.s.removeFaultSet(f)
			return err
		}},
		"remove_sds": {need: []string{"sds_name|sds_ip|sds_id"}, may: []string{"force"}, op: OpRemoveSDS, named: "sds_name", run: func(c *cli) error {
			x, err := c.sds()
			if err != nil {
				return err
			}
			c.printf("SDS is being removed asynchronously\n")
			_, err = c.s.removeSDS(x)
			return err
		}},
		"remove_sds_device": {
			need: []string{"device_id|device_path"}, may: []string{"sds_name", "sds_ip", "sds_id"}, op: OpRemoveDevice, named: "device_path",
			run: (*cli).removeDevice,
		},
		"remove_volume": {need: []string{"volume_name|volume_id"}, op: OpRemoveVolume, named: "volume_name", run: func(c *cli) error {
			v, err := c.volume()
			if err != nil {
				return err
			}
			c.printf("Successfully removed volume\n")
			_, err = c.s.removeVolume(v)
			return err
		}},
	}
}

func (c *cli) removeDevice() error {
	d := c.s.deviceBy(c.opt["device_id"])
	if d == nil {
		x, err := c.sds()
		if err != nil {
			return err
		}
		d = first(c.s.devices, func(d *device) bool { return d.sds == x && d.path == c.opt["device_path"] })
	}
	if d == nil {
		return errNoDevice
	}
	c.printf("Device is being removed asynchronously\n")
	_, err := c.s.removeDevice(d)
	return err
}
