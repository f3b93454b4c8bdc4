package scaleiotest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

// daemons are the names of the services' programs on a machine.
func daemons() []string {
	var names []string
	for _, component := range components() {
		if unit := unitOf(component); unit != "" {
			names = append(names, unit)
		}
	}
	return names
}

// runRequest says that a service's program has started.
type runRequest struct {
	Host    string `json:"host"`
	Unit    string `json:"unit"`
	Version string `json:"version"`
}

// daemon is a service's program: the System takes the service for active as
// long as the connection stands, so its end, however it comes, is its stop.
func (t *tool) daemon() int {
	component := componentOfUnit(t.name)
	version, err := os.ReadFile(filepath.Join("/opt/emc/scaleio", component, "VERSION"))
	if err != nil {
		_, _ = fmt.Fprintf(t.stderr, "%s: %v\n", t.name, err)
		return 1
	}
	body, err := json.Marshal(runRequest{Host: t.at.Host, Unit: t.name, Version: strings.TrimSpace(string(version))})
	if err != nil {
		_, _ = fmt.Fprintf(t.stderr, "%s: %v\n", t.name, err)
		return 1
	}
	res, err := http.Post(t.at.URL+"/run", "application/json", bytes.NewReader(body))
	if err != nil {
		_, _ = fmt.Fprintf(t.stderr, "%s: the double does not answer: %v\n", t.name, err)
		return 1
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(res.Body, 4096))
		_, _ = fmt.Fprintf(t.stderr, "%s: %s\n", t.name, text)
		return 1
	}
	stop, ok := openHere(t.name, t.stderr)
	if !ok {
		return 1
	}
	defer stop()
	if err := notifyReady(variable(t.env, "NOTIFY_SOCKET")); err != nil {
		_, _ = fmt.Fprintf(t.stderr, "%s: tell systemd: %v\n", t.name, err)
		return 1
	}
	_, _ = io.Copy(io.Discard, res.Body)
	return 1 // the System has gone
}

// notifyReady tells systemd that the service runs.
func notifyReady(socket string) error {
	if socket == "" {
		return nil
	}
	c, err := net.Dial("unixgram", socket)
	if err != nil {
		return err
	}
	if _, err := c.Write([]byte("READY=1")); err != nil {
		return err
	}
	return c.Close()
}

func componentOfUnit(unit string) string {
	for _, component := range components() {
		if unit != "" && unitOf(component) == unit {
			return component
		}
	}
	return ""
}

// handleRun makes a service active until its program ends.
func (s *System) handleRun(w http.ResponseWriter, r *http.Request) {
	var req runRequest
	if err := json.NewDecoder(r.Body).Decode(&req); err != nil || componentOfUnit(req.Unit) == "" {
		http.Error(w, "not the run of a service", http.StatusBadRequest)
		return
	}
	stop, err := s.runUnit(r, req)
	if err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	defer stop()
	w.WriteHeader(http.StatusOK)
	if f, ok := w.(http.Flusher); ok {
		f.Flush()
	}
	<-r.Context().Done()
}

// runUnit starts the unit and returns what stops it, unless it has been
// started again meanwhile.
func (s *System) runUnit(r *http.Request, req runRequest) (stop func(), err error) {
	s.mu.Lock()
	h := s.hostNamed(req.Host)
	s.mu.Unlock()
	if h == nil {
		return nil, fmt.Errorf("host %s is not known", req.Host)
	}
	svc := &service{enabled: true}
	_, err = s.do(r.Context(), OpService, h.name+":"+req.Unit+":run", func() (string, error) {
		component := componentOfUnit(req.Unit)
		h.packages["emc-scaleio-"+component] = req.Version
		if component == "sdc" {
			if err := h.readGUID(); err != nil {
				return "", err
			}
		}
		h.services[req.Unit] = svc
		return "", s.startUnit(h, req.Unit, svc)
	})
	if err != nil {
		return nil, err
	}
	return func() {
		s.mu.Lock()
		var end chan struct{}
		if h.services[req.Unit] == svc {
			end = h.stopUnit(req.Unit, svc)
		}
		s.mu.Unlock()
		if end != nil {
			<-end
		}
	}, nil
}
