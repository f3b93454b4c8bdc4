package scaleiotest

// The largest numbers of things that the system takes.
const (
	maxDomains           = 256
	maxPoolsPerDomain    = 64
	maxFaultSetsInDomain = 64
	maxSDSsPerDomain     = 128
	maxDevicesPerSDS     = 64
	maxDevicesPerPool    = 300
	maxNameLength        = 31
)

// domain is a protection domain.
type domain struct{ id, name string }

// faultSet groups SDSs that may fail together.
type faultSet struct {
	id, name string
	domain   *domain
}

func (s *System) createDomain(name string) (string, error) {
	if err := checkName(name); err != nil {
		return "", err
	}
	if s.domainNamed(name) != nil {
		return "", refuse(141, "Protection Domain name already in use. Please try a different name.")
	}
	if len(s.domains) >= maxDomains {
		return "", refuse(0, "There are too many Protection Domains")
	}
	d := &domain{id: s.newID(), name: name}
	s.domains = append(s.domains, d)
	return d.id, nil
}

func checkName(name string) error {
	if name == "" || len(name) > maxNameLength {
		return refuse(64, "Parameter out of range. A name has 1 to 31 characters.")
	}
	return nil
}

func (s *System) removeDomain(d *domain) (string, error) {
	for _, x := range s.sdss {
		if x.domain == d {
			return "", refuse(143, "Protection Domain has SDSs")
		}
	}
	for _, p := range s.pools {
		if p.domain == d {
			return "", refuse(0, "Protection Domain has Storage Pools")
		}
	}
	for _, f := range s.faultSets {
		if f.domain == d {
			return "", refuse(0, "Protection Domain has Fault Sets")
		}
	}
	s.domains = without(s.domains, d)
	return d.id, nil
}

func (s *System) createFaultSet(d *domain, name string) (string, error) {
	if err := checkName(name); err != nil {
		return "", err
	}
	n := 0
	for _, f := range s.faultSets {
		if f.domain != d {
			continue
		}
		n++
		if f.name == name {
			return "", refuse(266, "This Fault Set name already exists. Please use a different name.")
		}
	}
	if n >= maxFaultSetsInDomain {
		return "", refuse(263, "The Protection Domain exceeded the maximum number of Fault Sets")
	}
	f := &faultSet{id: s.newID(), name: name, domain: d}
	s.faultSets = append(s.faultSets, f)
	return f.id, nil
}

func (s *System) removeFaultSet(f *faultSet) (string, error) {
	for _, x := range s.sdss {
		if x.faultSet == f {
			return "", refuse(269, "The Fault Set is not empty. Please remove all SDSs from it first.")
		}
	}
	s.faultSets = without(s.faultSets, f)
	return f.id, nil
}

func (s *System) domainNamed(name string) *domain {
	return first(s.domains, func(d *domain) bool { return d.name == name })
}

func (s *System) domainBy(id string) *domain {
	return first(s.domains, func(d *domain) bool { return d.id == id })
}

func (s *System) faultSetNamed(d *domain, name string) *faultSet {
	return first(s.faultSets, func(f *faultSet) bool { return f.domain == d && f.name == name })
}

func (s *System) faultSetBy(id string) *faultSet {
	return first(s.faultSets, func(f *faultSet) bool { return f.id == id })
}

// first returns the first element that fits, or nil.
func first[T any](list []*T, fits func(*T) bool) *T {
	for _, x := range list {
		if fits(x) {
			return x
		}
	}
	return nil
}
