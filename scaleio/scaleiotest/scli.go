package scaleiotest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Exit codes of scli.
const (
	exitOK         = 0
	exitUsage      = 1
	exitConnection = 1
	exitRefused    = 7
)

// command describes one scli command.
type command struct {
	// need and may are its options; those of connection are always allowed.
	need, may []string
	// open commands work without a login, local ones without an MDM.
	open, local bool
	op          Op
	// named is the option whose value the operation counts under.
	named string
	run   func(*cli) error
}

// always are the options that every command takes.
var always = []string{"mdm_ip", "approve_certificate", "y", "i_am_sure", "use_nonsecure_communication", "debug"}

// cli is one run of scli.
type cli struct {
	s    *System
	host *host
	// target is the host whose MDM is spoken to.
	target  *host
	name    string
	opt     map[string]string
	answers map[string]string
	out     strings.Builder
}

func (c *cli) printf(format string, args ...any) { fmt.Fprintf(&c.out, format, args...) }

func (c *cli) has(option string) bool { _, ok := c.opt[option]; return ok }

// commands are what scli can do here.
func commands() map[string]command {
	all := map[string]command{}
	for _, table := range []map[string]command{clusterCommands(), storageCommands(), removalCommands(), queryCommands()} {
		for name, c := range table {
			all[name] = c
		}
	}
	return all
}

// connectionError is scli's failure to reach an MDM that answers.
type connectionError struct{ ip, port string }

func (e connectionError) Error() string { return "Failed to connect to MDM " + e.ip + ":" + e.port }

// scli runs scli on a host.
func (s *System) scli(ctx context.Context, h *host, args []string, answers map[string]string) ToolReply {
	c := &cli{s: s, host: h, opt: map[string]string{}, answers: answers}
	if !c.parse(args) {
		return usage()
	}
	if c.has("version") {
		return ToolReply{Stdout: "EMC ScaleIO Version: " + s.version.product() + "\n"}
	}
	cmd, ok := commands()[c.name]
	if !ok || !c.complete(cmd) || !c.spoken() {
		return usage()
	}
	if p := c.ask(); p != nil {
		return ToolReply{Prompt: p}
	}
	if c.name == "create_mdm_cluster" && !c.has("accept_license") {
		return ToolReply{Exit: exitUsage, Stderr: "Error: The license was not accepted\n"}
	}
	if p := c.askCertificate(); p != nil {
		return ToolReply{Prompt: p}
	}
	name := c.opt[cmd.named]
	if c.name == "add_sds_device" {
		name = c.opt["sds_name"] + ":" + c.opt["device_path"]
	}
	_, err := s.do(ctx, cmd.op, name, func() (string, error) {
		if cmd.local {
			return "", cmd.run(c)
		}
		if err := c.connect(); err != nil {
			return "", err
		}
		if !cmd.open {
			if err := c.authorize(); err != nil {
				return "", err
			}
		}
		return "", cmd.run(c)
	})
	return c.finish(err)
}

func usage() ToolReply {
	return ToolReply{Exit: exitUsage, Stdout: "Usage: scli [--mdm_ip <IP>] [--help | --version] <command> [options]\n"}
}

// finish turns the outcome into what scli prints. A failing command prints
// nothing on stdout.
func (c *cli) finish(err error) ToolReply {
	var refusal *Refusal
	var connection connectionError
	var file fileError
	switch {
	case err == nil:
		return ToolReply{Stdout: c.out.String()}
	case errors.As(err, &file):
		return ToolReply{Exit: exitUsage, Stderr: "Error: " + file.Error() + "\n"}
	case errors.As(err, &connection):
		return ToolReply{Exit: exitConnection, Stderr: "Error: " + connection.Error() + "\n"}
	case errors.Is(err, errNoReply):
		return ToolReply{Exit: exitConnection, Stderr: "Error: " + connectionError{"127.0.0.1", c.s.version.port()}.Error() + "\n"}
	case errors.Is(err, errUnauthorized):
		err = errSession
	}
	code := exitRefused
	if !errors.As(err, &refusal) {
		code = exitUsage
	}
	return ToolReply{Exit: code, Stderr: "Error: MDM failed command.  Status: " + err.Error() + "\n"}
}

// parse reads the command line: the first option that is a command names it,
// an option is followed by its value unless another option follows.
func (c *cli) parse(args []string) bool {
	known := commands()
	for i := 0; i < len(args); i++ {
		name, dashes := strings.CutPrefix(args[i], "-")
		if !dashes {
			return false
		}
		name = strings.TrimPrefix(name, "-")
		name, value, joined := strings.Cut(name, "=")
		if _, ok := known[name]; ok && c.name == "" && !joined {
			c.name = name
			continue
		}
		if !joined && i+1 < len(args) && !strings.HasPrefix(args[i+1], "--") && args[i+1] != "-y" {
			i++
			value = args[i]
		}
		c.opt[name] = value
	}
	return true
}

