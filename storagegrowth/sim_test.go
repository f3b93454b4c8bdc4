package storagegrowth_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/scaleio"
	"scaleio-framework/storagegrowth"
)

const gib = 1 << 30

// site is EC2, the node agents and a gateway, in memory. It behaves; what must
// never happen is kept in violations.
type site struct {
	now       time.Time
	instances map[string]*instance // by host
	volumes   map[string]*volume   // by id
	made      int                  // volumes, ever
	tokens    map[string]string    // volume id by token
	burnt     map[string]bool
	pools     map[string]*simPool
	calls     map[core.CloudOp]int

	createTakes, attachTakes time.Duration
	stuck                    map[string]bool // device names that stay attaching
	stuckVolume              string          // stays attaching
	// fault decides on a call: before says that it fails without effect, after
	// that its effect happens and the answer is replaced.
	fault      func(core.CloudCall) (before, after core.CloudError)
	gatewayErr func(core.AddDevicesParams) (text string, interrupted bool)
	hidden     map[string]bool // volumes whose disk does not appear
	violations []string
}

type instance struct {
	core.CloudInstance
	host, address string
	down          bool
	disks         []model.Disk
}

type volume struct {
	request    model.VolumeRequest
	id         string
	created    time.Time
	instance   string
	device     string
	attachedAt time.Time
	everWas    []string // attachments that began
}

type simPool struct {
	domain, name string
	inUse        int64
	spare        int
	devices      []simDevice
	degraded     bool
	rebalancing  bool
}

type simDevice struct {
	id, name, path, sds, unit, host string
	kib                             int64
}

// newSite has hosts h1 ... hn, an instance and an SDS on each, and one pool
// with a device of 100 GiB on each.
func newSite(hosts int, used float64) *site {
	s := &site{
		instances: make(map[string]*instance), volumes: make(map[string]*volume), tokens: make(map[string]string),
		burnt: make(map[string]bool), pools: make(map[string]*simPool), calls: make(map[core.CloudOp]int),
		stuck: make(map[string]bool), hidden: make(map[string]bool),
	}
	for i := 1; i <= hosts; i++ {
		s.addHost(fmt.Sprintf("h%d", i), i)
	}
	s.addPool("default", "default", slices.Sorted(maps.Keys(s.instances)), used)
	return s
}

func (s *site) addHost(name string, i int) {
	s.instances[name] = &instance{
		CloudInstance: core.CloudInstance{ID: "i-" + name, Zone: "z1", Type: "m5.large", State: "running", Limit: 28, Devices: map[string]string{"/dev/sda1": "vol-root-" + name}},
		host:          name, address: fmt.Sprintf("10.0.%d.%d", i/250, i%250+1),
	}
}

func (s *site) addPool(domain, name string, hosts []string, used float64) {
	units := len(hosts)
	p := &simPool{domain: domain, name: name, spare: (100 + units - 1) / units}
	for _, h := range hosts {
		p.devices = append(p.devices, simDevice{id: "d-" + name + h, name: name + "-first-" + h, path: "/dev/sdb", sds: "sds-" + h, unit: "sds-" + h, host: h, kib: 103808000})
	}
	limit, spare := p.limit()
	p.inUse = int64(used * float64(limit-spare))
	s.pools[domain+"/"+name] = p
}

func (p *simPool) limit() (limit, spare int64) {
	for _, d := range p.devices {
		limit += d.kib
	}
	spare = limit * int64(p.spare) / 100 / 1024 * 1024
	return limit, spare
}

func (p *simPool) fullness() float64 {
	limit, spare := p.limit()
	return float64(p.inUse) / float64(limit-spare)
}

func (s *site) wrong(format string, args ...any) {
	s.violations = append(s.violations, fmt.Sprintf(format, args...))
}

// nodesUp tells of every node.
func (s *site) nodesUp() []core.Event {
	var events []core.Event
	for _, name := range slices.Sorted(maps.Keys(s.instances)) {
		if i := s.instances[name]; !i.down {
			events = append(events, s.nodeUp(i))
		}
	}
	return events
}

