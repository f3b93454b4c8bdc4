package scaleiotest

// The JSON of the storage objects, in the shape of real 2.6 answers, with the
// fields that 3.x adds.

func (s *System) domainObject(d *domain) object {
	return object{
		"id": d.id, "name": d.name, "systemId": s.systemID, "protectionDomainState": "Active",
		"mdmSdsNetworkDisconnectionsCounterParameters":        counterWindows(300, 500, 700),
		"sdsConfigurationFailureCounterParameters":            counterWindows(300, 500, 700),
		"sdsDecoupledCounterParameters":                       counterWindows(300, 500, 700),
		"sdsReceiveBufferAllocationFailuresCounterParameters": counterWindows(20000, 200000, 2000000),
		"sdsSdsNetworkDisconnectionsCounterParameters":        counterWindows(300, 500, 700),
		"overallIoNetworkThrottlingEnabled":                   false,
		"overallIoNetworkThrottlingInKbps":                    nil,
		"rebalanceNetworkThrottlingEnabled":                   false,
		"rebalanceNetworkThrottlingInKbps":                    nil,
		"rebuildNetworkThrottlingEnabled":                     false,
		"rebuildNetworkThrottlingInKbps":                      nil,
		"rfcacheEnabled":                                      true,
		"rfcacheMaxIoSizeKb":                                  128,
		"rfcacheOpertionalMode":                               "WriteMiss",
		"rfcachePageSizeKb":                                   64,
		"links": links("ProtectionDomain", d.id, []string{"StoragePool", "Sds", "FaultSet"},
			[3]string{"System", "systemId", s.systemID}),
	}
}

func (s *System) faultSetObject(f *faultSet) object {
	return object{
		"id": f.id, "name": f.name, "protectionDomainId": f.domain.id,
		"links": links("FaultSet", f.id, []string{"Sds"}, [3]string{"ProtectionDomain", "protectionDomainId", f.domain.id}),
	}
}

func (s *System) poolObject(p *pool) object {
	o := object{
		"id": p.id, "name": p.name, "protectionDomainId": p.domain.id, "sparePercentage": p.spare,
		"capacityAlertHighThreshold": p.high, "capacityAlertCriticalThreshold": p.crit,
		"zeroPaddingEnabled": p.zeroPad, "useRmcache": p.useRmcache, "useRfcache": false,
		"rmcacheWriteHandlingMode": "Cached", "checksumEnabled": false,
		"backgroundScannerMode": "Disabled", "backgroundScannerBWLimitKBps": 0,
		"numOfParallelRebuildRebalanceJobsPerDevice": 2,
		"rebuildEnabled": true, "rebalanceEnabled": true,
		"rebuildIoPriorityPolicy": "limitNumOfConcurrentIos", "rebalanceIoPriorityPolicy": "favorAppIos",
		"links": links("StoragePool", p.id, []string{"Volume", "Device", "VTree"},
			[3]string{"ProtectionDomain", "protectionDomainId", p.domain.id}),
	}
	for _, job := range []string{"rebuild", "rebalance"} {
		o[job+"IoPriorityAppBwPerDeviceThresholdInKbps"] = nil
		o[job+"IoPriorityAppIopsPerDeviceThreshold"] = nil
		o[job+"IoPriorityBwLimitPerDeviceInKbps"] = 10240
		o[job+"IoPriorityNumOfConcurrentIosPerDevice"] = 1
		o[job+"IoPriorityQuietPeriodInMsec"] = nil
	}
	if s.version.major >= 3 {
		o["mediaType"], o["dataLayout"] = p.media, "MediumGranularity"
		o["externalAccelerationType"], o["compressionMethod"] = "None", "Invalid"
		o["addressSpaceUsage"], o["capacityUsageState"] = "Normal", "Normal"
		o["persistentChecksumEnabled"], o["fragmentationEnabled"] = false, true
	}
	return o
}

func (s *System) sdsObject(x *sds) object {
	o := object{
		"id": x.id, "name": x.name, "protectionDomainId": x.domain.id, "faultSetId": nil,
		"port": x.port, "sdsState": "Normal", "membershipState": "Joined", "mdmConnectionState": "Connected",
		"maintenanceState": "NoMaintenance", "drlMode": "Volatile", "authenticationError": "None",
		"perfProfile": "Default", "onVmWare": false, "numOfIoBuffers": nil,
		"rmcacheEnabled": true, "rmcacheFrozen": false, "rmcacheSizeInKb": 131072,
		"rmcacheMemoryAllocationState": "AllocationPending", "rfcacheEnabled": true,
		"sdsConfigurationFailure": nil, "sdsDecoupled": nil, "sdsReceiveBufferAllocationFailures": nil,
		"softwareVersionInfo": s.version.rest(), "certificateInfo": sdsCertificate(x),
	}
	for _, e := range []string{
		"ApiVersionMismatch", "DeviceDoesNotExist", "InconsistentCacheConfiguration",
		"InconsistentSourceConfiguration", "InvalidDriverPath", "LowResources",
	} {
		o["rfcacheError"+e] = false
	}
	ips := []object{}
	for _, ip := range x.ips {
		ips = append(ips, object{"ip": ip.ip, "role": ip.role})
	}
	o["ipList"] = ips
	fs := ""
	if x.faultSet != nil {
		fs = x.faultSet.id
		o["faultSetId"] = fs
	}
	if !x.connected() {
		o["mdmConnectionState"], o["membershipState"] = "Disconnected", "Decoupled"
	}
	o["links"] = links("Sds", x.id, []string{"Device", "RfcacheDevice"},
		[3]string{"ProtectionDomain", "protectionDomainId", x.domain.id}, [3]string{"FaultSet", "faultSetId", fs})
	return o
}

