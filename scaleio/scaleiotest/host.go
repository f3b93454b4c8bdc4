package scaleiotest

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// The vendor's files that the double reads and writes.
const (
	mdmConf     = "/opt/emc/scaleio/mdm/cfg/conf.txt"
	liaConf     = "/opt/emc/scaleio/lia/cfg/conf.txt"
	gatewayConf = "/opt/emc/scaleio/gateway/webapps/ROOT/WEB-INF/classes/gatewayUser.properties"
	tomcatConf  = "/opt/emc/scaleio/gateway/conf/catalina.properties"
	drvCfg      = "/bin/emc/scaleio/drv_cfg.txt"
)

// host is one node: its files, packages, services and disks.
type host struct {
	name, ip string
	root     string
	files    map[string]string
	down     bool
	// listen and device are those of a Machine.
	listen func(address string) (net.Listener, error)
	device func(path string) string

	mdmPEM string // the certificate of its MDM, once somebody asked

	// mdmTrusts is the authority of the certificates that the MDM read at its
	// start, trusted are those that scli was told of; both from 4.0 on.
	mdmTrusts string
	trusted   map[string]bool

	packages map[string]string
	services map[string]*service
	disks    []Disk

	session  *session
	approved bool
	guid     string
	mounts   map[string]string
	gateway  gateway
	ports    map[string]func() // of each unit that listens, what ends it
}

// service is the state of one unit. entered counts its starts, in the place of
// the time at which systemd started it; 0 before the first.
type service struct {
	active, enabled bool
	entered         int
}

// session is a scli login on a host.
type session struct {
	used time.Time
	// mustChange marks a login with the initial password.
	mustChange bool
}

// AddHost adds a host that has no directory: its files and disks are kept in
// memory. Only HostSpec's Hostname, IP and Disks matter. Hosts with a
// directory come by AttachHost.
func (s *System) AddHost(spec HostSpec) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.addHost(spec.Hostname, spec.IP, "", spec.Disks)
	return err
}

func (s *System) addHost(name, ip, root string, disks []Disk) (*host, error) {
	if name == "" || ip == "" {
		return nil, errors.New("a host needs a name and an address")
	}
	if s.hostNamed(name) != nil {
		return nil, fmt.Errorf("host %s is there already", name)
	}
	if s.hostAt(ip) != nil {
		return nil, fmt.Errorf("address %s of host %s is taken", ip, name)
	}
	h := &host{
		name: name, ip: ip, root: root,
		files:    map[string]string{},
		packages: map[string]string{},
		services: map[string]*service{"mesos-slave": {active: true, enabled: true, entered: 1}},
		mounts:   map[string]string{},
		ports:    map[string]func(){},
		trusted:  map[string]bool{},
		disks:    slices.Clone(disks),
	}
	s.hosts = append(s.hosts, h)
	return h, nil
}

// StopHost cuts a host off, as a power loss does; StartHost brings it back
// with its enabled services running.
func (s *System) StopHost(name string) error { return s.power(name, true) }

// StartHost is the opposite of StopHost.
func (s *System) StartHost(name string) error { return s.power(name, false) }

func (s *System) power(name string, down bool) error {
	s.mu.Lock()
	h := s.hostNamed(name)
	if h == nil {
		s.mu.Unlock()
		return fmt.Errorf("host %s is not known", name)
	}
	h.down = down
	var end chan struct{}
	var err error
	if down {
		h.session = nil
		end = h.stopGateway()
		h.closeUnits()
	} else {
		err = s.resume(h)
	}
	s.mu.Unlock()
	if end != nil {
		<-end
	}
	return err
}

// resume lets the services of a host that is back listen again.
func (s *System) resume(h *host) error {
	var errs []error
	for unit := range h.services {
		if !h.running(unit) {
			continue
		}
		if unit == "scaleio-gateway" {
			errs = append(errs, s.startGateway(h))
		}
		errs = append(errs, s.openUnit(h, unit))
	}
	return errors.Join(errs...)
}

func (s *System) hostNamed(name string) *host {
	for _, h := range s.hosts {
		if h.name == name {
			return h
		}
	}
	return nil
}

func (s *System) hostAt(ip string) *host {
	for _, h := range s.hosts {
		if h.ip == ip {
			return h
		}
	}
	return nil
}

// running reports whether a unit is active on a host that is up.
func (h *host) running(unit string) bool {
	svc := h.services[unit]
	return !h.down && svc != nil && svc.active
}

// installed reports whether the component's package is there, under either
// family's name.
func (h *host) installed(component string) bool {
	return h.packages["emc-scaleio-"+component] != "" || h.packages["EMC-ScaleIO-"+component] != ""
}

// manager reports whether the MDM package has the manager's role.
func (h *host) manager() bool {
	text, err := h.read(mdmConf)
	return err == nil && property(text, "actor_role_is_manager") == "1"
}

// path puts an absolute path of the host below its directory and follows
// links there, so that /dev/disk/by-id/x finds the disk it stands for.
func (h *host) path(name string) string {
	if h.device != nil && strings.HasPrefix(name, "/dev/") {
		return h.device(name)
	}
	at := filepath.Join(h.root, filepath.Clean("/"+name))
	for range 8 {
		target, err := os.Readlink(at)
		if err != nil {
			break
		}
		if filepath.IsAbs(target) {
			at = filepath.Join(h.root, target)
		} else {
			at = filepath.Join(filepath.Dir(at), target)
		}
	}
	return at
}

func (h *host) read(name string) (string, error) {
	if h.root == "" {
		text, ok := h.files[name]
		if !ok {
			return "", fmt.Errorf("%s: %w", name, os.ErrNotExist)
		}
		return text, nil
	}
	data, err := os.ReadFile(h.path(name))
	return string(data), err
}

func (h *host) write(name, text string) error {
	if h.root == "" {
		h.files[name] = text
		return nil
	}
	at := h.path(name)
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return os.WriteFile(at, []byte(text), 0o644)
}

// writeNew writes a configuration file that a reinstallation keeps.
func (h *host) writeNew(name, text string) error {
	if _, err := h.read(name); err == nil {
		return nil
	}
	return h.write(name, text)
}

// ReadFile returns a file of the host.
func (s *System) ReadFile(hostname, path string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.hostNamed(hostname)
	if h == nil {
		return "", fmt.Errorf("host %s is not known", hostname)
	}
	return h.read(path)
}

// WriteFile replaces a file of the host.
func (s *System) WriteFile(hostname, path, text string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.hostNamed(hostname)
	if h == nil {
		return fmt.Errorf("host %s is not known", hostname)
	}
	return h.write(path, text)
}

// property finds key=value in the text of a properties file; the last one
// counts.
func property(text, key string) string {
	value := ""
	for line := range strings.Lines(text) {
		k, v, ok := strings.Cut(strings.TrimSpace(line), "=")
		if ok && strings.TrimSpace(k) == key {
			value = strings.TrimSpace(v)
		}
	}
	return value
}

// fields splits a list on commas and semicolons and drops blanks.
func fields(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ';' || r == ' ' })
}
