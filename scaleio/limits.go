package scaleio

import "fmt"

// MinFaultUnits is the least number of fault sets, or of SDSs outside fault
// sets, that a storage pool must have devices on before it can hold a volume.
const MinFaultUnits = 3

const (
	gigabyte = 1_000_000_000
	terabyte = 1000 * gigabyte
)

// Limits are what a release accepts. Vendor texts mix powers of ten and of two;
// the smaller meaning is used for a maximum.
type Limits struct {
	DeviceMinBytes int64
	DeviceMaxBytes int64
	SDSMaxBytes    int64 // capacity of all devices of one SDS
	DevicesPerSDS  int
	DevicesPerPool int
	FaultSetsPerPD int
	SDSsPerPD      int
	PoolsPerPD     int
	PoolMinBytes   int64 // raw
	VolumeMaxKiB   int64
	VolumesPerSDC  int
	ManagementPort int // of the MDM, for scli
}

// LimitsOf gives the limits of a release. The sources are the 2.0 design guide
// and the answer of a 4.x system to querySystemLimits. What 2.5 to 3.6 accept
// beyond 2.0 is not confirmed, so 2.0's limits stand for them.
func LimitsOf(v Version) Limits {
	l := Limits{
		DeviceMinBytes: 100 * gigabyte,
		DeviceMaxBytes: 6 * terabyte,
		SDSMaxBytes:    64 * terabyte,
		DevicesPerSDS:  64,
		DevicesPerPool: 300,
		FaultSetsPerPD: 64,
		SDSsPerPD:      128,
		PoolsPerPD:     64,
		PoolMinBytes:   300 * gigabyte,
		VolumeMaxKiB:   1 << 40, // 1 PiB
		VolumesPerSDC:  8192,
		ManagementPort: 6611,
	}
	if v.AtLeast(versionBearer) {
		l.DeviceMaxBytes = 14902 * gigabyte
		l.SDSMaxBytes = 149504 * gigabyte
		l.ManagementPort = 8611
	}
	return l
}

// CheckDevice says why a disk of that size cannot be a device.
func (l Limits) CheckDevice(diskBytes int64) error {
	switch {
	case diskBytes < l.DeviceMinBytes:
		return fmt.Errorf("a disk of %d bytes is below ScaleIO's minimum of %d GB", diskBytes, l.DeviceMinBytes/gigabyte)
	case diskBytes > l.DeviceMaxBytes:
		return fmt.Errorf("a disk of %d bytes is above the maximum of %d GB of this ScaleIO version", diskBytes, l.DeviceMaxBytes/gigabyte)
	}
	return nil
}
