package scaleiotest

import (
	"fmt"
	"slices"
	"strings"
)

// drvCfgTool runs the SDC's configuration tool.
func (s *System) drvCfgTool(h *host, args []string) ToolReply {
	opt := map[string]string{}
	for i, a := range args {
		if name, ok := strings.CutPrefix(a, "--"); ok {
			opt[name] = ""
			if i+1 < len(args) && !strings.HasPrefix(args[i+1], "--") {
				opt[name] = args[i+1]
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	if !h.running("scini") {
		return ToolReply{Exit: 1, Stderr: "Failed to open kernel device\n"}
	}
	c := first(s.sdcs, func(c *sdc) bool { return c.host == h })
	verb := ""
	for _, v := range []string{"query_guid", "query_mdms", "query_vols", "query_tgts", "rescan", "add_mdm", "mod_mdm_ip", "load_cfg_file", "boot_wait"} {
		if _, ok := opt[v]; ok {
			verb = v
		}
	}
	switch verb {
	case "query_guid":
		return ToolReply{Stdout: h.guid + "\n"}
	case "query_mdms":
		return s.queryMDMs(c)
	case "query_vols":
		return s.queryVols(c)
	case "query_tgts":
		return ToolReply{Stdout: fmt.Sprintf("Retrieved %d tgt(s)\n", len(s.sdss))}
	case "rescan", "load_cfg_file", "boot_wait":
		return ToolReply{Stdout: "Calling kernel module to refresh MDM configuration information\nSuccessfully completed the rescan operation\n"}
	case "add_mdm":
		return s.changeMDMs(h, "", opt["ip"])
	case "mod_mdm_ip":
		return s.changeMDMs(h, opt["ip"], opt["new_mdm_ip"])
	}
	return ToolReply{Exit: 1, Stdout: "Usage: drv_cfg <command> [options]\n"}
}

func (s *System) queryMDMs(c *sdc) ToolReply {
	if c == nil || s.cluster == nil {
		return ToolReply{Stdout: "Retrieved 0 mdm(s)\n"}
	}
	ips := make([]string, 0, len(c.mdms))
	for i, ip := range c.mdms {
		ips = append(ips, fmt.Sprintf("[%d]-%s", i, ip))
	}
	return ToolReply{Stdout: fmt.Sprintf("Retrieved 1 mdm(s)\nMDM-ID %s SDC ID %s INSTALLATION ID %s IPs %s\n", s.systemID, c.id, s.installID, strings.Join(ips, " "))}
}

func (s *System) queryVols(c *sdc) ToolReply {
	var lines []string
	for _, v := range s.volumes {
		if c != nil && slices.Contains(v.mapped, c) {
			lines = append(lines, fmt.Sprintf("VOL-ID %s MDM-ID %s\n", v.id, s.systemID))
		}
	}
	return ToolReply{Stdout: fmt.Sprintf("Retrieved %d volume(s)\n%s", len(lines), strings.Join(lines, ""))}
}

// changeMDMs adds a line of MDM addresses to drv_cfg.txt, or replaces the one
// that holds an old address.
func (s *System) changeMDMs(h *host, old, list string) ToolReply {
	ips := fields(list)
	if len(ips) == 0 {
		return ToolReply{Exit: 1, Stdout: "Usage: drv_cfg <command> [options]\n"}
	}
	text, err := h.read(h.sdcSettings())
	if err != nil {
		return ToolReply{Exit: 1, Stderr: err.Error() + "\n"}
	}
	line := "mdm " + strings.Join(ips, ",") + "\n"
	var out strings.Builder
	found := false
	for l := range strings.Lines(text) {
		have := mdmAddresses(l)
		if old == "" && len(have) > 0 && slices.ContainsFunc(ips, func(ip string) bool { return slices.Contains(have, ip) }) {
			return ToolReply{Exit: 1, Stderr: "Failed to add MDM: it is already configured\n"}
		}
		if old != "" && slices.Contains(have, old) {
			l, found = line, true
		}
		out.WriteString(l)
	}
	if old != "" && !found {
		return ToolReply{Exit: 1, Stderr: "Failed to modify MDM: no MDM has address " + old + "\n"}
	}
	if old == "" {
		out.WriteString(line)
	}
	if err := h.write(h.sdcSettings(), out.String()); err != nil {
		return ToolReply{Exit: 1, Stderr: err.Error() + "\n"}
	}
	s.settle()
	return ToolReply{Stdout: "Calling kernel module to connect to MDM (" + strings.Join(ips, ",") + ")\n"}
}

// lsmod lists the kernel module while the SDC's service runs.
func (s *System) lsmod(h *host) ToolReply {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := "Module                  Size  Used by\next4                  585728  1\n"
	if h.running("scini") {
		out += "scini                 577536  2\n"
	}
	return ToolReply{Stdout: out}
}
