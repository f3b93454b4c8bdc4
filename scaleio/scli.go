package scaleio

import (
	"fmt"
	"strings"
)

// SCLI builds command lines for scli, without the program's own name. No
// command line holds a secret: where one is needed its option is left out, and
// the command says what scli will ask for.
type SCLI struct {
	// Version decides the words: master and slave up to 3.x, primary and
	// secondary from 4.0 on. The zero value means up to 3.x.
	Version Version
	// MDMIPs are where to find the MDM; the local one when empty. Queries of
	// the cluster take one address only, the first.
	MDMIPs []string
	// ApproveCertificate answers the question about an MDM's certificate that
	// comes up once per host; without it the question is asked on the terminal.
	ApproveCertificate bool
}

// Command is one run of scli.
type Command struct {
	// Args are the arguments, free of secrets.
	Args []string
	// Prompts are what scli asks for, in this order.
	Prompts []Prompt
}

// String is the command line for logs.
func (c Command) String() string { return "scli " + strings.Join(c.Args, " ") }

// MemberSpec is an MDM or tie-breaker as it should join the cluster.
type MemberSpec struct {
	Name string
	IPs  []string
	// ManagementIPs are for managers only.
	ManagementIPs []string
	TieBreaker    bool
}

// word chooses between the words of the dialects.
func (s SCLI) word(before, since4 string) string {
	if s.Version.AtLeast(versionBearer) {
		return since4
	}
	return before
}

func (s SCLI) command(ips []string, args ...string) Command {
	if len(ips) > 0 {
		args = append(args, s.word("--mdm_ip", "--management_system_ip"), strings.Join(ips, ","))
	}
	if s.ApproveCertificate {
		args = append(args, "--approve_certificate")
	}
	return Command{Args: args}
}

// CreateMDMCluster makes a cluster with the local MDM as its only member. It
// is not repeatable: ask QueryCluster first.
func (s SCLI) CreateMDMCluster(first MemberSpec) Command {
	role := s.word("--master_mdm_", "--primary_mdm_")
	args := []string{"--create_mdm_cluster", role + "ip", strings.Join(first.IPs, ",")}
	if len(first.ManagementIPs) > 0 {
		args = append(args, role+"management_ip", strings.Join(first.ManagementIPs, ","))
	}
	if first.Name != "" {
		args = append(args, role+"name", first.Name)
	}
	// There is no certificate to ask about yet, and the command asks anyway.
	c := SCLI{Version: s.Version, ApproveCertificate: true}.command(nil, append(args, "--accept_license")...)
	return c
}

// Login asks for the user's password.
func (s SCLI) Login(username string) Command {
	c := s.command(s.MDMIPs, "--login", "--username", username)
	c.Prompts = []Prompt{{Secret: SecretPassword, Option: "--password"}}
	return c
}

// SetPassword changes the password of the user who is logged in. It asks for
// the old one and the new one, and may ask for the new one once more.
func (s SCLI) SetPassword() Command {
	c := s.command(s.MDMIPs, "--set_password")
	c.Prompts = []Prompt{
		{Secret: SecretOldPassword, Option: "--old_password"},
		{Secret: SecretNewPassword, Option: "--new_password"},
	}
	return c
}

// Logout ends the login of this host and user.
func (s SCLI) Logout() Command { return s.command(s.MDMIPs, "--logout") }

// AddStandbyMDM adds a manager or tie-breaker that takes no part yet.
func (s SCLI) AddStandbyMDM(m MemberSpec) Command {
	role := "manager"
	if m.TieBreaker {
		role = "tb"
	}
	args := []string{"--add_standby_mdm", "--new_mdm_ip", strings.Join(m.IPs, ","), "--mdm_role", role}
	if len(m.ManagementIPs) > 0 && !m.TieBreaker {
		args = append(args, "--new_mdm_management_ip", strings.Join(m.ManagementIPs, ","))
	}
	if m.Name != "" {
		args = append(args, "--new_mdm_name", m.Name)
	}
	if s.Version.AtLeast(versionBearer) {
		args = append(args, "--i_am_sure")
	}
	return s.command(s.MDMIPs, args...)
}

// SwitchClusterMode enlarges the cluster to 3_node or 5_node. Only the members
// that take part from now on are named.
func (s SCLI) SwitchClusterMode(mode string, addManagers, addTieBreakers []string) Command {
	args := []string{"--switch_cluster_mode", "--cluster_mode", mode}
	if len(addManagers) > 0 {
		args = append(args, s.word("--add_slave_mdm_name", "--add_secondary_mdm_name"), strings.Join(addManagers, ","))
	}
	if len(addTieBreakers) > 0 {
		args = append(args, "--add_tb_name", strings.Join(addTieBreakers, ","))
	}
	return s.command(s.MDMIPs, args...)
}

// RenameSystem gives the system its name.
func (s SCLI) RenameSystem(name string) Command {
	return s.command(s.MDMIPs, "--rename_system", "--new_name", name)
}

// QueryCluster asks for the members; ParseCluster reads the answer.
func (s SCLI) QueryCluster() Command {
	return s.command(s.MDMIPs[:min(len(s.MDMIPs), 1)], "--query_cluster")
}

// QueryAll asks for everything; ParseSystem reads the answer's head.
func (s SCLI) QueryAll() Command { return s.command(s.MDMIPs, "--query_all") }

// AddCertificate trusts an authority, from 4.0 on.
func (s SCLI) AddCertificate(file string) Command {
	return Command{Args: []string{"--add_certificate", "--certificate_file", file}}
}

// GenerateLoginCertificate makes the file that LoginWithCertificate needs, from
// 4.0 on. It asks for the user's password and for a new one for the file.
func (s SCLI) GenerateLoginCertificate(managementIP, username, p12Path string) Command {
	return Command{
		Args: []string{
			"--generate_login_certificate", "--management_system_ip", managementIP,
			"--username", username, "--p12_path", p12Path,
		},
		Prompts: []Prompt{
			{Secret: SecretPassword, Option: "--password"},
			{Secret: SecretP12Password, Option: "--p12_password"},
		},
	}
}

// LoginWithCertificate logs in from 4.0 on, where the certificate is the
// credential. It asks for the file's password.
func (s SCLI) LoginWithCertificate(p12Path string) Command {
	return Command{
		Args:    []string{"--login", "--p12_path", p12Path},
		Prompts: []Prompt{{Secret: SecretP12Password, Option: "--p12_password"}},
	}
}

// ModeOf is scli's word for a cluster of so many members.
func ModeOf(members int) (string, error) {
	switch members {
	case 1, 3, 5:
		return fmt.Sprintf("%d_node", members), nil
	}
	return "", fmt.Errorf("a cluster of %d members: ScaleIO has clusters of 1, 3 or 5", members)
}
