package scaleiotest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// ControlHandler is the API that the tools speak to.
func (s *System) ControlHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /tool", func(w http.ResponseWriter, r *http.Request) {
		var req ToolRequest
		if err := json.NewDecoder(r.Body).Decode(&req); err != nil {
			http.Error(w, "not a tool request: "+err.Error(), http.StatusBadRequest)
			return
		}
		reply, err := s.RunTool(r.Context(), req)
		if err != nil {
			http.Error(w, err.Error(), http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(reply)
	})
	mux.HandleFunc("POST /run", s.handleRun)
	mux.HandleFunc("GET /state", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(s.Snapshot())
	})
	return mux
}

// Serve makes the control API listen on Options.ControlAddr until Close, and
// returns its URL.
func (s *System) Serve() (string, error) {
	var lc net.ListenConfig
	ln, err := lc.Listen(context.Background(), "tcp", s.opt.ControlAddr)
	if err != nil {
		return "", fmt.Errorf("control API of the ScaleIO double: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.control != nil || s.closed {
		_ = ln.Close()
		return "", errors.New("control API of the ScaleIO double: it serves already, or is closed")
	}
	s.controlURL = "http://" + ln.Addr().String()
	s.control = &http.Server{
		Handler: s.counted(s.ControlHandler()), ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0),
	}
	s.controlEnd = make(chan struct{})
	go func(server *http.Server, end chan struct{}) {
		defer close(end)
		if err := server.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			_ = ln.Close()
		}
	}(s.control, s.controlEnd)
	return s.controlURL, nil
}

// AttachHost adds a host whose directory PrepareHost has laid out, and tells
// the tools there how to reach the System. Serve comes first.
func (s *System) AttachHost(root, hostname, ip string) error {
	return s.AttachMachine(Machine{Hostname: hostname, IP: ip, Root: root})
}

// Machine is a host that is a machine of its own, with real packages and
// services, while its ScaleIO is the System's.
type Machine struct {
	Hostname, IP string
	// Root is where this process finds the machine's root file system.
	Root string
	// Listen listens on an address of the machine; nil for this system's.
	Listen func(address string) (net.Listener, error)
	// Device names this system's device for a disk of the machine; nil when
	// the disks are below Root.
	Device func(path string) string
}

// AttachMachine adds a machine, and tells the tools there how to reach the
// System. Serve comes first.
func (s *System) AttachMachine(m Machine) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	root, hostname, ip := m.Root, m.Hostname, m.IP
	if s.controlURL == "" {
		return errors.New("attaching a host: call Serve first")
	}
	abs, err := filepath.Abs(root)
	if err != nil {
		return fmt.Errorf("attaching host %s: %w", hostname, err)
	}
	data, err := json.MarshalIndent(double{URL: s.controlURL, Host: hostname, IP: ip}, "", "  ")
	if err != nil {
		return fmt.Errorf("attaching host %s: %w", hostname, err)
	}
	at := filepath.Join(abs, doubleFile)
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		return fmt.Errorf("attaching host %s: %w", hostname, err)
	}
	if err := os.WriteFile(at, append(data, '\n'), 0o644); err != nil {
		return fmt.Errorf("attaching host %s: %w", hostname, err)
	}
	h, err := s.addHost(hostname, ip, abs, nil)
	if err == nil {
		h.listen, h.device = m.Listen, m.Device
	}
	return err
}

// RunTool runs a tool on a host without a process of its own. A reply with a
// Prompt has had no effect and wants to be asked again with the answer.
func (s *System) RunTool(ctx context.Context, req ToolRequest) (ToolReply, error) {
	s.mu.Lock()
	h := s.hostNamed(req.Host)
	down := h != nil && h.down
	s.mu.Unlock()
	if h == nil {
		return ToolReply{}, fmt.Errorf("host %s is not known", req.Host)
	}
	if down {
		return ToolReply{}, fmt.Errorf("host %s is down", req.Host)
	}
	switch req.Tool {
	case "scli":
		return s.scli(ctx, h, req.Args, req.Answers), nil
	case "systemctl":
		return s.systemctl(ctx, h, req.Args), nil
	case "service":
		return s.serviceTool(ctx, h, req.Args), nil
	case "drv_cfg":
		return s.drvCfgTool(h, req.Args), nil
	case "lsmod":
		return s.lsmod(h), nil
	case "java":
		return ToolReply{Stderr: "openjdk version \"1.8.0_292\"\nOpenJDK Runtime Environment (double)\n"}, nil
	case "python3":
		return s.python3(ctx, h, req.Args, req.Answers), nil
	case "rexray", "dvdcli":
		return s.volumeTool(ctx, h, req.Tool, req.Args), nil
	}
	p := packageRun{s: s, h: h, ctx: ctx, dir: req.Dir, env: req.Env}
	switch req.Tool {
	case "dpkg":
		return p.dpkg(req.Args), nil
	case "dpkg-query":
		return p.dpkgQuery(req.Args), nil
	case "apt-get":
		return p.aptGet(req.Args), nil
	case "rpm":
		return p.rpm(req.Args), nil
	case "yum", "dnf":
		return p.yum(req.Args), nil
	case "package-event":
		return p.event(req.Args), nil
	}
	return ToolReply{}, fmt.Errorf("tool %s is not known", req.Tool)
}
