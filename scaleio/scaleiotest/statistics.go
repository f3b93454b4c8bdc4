package scaleiotest

import (
	"net/http"
	"slices"
	"sort"
	"strings"
)

// idleRate is a rate counter at rest.
func idleRate() object {
	return object{"numSeconds": 0, "totalWeightInKb": 0, "numOccured": 0}
}

// statistics are the counters of one object.
func (s *System) statistics(kind, id string) (object, error) {
	if kind != "System" {
		if _, err := s.object(kind, id); err != nil {
			return nil, err
		}
	}
	switch kind {
	case "System":
		return s.systemStatistics(), nil
	case "StoragePool":
		return s.poolStatistics(s.poolBy(id)), nil
	case "Device":
		return s.counters(s.deviceFigures(s.deviceBy(id))), nil
	case "Sdc":
		return s.sdcStatistics(id), nil
	case "Volume":
		return s.volumeStatistics(s.volumeBy(id)), nil
	}
	f, count := s.groupFigures(kind, id)
	o := s.counters(f)
	for key, n := range count {
		o[key] = n
	}
	return o, nil
}

// groupFigures adds up what is below a protection domain, fault set or SDS.
func (s *System) groupFigures(kind, id string) (figures, map[string]int) {
	var f figures
	count := map[string]int{}
	switch kind {
	case "ProtectionDomain":
		for _, p := range s.pools {
			if p.domain.id == id {
				f = f.plus(s.poolFigures(p))
				count["numOfStoragePools"]++
			}
		}
	case "Sds", "FaultSet":
		for _, d := range s.devices {
			if d.sds.id == id || d.sds.faultSet != nil && d.sds.faultSet.id == id {
				f = f.plus(s.deviceFigures(d))
			}
		}
	}
	for _, x := range s.sdss {
		if x.domain.id == id || x.faultSet != nil && x.faultSet.id == id {
			count["numOfSds"]++
		}
	}
	return f, count
}

// counters are the statistics that follow from capacity figures; all others
// are there and 0.
func (s *System) counters(f figures) object {
	o := object{}
	for name := range strings.FieldsSeq(poolCounters) {
		o[name] = int64(0)
	}
	for name := range strings.FieldsSeq(rateCounters) {
		o[name] = idleRate()
	}
	protected := f.inUse - 2*f.degraded - f.failed
	for name, kb := range map[string]int64{
		"maxCapacityInKb": f.max, "capacityLimitInKb": f.limit, "spareCapacityInKb": f.spare,
		"capacityInUseInKb": f.inUse, "unusedCapacityInKb": f.unused,
		"thickCapacityInUseInKb": f.thick, "thinCapacityInUseInKb": f.thin,
		"snapCapacityInUseOccupiedInKb": f.snapOccupied, "snapCapacityInUseInKb": f.snapReserved,
		"thinCapacityAllocatedInKb":                f.thinAllocated,
		"capacityAvailableForVolumeAllocationInKb": f.allocatable,
		"unreachableUnusedCapacityInKb":            f.unreachable,
		"protectedCapacityInKb":                    max(0, protected),
		"degradedHealthyCapacityInKb":              f.degraded,
		"degradedFailedCapacityInKb":               f.degraded,
		"failedCapacityInKb":                       f.failed,
		"atRestCapacityInKb":                       f.inUse,
		"inUseVacInKb":                             f.vac, "protectedVacInKb": f.vac,
		"primaryVacInKb": f.vac / 2, "secondaryVacInKb": f.vac / 2,
		"pendingRebalanceCapacityInKb": f.rebalance - f.rebalance/2, "activeRebalanceCapacityInKb": f.rebalance / 2,
		"rebalanceCapacityInKb": f.rebalance, "numOfDevices": int64(len(f.devices)),
	} {
		o[name] = kb
	}
	if s.version.major >= 3 {
		o["volumeAllocationLimitInKb"] = f.allocatable
		o["thinCapacityAllocatedInKm"] = f.thinAllocated
		o["netCapacityInUseInKb"], o["netUnusedCapacityInKb"] = f.inUse/2, f.unused/2
		o["netUserDataCapacityInKb"], o["userDataCapacityInKb"] = f.inUse/2, f.inUse
		o["maxUserDataCapacityInKb"] = f.limit - f.spare
	}
	return o
}

// addVolumes counts volumes.
func addVolumes(o object, volumes []*volume) {
	n := map[string]int{}
	for _, v := range volumes {
		n["numOfVolumes"]++
		n["numOfVtrees"]++
		if v.thin {
			n["numOfThinBaseVolumes"]++
		} else {
			n["numOfThickBaseVolumes"]++
		}
		if len(v.mapped) == 0 {
			n["numOfUnmappedVolumes"]++
		}
	}
	for name, count := range n {
		o[name] = count
	}
}

