package scaleiotest

import "time"

// volume is a ScaleIO volume with its tree of one.
type volume struct {
	id, name, vtree string
	pool            *pool
	sizeKb          int64
	thin            bool
	created         time.Time
	mapped          []*sdc
}

// newVolume is the request for a volume.
type newVolume struct {
	pool   *pool
	name   string
	sizeKb int64
	thin   bool
}

// roundVolume rounds a size up to whole steps of 8 GiB.
func roundVolume(kb int64) int64 {
	return (kb + allocationKb - 1) / allocationKb * allocationKb
}

func (s *System) createVolume(n newVolume) (string, error) {
	if n.name != "" {
		if err := checkName(n.name); err != nil {
			return "", err
		}
		if s.volumeNamed(n.name) != nil {
			return "", refuse(99, "Volume name already in use. Please use a different name.")
		}
	}
	n.sizeKb = roundVolume(n.sizeKb)
	if n.sizeKb <= 0 || n.sizeKb > 1<<40 {
		return "", errRange
	}
	if err := s.unitRule(n.pool); err != nil {
		return "", err
	}
	if err := s.room(n.pool, n.sizeKb, n.thin); err != nil {
		return "", err
	}
	v := &volume{
		id: s.newID(), name: n.name, vtree: s.newID(), pool: n.pool,
		sizeKb: n.sizeKb, thin: n.thin, created: s.opt.Now(),
	}
	s.volumes = append(s.volumes, v)
	return v.id, nil
}

// room refuses what the pool cannot take: thick beyond what is allocatable,
// thin once the pool is critical.
func (s *System) room(p *pool, kb int64, thin bool) error {
	f := s.poolFigures(p)
	if thin {
		if f.inUse*100 >= (f.limit-f.spare)*int64(p.crit) {
			return refuse(337, "Storage Pool reached critical capacity utilization. Unable to create new thin volumes")
		}
		return nil
	}
	if kb > f.allocatable {
		return refuse(0, "There is not enough free capacity in the Storage Pool")
	}
	return nil
}

func (s *System) resizeVolume(v *volume, kb int64) (string, error) {
	kb = roundVolume(kb)
	if kb <= v.sizeKb {
		return "", refuse(0, "The new volume size must be larger than the current size")
	}
	if err := s.room(v.pool, kb-v.sizeKb, v.thin); err != nil {
		return "", err
	}
	v.sizeKb = kb
	return v.id, nil
}

func (s *System) removeVolume(v *volume) (string, error) {
	if len(v.mapped) > 0 {
		return "", refuse(0, "The volume is mapped to SDC. Please unmap it first.")
	}
	s.volumes = without(s.volumes, v)
	return v.id, nil
}

func (s *System) mapVolume(v *volume, c *sdc, multiple bool) (string, error) {
	for _, m := range v.mapped {
		if m == c {
			return "", refuse(81, "The volume is already mapped to this SDC")
		}
	}
	if len(v.mapped) > 0 && !multiple {
		return "", refuse(0, "The volume is already mapped to another SDC. Use the allow-multi-map flag.")
	}
	v.mapped = append(v.mapped, c)
	return v.id, nil
}

// unmapVolume takes a mapping away, all of them when c is nil.
func (s *System) unmapVolume(v *volume, c *sdc) (string, error) {
	before := len(v.mapped)
	if c == nil {
		v.mapped = nil
	} else {
		v.mapped = without(v.mapped, c)
	}
	if len(v.mapped) == before {
		return "", refuse(84, "The volume is not mapped to SDC")
	}
	return v.id, nil
}

func (s *System) volumeNamed(name string) *volume {
	return first(s.volumes, func(v *volume) bool { return v.name == name })
}

func (s *System) volumeBy(id string) *volume {
	return first(s.volumes, func(v *volume) bool { return v.id == id })
}
