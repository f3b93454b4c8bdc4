package scaleiotest

import (
	"context"
	"fmt"
	"os"
	"strings"
)

// volumeTool stands in for rexray and dvdcli: enough for a node that checks
// its volume driver, and for a task that mounts a volume which exists.
func (s *System) volumeTool(ctx context.Context, h *host, tool string, args []string) ToolReply {
	flags, plain := split(args)
	verb := strings.Join(plain, " ")
	if tool == "rexray" {
		switch {
		case verb == "version" || has(flags, "--version"):
			return ToolReply{Stdout: "REX-Ray\n-------\nFlavor: client+agent+controller\nSemVer: 0.11.4\n"}
		case strings.HasPrefix(verb, "service "):
			return s.systemctl(ctx, h, []string{strings.TrimPrefix(verb, "service "), "rexray"})
		case verb == "install":
			return ToolReply{Stdout: "rexray has been installed to /usr/bin/rexray\n"}
		}
		return ToolReply{Exit: 1, Stderr: "rexray: unknown command\n"}
	}
	name := ""
	for _, f := range flags {
		if v, ok := strings.CutPrefix(f, "--volumename="); ok {
			name = v
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch verb {
	case "", "--version", "version":
		return ToolReply{Stdout: "dvdcli version 0.2.1\n"}
	case "list":
		var out strings.Builder
		for _, v := range s.volumes {
			fmt.Fprintf(&out, "%s\n", v.name)
		}
		return ToolReply{Stdout: out.String()}
	case "mount":
		return s.mount(h, name)
	case "path":
		return ToolReply{Stdout: h.mounts[name] + "\n"}
	case "unmount":
		delete(h.mounts, name)
		return ToolReply{}
	}
	return ToolReply{Exit: 1, Stderr: "dvdcli: unknown command\n"}
}

// mount makes the directory a volume is mounted at; the data is the host's own.
func (s *System) mount(h *host, name string) ToolReply {
	if s.volumeNamed(name) == nil || !h.running("rexray") {
		return ToolReply{Exit: 1, Stderr: "volume " + name + " cannot be mounted: no such volume, or the driver does not run\n"}
	}
	path := "/var/lib/rexray/volumes/" + name + "/data"
	if h.root != "" {
		path = h.path(path)
		if err := os.MkdirAll(path, 0o755); err != nil {
			return ToolReply{Exit: 1, Stderr: err.Error() + "\n"}
		}
	}
	h.mounts[name] = path
	return ToolReply{Stdout: path + "\n"}
}