func (s *site) nodeUp(i *instance) core.Event {
	return core.NodeUp{Host: i.host, Inventory: &model.Inventory{
		Hostname: i.host, Address: i.address, PublicKey: "k", Disks: slices.Clone(i.disks),
		Cloud: &model.CloudHost{Provider: "aws", InstanceID: i.ID, InstanceType: i.Type, Zone: i.Zone},
	}}
}

func (s *site) perform(now time.Time, effect core.Effect) []core.Event {
	s.now = now
	switch e := effect.(type) {
	case core.ReadPools:
		return []core.Event{s.read()}
	case core.CloudCall:
		return []core.Event{s.cloud(e)}
	case core.SendCommand:
		return s.command(e)
	case core.GatewayCall:
		return []core.Event{s.gateway(e)}
	}
	return nil
}

func (s *site) read() core.Event {
	read := core.PoolsRead{At: s.now}
	for _, key := range slices.Sorted(maps.Keys(s.pools)) {
		read.Pools = append(read.Pools, s.pools[key].reading(s))
	}
	return read
}

func (p *simPool) reading(s *site) core.PoolReading {
	limit, spare := p.limit()
	r := core.PoolReading{
		ProtectionDomain: p.domain, StoragePool: p.name, ID: "p-" + p.name, InUseKiB: p.inUse, LimitKiB: limit, SpareKiB: spare,
		UnusedKiB: limit - spare - p.inUse, SparePercent: p.spare, HighPercent: 80, CriticalPercent: 90, Version: "2.6",
		Degraded: p.degraded, Rebalancing: p.rebalancing,
	}
	units := make(map[string]map[string][]simDevice)
	for _, d := range p.devices {
		if units[d.unit] == nil {
			units[d.unit] = make(map[string][]simDevice)
		}
		units[d.unit][d.sds] = append(units[d.unit][d.sds], d)
	}
	for _, unit := range slices.Sorted(maps.Keys(units)) {
		u := core.FaultUnit{Name: unit}
		for _, sds := range slices.Sorted(maps.Keys(units[unit])) {
			devices := units[unit][sds]
			reading := core.SDSReading{ID: "id-" + sds, Name: sds, Address: s.instances[devices[0].host].address, Healthy: true}
			for _, d := range devices {
				reading.Devices = append(reading.Devices, core.DeviceReading{
					ID: d.id, Name: d.name, Path: d.path, LimitKiB: d.kib, Normal: true,
					InUseKiB: min(d.kib, int64(float64(p.inUse)*float64(d.kib)/float64(limit))),
				})
			}
			u.SDSs = append(u.SDSs, reading)
		}
		r.Units = append(r.Units, u)
	}
	return r
}

func (s *site) cloud(c core.CloudCall) core.Event {
	s.calls[c.Op]++
	a := core.CloudAnswered{Op: c.Op, Growth: c.Growth, Slot: c.Slot, At: s.now}
	var before, after core.CloudError
	if s.fault != nil {
		before, after = s.fault(c)
	}
	if before != "" {
		a.Err, a.Text = before, "injected "+string(before)
		return a
	}
	switch c.Op {
	case core.CloudCreate:
		s.create(c, &a)
	case core.CloudAttach:
		s.attach(c, &a)
	case core.CloudDetach:
		s.detach(c, &a)
	case core.CloudDelete:
		s.delete(c, &a)
	case core.CloudFindByTag:
		for _, v := range s.sorted() {
			if v.request.Tags[storagegrowth.TagGrowth] == c.Growth && v.request.Tags[storagegrowth.TagSlot] == fmt.Sprint(c.Slot) {
				a.Volumes = append(a.Volumes, s.show(v))
			}
		}
	case core.CloudLook:
		s.look(c, &a)
	}
	if after != "" {
		return core.CloudAnswered{Op: c.Op, Growth: c.Growth, Slot: c.Slot, At: s.now, Err: after, Text: "injected " + string(after)}
	}
	return a
}

func (s *site) sorted() []*volume {
	var all []*volume
	for _, id := range slices.Sorted(maps.Keys(s.volumes)) {
		all = append(all, s.volumes[id])
	}
	return all
}

