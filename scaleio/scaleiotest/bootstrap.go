package scaleiotest

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// BootstrapSpec describes a world for tests that begin after the installation.
type BootstrapSpec struct {
	// Hosts to add; they have no directories. The first ones carry the MDMs:
	// one, three (two managers) or five (three managers) of them.
	Hosts []HostSpec
	// Password of admin, "Scaleio-12" when empty; Name of the system.
	Password, Name string
	// Storage also makes a protection domain and a pool, both called
	// "default", with an SDS for each host (sds_HOST), all of its disks, and
	// an SDC.
	Storage bool
	// SparePercent of the pool, 34 when 0.
	SparePercent int
}

// Hosts makes the specifications of n hosts with an address each in
// 127.0.1.0/24 and equal disks sdb, sdc and so on of that many bytes.
func Hosts(n, disks int, bytes int64) []HostSpec {
	out := make([]HostSpec, 0, n)
	for i := range n {
		h := HostSpec{Hostname: fmt.Sprintf("host%d", i+1), IP: fmt.Sprintf("127.0.1.%d", 11+i), OS: Ubuntu}
		for d := range disks {
			h.Disks = append(h.Disks, Disk{Name: "sd" + string(rune('b'+d)), SizeBytes: bytes})
		}
		out = append(out, h)
	}
	return out
}

// Bootstrap installs and forms the cluster at once, with gateways that listen
// on every manager before 4.0. All counters are zero afterwards.
func (s *System) Bootstrap(spec BootstrapSpec) error {
	if len(spec.Hosts) == 0 {
		return errors.New("bootstrap: no hosts")
	}
	if spec.Password == "" {
		spec.Password = "Scaleio-12"
	}
	if !diverse(spec.Password) {
		return errors.New("bootstrap: the password would be refused")
	}
	if spec.SparePercent == 0 {
		spec.SparePercent = 34
	}
	for _, h := range spec.Hosts {
		if err := s.AddHost(h); err != nil {
			return fmt.Errorf("bootstrap: %w", err)
		}
	}
	b := bootstrap{s: s, spec: spec, mode: min(5, (len(spec.Hosts)+1)/2*2-1)}
	for _, step := range []func() error{b.packages, b.cluster, b.gateways, b.storage} {
		if err := step(); err != nil {
			return fmt.Errorf("bootstrap: %w", err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.counts)
	clear(s.refused)
	return nil
}

type bootstrap struct {
	s    *System
	spec BootstrapSpec
	mode int
}

// managers is the number of hosts whose MDM is a manager.
func (b bootstrap) managers() int { return b.mode/2 + 1 }

func (b bootstrap) managerIPs() string {
	var ips []string
	for _, h := range b.spec.Hosts[:b.managers()] {
		ips = append(ips, h.IP)
	}
	return strings.Join(ips, ",")
}

func (b bootstrap) packages() error {
	for i, spec := range b.spec.Hosts {
		names := []string{"sds", "lia", "sdc"}
		env := map[string]string{"TOKEN": b.spec.Password, "GATEWAY_ADMIN_PASSWORD": b.spec.Password, "MDM_IP": b.managerIPs()}
		if i < b.mode {
			names = append(names, "mdm")
		}
		if i < b.managers() {
			if !b.s.version.certificates() {
				names = append(names, "gateway")
			}
			env["MDM_ROLE_IS_MANAGER"] = "1"
		}
		b.s.mu.Lock()
		h := b.s.hostNamed(spec.Hostname)
		b.s.mu.Unlock()
		run := packageRun{s: b.s, h: h, ctx: context.Background(), env: env}
		for _, name := range names {
			f := packageOf(spec.system(), name, b.s.version)
			if err := run.install(packageFile{Name: f.Name, Component: name, Version: f.Version}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (h HostSpec) system() OS {
	if h.OS == "" {
		return Ubuntu
	}
	return h.OS
}

func (b bootstrap) cluster() error {
	s := b.s
	s.mu.Lock()
	defer s.mu.Unlock()
	change := modeChange{mode: b.mode}
	for i, spec := range b.spec.Hosts[:b.mode] {
		n := newMDM{name: fmt.Sprintf("mdm%d", i+1), ips: []string{spec.IP}, tieBreaker: i >= b.managers()}
		if i == 0 {
			if _, err := s.createCluster(s.hostNamed(spec.Hostname), n); err != nil {
				return err
			}
			continue
		}
		if n.tieBreaker {
			n.name = fmt.Sprintf("tb%d", i-b.managers()+1)
			change.addTBs = append(change.addTBs, n.name)
		} else {
			change.addSlaves = append(change.addSlaves, n.name)
		}
		if _, err := s.addStandby(n); err != nil {
			return err
		}
	}
	s.password, s.name = b.spec.Password, b.spec.Name
	if b.mode == 1 {
		return nil
	}
	_, err := s.switchMode(change)
	return err
}

func (b bootstrap) gateways() error {
	if b.s.version.certificates() {
		return nil
	}
	b.s.mu.Lock()
	defer b.s.mu.Unlock()
	for _, spec := range b.spec.Hosts[:b.managers()] {
		h := b.s.hostNamed(spec.Hostname)
		text := "mdm.ip.addresses=" + b.managerIPs() + "\nsecurity.bypass_certificate_check=true\ngateway-admin.password=" + b.spec.Password + "\n"
		if err := h.write(gatewayConf, text); err != nil {
			return err
		}
		if err := b.s.startGateway(h); err != nil {
			return err
		}
	}
	return nil
}

func (b bootstrap) storage() error {
	s := b.s
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	if !b.spec.Storage {
		return nil
	}
	if _, err := s.createDomain("default"); err != nil {
		return err
	}
	d := s.domainNamed("default")
	if _, err := s.createPool(newPool{domain: d, name: "default", spare: b.spec.SparePercent, media: "HDD"}); err != nil {
		return err
	}
	p := s.poolNamed(d, "default")
	for _, spec := range b.spec.Hosts {
		n := newSDS{name: "sds_" + spec.Hostname, domain: d, port: 7072, ips: []sdsIP{{spec.IP, "all"}}}
		for _, disk := range spec.Disks {
			n.devices = append(n.devices, newDevice{pool: p, path: "/dev/" + disk.Name, noTest: true})
		}
		if _, err := s.createSDS(n); err != nil {
			return err
		}
	}
	return nil
}
