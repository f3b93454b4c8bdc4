package scaleiotest

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// agentUnits are units of the host's own that are always known.
var agentUnits = []string{"mesos-slave", "mesos-agent", "dcos-mesos-slave", "dcos-mesos-slave-public"}

// unit finds the state of a unit, nil when there is no such unit: units come
// with packages, with a unit file on the host, or are the Mesos agent's.
func (h *host) unit(name string) *service {
	if svc := h.services[name]; svc != nil {
		return svc
	}
	for _, dir := range []string{"/etc/systemd/system/", "/lib/systemd/system/", "/usr/lib/systemd/system/"} {
		if _, err := h.read(dir + name + ".service"); err == nil {
			h.services[name] = &service{}
			return h.services[name]
		}
	}
	if slices.Contains(agentUnits, name) || name == "rexray" || name == "dcos-rexray" {
		h.services[name] = &service{}
		return h.services[name]
	}
	return nil
}

// systemctl runs systemctl on a host.
func (s *System) systemctl(ctx context.Context, h *host, args []string) ToolReply {
	var plain, flags []string
	property := ""
	for i := 0; i < len(args); i++ {
		switch {
		case args[i] == "-p" && i+1 < len(args):
			i++
			property = args[i]
		case strings.HasPrefix(args[i], "--property="):
			property = strings.TrimPrefix(args[i], "--property=")
		case strings.HasPrefix(args[i], "-"):
			flags = append(flags, args[i])
		default:
			plain = append(plain, strings.TrimSuffix(args[i], ".service"))
		}
	}
	if slices.Contains(flags, "--version") {
		return ToolReply{Stdout: "systemd 249 (double)\n"}
	}
	if len(plain) == 0 {
		return ToolReply{Exit: 1, Stderr: "systemctl: no verb\n"}
	}
	verb, units := plain[0], plain[1:]
	switch verb {
	case "daemon-reload", "daemon-reexec", "reset-failed":
		return ToolReply{}
	case "is-system-running":
		return ToolReply{Stdout: "running\n"}
	}
	if len(units) == 0 {
		return ToolReply{Exit: 1, Stderr: "Too few arguments.\n"}
	}
	switch verb {
	case "is-active", "is-enabled", "status", "show", "cat":
		return s.showUnits(h, verb, units, property, slices.Contains(flags, "--value"))
	}
	var reply ToolReply
	for _, unit := range units {
		one := s.changeUnit(ctx, h, unit, verb, slices.Contains(flags, "--now"))
		reply.Exit = max(reply.Exit, one.Exit)
		reply.Stdout += one.Stdout
		reply.Stderr += one.Stderr
	}
	return reply
}

// changeUnit performs one verb on one unit.
func (s *System) changeUnit(ctx context.Context, h *host, unit, verb string, now bool) ToolReply {
	var end chan struct{}
	var exit int
	_, err := s.do(ctx, OpService, h.name+":"+unit+":"+verb, func() (string, error) {
		svc := h.unit(unit)
		if svc == nil {
			exit = 5
			return "", refusef(0, "Failed to %s %s.service: Unit %s.service not found.", verb, unit, unit)
		}
		var err error
		end, err = s.applyVerb(h, unit, svc, verb, now)
		return "", err
	})
	if end != nil {
		<-end
	}
	if err != nil {
		return ToolReply{Exit: max(exit, 1), Stderr: err.Error() + "\n"}
	}
	if s.opt.OnService != nil {
		s.opt.OnService(h.name, unit, verb)
	}
	if verb == "enable" {
		return ToolReply{Stderr: fmt.Sprintf("Created symlink /etc/systemd/system/multi-user.target.wants/%s.service -> /etc/systemd/system/%s.service.\n", unit, unit)}
	}
	return ToolReply{}
}

func (s *System) applyVerb(h *host, unit string, svc *service, verb string, now bool) (chan struct{}, error) {
	switch verb {
	case "restart", "reload-or-restart":
		svc.active = false
		return nil, s.startUnit(h, unit, svc)
	case "start":
		return nil, s.startUnit(h, unit, svc)
	case "try-restart":
		if svc.active {
			return nil, s.startUnit(h, unit, svc)
		}
	case "stop":
		return h.stopUnit(unit, svc), nil
	case "enable":
		svc.enabled = true
		if now {
			return nil, s.startUnit(h, unit, svc)
		}
	case "disable":
		svc.enabled = false
		if now {
			return h.stopUnit(unit, svc), nil
		}
	case "reload", "unmask", "mask", "kill":
	default:
		return nil, refusef(0, "Unknown command verb %s.", verb)
	}
	return nil, nil
}

