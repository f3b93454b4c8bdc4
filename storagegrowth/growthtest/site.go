package growthtest

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
)

// GiB is in bytes.
const GiB = 1 << 30

// Site is EC2, the node agents' disks and a gateway. Make it with New or Empty.
type Site struct {
	Now       time.Time
	Instances map[string]*Instance // by host
	Volumes   map[string]*Volume   // by id
	Made      int                  // volumes, ever
	// Burnt are tokens that a failed creation has used up.
	Burnt map[string]bool
	Pools map[string]*Pool     // by "domain/pool"
	SDSs  map[string]SDS       // by name
	Calls map[core.CloudOp]int // how often each was made

	// CreateTakes and AttachTakes are how long EC2 shows creating and attaching.
	CreateTakes, AttachTakes time.Duration
	// Stuck are device names, and StuckVolume is a volume, that stay attaching.
	Stuck       map[string]bool
	StuckVolume string
	// StuckDetaching keeps volumes in detaching.
	StuckDetaching bool
	// Hidden are volumes whose disk does not appear on its host.
	Hidden map[string]bool
	// Fault decides on a call: before says that it fails without effect, after
	// that its effect happens and the answer is replaced. It may be nil.
	Fault func(core.CloudCall) (before, after core.CloudError)
	// GatewayErr says why the gateway refuses a device, or that none answers.
	// It may be nil.
	GatewayErr func(core.AddDevicesParams) (text string, interrupted bool)
	// SpareErr is why the gateway refuses a spare percentage.
	SpareErr string
	// Violations are the things that must never happen, and did.
	Violations []string

	tokens map[string]string // volume id by token
}

// Instance is a machine in EC2.
type Instance struct {
	core.CloudInstance
	Host, Address string
	Down          bool         // its node agent does not answer
	Disks         []model.Disk // those that are no volume of a growth
}

// Empty has no host and no pool.
func Empty() *Site {
	return &Site{
		Instances: make(map[string]*Instance), Volumes: make(map[string]*Volume), tokens: make(map[string]string),
		Burnt: make(map[string]bool), Pools: make(map[string]*Pool), SDSs: make(map[string]SDS), Calls: make(map[core.CloudOp]int),
		Stuck: make(map[string]bool), Hidden: make(map[string]bool),
	}
}

// New has hosts h1 ... hn, an instance and an SDS on each, and one pool, used
// to that part, with a device of 100 GiB on each.
func New(hosts int, used float64) *Site {
	s := Empty()
	for i := 1; i <= hosts; i++ {
		s.AddHost(fmt.Sprintf("h%d", i), i)
	}
	s.AddPool("default", "default", slices.Sorted(maps.Keys(s.Instances)), used)
	return s
}

// AddHost starts an instance; i makes its address.
func (s *Site) AddHost(name string, i int) {
	s.Instances[name] = &Instance{
		CloudInstance: core.CloudInstance{ID: "i-" + name, Zone: "z1", Type: "m5.large", State: "running", Limit: 28, Devices: map[string]string{"/dev/sda1": "vol-root-" + name}},
		Host:          name, Address: fmt.Sprintf("10.0.%d.%d", i/250, i%250+1),
	}
}

// Cloud is what the node agent tells of the machine that it runs on.
func (i *Instance) Cloud() *model.CloudHost {
	return &model.CloudHost{Provider: "aws", InstanceID: i.ID, InstanceType: i.Type, Zone: i.Zone}
}

// NodesUp tells of every node whose agent answers.
func (s *Site) NodesUp() []core.Event {
	var events []core.Event
	for _, name := range slices.Sorted(maps.Keys(s.Instances)) {
		if i := s.Instances[name]; !i.Down {
			events = append(events, s.NodeUp(i))
		}
	}
	return events
}

// NodeUp tells of one node.
func (s *Site) NodeUp(i *Instance) core.Event {
	return core.NodeUp{Host: i.Host, Inventory: &model.Inventory{
		Hostname: i.Host, Address: i.Address, PublicKey: "k", Disks: slices.Clone(i.Disks), Cloud: i.Cloud(),
	}}
}

// Perform does an effect at that time and returns what comes of it.
func (s *Site) Perform(now time.Time, effect core.Effect) []core.Event {
	s.Now = now
	switch e := effect.(type) {
	case core.ReadPools:
		read := s.Read()
		read.Asked = e.Asked
		return []core.Event{read}
	case core.CloudCall:
		return []core.Event{s.Call(e)}
	case core.SendCommand:
		return s.command(e)
	case core.GatewayCall:
		return []core.Event{s.gateway(e)}
	}
	return nil
}

func (s *Site) wrong(format string, args ...any) {
	s.Violations = append(s.Violations, fmt.Sprintf(format, args...))
}
