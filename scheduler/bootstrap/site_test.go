package bootstrap_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/leader"
	"scaleio-framework/scheduler/bootstrap"
	"scaleio-framework/scheduler/internal/coretest"
)

// site is a simulated cluster behind the performers: hosts with node agents
// that journal, and one ScaleIO system behind the gateways. Wrong orders of
// work are violations.
type site struct {
	hosts map[string]*host

	created  int // times that the cluster was created
	members  []string
	mode     string
	name     string
	domains  map[string]bool
	sets     map[string]bool
	pools    map[string]bool
	spare    map[string]int
	sds      map[string]string // name -> fault set
	devices  map[string]string // sds/device -> path
	volumes  map[string]bool   // names that were ever used
	restarts []string

	violations []string
	// faulty changes what a node agent or a gateway does; nil is none.
	faulty func(host, step string, attempt int) *nodeproto.Report
	// slow steps only start, as "host/step".
	slow map[string]bool
	// forced steps are missing on purpose.
	forced map[string]bool
}

type host struct {
	name       string
	attributes map[string]string
	cpus, mem  float64
	disks      []model.Disk
	os         model.OS
	running    bool
	gone       bool
	boot       int
	journal    map[string]nodeproto.Report
	digests    map[string]string
	ran        []string // steps in the order in which they were run
}

func newSite(names ...string) *site {
	s := &site{
		hosts: make(map[string]*host), domains: map[string]bool{}, sets: map[string]bool{}, pools: map[string]bool{},
		spare: map[string]int{}, sds: map[string]string{}, devices: map[string]string{}, volumes: map[string]bool{}, slow: map[string]bool{},
	}
	for _, name := range names {
		s.add(name, nil)
	}
	return s
}

func (s *site) add(name string, attributes map[string]string) *host {
	h := &host{
		name: name, attributes: attributes, cpus: 4, mem: 8192, os: model.OS{ID: "centos", Version: "7", Family: "rpm"},
		journal: map[string]nodeproto.Report{}, digests: map[string]string{},
		disks: []model.Disk{
			{Path: "/dev/sda", Device: "/dev/sda", Size: 200e9, Why: "it is mounted at /"},
			{Path: "/dev/disk/by-id/x", Device: "/dev/sdb", Size: 200e9, Free: true},
		},
	}
	s.hosts[name] = h
	return h
}

