package scaleiotest

// The actions of the REST API. Each finds its object first, so that the effect
// has a name to count under; the effect itself looks again where an object may
// have gone in between, by failing on what it then finds.

func (s *System) systemAction(action string, b fieldsOf) *change {
	name := b.text("name")
	switch action {
	case "addStandbyMdm":
		return &change{OpAddStandby, name, func() (string, error) {
			return s.addStandby(newMDM{name: name, ips: b.list("ips"), mgmt: b.list("managementIps"), tieBreaker: b.text("role") == "TieBreaker"})
		}}
	case "removeStandbyMdm":
		return &change{OpRemoveStandby, b.text("id"), func() (string, error) { return s.removeStandby(b.text("id")) }}
	case "switchClusterMode":
		mode := map[string]int{"OneNode": 1, "ThreeNodes": 3, "FiveNodes": 5}[b.text("mode")]
		return &change{OpSwitchMode, b.text("mode"), func() (string, error) {
			return s.switchMode(modeChange{
				mode: mode, addSlaves: b.list("addSlaveMdmIdList"), addTBs: b.list("addTBIdList"),
				dropSlaves: b.list("removeSlaveMdmIdList"), dropTBs: b.list("removeTBIdList"),
			})
		}}
	case "changeMdmOwnership":
		return &change{OpSwitchMaster, b.text("id"), func() (string, error) { return s.switchMaster(b.text("id")) }}
	case "renameMdm":
		return &change{OpRenameMDM, b.text("newName"), func() (string, error) {
			m := s.cluster.find(s.cluster.all(), b.text("id"))
			if m == nil {
				return "", errNoMDM
			}
			m.name = b.text("newName")
			return m.id, nil
		}}
	case "setSystemName", "renameSystem":
		return &change{OpRenameSystem, b.text("newName"), func() (string, error) { return s.renameSystem(b.text("newName")) }}
	case "setRestrictedSdcMode":
		return &change{OpSetSystem, action, func() (string, error) {
			s.restricted = b.text("restrictedSdcMode") != "None"
			return "", nil
		}}
	case "setMdmPerformanceParameters":
		return &change{OpSetSystem, action, func() (string, error) { return "", nil }}
	}
	return nil
}

func (s *System) domainAction(id, action string, b fieldsOf) (*change, error) {
	d := s.domainBy(id)
	if d == nil {
		return nil, errNoPD
	}
	switch action {
	case "removeProtectionDomain":
		return &change{OpRemovePD, d.name, func() (string, error) { return s.removeDomain(d) }}, nil
	case "setProtectionDomainName":
		return &change{OpSetSystem, d.name, func() (string, error) {
			if err := checkName(b.text("name")); err != nil {
				return "", err
			}
			if s.domainNamed(b.text("name")) != nil {
				return "", refuse(141, "Protection Domain name already in use. Please try a different name.")
			}
			d.name = b.text("name")
			return d.id, nil
		}}, nil
	case "activateProtectionDomain":
		return &change{OpSetSystem, d.name, func() (string, error) { return d.id, nil }}, nil
	}
	return nil, nil
}

func (s *System) faultSetAction(id, action string, b fieldsOf) (*change, error) {
	f := s.faultSetBy(id)
	if f == nil {
		return nil, errNoFaultSet
	}
	switch action {
	case "removeFaultSet":
		return &change{OpRemoveFaultSet, f.name, func() (string, error) { return s.removeFaultSet(f) }}, nil
	case "setFaultSetName":
		return &change{OpSetSystem, f.name, func() (string, error) {
			if s.faultSetNamed(f.domain, b.text("newName")) != nil {
				return "", refuse(266, "This Fault Set name already exists. Please use a different name.")
			}
			f.name = b.text("newName")
			return f.id, nil
		}}, nil
	}
	return nil, nil
}

// poolSettings are actions whose only effect here is that the value is shown
// back: the JSON key and whether it is a boolean.
var poolSettings = map[string]struct {
	key     string
	boolean bool
}{
	"setRebuildEnabled":           {"rebuildEnabled", true},
	"setRebalanceEnabled":         {"rebalanceEnabled", true},
	"setUseRmcache":               {"useRmcache", true},
	"setRmcacheWriteHandlingMode": {"rmcacheWriteHandlingMode", false},
}

func (s *System) poolAction(id, action string, b fieldsOf) (*change, error) {
	p := s.poolBy(id)
	if p == nil {
		return nil, errNoPool
	}
	if set, ok := poolSettings[action]; ok {
		return &change{OpSetPool, p.name, func() (string, error) {
			if s.shown[id] == nil {
				s.shown[id] = map[string]any{}
			}
			s.shown[id][set.key] = any(b.text(set.key))
			if set.boolean {
				s.shown[id][set.key] = b.truth(set.key)
			}
			return id, nil
		}}, nil
	}
	switch action {
	case "removeStoragePool":
		return &change{OpRemovePool, p.name, func() (string, error) { return s.removePool(p) }}, nil
	case "setStoragePoolName":
		return &change{OpSetPool, p.name, func() (string, error) {
			if s.poolNamed(p.domain, b.text("name")) != nil {
				return "", refuse(173, "Storage Pool name already exists. Please use a different name.")
			}
			p.name = b.text("name")
			return id, nil
		}}, nil
	case "setSparePercentage":
		n, err := b.number("sparePercentage", -1)
		return &change{OpSetSpare, p.name, func() (string, error) { return s.setSpare(p, int(n)) }}, err
	case "setZeroPaddingPolicy":
		return &change{OpSetZeroPadding, p.name, func() (string, error) { return s.setZeroPadding(p, b.truth("zeroPadEnabled")) }}, nil
	case "setMediaType":
		return &change{OpSetPool, p.name, func() (string, error) { p.media = b.text("mediaType"); return id, nil }}, nil
	case "setCapacityAlertThresholds":
		high, err := b.number("capacityAlertHighThresholdPercent", int64(p.high))
		if err != nil {
			return nil, err
		}
		crit, err := b.number("capacityAlertCriticalThresholdPercent", int64(p.crit))
		return &change{OpSetPool, p.name, func() (string, error) { return s.setAlerts(p, int(high), int(crit)) }}, err
	}
	return nil, nil
}

