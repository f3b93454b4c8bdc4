package ec2test

import "slices"

func (c *Cloud) describeInstances(q query) (reply, bool, *Refusal) {
	filters, refused := q.filters()
	if refused != nil {
		return nil, false, refused
	}
	ids, refused := c.asked(q, "InstanceId", "i", "InvalidInstanceID.NotFound", "instance ID", func(id string) bool { return c.instances[id] != nil })
	if refused != nil {
		return nil, false, refused
	}
	if ids == nil {
		ids = sorted(c.instances)
	}
	out := &describeInstancesXML{}
	for _, id := range ids {
		i := c.instances[id]
		fit, refused := fits(filters, i.fields)
		if refused != nil {
			return nil, false, refused
		}
		if fit {
			out.Reservations = append(out.Reservations, reservationXML{ReservationID: "r-" + id[2:], Instances: []instanceXML{c.instanceXML(i)}})
		}
	}
	out.Reservations, out.NextToken, refused = page(q, "InstanceId", c.opts.PageSize, out.Reservations)
	return out, false, refused
}

// fields answers the filters of DescribeInstances.
func (i *instance) fields(name string) ([]string, bool) {
	if values, ok := tagFields(i.Tags, name); ok {
		return values, true
	}
	switch name {
	case "instance-id":
		return []string{i.ID}, true
	case "instance-state-name":
		return []string{i.State}, true
	case "availability-zone":
		return []string{i.Zone}, true
	case "instance-type":
		return []string{i.Type}, true
	}
	return nil, false
}

func (c *Cloud) describeInstanceTypes(q query) (reply, bool, *Refusal) {
	names := q.list("InstanceType")
	var unknown []string
	for _, n := range names {
		if _, ok := c.types[n]; !ok {
			unknown = append(unknown, n)
		}
	}
	if len(unknown) > 0 {
		return nil, false, invalid("InvalidInstanceType", "The following supplied instance types do not exist: %v", unknown)
	}
	if len(names) > 100 {
		return nil, false, invalid("InvalidParameterValue", "More than 100 instance types")
	}
	if names == nil {
		names = sorted(c.types)
	}
	out := &describeInstanceTypesXML{}
	for _, n := range names {
		out.Types = append(out.Types, c.types[n].xml())
	}
	var refused *Refusal
	out.Types, out.NextToken, refused = page(q, "InstanceType", c.opts.PageSize, out.Types)
	return out, false, refused
}

func (c *Cloud) describeAvailabilityZones(q query) (reply, bool, *Refusal) {
	names := q.list("ZoneName")
	for _, n := range names {
		if !slices.Contains(c.opts.Zones, n) {
			return nil, false, invalid("InvalidParameterValue", "Invalid availability zone: [%s]", n)
		}
	}
	if names == nil {
		names = c.opts.Zones
	}
	out := &describeZonesXML{}
	for _, n := range names {
		out.Zones = append(out.Zones, zoneXML{Name: n, State: "available", Region: c.opts.Region})
	}
	return out, false, nil
}
