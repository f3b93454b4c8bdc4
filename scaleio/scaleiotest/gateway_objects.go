package scaleiotest

import (
	"fmt"
	"maps"
	"sort"
)

// object is the JSON of one instance.
type object = map[string]any

// lister returns what lists the instances of a type, nil for unknown types.
func (s *System) lister(kind string) func() []object {
	return map[string]func() []object{
		"System":           func() []object { return []object{s.systemObject()} },
		"ProtectionDomain": func() []object { return render(s, s.domains, s.domainObject) },
		"FaultSet":         func() []object { return render(s, s.faultSets, s.faultSetObject) },
		"StoragePool":      func() []object { return render(s, s.pools, s.poolObject) },
		"Sds":              func() []object { return render(s, s.sdss, s.sdsObject) },
		"Device":           func() []object { return render(s, s.devices, s.deviceObject) },
		"Sdc":              func() []object { return render(s, s.sdcs, s.sdcObject) },
		"Volume":           func() []object { return render(s, s.volumes, s.volumeObject) },
		"VTree":            func() []object { return render(s, s.volumes, s.vtreeObject) },
		"Alert":            s.alerts,
		"RfcacheDevice":    func() []object { return []object{} },
		"User":             s.users,
	}[kind]
}

func render[T any](s *System, list []*T, one func(*T) object) []object {
	out := make([]object, 0, len(list))
	for _, x := range list {
		o := one(x)
		if id, ok := o["id"].(string); ok {
			maps.Copy(o, s.shown[id])
		}
		out = append(out, o)
	}
	return out
}

func (s *System) list(kind string) []object {
	if l := s.lister(kind); l != nil {
		return l()
	}
	return nil
}

// object finds one instance.
func (s *System) object(kind, id string) (object, error) {
	for _, o := range s.list(kind) {
		if o["id"] == id {
			return o, nil
		}
	}
	return nil, notFound(kind)
}

// everything is the answer to GET /api/instances. The versions that real
// answers have, one for each type, all move with the newest object here.
func (s *System) everything() object {
	out := object{
		"isDirty": false, "sessionTag": 1, "rfcacheDeviceList": nil,
		"System": s.systemObject(), "protectionDomainList": s.list("ProtectionDomain"),
		"faultSetList": s.list("FaultSet"), "storagePoolList": s.list("StoragePool"),
		"sdsList": s.list("Sds"), "deviceList": s.list("Device"), "sdcList": s.list("Sdc"),
		"volumeList": s.list("Volume"), "vTreeList": s.list("VTree"),
	}
	for _, kind := range []string{
		"System", "ProtectionDomain", "FaultSet", "StoragePool", "Sds", "Device", "RfcacheDevice", "Sdc", "Volume", "VTree",
	} {
		out["last"+kind+"Version"] = s.serial
	}
	return out
}

// links are the self link, the relationships and the parents of an object;
// clients navigate by them. Parents come as type, key, id.
func links(kind, id string, children []string, parents ...[3]string) []object {
	self := "/api/instances/" + kind + "::" + id
	out := []object{
		{"rel": "self", "href": self},
		{"rel": "/api/" + kind + "/relationship/Statistics", "href": self + "/relationships/Statistics"},
	}
	for _, child := range children {
		out = append(out, object{"rel": "/api/" + kind + "/relationship/" + child, "href": self + "/relationships/" + child})
	}
	for _, p := range parents {
		if p[2] != "" {
			out = append(out, object{"rel": "/api/parent/relationship/" + p[1], "href": "/api/instances/" + p[0] + "::" + p[2]})
		}
	}
	return out
}

// windows is the shape of the counters' parameters and of their values.
func windows(short, medium, long any) object {
	return object{"shortWindow": short, "mediumWindow": medium, "longWindow": long}
}

func counterWindows(short, medium, long int) object {
	w := func(threshold, seconds int) object {
		return object{"threshold": threshold, "windowSizeInSec": seconds}
	}
	return windows(w(short, 60), w(medium, 3600), w(long, 86400))
}

// orNull turns an empty text into JSON's null.
func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

func (s *System) systemObject() object {
	o := object{
		"id": s.systemID, "installId": s.installID, "swid": "",
		"systemVersionName":    "DellEMC ScaleIO Version: " + s.version.product(),
		"authenticationMethod": "Native", "mdmToSdsPolicy": "Authentication", "perfProfile": "Default",
		"capacityAlertHighThresholdPercent": s.highAlert, "capacityAlertCriticalThresholdPercent": s.criticalAlert,
		"capacityTimeLeftInDays": "Unlimited", "maxCapacityInGb": "Unlimited",
		"daysInstalled":            int(s.opt.Now().Sub(s.started).Hours() / 24),
		"mdmManagementPort":        6611,
		"restrictedSdcModeEnabled": s.restricted, "restrictedSdcMode": "None",
		"managementClientSecureCommunicationEnabled": true, "cliPasswordAllowed": true,
		"enterpriseFeaturesEnabled": true, "isInitialLicense": true, "defaultIsVolumeObfuscated": false,
		"remoteReadOnlyLimitState": false, "showGuid": true, "tlsVersion": "TLSv1.2", "upgradeState": "NoUpgrade",
		"sdcLongOperationsCounterParameters":           counterWindows(10000, 100000, 1000000),
		"sdcMdmNetworkDisconnectionsCounterParameters": counterWindows(300, 500, 700),
		"sdcMemoryAllocationFailuresCounterParameters": counterWindows(300, 500, 700),
		"sdcSdsNetworkDisconnectionsCounterParameters": counterWindows(800, 4000, 20000),
		"sdcSocketAllocationFailuresCounterParameters": counterWindows(300, 500, 700),
		"sdcSdsConnectivityInfo": object{
			"sdcSdsConnectivityStatus": "AllConnected", "disconnectedSdcId": nil, "disconnectedSdcName": nil,
			"disconnectedSdsId": nil, "disconnectedSdsIp": nil, "disconnectedSdsName": nil,
		},
		"mdmCluster": s.clusterObject(),
		"links":      links("System", s.systemID, []string{"ProtectionDomain", "Sdc", "User"}),
	}
	if s.restricted {
		o["restrictedSdcMode"] = "Guid"
	}
	if s.name != "" {
		o["name"] = s.name
	}
	return o
}