func (s *System) poolStatistics(p *pool) object {
	o := s.counters(s.poolFigures(p))
	volumes := s.poolVolumes(p)
	addVolumes(o, volumes)
	devices, ids, trees := []string{}, []string{}, []string{}
	for _, d := range s.poolDevices(p) {
		devices = append(devices, d.id)
	}
	for _, v := range volumes {
		ids, trees = append(ids, v.id), append(trees, v.vtree)
	}
	o["deviceIds"], o["volumeIds"], o["vtreeIds"] = devices, ids, trees
	return o
}

func (s *System) systemStatistics() object {
	var f figures
	for _, p := range s.pools {
		f = f.plus(s.poolFigures(p))
	}
	o := s.counters(f)
	for name := range strings.FieldsSeq(systemCounters) {
		o[name] = int64(0)
	}
	addVolumes(o, s.volumes)
	for name, n := range map[string]int{
		"numOfSds": len(s.sdss), "numOfSdc": len(s.sdcs), "numOfFaultSets": len(s.faultSets),
		"numOfProtectionDomains": len(s.domains), "numOfStoragePools": len(s.pools),
		"rmcacheSizeInKb": 131072 * len(s.sdss),
	} {
		o[name] = n
	}
	if s.version.major >= 3 {
		delete(o, "numOfScsiInitiators")
		if s.version.minor == 0 {
			o["numOfScsiInitiators"] = 0
		}
	}
	sdcs, domains := []string{}, []string{}
	for _, c := range s.sdcs {
		sdcs = append(sdcs, c.id)
	}
	for _, d := range s.domains {
		domains = append(domains, d.id)
	}
	o["sdcIds"], o["protectionDomainIds"], o["scsiInitiatorIds"] = sdcs, domains, []string{}
	return o
}

func (s *System) sdcStatistics(id string) object {
	ids := []string{}
	for _, v := range s.volumes {
		if s.isMapped(v, id) {
			ids = append(ids, v.id)
		}
	}
	return object{
		"numOfMappedVolumes": len(ids), "volumeIds": ids,
		"userDataReadBwc": idleRate(), "userDataWriteBwc": idleRate(),
	}
}

func (s *System) volumeStatistics(v *volume) object {
	ids := []string{}
	for _, c := range v.mapped {
		ids = append(ids, c.id)
	}
	return object{
		"numOfMappedSdcs": len(ids), "mappedSdcIds": ids,
		"userDataReadBwc": idleRate(), "userDataWriteBwc": idleRate(),
	}
}

// selected answers a selection of statistics of one type.
func (c *call) selected(kind string, b fieldsOf) (any, error) {
	return c.query(OpStatistics, kind, func() (any, error) { return c.s.choose(kind, b) })
}

// selectedOfTypes answers a selection over several types.
func (c *call) selectedOfTypes() (any, error) {
	body, err := c.body()
	if err != nil {
		return nil, err
	}
	return c.query(OpStatistics, "all", func() (any, error) {
		out := object{}
		for _, want := range body.objects("selectedStatisticsList") {
			kind := want.text("type")
			if kind == "System" {
				all, err := choose(c.s.systemStatistics(), want.list("properties"))
				if err != nil {
					return nil, err
				}
				out[kind] = all
				continue
			}
			if c.s.lister(kind) == nil {
				return nil, &Refusal{Text: "Unknown type " + kind, Status: http.StatusBadRequest}
			}
			part, err := c.s.choose(kind, want)
			if err != nil {
				return nil, err
			}
			out[kind] = part
		}
		return out, nil
	})
}

// choose selects statistics of the objects that the request names; allIds,
// whatever its value, means all.
func (s *System) choose(kind string, b fieldsOf) (object, error) {
	ids := b.list("ids")
	if _, all := b["allIds"]; all {
		ids = nil
		for _, o := range s.list(kind) {
			ids = append(ids, o["id"].(string))
		}
	}
	out := object{}
	for _, id := range ids {
		all, err := s.statistics(kind, id)
		if err != nil {
			return nil, err
		}
		if out[id], err = choose(all, b.list("properties")); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func choose(all object, properties []string) (object, error) {
	out := object{}
	for _, name := range properties {
		v, ok := all[name]
		if !ok {
			names := make([]string, 0, len(all))
			for n := range all {
				names = append(names, n)
			}
			sort.Strings(names)
			return nil, &Refusal{Text: "Requested properties should contain only following values: " + strings.Join(slices.Compact(names), ", "), Status: http.StatusBadRequest}
		}
		out[name] = v
	}
	return out, nil
}
