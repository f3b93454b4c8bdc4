package scaleiotest

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// gateway is the state of one host's REST service.
type gateway struct {
	server *http.Server
	end    chan struct{}
	addr   string
	since  time.Time
	tokens map[string]*token

	// mdms and accepts are read from gatewayUser.properties when the service
	// starts; trusted are the certificates, in PEM, given by
	// trustHostCertificate.
	mdms    []string
	accepts bool
	trusted map[string]bool
}

// startGateway reads the configuration of the host's gateway and makes it
// listen. The caller holds the lock.
func (s *System) startGateway(h *host) error {
	if s.closed || h.down {
		return nil
	}
	text, err := h.read(gatewayConf)
	if err != nil {
		return fmt.Errorf("gateway of %s: %w", h.name, err)
	}
	g := &h.gateway
	g.mdms = fields(property(text, "mdm.ip.addresses"))
	g.accepts = truth(property(text, "security.bypass_certificate_check"))
	g.tokens = map[string]*token{}
	g.since = s.opt.Now()
	if g.server != nil {
		_, port, err := net.SplitHostPort(g.addr)
		if want := s.gatewayPort(h); err == nil && (want == port || want == "0") {
			return nil
		}
		// The server's own goroutine takes no lock, so this wait is short.
		<-h.stopGateway()
		g.tokens = map[string]*token{}
	}
	return s.listenGateway(h)
}

func (s *System) listenGateway(h *host) error {
	g := &h.gateway
	cert, err := s.leaf(h.name, h.ip)
	if err != nil {
		return err
	}
	listen := h.listen
	if listen == nil {
		listen = s.opt.Listen
	}
	ln, err := listen(net.JoinHostPort(h.ip, s.gatewayPort(h)))
	if err != nil {
		return fmt.Errorf("gateway of %s: %w", h.name, err)
	}
	g.addr = ln.Addr().String()
	g.server = &http.Server{
		Handler:           s.counted(s.Gateway(h.ip)),
		ReadHeaderTimeout: time.Minute,
		ErrorLog:          log.New(io.Discard, "", 0),
		TLSConfig:         &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12},
	}
	g.end = make(chan struct{})
	go func(server *http.Server, end chan struct{}) {
		defer close(end)
		if err := server.ServeTLS(ln, "", ""); !errors.Is(err, http.ErrServerClosed) {
			_ = ln.Close()
		}
	}(g.server, g.end)
	return nil
}

// gatewayPort is ssl.port of catalina.properties, the port it had before, or
// the one of the options.
func (s *System) gatewayPort(h *host) string {
	text, err := h.read(tomcatConf)
	if port := property(text, "ssl.port"); err == nil && port != "" && port != "0" {
		return port
	}
	if _, port, err := net.SplitHostPort(h.gateway.addr); err == nil {
		return port
	}
	return strconv.Itoa(s.opt.GatewayPort)
}

// stopGateway closes the listener and returns what ends when it is closed, or
// nil. The caller holds the lock, and waits without it.
func (h *host) stopGateway() chan struct{} {
	g := &h.gateway
	g.tokens = nil
	if g.server == nil {
		return nil
	}
	_ = g.server.Close()
	g.server = nil
	return g.end
}

// GatewayURL is where the host's gateway listens, or where it last did:
// https://IP:port, empty before its first start.
func (s *System) GatewayURL(hostname string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.hostNamed(hostname)
	if h == nil || h.gateway.addr == "" {
		return ""
	}
	return "https://" + h.gateway.addr
}

// serving tells whether the gateway answers, and whether it is past its start.
func (s *System) serving(h *host) bool {
	return h.installed("gateway") && h.running("scaleio-gateway") &&
		!s.opt.Now().Before(h.gateway.since.Add(s.opt.GatewayStart))
}

// reachesMDM reports whether the gateway's configuration leads to a master.
func (s *System) reachesMDM(h *host) bool {
	if s.cluster == nil || !s.cluster.leads() {
		return false
	}
	return slices.ContainsFunc(s.cluster.managerIPs(), func(ip string) bool {
		at := s.hostAt(ip)
		return slices.Contains(h.gateway.mdms, ip) && at != nil && at.running("mdm") && (h.gateway.accepts || h.gateway.trusted[at.mdmPEM])
	})
}
