package scaleiotest

import "slices"

// sds is a storage server.
type sds struct {
	id, name string
	domain   *domain
	faultSet *faultSet
	ips      []sdsIP
	port     int
	host     *host
}

// sdsIP is an address of an SDS with its role: all, sdsOnly or sdcOnly.
type sdsIP struct{ ip, role string }

func (x *sds) connected() bool { return x.host.running("sds") }

// newSDS is the request for an SDS.
type newSDS struct {
	name     string
	domain   *domain
	faultSet *faultSet
	ips      []sdsIP
	port     int
	devices  []newDevice
}

func (s *System) createSDS(n newSDS) (string, error) {
	if len(n.ips) == 0 || len(n.ips) > 8 {
		return "", errRange
	}
	if n.name == "" {
		n.name = "SDS_[" + n.ips[0].ip + "]"
	}
	if err := s.checkSDS(n); err != nil {
		return "", err
	}
	h := s.hostAt(n.ips[0].ip)
	if h == nil || !h.running("sds") {
		return "", refusef(0, "Could not connect to the SDS at %s", n.ips[0].ip)
	}
	x := &sds{
		id: s.newID(), name: n.name, domain: n.domain, faultSet: n.faultSet,
		ips: n.ips, port: n.port, host: h,
	}
	s.sdss = append(s.sdss, x)
	for i, d := range n.devices {
		d.sds = x
		if _, err := s.createDevice(d); err != nil {
			for _, made := range s.sdsDevices(x)[:i] {
				s.dropDevice(made)
			}
			s.sdss = without(s.sdss, x)
			return "", err
		}
	}
	return x.id, nil
}

func (s *System) checkSDS(n newSDS) error {
	if err := checkName(n.name); err != nil {
		return err
	}
	count := 0
	for _, x := range s.sdss {
		if x.name == n.name {
			return refuse(98, "SDS name is already in use. Please use a different name.")
		}
		if x.domain == n.domain {
			count++
		}
		for _, ip := range n.ips {
			if x.port == n.port && slices.ContainsFunc(x.ips, func(y sdsIP) bool { return y.ip == ip.ip }) {
				return refuse(93, "The SDS IP address and port already in use. Please try with different ones.")
			}
		}
	}
	if count >= maxSDSsPerDomain {
		return refuse(94, "There are too many SDSs in Protection Domain")
	}
	if n.faultSet != nil && n.faultSet.domain != n.domain {
		return refuse(272, "The specified Fault Set is not in the specified Protection Domain")
	}
	return checkRoles(n.ips)
}

func checkRoles(ips []sdsIP) error {
	server, client := false, false
	for _, ip := range ips {
		switch ip.role {
		case "all":
			server, client = true, true
		case "sdsOnly":
			server = true
		case "sdcOnly":
			client = true
		default:
			return errRange
		}
	}
	if !server {
		return refuse(199, "SDS must have at least one IP for SDS communication.")
	}
	if !client {
		return refuse(275, "SDS must have at least one IP for SDC communication.")
	}
	return nil
}

func (s *System) removeSDS(x *sds) (string, error) {
	for _, d := range s.sdsDevices(x) {
		if err := s.mayLose(d.pool, s.sdsDevices(x)...); err != nil {
			return "", err
		}
	}
	for _, d := range s.sdsDevices(x) {
		s.dropDevice(d)
	}
	s.sdss = without(s.sdss, x)
	return x.id, nil
}

func (s *System) renameSDS(x *sds, name string) (string, error) {
	if err := checkName(name); err != nil {
		return "", err
	}
	if s.sdsNamed(name) != nil {
		return "", refuse(98, "SDS name is already in use. Please use a different name.")
	}
	x.name = name
	return x.id, nil
}

func (s *System) addSDSIP(x *sds, ip sdsIP) (string, error) {
	for _, y := range s.sdss {
		if slices.ContainsFunc(y.ips, func(z sdsIP) bool { return z.ip == ip.ip }) && y.port == x.port {
			return "", refuse(93, "The SDS IP address and port already in use. Please try with different ones.")
		}
	}
	if err := checkRoles(append(slices.Clone(x.ips), ip)); err != nil {
		return "", err
	}
	x.ips = append(x.ips, ip)
	return x.id, nil
}

func (s *System) sdsNamed(name string) *sds {
	return first(s.sdss, func(x *sds) bool { return x.name == name })
}

func (s *System) sdsBy(id string) *sds {
	return first(s.sdss, func(x *sds) bool { return x.id == id })
}

func (s *System) sdsDevices(x *sds) []*device {
	var out []*device
	for _, d := range s.devices {
		if d.sds == x {
			out = append(out, d)
		}
	}
	return out
}