func (s *System) sdsAction(id, action string, b fieldsOf) (*change, error) {
	x := s.sdsBy(id)
	if x == nil {
		return nil, errNoSDS
	}
	switch action {
	case "removeSds":
		return &change{OpRemoveSDS, x.name, func() (string, error) { return s.removeSDS(x) }}, nil
	case "setSdsName":
		return &change{OpSetSDS, x.name, func() (string, error) { return s.renameSDS(x, b.text("name")) }}, nil
	case "addSdsIp":
		return &change{OpSetSDS, x.name, func() (string, error) {
			return s.addSDSIP(x, sdsIP{ip: b.text("ip"), role: b.text("role")})
		}}, nil
	case "removeSdsIp":
		return &change{OpSetSDS, x.name, func() (string, error) {
			left := without(x.ips, sdsIP{b.text("ip"), "all"}, sdsIP{b.text("ip"), "sdsOnly"}, sdsIP{b.text("ip"), "sdcOnly"})
			if err := checkRoles(left); err != nil {
				return "", err
			}
			x.ips = left
			return id, nil
		}}, nil
	}
	return nil, nil
}

func (s *System) deviceAction(id, action string, b fieldsOf) (*change, error) {
	d := s.deviceBy(id)
	if d == nil {
		return nil, errNoDevice
	}
	name := d.sds.name + ":" + d.path
	switch action {
	case "removeDevice":
		return &change{OpRemoveDevice, name, func() (string, error) { return s.removeDevice(d) }}, nil
	case "setDeviceName":
		return &change{OpSetDevice, name, func() (string, error) { d.name = b.text("newName"); return id, nil }}, nil
	case "setDeviceCapacityLimit":
		gb, err := b.number("capacityLimitInGB", 0)
		return &change{OpSetDevice, name, func() (string, error) { return s.setDeviceLimit(d, gb*gibKb) }}, err
	case "updateDeviceOriginalPathname":
		return &change{OpSetDevice, name, func() (string, error) { d.original = d.path; return id, nil }}, nil
	case "clearDeviceError":
		return &change{OpSetDevice, name, func() (string, error) { return id, nil }}, nil
	case "activateDevice":
		return &change{OpSetDevice, name, func() (string, error) {
			if d.stateAt(s.opt.Now()) == "InitialTest" {
				return "", refuse(0, "The device is being tested")
			}
			d.testOnly = false
			d.normalAt = s.opt.Now()
			return id, nil
		}}, nil
	}
	return nil, nil
}

func (s *System) volumeAction(id, action string, b fieldsOf) (*change, error) {
	v := s.volumeBy(id)
	if v == nil {
		return nil, errNoVolume
	}
	switch action {
	case "removeVolume":
		return &change{OpRemoveVolume, v.name, func() (string, error) { return s.removeVolume(v) }}, nil
	case "setVolumeName":
		return &change{OpSetVolume, v.name, func() (string, error) {
			if s.volumeNamed(b.text("newName")) != nil {
				return "", refuse(99, "Volume name already in use. Please use a different name.")
			}
			v.name = b.text("newName")
			return id, nil
		}}, nil
	case "setVolumeSize":
		gb, err := b.number("sizeInGB", 0)
		return &change{OpSetVolume, v.name, func() (string, error) { return s.resizeVolume(v, gb*gibKb) }}, err
	case "addMappedSdc":
		return &change{OpMapVolume, v.name, func() (string, error) {
			c := s.sdcBy(b.text("sdcId") + b.text("guid"))
			if c == nil {
				return "", errNoSDC
			}
			return s.mapVolume(v, c, b.truth("allowMultipleMappings"))
		}}, nil
	case "removeMappedSdc":
		return &change{OpUnmapVolume, v.name, func() (string, error) {
			if b.has("allSdcs") {
				return s.unmapVolume(v, nil)
			}
			c := s.sdcBy(b.text("sdcId") + b.text("guid"))
			if c == nil {
				return "", errNoSDC
			}
			return s.unmapVolume(v, c)
		}}, nil
	}
	return nil, nil
}

func (s *System) sdcAction(id, action string, b fieldsOf) (*change, error) {
	c := first(s.sdcs, func(c *sdc) bool { return c.id == id })
	if c == nil {
		return nil, errNoSDC
	}
	switch action {
	case "setSdcName":
		return &change{OpSetSDC, c.host.name, func() (string, error) { return s.renameSDC(c, b.text("sdcName")) }}, nil
	case "removeSdc":
		return &change{OpSetSDC, c.host.name, func() (string, error) {
			if c.connected() {
				return "", refuse(0, "The SDC is connected")
			}
			s.sdcs = without(s.sdcs, c)
			return id, nil
		}}, nil
	case "setSdcPerformanceParameters":
		return &change{OpSetSDC, c.host.name, func() (string, error) { return id, nil }}, nil
	}
	return nil, nil
}
