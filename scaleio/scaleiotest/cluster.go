package scaleiotest

import (
	"fmt"
	"slices"
	"strings"
)

// initialPassword is what a new MDM cluster's user admin has.
const initialPassword = "admin"

// mdm is a member, or a standby, of the MDM cluster.
type mdm struct {
	id, name   string
	ips, mgmt  []string
	tieBreaker bool
	host       *host
}

func (m *mdm) alive() bool { return m.host.running("mdm") }

func (m *mdm) is(ref string) bool {
	return ref != "" && (m.name == ref || m.id == strings.TrimPrefix(ref, "0x") || slices.Contains(m.ips, ref))
}

// cluster is the MDM cluster: one master, and in larger modes slaves and
// tie-breakers, beside standby members that have no vote.
type cluster struct {
	id                    string
	mode                  int
	master                *mdm
	slaves, tbs, standbys []*mdm
}

func (c *cluster) voters() []*mdm {
	return slices.Concat([]*mdm{c.master}, c.slaves, c.tbs)
}

func (c *cluster) all() []*mdm { return append(c.voters(), c.standbys...) }

func (c *cluster) aliveVoters() int {
	n := 0
	for _, m := range c.voters() {
		if m.alive() {
			n++
		}
	}
	return n
}

// leads reports whether there is a master that may act.
func (c *cluster) leads() bool {
	return c.master.alive() && 2*c.aliveVoters() > c.mode
}

// elect makes a living slave master when the master is gone and the rest is a
// majority.
func (c *cluster) elect() {
	if c.master.alive() || 2*c.aliveVoters() <= c.mode {
		return
	}
	for i, m := range c.slaves {
		if m.alive() {
			c.slaves[i], c.master = c.master, m
			return
		}
	}
}

// members of the cluster and its standbys that a reference names.
func (c *cluster) find(list []*mdm, ref string) *mdm {
	for _, m := range list {
		if m.is(ref) {
			return m
		}
	}
	return nil
}

// managerIPs lists the addresses of the managers that vote.
func (c *cluster) managerIPs() []string {
	ips := slices.Clone(c.master.ips)
	for _, m := range c.slaves {
		ips = append(ips, m.ips...)
	}
	return ips
}

// newMDM is what creating a cluster and adding a standby have in common.
type newMDM struct {
	name       string
	ips, mgmt  []string
	tieBreaker bool
}

func (s *System) createCluster(h *host, n newMDM) (string, error) {
	if s.cluster != nil {
		return "", errClusterState
	}
	if !h.manager() {
		return "", refuse(0, "The MDM is not configured as a manager")
	}
	if len(n.ips) == 0 || !slices.Contains(n.ips, h.ip) {
		return "", refuse(0, "The MDM IP address is not an address of this MDM")
	}
	s.cluster = &cluster{
		id: fmt.Sprint(s.rng.Uint64() >> 1), mode: 1,
		master: &mdm{id: s.longID(), name: n.name, ips: n.ips, mgmt: orElse(n.mgmt, n.ips), host: h},
	}
	s.systemID, s.installID = s.longID(), s.longID()
	s.name, s.password = "", initialPassword
	if s.version.certificates() {
		s.password = "" // the certificate is what logs in
	}
	s.started = s.opt.Now()
	s.highAlert, s.criticalAlert = 80, 90
	h.approved = true
	return s.systemID, nil
}

func orElse(list, other []string) []string {
	if len(list) > 0 {
		return list
	}
	return other
}

func (s *System) addStandby(n newMDM) (string, error) {
	for _, m := range s.cluster.all() {
		if n.name != "" && m.name == n.name {
			return "", refuse(557, "An MDM with the same name already exists.")
		}
		for _, ip := range n.ips {
			if slices.Contains(m.ips, ip) {
				return "", refuse(547, "An MDM with the same IP address already exists.")
			}
		}
	}
	if len(n.ips) == 0 {
		return "", errRange
	}
	h := s.hostAt(n.ips[0])
	if h == nil || !h.running("mdm") || !n.tieBreaker && s.version.certificates() && h.mdmTrusts != s.cluster.master.host.mdmTrusts {
		return "", refusef(0, "Could not connect to the MDM at %s", n.ips[0])
	}
	if h.manager() == n.tieBreaker {
		return "", refuse(0, "The role of the new MDM does not match the requested role")
	}
	m := &mdm{id: s.longID(), name: n.name, ips: n.ips, mgmt: n.mgmt, tieBreaker: n.tieBreaker, host: h}
	if !n.tieBreaker {
		m.mgmt = orElse(n.mgmt, n.ips)
	}
	s.cluster.standbys = append(s.cluster.standbys, m)
	return m.id, nil
}

