package storagegrowth

import (
	"errors"
	"fmt"
	"time"

	"scaleio-framework/internal/core"
	"scaleio-framework/scaleio"
)

// Sample is what is remembered of one plausible reading of a pool.
type Sample struct {
	At       time.Time
	InUseKiB int64
	// Full is the higher of the pool's fullness and, while the pool is above
	// its target, its fullest device's.
	Full float64
}

// Fullness is the used share of what may be used, between 0 and 1: the spare
// is not there to be used. The pool's own alert thresholds mean the same.
func Fullness(p core.PoolReading) float64 {
	return float64(p.InUseKiB) / float64(p.LimitKiB-p.SpareKiB)
}

// FullestDevice finds the device with the highest used share; empty when the
// pool has none.
func FullestDevice(p core.PoolReading) (name string, full float64) {
	for _, unit := range p.Units {
		for _, sds := range unit.SDSs {
			for _, d := range sds.Devices {
				if d.LimitKiB <= 0 {
					continue
				}
				if f := float64(d.InUseKiB) / float64(d.LimitKiB); f > full {
					name, full = sds.Name+"/"+d.Name, f
				}
			}
		}
	}
	return name, full
}

// tolerance is the share by which figures of different answers may differ: the
// devices are listed in another request than the pool's sums.
const tolerance = 0.02

// CheckReading says why nothing may be decided on a reading (R8): figures that
// contradict each other, or that could not be read.
func CheckReading(p core.PoolReading) error {
	const most = 1 << 50 // KiB; above it sums could overflow
	usable := p.LimitKiB - p.SpareKiB
	switch {
	case p.Implausible != "":
		return errors.New(p.Implausible)
	case p.LimitKiB == 0 && p.InUseKiB == 0:
		return scaleio.ErrNoCapacity
	case p.LimitKiB <= 0, p.SpareKiB < 0, p.InUseKiB < 0, p.UnusedKiB < 0, p.LimitKiB > most:
		return fmt.Errorf("a size is negative, zero or too large: limit %d, spare %d, in use %d, unused %d KiB", p.LimitKiB, p.SpareKiB, p.InUseKiB, p.UnusedKiB)
	case usable <= 0:
		return fmt.Errorf("all of the limit of %d KiB is spare", p.LimitKiB)
	case p.SpareKiB+p.InUseKiB+p.UnusedKiB != p.LimitKiB:
		return fmt.Errorf("spare, in use and unused are %d KiB together, the limit is %d KiB", p.SpareKiB+p.InUseKiB+p.UnusedKiB, p.LimitKiB)
	case p.SparePercent < 0 || p.SparePercent > 99:
		return fmt.Errorf("the spare percentage is %d", p.SparePercent)
	case p.HighPercent <= 0 || p.CriticalPercent > 100 || p.HighPercent > p.CriticalPercent:
		return fmt.Errorf("the pool's alert thresholds are %d and %d percent", p.HighPercent, p.CriticalPercent)
	}
	spare, err := scaleio.SpareKiB(p.LimitKiB, p.SparePercent)
	if err != nil {
		return err
	}
	if !near(spare, p.SpareKiB, p.LimitKiB) {
		return fmt.Errorf("the spare is %d KiB, but %d percent of the limit are %d KiB", p.SpareKiB, p.SparePercent, spare)
	}
	if _, err := scaleio.ParseVersion(p.Version); err != nil {
		return fmt.Errorf("the limits of this system are unknown: %w", err)
	}
	return checkDevices(p)
}

func checkDevices(p core.PoolReading) error {
	var sum int64
	units, sdss, devices := make(map[string]bool), make(map[string]bool), make(map[string]bool)
	for _, unit := range p.Units {
		if unit.Name == "" || units[unit.Name] {
			return fmt.Errorf("fault unit %q is unnamed or listed twice", unit.Name)
		}
		units[unit.Name] = true
		for _, sds := range unit.SDSs {
			if sds.ID == "" || sds.Name == "" || sdss[sds.ID] || sds.OtherDevices < 0 {
				return fmt.Errorf("SDS %q is unnamed, listed twice or has a negative number of devices", sds.Name)
			}
			sdss[sds.ID] = true
			for _, d := range sds.Devices {
				if d.LimitKiB < 0 || d.LimitKiB > p.LimitKiB || d.InUseKiB < 0 || d.InUseKiB > d.LimitKiB || d.ID == "" || devices[d.ID] {
					return fmt.Errorf("device %s of SDS %s is unnamed, listed twice or has %d KiB in use of %d KiB", d.Name, sds.Name, d.InUseKiB, d.LimitKiB)
				}
				devices[d.ID] = true
				sum += d.LimitKiB
			}
		}
	}
	if !near(sum, p.LimitKiB, p.LimitKiB) {
		return fmt.Errorf("the devices have %d KiB together, the pool's limit is %d KiB", sum, p.LimitKiB)
	}
	return nil
}

func near(a, b, of int64) bool {
	d := a - b
	if d < 0 {
		d = -d
	}
	return float64(d) <= tolerance*float64(of)+1024
}
