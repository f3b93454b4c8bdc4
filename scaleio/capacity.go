package scaleio

import (
	"errors"
	"fmt"
	"math"
)

// Capacity are the figures of a pool or of the system, in KiB and, but for
// AvailableKiB, raw: every byte of data counts twice. Which is which, and the
// relations between them, were found in answers of real systems from 2.5 to
// 3.x.
type Capacity struct {
	MaxKiB          int64 `json:"maxCapacityInKb" need:"yes"`                          // sum of the devices' sizes
	LimitKiB        int64 `json:"capacityLimitInKb" need:"yes"`                        // sum of the devices' limits
	SpareKiB        int64 `json:"spareCapacityInKb" need:"yes"`                        // kept for rebuilds
	InUseKiB        int64 `json:"capacityInUseInKb" need:"yes"`                        // both copies
	UnusedKiB       int64 `json:"unusedCapacityInKb" need:"yes"`                       // limit - spare - in use
	ThickInUseKiB   int64 `json:"thickCapacityInUseInKb" need:"yes"`                   // part of what is in use
	ThinInUseKiB    int64 `json:"thinCapacityInUseInKb" need:"yes"`                    // part of what is in use
	ThinAllocated   int64 `json:"thinCapacityAllocatedInKb|thinCapacityAllocatedInKm"` // size of the thin volumes, twice
	SnapOccupiedKiB int64 `json:"snapCapacityInUseOccupiedInKb"`                       // part of what is in use; renamed in 3.5
	SnapReservedKiB int64 `json:"snapCapacityInUseInKb"`                               // with what snapshots may still need
	// AvailableKiB is what new thick volumes may take, net; a multiple of 8
	// GiB for a pool.
	AvailableKiB int64 `json:"capacityAvailableForVolumeAllocationInKb" need:"yes"`
}

// DeviceCapacity are the figures of one device, in KiB.
type DeviceCapacity struct {
	LimitKiB int64 `json:"capacityLimitInKb" need:"yes"`
	InUseKiB int64 `json:"capacityInUseInKb" need:"yes"`
}

// ImplausibleError says that figures contradict each other. Nothing may be
// decided on them; the next reading may be better.
type ImplausibleError struct {
	Reason string
}

// Error gives the contradiction.
func (e *ImplausibleError) Error() string {
	return "implausible capacity figures: " + e.Reason + "; nothing is decided on them"
}

// ErrNoCapacity means that a pool has no device yet, so that its fullness is
// not defined.
var ErrNoCapacity = errors.New("the storage pool has no capacity yet: add devices")

func implausible(format string, args ...any) error {
	return &ImplausibleError{Reason: fmt.Sprintf(format, args...)}
}

// Check looks for figures that contradict each other. The relations hold
// exactly in answers of real systems, since one reading is one moment.
func (c Capacity) Check() error {
	for _, f := range []struct {
		name  string
		value int64
	}{
		{"maximum", c.MaxKiB},
		{"limit", c.LimitKiB},
		{"spare", c.SpareKiB},
		{"in use", c.InUseKiB},
		{"unused", c.UnusedKiB},
		{"thick in use", c.ThickInUseKiB},
		{"thin in use", c.ThinInUseKiB},
		{"thin allocated", c.ThinAllocated},
		{"snapshots occupied", c.SnapOccupiedKiB},
		{"snapshots reserved", c.SnapReservedKiB},
		{"available", c.AvailableKiB},
	} {
		// 2^50 KiB is a zettabyte; above it sums could overflow.
		if f.value < 0 || f.value > 1<<50 {
			return implausible("%s is %d KiB", f.name, f.value)
		}
	}
	switch sum := c.SpareKiB + c.InUseKiB + c.UnusedKiB; {
	case c.LimitKiB > c.MaxKiB:
		return implausible("limit %d KiB is above the maximum of %d KiB", c.LimitKiB, c.MaxKiB)
	case sum != c.LimitKiB:
		return implausible("spare, in use and unused are %d KiB together, the limit is %d KiB", sum, c.LimitKiB)
	case c.ThickInUseKiB+c.ThinInUseKiB > c.InUseKiB:
		return implausible("thick and thin use are above the %d KiB in use", c.InUseKiB)
	case c.AvailableKiB > c.LimitKiB/2:
		return implausible("%d KiB net are available of %d KiB raw", c.AvailableKiB, c.LimitKiB)
	}
	return nil
}

// Fullness is the used share of what may be used, between 0 and 1, as the MDM
// compares it with the pool's alert thresholds: spare capacity is not there to
// be used. It is ErrNoCapacity for an empty pool and an ImplausibleError for
// figures that contradict each other.
func (c Capacity) Fullness() (float64, error) {
	if err := c.Check(); err != nil {
		return 0, err
	}
	usable := c.LimitKiB - c.SpareKiB
	if c.LimitKiB == 0 {
		return 0, ErrNoCapacity
	}
	if usable == 0 {
		return 0, implausible("all of the limit of %d KiB is spare", c.LimitKiB)
	}
	return float64(c.InUseKiB) / float64(usable), nil
}

// NetFreeKiB is how much more can be stored with two copies of it.
func (c Capacity) NetFreeKiB() (int64, error) {
	if err := c.Check(); err != nil {
		return 0, err
	}
	return c.UnusedKiB / 2, nil
}

// Fullness is the used share of the device, between 0 and 1. When one device
// is full, thin volumes may fail though the pool has room.
func (c DeviceCapacity) Fullness() (float64, error) {
	switch {
	case c.LimitKiB == 0:
		return 0, ErrNoCapacity
	case c.LimitKiB < 0, c.InUseKiB < 0, c.InUseKiB > c.LimitKiB:
		return 0, implausible("a device has %d KiB in use of %d KiB", c.InUseKiB, c.LimitKiB)
	}
	return float64(c.InUseKiB) / float64(c.LimitKiB), nil
}

// deviceOverheadKiB is what ScaleIO keeps of each disk for itself: 1025 MiB,
// seen with disks of 100 and 110 GiB in 2.6.
const deviceOverheadKiB = 1025 << 10

// DeviceKiB is the capacity that a disk of a size in bytes adds to a pool.
func DeviceKiB(diskBytes int64) (int64, error) {
	kib := diskBytes/1024 - deviceOverheadKiB
	if diskBytes < 0 || kib <= 0 {
		return 0, fmt.Errorf("a disk of %d bytes is too small for ScaleIO", diskBytes)
	}
	return kib, nil
}

// SpareKiB is what the MDM reserves of a limit: whole MiB, rounded down.
func SpareKiB(limitKiB int64, percent int) (int64, error) {
	if limitKiB < 0 || limitKiB > math.MaxInt64/100 || percent < 0 || percent > 99 {
		return 0, fmt.Errorf("no spare capacity can be worked out from %d percent of %d KiB", percent, limitKiB)
	}
	return limitKiB * int64(percent) / 100 / 1024 * 1024, nil
}

// MinSparePercent is the least spare percentage with which a pool of so many
// equal fault units can rebuild one of them: one over their number, rounded
// up. Three units need 34, four 25, five 20.
func MinSparePercent(faultUnits int) (int, error) {
	if faultUnits < MinFaultUnits {
		return 0, fmt.Errorf("%d fault units: a storage pool needs at least %d", faultUnits, MinFaultUnits)
	}
	return (100 + faultUnits - 1) / faultUnits, nil
}