func sdsCertificate(x *sds) object {
	const place = "/L=Hopkinton/ST=Massachusetts/C=US/O=EMC/OU=ASD"
	return object{
		"issuer": "/GN=MDM/CN=" + x.host.name + place, "subject": "/GN=SDS-000/CN=" + x.host.name + place,
		"thumbprint": "00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00",
		"validFrom":  "Jan  1 00:00:00 2020 GMT", "validFromAsn1Format": "200101000000Z",
		"validTo": "Jan  1 00:00:00 2030 GMT", "validToAsn1Format": "300101000000Z",
	}
}

func (s *System) deviceObject(d *device) object {
	o := object{
		"id": d.id, "name": orNull(d.name), "sdsId": d.sds.id, "storagePoolId": d.pool.id,
		"deviceCurrentPathName": d.path, "deviceOriginalPathName": d.original,
		"deviceState": d.stateAt(s.opt.Now()), "errorState": "None", "aggregatedState": "NeverFailed",
		"capacityLimitInKb": d.limitKb, "maxCapacityInKb": d.maxKb, "ledSetting": "Off",
		"ssdEndOfLifeState": "NeverFailed", "temperatureState": "NeverFailed",
		"rfcacheErrorDeviceDoesNotExist": false, "longSuccessfulIos": windows(nil, nil, nil),
		"links": links("Device", d.id, nil, [3]string{"Sds", "sdsId", d.sds.id}, [3]string{"StoragePool", "storagePoolId", d.pool.id}),
	}
	if s.version.major >= 3 {
		media := d.media
		if media == "" {
			media = d.pool.media
		}
		o["mediaType"], o["deviceType"], o["externalAccelerationType"] = media, "Unknown", "None"
		o["autoDetectMediaType"], o["spSdsId"] = "Unknown", nil
		o["vendorName"], o["modelName"], o["serialNumber"], o["slotNumber"] = nil, nil, nil, "N/A"
	}
	return o
}

func (s *System) sdcObject(c *sdc) object {
	o := object{
		"id": c.id, "name": orNull(c.name), "sdcGuid": c.guid, "sdcIp": c.host.ip, "systemId": s.systemID,
		"sdcApproved": true, "sdcApprovedIps": []string{c.host.ip}, "osType": "Linux", "perfProfile": "Default",
		"kernelVersion": "4.15.18", "kernelBuildNumber": nil, "installedSoftwareVersionInfo": s.version.rest(),
		"mdmConnectionState": "Connected", "versionInfo": s.version.rest(), "softwareVersionInfo": s.version.rest(),
		"memoryAllocationFailure": nil, "socketAllocationFailure": nil,
		"links": links("Sdc", c.id, []string{"Volume"}, [3]string{"System", "systemId", s.systemID}),
	}
	if !c.connected() {
		o["mdmConnectionState"], o["versionInfo"], o["softwareVersionInfo"] = "Disconnected", nil, nil
	}
	if s.version.major >= 3 {
		o["sdcIps"] = []string{c.host.ip}
	}
	return o
}

func (s *System) volumeObject(v *volume) object {
	o := object{
		"id": v.id, "name": orNull(v.name), "sizeInKb": v.sizeKb, "storagePoolId": v.pool.id, "vtreeId": v.vtree,
		"volumeType": "ThickProvisioned", "creationTime": v.created.Unix(), "ancestorVolumeId": nil,
		"consistencyGroupId": nil, "isObfuscated": false, "isVvol": false, "useRmcache": false,
		"mappingToAllSdcsEnabled": false, "mappedSdcInfo": nil,
		"links": links("Volume", v.id, nil, [3]string{"VTree", "vtreeId", v.vtree}, [3]string{"StoragePool", "storagePoolId", v.pool.id}),
	}
	if v.thin {
		o["volumeType"] = "ThinProvisioned"
	}
	if len(v.mapped) > 0 {
		mapped := []object{}
		for _, c := range v.mapped {
			mapped = append(mapped, object{"sdcId": c.id, "sdcIp": c.host.ip, "limitIops": 0, "limitBwInMbps": 0})
		}
		o["mappedSdcInfo"] = mapped
	}
	return o
}

func (s *System) vtreeObject(v *volume) object {
	return object{
		"id": v.vtree, "name": nil, "baseVolumeId": v.id, "storagePoolId": v.pool.id,
		"links": links("VTree", v.vtree, []string{"Volume"}, [3]string{"Volume", "baseVolumeId", v.id}, [3]string{"StoragePool", "storagePoolId", v.pool.id}),
	}
}
