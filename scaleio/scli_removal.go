package scaleio

import "strings"

// ShrinkClusterMode makes the primary MDM the only member: those named by an
// address leave the cluster and become standby.
func (s SCLI) ShrinkClusterMode(managerIPs, tieBreakerIPs []string) Command {
	args := []string{"--switch_cluster_mode", "--cluster_mode", "1_node"}
	if len(managerIPs) > 0 {
		args = append(args, s.word("--remove_slave_mdm_ip", "--remove_secondary_mdm_ip"), strings.Join(managerIPs, ","))
	}
	if len(tieBreakerIPs) > 0 {
		args = append(args, "--remove_tb_ip", strings.Join(tieBreakerIPs, ","))
	}
	return s.command(s.MDMIPs, append(args, "--i_am_sure")...)
}

// RemoveStandbyMDM takes a member out of the system that takes no part.
func (s SCLI) RemoveStandbyMDM(m Member) Command {
	args := []string{"--remove_standby_mdm"}
	switch {
	case m.Name != "":
		args = append(args, "--remove_mdm_name", m.Name)
	default: // 3.6 may leave names out
		args = append(args, "--remove_mdm_ip", strings.Join(m.IPs, ","))
	}
	return s.command(s.MDMIPs, append(args, "--i_am_sure")...)
}
