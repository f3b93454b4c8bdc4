package bootstrap_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
)

// site is a simulated cluster behind the performers: hosts with node agents
// that journal, and one ScaleIO system behind the gateways. Wrong orders of
// work are violations.
type site struct {
	hosts map[string]*host

	created  int // times that the cluster was created, or found to be there
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

	system      string         // what the cluster says that it is; "sys" when empty
	spareAnswer string         // to spare-policy; nothing when empty
	certificate string         // what gateways show
	reading     core.PoolsRead // of the pools and the MDM cluster; at first all is well
	handedOver  int            // times that the leader was asked to make room

	primary  string            // the host of the primary MDM; the first one to shrink the cluster when empty
	foreign  map[string]string // volumes of users -> the host that each is mapped to, or none
	released map[string]bool   // hosts whose node agents may end
	restored []string          // hosts whose agents restarted with their own flags

	violations []string
	// faulty changes what a node agent or a gateway does; nil is none.
	faulty func(host, step string, attempt int) *nodeproto.Report
	// slow steps only start, as "host/step".
	slow map[string]bool
	// noGateway makes it a system of 4.x: storage objects are made by node
	// agents, and MDMs need certificates.
	noGateway   bool
	authority   string
	authorities int
	// platforms are what answers at an address, by the system that it serves.
	platforms map[string]string
	// forced steps are missing on purpose.
	forced map[string]bool
}

type host struct {
	name       string
	attributes map[string]string
	cpus, mem  float64
	disks      []model.Disk
	os         model.OS
	kernel     string
	running    bool
	gone       bool
	boot       int
	journal    map[string]nodeproto.Report
	digests    map[string]string
	ran        []string // steps in the order in which they were run
	packages   map[string]bool
	// certificate is the authority of its MDM's.
	certificate string
}

func newSite(names ...string) *site {
	s := &site{
		hosts: make(map[string]*host), domains: map[string]bool{}, sets: map[string]bool{}, pools: map[string]bool{},
		spare: map[string]int{}, sds: map[string]string{}, devices: map[string]string{}, volumes: map[string]bool{}, slow: map[string]bool{},
		certificate: "cert", foreign: map[string]string{}, released: map[string]bool{},
	}
	for _, name := range names {
		s.add(name, nil)
	}
	return s
}

func (s *site) add(name string, attributes map[string]string) *host {
	h := &host{
		name: name, attributes: attributes, cpus: 4, mem: 8192, os: model.OS{ID: "centos", Version: "7", Family: "rpm"},
		journal: map[string]nodeproto.Report{}, digests: map[string]string{}, packages: map[string]bool{},
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
		Inventory: &model.Inventory{Hostname: name, Address: "addr-" + name, OS: h.os, Kernel: h.kernel, CPUs: int(h.cpus), MemoryMB: int64(h.mem), Disks: slices.Clone(h.disks), PublicKey: key},
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
	case core.ReadPools:
		read := s.reading
		read.Asked = e.Asked
		return []core.Event{read}
	case core.Kill:
		s.released[e.TaskID] = true
	case core.HandOver:
		s.handedOver++
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
	if c.Kind == nodeproto.Ask {
		return []core.Event{s.answer(h, c)}
	}
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
	if text := s.refuses(h, c); text != "" {
		r.State, r.Error, r.Interrupted = nodeproto.Failed, text, true
		h.journal[c.Step] = r
		return []core.Event{started, report(r)}
	}
	if s.noGateway {
		if f := s.refuse4(h, e); f != nil {
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

// join adds a member; one that is there was detected.
func (s *site) join(member string) {
	if !slices.Contains(s.members, member) {
		s.members = append(s.members, member)
	}
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
	if strings.HasSuffix(c.Step, "-package") && !strings.HasPrefix(c.Step, "remove-") {
		h.packages[c.Step] = true
	}
	switch nodeproto.Name(c.Step) {
	case nodeproto.StepProtectionDomains, nodeproto.StepFaultSets, nodeproto.StepStoragePools, nodeproto.StepSparePolicy,
		nodeproto.StepAddSDS, nodeproto.StepAddDevices, nodeproto.StepVerifyVolume, nodeproto.StepVerify:
		_, host, _ := strings.Cut(c.Step, "/")
		return result(s.storage(host, c.Step, decode[nodeproto.ByScli[json.RawMessage]](s, c.Params).Object))
	case nodeproto.StepMDMAuthority:
		s.need(h, c.Step, nodeproto.StepMDMPackage)
		s.authorities++
		s.authority = fmt.Sprintf("authority %d of %s", s.authorities, h.name)
		return result(nodeproto.MDMAuthorityResult{Authority: s.authority})
	case nodeproto.StepMDMCertificate:
		s.need(h, c.Step, nodeproto.StepMDMPackage)
		h.certificate = decode[nodeproto.MDMCertificateParams](s, c.Params).Authority
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
		s.join(decode[nodeproto.CreateClusterParams](s, c.Params).Name)
		return result(nodeproto.CreateClusterResult{SystemID: cmp.Or(s.system, "sys"), InstallationID: "inst", Version: "2.0"})
	case nodeproto.StepAddStandbyMDM:
		s.need(h, c.Step, nodeproto.StepCreateCluster)
		s.join(decode[nodeproto.AddStandbyMDMParams](s, c.Params).Name)
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
		p := decode[nodeproto.GatewayConfigureParams](s, c.Params)
		seen := map[string]string{}
		for _, address := range p.MDMAddresses {
			seen[address] = "certificate of " + address
			if known := p.MDMCertificates[address]; known != "" && known != seen[address] {
				s.wrong("gateway on %s is to take %s for the certificate of %s", h.name, known, address)
			}
		}
		return result(nodeproto.GatewayResult{URL: "https://" + h.name + ":443", CertificatePEM: s.certificate, MDMCertificates: seen})
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
	default:
		return s.takeAway(h, c)
	}
	return nil
}