func (s *site) names() []string {
	var names []string
	for name := range s.hosts {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

func (s *site) seen(name string) core.HostSeen {
	h := s.hosts[name]
	return core.HostSeen{Host: name, CPUs: h.cpus, MemoryMB: h.mem, Attributes: h.attributes}
}

func (s *site) nodeUp(name string) core.NodeUp {
	h := s.hosts[name]
	key := fmt.Sprintf("key-%s-%d", name, h.boot)
	return core.NodeUp{
		Host: name, Address: core.NodeAddress{AgentID: "S-" + name, ExecutorID: "nodeagent-" + name, PublicKey: key}, Attributes: h.attributes,
		Inventory: &model.Inventory{Hostname: name, Address: "addr-" + name, OS: h.os, CPUs: int(h.cpus), MemoryMB: int64(h.mem), Disks: slices.Clone(h.disks), PublicKey: key},
	}
}

func (s *site) Lost() {}

// Perform implements coretest.Outside.
func (s *site) Perform(_ time.Time, effect core.Effect) []core.Event {
	switch e := effect.(type) {
	case core.Revive:
		var events []core.Event
		for _, name := range s.names() {
			if h := s.hosts[name]; !h.running && !h.gone {
				events = append(events, s.seen(name))
			}
		}
		return events
	case core.Accept:
		if h := s.hosts[e.Host]; h.gone {
			return nil
		}
		s.hosts[e.Host].running = true
		return []core.Event{s.nodeUp(e.Host)}
	case core.SendCommand:
		return s.command(e)
	case core.GatewayCall:
		return s.call(e)
	}
	return nil
}

func (s *site) wrong(format string, args ...any) {
	s.violations = append(s.violations, fmt.Sprintf(format, args...))
}

func (s *site) command(e core.SendCommand) []core.Event {
	h, c := s.hosts[e.Host], e.Command
	if h.gone {
		return nil
	}
	refuse := func(reason nodeproto.RefusalReason) []core.Event {
		return []core.Event{core.NodeRefused{Host: h.name, Refusal: nodeproto.Refusal{Reason: reason, Step: c.Step, Attempt: c.Attempt, Text: string(reason)}}}
	}
	report := func(r nodeproto.Report) core.Event { return core.NodeReported{Host: h.name, Report: r} }
	last, known := h.journal[c.Step]
	switch {
	case c.Kind == nodeproto.Run && c.Digest != nodeproto.DigestOf(c.Step, c.Params):
		s.wrong("digest of %s does not fit", c.Step)
		return refuse(nodeproto.Malformed)
	case known && last.Attempt > c.Attempt:
		return refuse(nodeproto.OldAttempt)
	case known && last.Attempt == c.Attempt && c.Kind == nodeproto.Cancel && last.State == nodeproto.Started:
		last.State = nodeproto.Cancelled
		h.journal[c.Step] = last
		return []core.Event{report(last)}
	case known && last.Attempt == c.Attempt:
		if c.Kind == nodeproto.Run && h.digests[c.Step] != c.Digest && last.State != nodeproto.Cancelled {
			return refuse(nodeproto.OtherParams)
		}
		return []core.Event{report(last)}
	case known && last.State == nodeproto.Started:
		s.wrong("attempt %d of %s on %s begins while attempt %d runs", c.Attempt, c.Step, h.name, last.Attempt)
	}
	r := nodeproto.Report{Step: c.Step, Attempt: c.Attempt, State: nodeproto.Started}
	started := report(r)
	h.digests[c.Step] = c.Digest
	h.journal[c.Step] = r
	switch {
	case c.Kind == nodeproto.Cancel:
		r.State = nodeproto.Cancelled
		h.journal[c.Step] = r
		return []core.Event{report(r)}
	case s.slow[h.name+"/"+c.Step]:
		return []core.Event{started}
	}
	if s.faulty != nil {
		if f := s.faulty(h.name, c.Step, c.Attempt); f != nil {
			f.Step, f.Attempt = c.Step, c.Attempt
			h.journal[c.Step] = *f
			return []core.Event{started, report(*f)}
		}
	}
	r.State, r.Result = nodeproto.Done, s.run(h, c)
	h.journal[c.Step] = r
	h.ran = append(h.ran, c.Step)
	return []core.Event{started, report(r)}
}

func (h *host) has(step string) bool { return h.journal[step].State == nodeproto.Done }

func (s *site) need(h *host, step string, before ...string) {
	for _, b := range before {
		if !h.has(b) && !s.forced[b] {
			s.wrong("%s on %s before %s", step, h.name, b)
		}
	}
}

func decode[T any](s *site, raw []byte) T {
	var v T
	if err := json.Unmarshal(raw, &v); err != nil {
		s.wrong("parameters %s: %v", raw, err)
	}
	return v
}

// run does a step on a host and checks that it may be done now.
func (s *site) run(h *host, c nodeproto.Command) json.RawMessage {
	result := func(v any) json.RawMessage {
		raw, err := json.Marshal(v)
		if err != nil {
			s.wrong("result: %v", err)
		}
		return raw
	}
	switch nodeproto.Name(c.Step) {
	case nodeproto.StepMDMPackage, nodeproto.StepSDSPackage, nodeproto.StepLIAPackage, nodeproto.StepGatewayPackage:
		s.need(h, c.Step, nodeproto.StepPrerequisites)
	case nodeproto.StepMDMRemove:
		delete(h.journal, nodeproto.StepMDMPackage)
	case nodeproto.StepSDCPackage:
		s.need(h, c.Step, nodeproto.StepPrerequisites)
		p := decode[nodeproto.PackageParams](s, c.Params)
		if s.created == 0 || len(p.MDMAddresses) < 2 {
			s.wrong("sdc without a cluster or MDM addresses %v", p.MDMAddresses)
		}
	case nodeproto.StepCreateCluster:
		s.need(h, c.Step, nodeproto.StepMDMPackage)
		s.created++
		s.members = append(s.members, decode[nodeproto.CreateClusterParams](s, c.Params).Name)
		return result(nodeproto.CreateClusterResult{SystemID: "sys", InstallationID: "inst", Version: "2.0"})
	case nodeproto.StepAddStandbyMDM:
		s.need(h, c.Step, nodeproto.StepCreateCluster)
		s.members = append(s.members, decode[nodeproto.AddStandbyMDMParams](s, c.Params).Name)
	case nodeproto.StepSwitchClusterMode:
		p := decode[nodeproto.SwitchClusterModeParams](s, c.Params)
		if len(s.members) != p.ExpectedMembers {
			s.wrong("mode %s with members %v", p.Mode, s.members)
		}
		s.mode = p.Mode
	case nodeproto.StepRenameSystem:
		s.name = decode[nodeproto.RenameSystemParams](s, c.Params).Name
	case nodeproto.StepGatewayConfigure:
		s.need(h, c.Step, nodeproto.StepGatewayPackage)
		if s.name == "" {
			s.wrong("gateway on %s before the rename", h.name)
		}
		return result(nodeproto.GatewayResult{URL: "https://" + h.name + ":443", CertificatePEM: "cert"})
	case nodeproto.StepLIAID:
		s.need(h, c.Step, nodeproto.StepLIAPackage)
		if decode[nodeproto.LIAIDParams](s, c.Params).InstallationID != "inst" {
			s.wrong("wrong installation id")
		}
	case nodeproto.StepVolumeDriver:
		s.need(h, c.Step, nodeproto.StepSDCPackage)
	case nodeproto.StepVolumeDriverEndpoint:
		s.need(h, c.Step, nodeproto.StepVolumeDriver)
		if len(s.pools) == 0 {
			s.wrong("endpoint before the pool")
		}
	case nodeproto.StepIsolator:
		s.need(h, c.Step, nodeproto.StepVolumeDriver)
		return result(nodeproto.IsolatorResult{RestartNeeded: true})
	case nodeproto.StepAgentRestart:
		s.need(h, c.Step, nodeproto.StepIsolator, nodeproto.StepVolumeDriverEndpoint)
		s.restarts = append(s.restarts, h.name)
	}
	return nil
}

// call is what the system behind the gateways does.
func (s *site) call(e core.GatewayCall) []core.Event {
	answer := core.GatewayAnswered{Host: e.Host, Step: e.Step, Attempt: e.Attempt, Result: []byte("null")}
	if len(e.Gateways) == 0 {
		s.wrong("%s without a gateway", e)
	}
	if s.faulty != nil {
		if f := s.faulty(e.Host, e.Step, e.Attempt); f != nil {
			answer.Err, answer.Interrupted, answer.Hopeless = f.Error, f.Interrupted, f.Hopeless
			return []core.Event{answer}
		}
	}
	var result any
	switch nodeproto.Name(e.Step) {
	case core.StepProtectionDomains:
		s.domains[decode[core.ProtectionDomainParams](s, e.Params).Name] = true
	case core.StepFaultSets:
		p := decode[core.FaultSetParams](s, e.Params)
		s.requireDomain(p.ProtectionDomain, e.Step)
		s.sets[p.Name] = true
	case core.StepStoragePools:
		p := decode[core.StoragePoolParams](s, e.Params)
		s.requireDomain(p.ProtectionDomain, e.Step)
		s.pools[p.Name] = true
	case core.StepSparePolicy:
		p := decode[core.SparePolicyParams](s, e.Params)
		if !s.pools[p.StoragePool] {
			s.wrong("spare before pool")
		}
		s.spare[p.StoragePool] = p.Percent
	case core.StepAddSDS:
		p := decode[core.AddSDSParams](s, e.Params)
		s.need(s.hosts[e.Host], e.Step, nodeproto.StepSDSPackage)
		s.requireDomain(p.ProtectionDomain, e.Step)
		if p.FaultSet != "" && !s.sets[p.FaultSet] {
			s.wrong("sds before fault set %s", p.FaultSet)
		}
		s.sds[p.Name] = p.FaultSet
		result = core.AddSDSResult{ID: "id-" + p.Name}
	case core.StepAddDevices:
		result = s.addDevices(decode[core.AddDevicesParams](s, e.Params))
	case core.StepVerifyVolume:
		p := decode[core.VerifyVolumeParams](s, e.Params)
		if len(s.devices) < 3 {
			s.wrong("verify-volume with devices %v", s.devices)
		}
		// The very same volume may be asked for again; once it is being removed
		// only a paused ex-leader still can.
		s.volumes[p.Volume] = true
	case core.StepVerify:
		p := decode[core.VerifyParams](s, e.Params)
		for name := range s.volumes {
			if !strings.HasPrefix(name, p.VolumePrefix) {
				s.wrong("verify with prefix %q leaves volume %s", p.VolumePrefix, name)
			}
		}
		if len(s.volumes) == 0 {
			s.wrong("verify without a volume")
		}
	}
	raw, err := json.Marshal(result)
	if err != nil {
		s.wrong("result: %v", err)
	}
	answer.Result = raw
	return []core.Event{answer}
}

func (s *site) requireDomain(pd, step string) {
	if !s.domains[pd] {
		s.wrong("%s before protection domain %s", step, pd)
	}
}

func (s *site) addDevices(p core.AddDevicesParams) core.AddDevicesResult {
	if _, ok := s.sds[p.SDS]; !ok || s.spare[p.StoragePool] == 0 {
		s.wrong("devices of %s before its sds or the spare", p.SDS)
	}
	r := core.AddDevicesResult{IDs: map[string]string{}}
	for _, d := range p.Devices {
		s.devices[p.SDS+"/"+d.Name] = d.Path
		r.IDs[d.Name] = "dev-" + d.Name
	}
	return r
}

// agents is a core in the place of fleet: each wanted host gets a node agent.
type agents struct{}

func (agents) Name() string                                   { return "agents" }
func (agents) Load(leader.Snapshot) (map[string]error, error) { return nil, nil }
func (agents) Apply(_ time.Time, event core.Event, out *core.Output) {
	switch e := event.(type) {
	case core.TermStarted:
		out.Do(core.Revive{})
	case core.HostWanted:
		out.Do(core.Accept{Host: e.Host, Launch: model.Launch{Persona: e.Persona}})
	}
}

func options() bootstrap.Options {
	o := bootstrap.DefaultOptions()
	o.Settle = 0
	for _, component := range []string{"mdm", "sds", "sdc", "lia", "gateway", "rexray", "dvdcli"} {
		o.Packages = append(o.Packages, bootstrap.Package{
			Component: component, Family: "rpm", Name: "EMC-ScaleIO-" + component, Version: "2.0-1.1",
			Artifact: nodeproto.Artifact{Path: "packages/" + component + ".rpm", SHA256: "00", Size: 1},
		})
	}
	return o
}

func cores(t coretest.T, o bootstrap.Options) func() []core.Core {
	return func() []core.Core {
		b, err := bootstrap.New(o)
		require.NoError(t, err)
		return []core.Core{agents{}, b}
	}
}

// stage is a site with the cores that build it.
type stage struct {
	*coretest.Chaos
	site    *site
	t       coretest.T
	decoded map[string]decoded
}

func newStage(t coretest.T, o bootstrap.Options, s *site) *stage {
	st := &stage{site: s, t: t, decoded: make(map[string]decoded)}
	st.Chaos = &coretest.Chaos{World: coretest.NewWorld(t, cores(t, o)), Outside: s, Check: st.check}
	return st
}

// check looks at each unit: a step that begins has its needs over, and an
// attempt ends before the next begins.
func (st *stage) check(u coretest.Unit) {
	for _, change := range u.Changes {
		if strings.HasPrefix(change.Path, leader.PathOrders) || change.After == nil {
			continue
		}
		before, after := st.steps(change.Path, change.Before), st.steps(change.Path, change.After)
		for key, step := range after {
			was := before[key]
			require.GreaterOrEqual(st.t, step.Attempt, was.Attempt, "%s %s: attempts only grow", change.Path, key)
			require.LessOrEqual(st.t, step.Attempt, was.Attempt+1, "%s %s: one attempt at a time", change.Path, key)
			if was.State == model.Running && step.State == model.Running {
				require.Equal(st.t, was.Attempt, step.Attempt, "%s %s: an intent is finished before the next", change.Path, key)
				require.Equal(st.t, was.Digest, step.Digest, "%s %s: an intent never changes", change.Path, key)
			}
		}
	}
	stored := st.World.Stored()
	for _, effect := range u.Effects {
		st.checkIntent(stored, effect)
	}
	require.Empty(st.t, st.site.violations)
}

// checkIntent finds for an effect on a node or a gateway the record that says
// it.
func (st *stage) checkIntent(records leader.Snapshot, effect core.Effect) {
	stored := func(path string) map[string]model.Step { return st.steps(path, records[path].Data) }
	switch e := effect.(type) {
	case core.SendCommand:
		step, ok := stored("/nodes/" + e.Host + "/plan")[e.Command.Step]
		if !ok {
			step = stored(leader.PathCluster)[e.Command.Step]
		}
		require.Equal(st.t, model.Running, step.State, "%s", e)
		require.Equal(st.t, e.Command.Attempt, step.Attempt, "%s", e)
		require.Equal(st.t, e.Command.Digest, step.Digest, "%s", e)
	case core.GatewayCall:
		path := leader.PathCluster
		if e.Host != "" {
			path = "/nodes/" + e.Host + "/plan"
		}
		step := stored(path)[e.Step]
		require.Equal(st.t, model.Running, step.State, "%s", e)
		require.Equal(st.t, nodeproto.DigestOf(e.Step, e.Params), step.Digest, "%s", e)
	}
}

// decoded is a record with its steps; reading each one once keeps the tests
// fast.
type decoded struct {
	data  []byte
	steps map[string]model.Step
}

func (st *stage) steps(path string, data []byte) map[string]model.Step {
	if data == nil {
		return nil
	}
	if last := st.decoded[path]; bytes.Equal(last.data, data) {
		return last.steps
	}
	var r struct{ Steps map[string]model.Step }
	require.NoError(st.t, json.Unmarshal(data, &r))
	st.decoded[path] = decoded{data, r.Steps}
	return r.Steps
}

// records are what is stored, decoded.
func (st *stage) records() (*model.Cluster, map[string]*model.NodePlan) {
	var cluster *model.Cluster
	plans := make(map[string]*model.NodePlan)
	for path, entry := range st.World.Stored() {
		switch {
		case path == leader.PathCluster:
			c, err := model.Decode[model.Cluster](entry.Data)
			require.NoError(st.t, err)
			cluster = c
		case strings.HasSuffix(path, "/plan"):
			p, err := model.Decode[model.NodePlan](entry.Data)
			if err == nil {
				plans[p.Hostname] = p
			}
		}
	}
	return cluster, plans
}

func (st *stage) view() bootstrap.View {
	cluster, plans := st.records()
	return bootstrap.Describe(cluster, plans)
}

// install starts the first term and lets everything happen.
func (st *stage) install() {
	st.Start()
	st.Settle(time.Minute)
}

func (st *stage) step(host, key string) model.Step {
	cluster, plans := st.records()
	if host == "" {
		return cluster.Steps[key]
	}
	require.NotNil(st.t, plans[host], host)
	return plans[host].Steps[key]
}

// order posts an operator's order and returns the reason of its refusal.
func (st *stage) order(seq, body string) string {
	st.World.Put("/orders/"+seq, []byte(body))
	st.Deliver(core.OrderReceived{Path: "/orders/" + seq, Raw: []byte(body)}, -1)
	stored := st.World.Stored()
	require.NotContains(st.t, stored, "/orders/"+seq)
	var refused model.RefusedOrder
	if entry, ok := stored["/orders-refused/"+seq]; ok {
		require.NoError(st.t, json.Unmarshal(entry.Data, &refused))
		require.NotEmpty(st.t, refused.Reason)
	}
	return refused.Reason
}
