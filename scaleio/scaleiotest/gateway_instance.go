package scaleiotest

import (
	"net/http"
	"strings"
)

// routeInstance serves what is below one object: itself, its relationships,
// its actions.
func (c *call) routeInstance(ref, rest string) (any, error) {
	kind, id, exact := strings.Cut(ref, "::")
	if kind == "System" && !exact {
		return c.routeSystem(rest)
	}
	if c.s.lister(kind) == nil || !exact {
		return nil, errNoRoute
	}
	switch {
	case rest == "" && c.r.Method == http.MethodGet:
		return c.query(OpRead, kind, func() (any, error) { return c.s.object(kind, id) })
	case rest == "relationships/Statistics":
		return c.query(OpStatistics, kind, func() (any, error) { return c.s.statistics(kind, id) })
	case strings.HasPrefix(rest, "relationships/"):
		child := strings.TrimPrefix(rest, "relationships/")
		return c.query(OpRead, child, func() (any, error) { return c.s.children(kind, id, child) })
	case strings.HasPrefix(rest, "action/") && c.r.Method == http.MethodPost:
		return c.action(kind, id, strings.TrimPrefix(rest, "action/"))
	}
	return nil, errNoRoute
}

func (c *call) routeSystem(rest string) (any, error) {
	switch {
	case rest == "" && c.r.Method == http.MethodGet:
		return c.query(OpRead, "System", func() (any, error) { return c.s.systemObject(), nil })
	case rest == "queryMdmCluster", rest == "action/queryMdmCluster":
		return c.query(OpRead, "MdmCluster", func() (any, error) { return c.s.clusterObject(), nil })
	case rest == "relationships/Statistics":
		return c.query(OpStatistics, "System", func() (any, error) { return c.s.statistics("System", c.s.systemID) })
	case strings.HasPrefix(rest, "action/") && c.r.Method == http.MethodPost:
		return c.action("System", "", strings.TrimPrefix(rest, "action/"))
	}
	return nil, errNoRoute
}

// children lists the objects of a relationship.
func (s *System) children(kind, id, child string) (any, error) {
	if _, err := s.object(kind, id); err != nil {
		return nil, err
	}
	key := map[string]string{
		"System": "systemId", "ProtectionDomain": "protectionDomainId", "FaultSet": "faultSetId",
		"Sds": "sdsId", "StoragePool": "storagePoolId", "VTree": "vtreeId",
	}[kind]
	if s.lister(child) == nil {
		return nil, errNoRoute
	}
	out := []object{}
	for _, o := range s.list(child) {
		if kind == "Sdc" && child == "Volume" {
			if v := s.volumeBy(o["id"].(string)); v != nil && s.isMapped(v, id) {
				out = append(out, o)
			}
			continue
		}
		if key != "" && o[key] == id {
			out = append(out, o)
		}
	}
	return out, nil
}

func (s *System) isMapped(v *volume, sdcID string) bool {
	for _, c := range v.mapped {
		if c.id == sdcID {
			return true
		}
	}
	return false
}

// change is an effect with the operation and the name it counts under.
type change struct {
	op   Op
	name string
	do   func() (string, error)
}

// action performs an action of an object.
func (c *call) action(kind, id, action string) (any, error) {
	body, err := c.body()
	if err != nil {
		return nil, err
	}
	c.s.mu.Lock()
	var ch *change
	switch kind {
	case "System":
		ch = c.s.systemAction(action, body)
	case "ProtectionDomain":
		ch, err = c.s.domainAction(id, action, body)
	case "FaultSet":
		ch, err = c.s.faultSetAction(id, action, body)
	case "StoragePool":
		ch, err = c.s.poolAction(id, action, body)
	case "Sds":
		ch, err = c.s.sdsAction(id, action, body)
	case "Device":
		ch, err = c.s.deviceAction(id, action, body)
	case "Volume":
		ch, err = c.s.volumeAction(id, action, body)
	case "Sdc":
		ch, err = c.s.sdcAction(id, action, body)
	}
	c.s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	if ch == nil {
		return nil, errNoRoute
	}
	made, err := c.effect(ch.op, ch.name, ch.do)
	if err != nil {
		return nil, err
	}
	if action == "addStandbyMdm" {
		return object{"id": made}, nil
	}
	return object{}, nil
}