// words are those of scli's commands and options that belong to one side of
// 4.0, before and since.
var words = [2][]string{
	{"master_mdm", "slave_mdm", "new_master_mdm", "map_volume_to_sdc", "unmap_volume_from_sdc", "all_sdcs", "set_password"},
	{"primary_mdm", "secondary_mdm", "map_volume_to_host", "unmap_volume_from_host", "all_hosts", "add_certificate", "p12_p"},
}

// spoken reports whether the command line is in the dialect of the version.
func (c *cli) spoken() bool {
	foreign := words[1]
	if c.s.version.certificates() {
		foreign = words[0]
	}
	said := slices.Collect(maps.Keys(c.opt))
	for _, word := range append(said, c.name) {
		if slices.ContainsFunc(foreign, func(w string) bool { return strings.Contains(word, w) }) {
			return false
		}
	}
	return true
}

// complete checks the options of a command.
func (c *cli) complete(cmd command) bool {
	allowed := map[string]bool{}
	for _, list := range [][]string{cmd.need, cmd.may, always} {
		for _, name := range list {
			for alternative := range strings.SplitSeq(name, "|") {
				allowed[alternative] = true
			}
		}
	}
	for name := range c.opt {
		if !allowed[name] {
			return false
		}
	}
	for _, name := range cmd.need {
		found := false
		for alternative := range strings.SplitSeq(name, "|") {
			found = found || c.has(alternative)
		}
		if !found {
			return false
		}
	}
	return true
}

// ask returns the prompt for a password that was left out.
func (c *cli) ask() *Prompt {
	var prompts []Prompt
	switch c.name {
	case "login":
		prompts = []Prompt{{Key: "password", Text: "Enter password: "}}
		if c.has("p12_path") {
			prompts = []Prompt{{Key: "p12_password", Text: "Enter P12 password: "}}
		}
	case "set_password":
		prompts = []Prompt{
			{Key: "old_password", Text: "Enter old password: "},
			{Key: "new_password", Text: "Enter new password: "},
		}
	}
	for _, p := range prompts {
		if c.has(p.Key) {
			continue
		}
		answer, ok := c.answers[p.Key]
		if !ok {
			p.Hidden = true
			return &p
		}
		c.opt[p.Key] = answer
	}
	return nil
}

// askCertificate returns the question whether the MDM's certificate is good,
// where it has not been approved on this host.
func (c *cli) askCertificate() *Prompt {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if c.has("approve_certificate") || c.has("y") || c.answers["certificate"] == "y" {
		c.host.approved = true
	}
	if c.host.approved || c.s.cluster == nil || c.s.version.certificates() || c.has("use_nonsecure_communication") {
		return nil
	}
	if _, asked := c.answers["certificate"]; asked {
		return nil
	}
	return &Prompt{
		Key: "certificate",
		Text: "Certificate info:\nsubject: /GN=MDM/CN=" + c.s.cluster.master.host.name + "/L=Hopkinton/ST=Massachusetts/C=US/O=EMC/OU=ASD\n" +
			"Press 'y' to approve this certificate and add it to the truststore\n",
	}
}

// connect finds the MDM to speak to. Only the master listens for commands;
// an MDM without a cluster listens for the creation of one.
func (c *cli) connect() error {
	addresses := fields(c.opt["mdm_ip"])
	if len(addresses) == 0 {
		addresses = []string{"127.0.0.1"}
	}
	err := error(connectionError{addresses[0], c.s.version.port()})
	for _, ip := range addresses {
		h := c.s.hostAt(ip)
		if ip == "127.0.0.1" || h == nil && ip == "localhost" {
			h = c.host
		}
		if h == nil || c.host.down || !h.running("mdm") || !h.manager() || !c.s.speaksTLS(c.host, h) {
			continue
		}
		c.target = h
		if err = c.role(h, ip); err == nil {
			break
		}
	}
	if err == nil && c.s.cluster != nil && !c.host.approved && !c.s.version.certificates() && !c.has("use_nonsecure_communication") {
		return connectionError{addresses[0], c.s.version.port()}
	}
	return err
}

// role checks that the MDM on a host may answer the command.
func (c *cli) role(h *host, ip string) error {
	cl := c.s.cluster
	if cl == nil {
		if c.name == "create_mdm_cluster" {
			return nil
		}
		return errClusterState
	}
	if c.name == "create_mdm_cluster" {
		return errClusterState
	}
	if cl.master.host == h && cl.leads() {
		return nil
	}
	for _, m := range cl.all() {
		if m.host == h {
			return connectionError{ip, c.s.version.port()}
		}
	}
	return refuse(0, "This MDM is not attached to a system.")
}

// authorize checks the login of this host.
func (c *cli) authorize() error {
	now := c.s.opt.Now()
	login := c.host.session
	if login == nil || now.Sub(login.used) > c.s.opt.SessionIdle {
		c.host.session = nil
		return errSession
	}
	login.used = now
	if login.mustChange && c.name != "set_password" {
		return errMustChange
	}
	return nil
}

// ForgetLogins ends all scli logins.
func (s *System) ForgetLogins() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.hosts {
		h.session = nil
	}
}
