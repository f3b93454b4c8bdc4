package scaleiotest

import (
	"fmt"
	"strings"
)

// queryCluster prints the cluster in the wording of the chosen dialect.
func (c *cli) queryCluster() {
	cl := c.s.cluster
	state := "Normal"
	if cl.aliveVoters() < cl.mode {
		state = "Degraded"
	}
	name := ""
	if c.s.name != "" {
		name = "Name: " + c.s.name + ", "
	}
	c.printf("Cluster:\n    %sMode: %d_node, State: %s, Active: %d/%d, Replicas: %d/%d\n",
		name, cl.mode, state, cl.aliveVoters(), cl.mode, cl.replicas(), (cl.mode+1)/2)
	if c.s.opt.Dialect != Dialect2 {
		c.printf("    SDC refresh with MDM IP addresses: disabled\n    Virtual IP Addresses: N/A\n")
	}
	primary, secondaries := "Master MDM", "Slave MDMs"
	if c.s.opt.Dialect == Dialect4 {
		primary, secondaries = "Primary MDM", "Secondary MDMs"
	}
	c.printf("%s:\n", primary)
	c.queryMember(cl.master, "master")
	for _, section := range []struct {
		title, kind string
		members     []*mdm
	}{{secondaries, "slave", cl.slaves}, {"Tie-Breakers", "tb", cl.tbs}, {"Standby MDMs", "standby", cl.standbys}} {
		if len(section.members) == 0 {
			continue
		}
		c.printf("%s:\n", section.title)
		for _, m := range section.members {
			c.queryMember(m, section.kind)
		}
	}
}

func (c *cli) queryMember(m *mdm, kind string) {
	newer := c.s.opt.Dialect != Dialect2
	first := "    "
	if m.name != "" {
		first += "Name: " + m.name + ", "
	}
	first += "ID: 0x" + m.id
	if kind == "standby" {
		first += map[bool]string{true: ", Tie Breaker", false: ", Manager"}[m.tieBreaker]
	}
	ips, mgmt, virtual := "IPs", "Management IPs", ""
	if newer {
		ips, mgmt, virtual = "IP Addresses", "Management IP Addresses", ", Virtual IP interfaces: N/A"
	}
	second := fmt.Sprintf("        %s: %s, ", ips, strings.Join(m.ips, ", "))
	if !m.tieBreaker {
		second += fmt.Sprintf("%s: %s, ", mgmt, strings.Join(m.mgmt, ", "))
	} else {
		virtual = ""
	}
	c.printf("%s\n%sPort: 9011%s\n", first, second, virtual)
	status := "Normal"
	if !m.alive() {
		status = "Disconnected"
	}
	switch {
	case kind == "standby":
	case kind == "master" && !newer:
		c.printf("        Version: %s\n", c.s.version.scli())
	default:
		c.printf("        Status: %s, Version: %s\n", status, c.s.version.scli())
	}
}