func (s *site) show(v *volume) core.CloudVolume {
	shown := core.CloudVolume{ID: v.id, Zone: v.request.Zone, State: "available", SizeGiB: v.request.SizeGiB, Tags: v.request.Tags}
	if s.now.Sub(v.created) < s.createTakes {
		shown.State = "creating"
	}
	if v.instance != "" {
		a := core.CloudAttachment{InstanceID: v.instance, Device: v.device, State: "attached", Since: v.attachedAt}
		if s.now.Sub(v.attachedAt) < s.attachTakes || s.stuck[v.device] || s.stuckVolume == v.id {
			a.State = "attaching"
		}
		shown.State = "in-use"
		shown.Attachments = []core.CloudAttachment{a}
	}
	return shown
}

func (s *site) create(c core.CloudCall, a *core.CloudAnswered) {
	if s.burnt[c.Request.Token] {
		a.Err, a.Text = core.CloudMismatch, "IdempotentParameterMismatch"
		return
	}
	if id, ok := s.tokens[c.Request.Token]; ok {
		if v := s.volumes[id]; v != nil {
			a.Volumes = []core.CloudVolume{s.show(v)}
			return
		}
		a.Err, a.Text = core.CloudMismatch, "the volume of this token was deleted"
		return
	}
	s.made++
	v := &volume{request: c.Request, id: fmt.Sprintf("vol-%04d", s.made), created: s.now}
	s.volumes[v.id], s.tokens[c.Request.Token] = v, v.id
	a.Volumes = []core.CloudVolume{s.show(v)}
}

func (s *site) byID(id string) *instance {
	for _, i := range s.instances {
		if i.ID == id {
			return i
		}
	}
	return nil
}

func (s *site) attach(c core.CloudCall, a *core.CloudAnswered) {
	v, i := s.volumes[c.VolumeID], s.byID(c.InstanceID)
	switch {
	case v == nil || i == nil:
		a.Err = core.CloudNotFound
	case v.instance != "":
		a.Err = core.CloudVolumeInUse
	case i.Devices[c.Device] != "":
		a.Err = core.CloudDeviceInUse
	case len(i.Devices) >= i.Limit:
		a.Err = core.CloudAttachLimit
	case v.request.Zone != i.Zone:
		a.Err = core.CloudZone
	default:
		v.instance, v.device, v.attachedAt = i.ID, c.Device, s.now
		v.everWas = append(v.everWas, i.ID+c.Device)
		i.Devices[c.Device] = v.id
		a.Volumes = []core.CloudVolume{s.show(v)}
	}
}

func (s *site) detach(c core.CloudCall, a *core.CloudAnswered) {
	v := s.volumes[c.VolumeID]
	if v == nil || v.instance == "" {
		a.Err = core.CloudNotFound
		return
	}
	if s.isDevice(v.id) {
		s.wrong("volume %s is detached while it is a device", v.id)
	}
	delete(s.byID(v.instance).Devices, v.device)
	v.instance, v.device = "", ""
}

func (s *site) isDevice(name string) bool {
	for _, p := range s.pools {
		if slices.ContainsFunc(p.devices, func(d simDevice) bool { return d.name == name }) {
			return true
		}
	}
	return false
}

func (s *site) delete(c core.CloudCall, a *core.CloudAnswered) {
	v := s.volumes[c.VolumeID]
	switch {
	case v == nil:
		a.Err = core.CloudNotFound
	case v.instance != "":
		a.Err = core.CloudVolumeInUse
	default:
		if s.isDevice(v.id) {
			s.wrong("volume %s is deleted while it is a device", v.id)
		}
		delete(s.volumes, v.id)
	}
}

