package scaleiotest

import (
	"time"
)

// minDeviceBytes is the smallest disk: 100 GB, decimal.
const minDeviceBytes = 100_000_000_000

// device is a disk given to a pool by an SDS.
type device struct {
	id, name       string
	path, original string
	sds            *sds
	pool           *pool
	maxKb, limitKb int64
	media          string
	// normalAt is when the initial test ends.
	normalAt time.Time
	// testOnly keeps the device out of the pool until it is activated.
	testOnly bool
	// late marks a device that came to a pool that held data.
	late bool
}

func (d *device) stateAt(now time.Time) string {
	switch {
	case now.Before(d.normalAt):
		return "InitialTest"
	case d.testOnly:
		return "InitialTestDone"
	}
	return "Normal"
}

// newDevice is the request for a device.
type newDevice struct {
	sds      *sds
	pool     *pool
	path     string
	name     string
	media    string
	limitKb  int64
	takeover bool
	noTest   bool
	testOnly bool
}

func (s *System) createDevice(n newDevice) (string, error) {
	if n.pool.domain != n.sds.domain {
		return "", refuse(0, "The Storage Pool and the SDS are not in the same Protection Domain")
	}
	if err := s.checkDevice(n); err != nil {
		return "", err
	}
	if !n.sds.connected() {
		return "", refuse(0, "The SDS is not connected")
	}
	found, err := s.probe(n.sds.host, n.path)
	if err != nil {
		return "", err
	}
	if found.signed && !n.takeover {
		return "", refuse(0, "The SDS device already has a ScaleIO header. Use the force flag to take it over.")
	}
	if found.bytes < minDeviceBytes || found.bytes > s.opt.MaxDeviceBytes {
		return "", refuse(72, "The SDS device size is out of the supported range")
	}
	d := &device{
		name: n.name, path: n.path, original: n.path,
		sds: n.sds, pool: n.pool, media: n.media, testOnly: n.testOnly,
		maxKb: found.bytes/1024 - deviceOverheadKb,
	}
	d.limitKb = d.maxKb
	if n.limitKb > 0 {
		d.limitKb = min(n.limitKb, d.maxKb)
	}
	d.late = s.poolInUse(n.pool) > 0
	d.normalAt = s.opt.Now()
	if !n.noTest {
		d.normalAt = d.normalAt.Add(s.opt.DeviceTest)
	}
	d.id = s.newID()
	s.devices = append(s.devices, d)
	return d.id, sign(n.sds.host, n.path, true)
}

func (s *System) checkDevice(n newDevice) error {
	onSDS := s.sdsDevices(n.sds)
	for _, d := range onSDS {
		if d.path == n.path || n.sds.host.root != "" && n.sds.host.path(d.path) == n.sds.host.path(n.path) {
			return refuse(673, "A device with the given path already exists in the SDS")
		}
		if n.name != "" && d.name == n.name {
			return refuse(206, "A device with the given name already exists in the SDS")
		}
	}
	if len(onSDS) >= maxDevicesPerSDS {
		return refuse(125, "There are too many devices for SDS")
	}
	if len(s.poolDevices(n.pool)) >= maxDevicesPerPool {
		return refuse(184, "There are too many devices in Storage Pool")
	}
	if len(n.name) > maxNameLength {
		return errRange
	}
	if n.media != "" && n.pool.media != "" && n.pool.media != "Transitional" && n.media != n.pool.media {
		return refuse(820, "The device media type is not compatible with the Storage Pool media type")
	}
	return nil
}

// mayLose refuses a removal that the pool's data would not survive.
func (s *System) mayLose(p *pool, gone ...*device) error {
	limit := s.limitOf(without(s.poolDevices(p), gone...))
	inUse := s.poolInUse(p)
	if inUse > limit-spareKb(limit, p.spare) {
		return refuse(1026, "Removal operation would make the capacity usage of a Storage Pool critical. Use the 'force' flag to override.")
	}
	if len(s.poolVolumes(p)) > 0 {
		return s.unitRule(p, gone...)
	}
	return nil
}

func (s *System) removeDevice(d *device) (string, error) {
	if err := s.mayLose(d.pool, d); err != nil {
		return "", err
	}
	s.dropDevice(d)
	return d.id, nil
}

func (s *System) dropDevice(d *device) {
	s.devices = without(s.devices, d)
	// The header goes with the device; a disk that cannot be reached keeps it.
	_ = sign(d.sds.host, d.path, false)
}

func (s *System) setDeviceLimit(d *device, kb int64) (string, error) {
	if kb <= 0 || kb > d.maxKb {
		return "", errRange
	}
	old := d.limitKb
	d.limitKb = kb
	limit := s.poolLimit(d.pool)
	if s.poolInUse(d.pool)+spareKb(limit, d.pool.spare) > limit {
		d.limitKb = old
		return "", errSpareViolation
	}
	return d.id, nil
}

func (s *System) deviceBy(id string) *device {
	return first(s.devices, func(d *device) bool { return d.id == id })
}