func (s *System) clusterObject() object {
	c := s.cluster
	if c == nil {
		return object{}
	}
	o := object{
		"id": c.id, "clusterMode": map[int]string{1: "OneNode", 3: "ThreeNodes", 5: "FiveNodes"}[c.mode],
		"clusterState": c.state(), "goodNodesNum": c.aliveVoters(), "goodReplicasNum": c.replicas(),
		"master": s.mdmObject(c.master, c.mode > 1 && s.opt.Dialect == Dialect36),
		"slaves": s.mdmObjects(c.slaves), "tieBreakers": s.mdmObjects(c.tbs),
	}
	if len(c.standbys) > 0 {
		o["standbyMDMs"] = s.mdmObjects(c.standbys)
	}
	return o
}

// state is the REST name of the cluster's health.
func (c *cluster) state() string {
	if c.mode == 1 {
		return "NotClustered"
	}
	managers, ties := 0, 0
	for _, m := range c.slaves {
		if !m.alive() {
			managers++
		}
	}
	for _, m := range c.tbs {
		if !m.alive() {
			ties++
		}
	}
	switch {
	case managers > 0 && ties > 0:
		return "ClusteredDegradedTiebreakerDown"
	case managers > 0:
		return "ClusteredDegraded"
	case ties > 0:
		return "ClusteredTiebreakerDown"
	}
	return "ClusteredNormal"
}

func (c *cluster) replicas() int {
	n := 0
	for _, m := range append([]*mdm{c.master}, c.slaves...) {
		if m.alive() {
			n++
		}
	}
	return n
}

func (s *System) mdmObjects(list []*mdm) []object {
	out := make([]object, 0, len(list))
	for _, m := range list {
		out = append(out, s.mdmObject(m, true))
	}
	return out
}

func (s *System) mdmObject(m *mdm, status bool) object {
	o := object{
		"id": m.id, "ips": m.ips, "port": 9011, "role": "Manager",
		"managementIPs": m.ips, "versionInfo": s.version.rest(), "opensslVersion": "N/A",
	}
	if len(m.mgmt) > 0 {
		o["managementIPs"] = m.mgmt
	}
	if m.tieBreaker {
		o["role"] = "TieBreaker"
	} else {
		o["virtualInterfaces"], o["opensslVersion"] = []string{}, "OpenSSL 1.0.2g  1 Mar 2016"
	}
	if m.name != "" {
		o["name"] = m.name
	}
	if status {
		o["status"] = "Normal"
		if !m.alive() {
			o["status"] = "Disconnected"
		}
	}
	return o
}

func (s *System) users() []object {
	return []object{{
		"id": s.systemID, "name": "admin", "userRole": "SuperUser", "systemId": s.systemID, "passwordChangeRequired": s.password == initialPassword,
		"links": links("User", s.systemID, nil, [3]string{"System", "systemId", s.systemID}),
	}}
}

// alerts are worked out from the state: what an operator of such a system
// would see.
func (s *System) alerts() []object {
	out := []object{}
	add := func(kind, severity, on, id string) {
		key := fmt.Sprintf("%s-%s", kind, id)
		out = append(out, object{
			"id": key, "uuid": key, "name": key, "alertType": kind, "severity": severity, "alertValues": object{},
			"affectedObject": object{"type": "com.emc.ecs.api.model.gen." + on, "id": id, "objectId": id},
			"startTime":      s.started.UTC().Format("2006-01-02T15:04:05.000Z"),
			"lastObserved":   s.opt.Now().UTC().Format("2006-01-02T15:04:05.000Z"),
		})
	}
	if s.cluster != nil && s.cluster.mode == 1 {
		add("MDM_NOT_CLUSTERED", "ALERT_HIGH", "System", s.systemID)
	}
	for _, x := range s.sdss {
		if !x.connected() {
			add("SDS_DISCONNECTED", "ALERT_HIGH", "Sds", x.id)
		}
	}
	for _, p := range s.pools {
		f := s.poolFigures(p)
		room := f.limit - f.spare
		switch {
		case room > 0 && f.inUse*100 >= room*int64(p.crit):
			add("CAPACITY_UTILIZATION_ABOVE_CRITICAL_THRESHOLD", "ALERT_HIGH", "StoragePool", p.id)
		case room > 0 && f.inUse*100 >= room*int64(p.high):
			add("CAPACITY_UTILIZATION_ABOVE_HIGH_THRESHOLD", "ALERT_MEDIUM", "StoragePool", p.id)
		}
		if f.degraded > 0 {
			add("STORAGE_POOL_HAS_DEGRADED_CAPACITY", "ALERT_MEDIUM", "StoragePool", p.id)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i]["id"].(string) < out[j]["id"].(string) })
	return out
}