func (s *site) look(c core.CloudCall, a *core.CloudAnswered) {
	for _, v := range s.sorted() {
		if slices.Contains(c.VolumeIDs, v.id) {
			a.Volumes = append(a.Volumes, s.show(v))
		}
		if v.request.Tags[storagegrowth.TagFramework] == c.Tags[storagegrowth.TagFramework] {
			a.ByTag = append(a.ByTag, s.show(v))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.instances)) {
		if i := s.instances[name]; slices.Contains(c.InstanceIDs, i.ID) {
			shown := i.CloudInstance
			shown.Devices = maps.Clone(i.Devices)
			a.Instances = append(a.Instances, shown)
		}
	}
}

func (s *site) command(e core.SendCommand) []core.Event {
	i := s.instances[e.Host]
	if i.down {
		return nil
	}
	if e.Command.Kind != nodeproto.Ask || nodeproto.Name(e.Command.Step) != nodeproto.QuestionLocate {
		s.wrong("command %s", e.Command.Step)
	}
	var p nodeproto.LocateParams
	if err := json.Unmarshal(e.Command.Params, &p); err != nil {
		s.wrong("locate: %v", err)
	}
	r := nodeproto.Report{Step: e.Command.Step, Attempt: 1, State: nodeproto.Failed, Error: "no disk with serial number " + p.Serial}
	if v := s.volumes[p.Serial]; v != nil && v.instance == i.ID && !s.hidden[v.id] {
		raw, err := json.Marshal(model.Disk{Path: "/dev/disk/by-id/" + v.id, Size: int64(v.request.SizeGiB) * gib, Free: !s.isDevice(v.id), Serial: v.id})
		if err != nil {
			s.wrong("%v", err)
		}
		r = nodeproto.Report{Step: e.Command.Step, Attempt: 1, State: nodeproto.Done, Result: raw}
	}
	return []core.Event{core.NodeReported{Host: e.Host, Report: r}}
}

func (s *site) gateway(e core.GatewayCall) core.Event {
	answer := core.GatewayAnswered{Host: e.Host, Step: e.Step, Attempt: e.Attempt}
	if strings.HasPrefix(e.Step, core.StepSparePolicy) {
		var p core.SparePolicyParams
		if err := json.Unmarshal(e.Params, &p); err != nil {
			s.wrong("%v", err)
		}
		s.pools[p.ProtectionDomain+"/"+p.StoragePool].spare = p.Percent
		answer.Result = []byte(`{}`)
		return answer
	}
	var p core.AddDevicesParams
	if err := json.Unmarshal(e.Params, &p); err != nil || len(p.Devices) != 1 {
		s.wrong("add devices: %s", e.Params)
		return answer
	}
	if s.gatewayErr != nil {
		if text, interrupted := s.gatewayErr(p); text != "" {
			answer.Err, answer.Interrupted = text, interrupted
			return answer
		}
	}
	id, err := s.addDevice(p)
	if err != nil {
		answer.Err = err.Error()
		return answer
	}
	raw, err := json.Marshal(core.AddDevicesResult{IDs: map[string]string{p.Devices[0].Name: id}})
	if err != nil {
		s.wrong("%v", err)
	}
	answer.Result = raw
	return answer
}

func (s *site) addDevice(p core.AddDevicesParams) (string, error) {
	pool, d := s.pools[p.ProtectionDomain+"/"+p.StoragePool], p.Devices[0]
	host := strings.TrimPrefix(p.SDS, "sds-")
	for _, have := range pool.devices {
		if have.name == d.Name {
			return have.id, nil
		}
	}
	size := int64(0)
	if v := s.volumes[d.Name]; v != nil && v.instance == s.instances[host].ID {
		size = int64(v.request.SizeGiB) * gib
	}
	for _, disk := range s.instances[host].disks {
		if disk.Path == d.Path {
			size = disk.Size
		}
	}
	kib, err := scaleio.DeviceKiB(size)
	if err != nil {
		return "", fmt.Errorf("could not open SDS device %s", d.Path)
	}
	unit := p.SDS
	for _, have := range pool.devices {
		if have.sds == p.SDS {
			unit = have.unit
		}
	}
	device := simDevice{id: "d-" + d.Name, name: d.Name, path: d.Path, sds: p.SDS, unit: unit, host: host, kib: kib}
	pool.devices = append(pool.devices, device)
	return device.id, nil
}
