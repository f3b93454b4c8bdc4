package storagegrowth

// Limit is what keeps a growth from its target, or from being at all.
type Limit string

// The limits.
const (
	// LimitFaultUnits: too few fault units have devices in the pool.
	LimitFaultUnits Limit = "fault-units"
	// LimitHosts: no SDS of a fault unit can take a volume, because its node is
	// out of reach or unknown, or its instance is not as it should be.
	LimitHosts Limit = "hosts"
	// LimitDeviceSize: the size of a device in this ScaleIO version.
	LimitDeviceSize Limit = "device-size"
	LimitSDSSize    Limit = "sds-size"
	LimitSDSDevices Limit = "devices-per-sds"
	// LimitPoolDevices: the devices of a pool.
	LimitPoolDevices Limit = "devices-per-pool"
	// LimitGrowth: the volumes of one growth.
	LimitGrowth Limit = "volumes-per-growth"
	// LimitAttachments: the EBS volumes of an instance type.
	LimitAttachments Limit = "attachments"
	// The next three are --growth.max-volumes-per-node, --growth.max-pool-size
	// and --growth.max-per-day.
	LimitNodeVolumes Limit = "volumes-per-node"
	LimitPoolSize    Limit = "pool-size"
	LimitDay         Limit = "per-day"
)

// Limits are all of them.
func Limits() []Limit {
	return []Limit{
		LimitFaultUnits, LimitHosts, LimitDeviceSize, LimitSDSSize, LimitSDSDevices, LimitPoolDevices,
		LimitGrowth, LimitAttachments, LimitNodeVolumes, LimitPoolSize, LimitDay,
	}
}

// reached is a limit that was met, with the words for it; none when zero.
type reached struct {
	limit Limit
	why   string
}
