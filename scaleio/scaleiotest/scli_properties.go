package scaleiotest

import (
	"fmt"
	"sort"
	"strings"
)

// queryProperties prints objects in the form that is made for programs.
func (c *cli) queryProperties() error {
	kind := c.opt["object_type"]
	rows := c.properties(kind)
	if c.has("object_id") {
		for id := range rows {
			if id != c.opt["object_id"] {
				delete(rows, id)
			}
		}
	}
	if len(rows) == 0 {
		c.printf("No objects returned\n")
		return nil
	}
	wanted := fields(c.opt["properties"])
	ids := make([]string, 0, len(rows))
	for id := range rows {
		ids = append(ids, id)
	}
	sort.Strings(ids)
	for _, id := range ids {
		c.printf("%s %s:\n", kind, id)
		names := wanted
		if len(names) == 0 {
			for name := range rows[id] {
				names = append(names, name)
			}
			sort.Strings(names)
		}
		for _, name := range names {
			v, ok := rows[id][name]
			if !ok {
				return errRange
			}
			c.printf("\t%-50s %s\n", name, v)
		}
		c.printf("\n")
	}
	return nil
}

// properties are the rows of query_properties by identifier.
func (c *cli) properties(kind string) map[string]map[string]string {
	rows := map[string]map[string]string{}
	switch kind {
	case "SYSTEM":
		rows[c.s.systemID] = map[string]string{"ID": c.s.systemID, "NAME": c.s.name, "INSTALL_ID": c.s.installID}
	case "PROTECTION_DOMAIN":
		for _, d := range c.s.domains {
			rows[d.id] = map[string]string{"ID": d.id, "NAME": d.name}
		}
	case "FAULT_SET":
		for _, f := range c.s.faultSets {
			rows[f.id] = map[string]string{"ID": f.id, "NAME": f.name, "PROTECTION_DOMAIN_ID": f.domain.id}
		}
	case "STORAGE_POOL":
		for _, p := range c.s.pools {
			f := c.s.poolFigures(p)
			rows[p.id] = map[string]string{
				"ID": p.id, "NAME": p.name, "SPARE_PERCENT": fmt.Sprintf("%d%%", p.spare), "PROTECTION_DOMAIN_ID": p.domain.id,
				"MAX_CAPACITY_IN_KB": size(f.max), "SPARE_CAPACITY_IN_KB": size(f.spare),
				"CAPACITY_IN_USE_IN_KB": size(f.inUse), "UNUSED_CAPACITY_IN_KB": size(f.unused),
			}
		}
	case "SDS":
		for _, x := range c.s.sdss {
			fs := "0000000000000000"
			if x.faultSet != nil {
				fs = x.faultSet.id
			}
			rows[x.id] = map[string]string{
				"ID": x.id, "NAME": x.name, "IPS": sdsIPs(x), "PORT": fmt.Sprint(x.port), "PROTECTION_DOMAIN_ID": x.domain.id, "FAULT_SET_ID": fs,
			}
		}
	case "MDM":
		for _, m := range c.s.cluster.all() {
			role := map[bool]string{true: "MDM_ROLE_TIE_BREAKER", false: "MDM_ROLE_MANAGER"}[m.tieBreaker]
			rows[m.id] = map[string]string{"ID": m.id, "NAME": m.name, "IPS": strings.Join(m.ips, ","), "ROLE": role}
		}
	}
	return rows
}