// startUnit starts or restarts a unit. The caller holds the lock.
func (s *System) startUnit(h *host, unit string, svc *service) error {
	if unit == "scaleio-gateway" {
		if err := s.startGateway(h); err != nil {
			svc.active = false
			return refusef(0, "Job for scaleio-gateway.service failed: %v", err)
		}
	}
	if err := s.openUnit(h, unit); err != nil {
		svc.active = false
		return refusef(0, "Job for %s.service failed: %v", unit, err)
	}
	if unit == "mdm" {
		h.loadTLS()
	}
	if !svc.active {
		svc.entered++
	}
	svc.active = true
	if s.cluster != nil {
		s.settle()
	}
	return nil
}

func (h *host) stopUnit(unit string, svc *service) chan struct{} {
	svc.active = false
	h.closeUnit(unit)
	if unit == "scaleio-gateway" {
		return h.stopGateway()
	}
	return nil
}

// showUnits answers the questions about units.
func (s *System) showUnits(h *host, verb string, units []string, property string, value bool) ToolReply {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out strings.Builder
	exit, anyActive := 0, false
	for _, unit := range units {
		svc := h.unit(unit)
		active, enabled := "inactive", "disabled"
		if svc != nil && svc.active {
			active, anyActive = "active", true
		}
		if svc != nil && svc.enabled {
			enabled = "enabled"
		}
		switch verb {
		case "is-active":
			fmt.Fprintln(&out, active)
			exit = 3
		case "is-enabled":
			if svc == nil {
				return ToolReply{Exit: 1, Stderr: fmt.Sprintf("Failed to get unit file state for %s.service: No such file or directory\n", unit)}
			}
			fmt.Fprintln(&out, enabled)
			if enabled != "enabled" {
				exit = 1
			}
		case "status":
			if svc == nil {
				return ToolReply{Exit: 4, Stderr: fmt.Sprintf("Unit %s.service could not be found.\n", unit)}
			}
			fmt.Fprintf(&out, "* %s.service\n   Loaded: loaded (/etc/systemd/system/%s.service; %s)\n   Active: %s\n", unit, unit, enabled, active)
			exit = 3
		case "show":
			out.WriteString(showProperties(svc, active, enabled, property, value))
		case "cat":
			if svc == nil {
				return ToolReply{Exit: 1, Stderr: fmt.Sprintf("No files found for %s.service.\n", unit)}
			}
			fmt.Fprintf(&out, "# /etc/systemd/system/%s.service\n", unit)
		}
	}
	if anyActive && (verb == "is-active" || verb == "status") {
		exit = 0
	}
	return ToolReply{Exit: exit, Stdout: out.String()}
}

func showProperties(svc *service, active, enabled, property string, value bool) string {
	load, sub := "loaded", "dead"
	if svc == nil {
		load, enabled = "not-found", ""
	}
	if active == "active" {
		sub = "running"
	}
	entered := "0"
	if svc != nil {
		entered = strconv.Itoa(svc.entered)
	}
	all := [][2]string{
		{"LoadState", load},
		{"ActiveState", active},
		{"SubState", sub},
		{"UnitFileState", enabled},
		{"ActiveEnterTimestampMonotonic", entered},
		{"Result", "success"},
	}
	var out strings.Builder
	for _, p := range all {
		if property != "" && !slices.Contains(strings.Split(property, ","), p[0]) {
			continue
		}
		if !value {
			out.WriteString(p[0] + "=")
		}
		out.WriteString(p[1] + "\n")
	}
	return out.String()
}

// serviceTool is the System V spelling: service UNIT VERB.
func (s *System) serviceTool(ctx context.Context, h *host, args []string) ToolReply {
	if len(args) < 2 {
		return ToolReply{Exit: 1, Stderr: "Usage: service < option > | --status-all | [ service_name [ command | --full-restart ] ]\n"}
	}
	return s.systemctl(ctx, h, []string{args[1], args[0]})
}

// Running tells whether a unit is active on a host.
func (s *System) Running(hostname, unit string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.hostNamed(hostname)
	return h != nil && h.running(unit)
}