func (s *System) removeStandby(ref string) (string, error) {
	m := s.cluster.find(s.cluster.standbys, ref)
	if m == nil {
		return "", errNoMDM
	}
	s.cluster.standbys = without(s.cluster.standbys, m)
	return m.id, nil
}

// modeChange names the members that enter and leave.
type modeChange struct {
	mode                int
	addSlaves, addTBs   []string
	dropSlaves, dropTBs []string
}

func (s *System) switchMode(ch modeChange) (string, error) {
	c := s.cluster
	if ch.mode != 1 && ch.mode != 3 && ch.mode != 5 {
		return "", errRange
	}
	if ch.mode == c.mode {
		return "", refuse(558, "The MDM is already in this cluster mode.")
	}
	want := ch.mode / 2
	if len(c.slaves)+len(ch.addSlaves)-len(ch.dropSlaves) != want ||
		len(c.tbs)+len(ch.addTBs)-len(ch.dropTBs) != want {
		return "", errMDMCount
	}
	return "", s.exchange(ch)
}

// exchange moves standbys into the cluster and members out of it.
func (s *System) exchange(ch modeChange) error {
	c := s.cluster
	addS, err := pick(c.standbys, ch.addSlaves, false)
	if err != nil {
		return err
	}
	addT, err := pick(c.standbys, ch.addTBs, true)
	if err != nil {
		return err
	}
	dropS, err := pick(c.slaves, ch.dropSlaves, false)
	if err != nil {
		return err
	}
	dropT, err := pick(c.tbs, ch.dropTBs, true)
	if err != nil {
		return err
	}
	c.standbys = append(without(c.standbys, append(addS, addT...)...), append(dropS, dropT...)...)
	c.slaves = append(without(c.slaves, dropS...), addS...)
	c.tbs = append(without(c.tbs, dropT...), addT...)
	if ch.mode != 0 {
		c.mode = ch.mode
	}
	return nil
}

func pick(from []*mdm, refs []string, tieBreaker bool) ([]*mdm, error) {
	var out []*mdm
	for _, ref := range refs {
		i := slices.IndexFunc(from, func(m *mdm) bool { return m.is(ref) && m.tieBreaker == tieBreaker })
		if i < 0 || slices.Contains(out, from[i]) {
			return nil, errNoMDM
		}
		out = append(out, from[i])
	}
	return out, nil
}

func without[T comparable](list []T, gone ...T) []T {
	return slices.DeleteFunc(slices.Clone(list), func(x T) bool { return slices.Contains(gone, x) })
}

func (s *System) switchMaster(ref string) (string, error) {
	c := s.cluster
	for i, m := range c.slaves {
		if !m.is(ref) {
			continue
		}
		if !m.alive() {
			return "", refuse(0, "The MDM is not connected")
		}
		c.slaves[i], c.master = c.master, m
		return m.id, nil
	}
	return "", errNoMDM
}

func (s *System) renameSystem(name string) (string, error) {
	if name == "" || len(name) > 31 {
		return "", errRange
	}
	if name == s.name {
		return "", refuse(973, "System name already in use. Please use a different name.")
	}
	s.name = name
	return s.systemID, nil
}

func (s *System) setPassword(old, replacement string) (string, error) {
	if old != s.password {
		return "", errPermission
	}
	if !diverse(replacement) {
		return "", errDiversity
	}
	s.password = replacement
	for _, h := range s.hosts {
		h.session = nil
	}
	return "", nil
}

// diverse is the MDM's rule for passwords: 8 to 15 characters of at least
// three classes.
func diverse(text string) bool {
	if len(text) < 8 || len(text) > 15 {
		return false
	}
	var lower, upper, digit, other int
	for _, r := range text {
		switch {
		case r >= 'a' && r <= 'z':
			lower = 1
		case r >= 'A' && r <= 'Z':
			upper = 1
		case r >= '0' && r <= '9':
			digit = 1
		default:
			other = 1
		}
	}
	return lower+upper+digit+other >= 3
}
