package scaleiotest

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"
)

// PlatformOptions describe a Platform.
type PlatformOptions struct {
	// Addr is where it listens, 127.0.0.1:0 when empty.
	Addr string
	// User and Password are what it takes; it has users of its own.
	User, Password string
}

// Platform is the management platform of a 4.x System: the REST API without a
// host, with bearer tokens, and without the administration of a gateway. It
// knows the System as soon as there is one.
type Platform struct {
	s    *System
	opt  PlatformOptions
	host host // what sessions belong to

	server      *http.Server
	end         chan struct{}
	addr        string
	certificate tls.Certificate
	others      []object
	unknown     bool
}

// ServePlatform makes a platform listen until Close.
func (s *System) ServePlatform(o PlatformOptions) (*Platform, error) {
	if o.User == "" || o.Password == "" {
		return nil, errors.New("management platform of the ScaleIO double: give it a user and a password")
	}
	if !s.version.certificates() {
		return nil, fmt.Errorf("management platform of the ScaleIO double: version %s has none", s.version.api())
	}
	if o.Addr == "" {
		o.Addr = "127.0.0.1:0"
	}
	ln, err := s.opt.Listen(o.Addr)
	if err != nil {
		return nil, fmt.Errorf("management platform of the ScaleIO double: %w", err)
	}
	p := &Platform{s: s, opt: o, addr: ln.Addr().String(), end: make(chan struct{})}
	p.host.name, p.host.gateway.tokens = "platform", map[string]*token{}
	if err := p.Renew(); err != nil {
		return nil, errors.Join(err, ln.Close())
	}
	p.server = &http.Server{
		Handler:           s.counted(http.HandlerFunc(p.serve)),
		ReadHeaderTimeout: time.Minute,
		ErrorLog:          log.New(io.Discard, "", 0),
		TLSConfig:         &tls.Config{GetCertificate: p.shown, MinVersion: tls.VersionTLS12},
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errors.Join(errors.New("management platform of the ScaleIO double: the system is closed"), ln.Close())
	}
	s.platforms = append(s.platforms, p)
	go func() {
		defer close(p.end)
		if err := p.server.ServeTLS(ln, "", ""); !errors.Is(err, http.ErrServerClosed) {
			_ = ln.Close()
		}
	}()
	return p, nil
}

// URL is where it listens.
func (p *Platform) URL() string { return "https://" + p.addr }

// Renew gives it another certificate, which new connections see.
func (p *Platform) Renew() error {
	ip, _, err := net.SplitHostPort(p.addr)
	if err != nil {
		return err
	}
	leaf, err := p.s.leaf(p.host.name, ip)
	if err != nil {
		return err
	}
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	p.certificate = leaf
	return nil
}

// AlsoServe lets it serve another system beside its own.
func (p *Platform) AlsoServe(id, name string) {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	p.others = append(p.others, object{"id": id, "name": name})
}

// Forget lets it not know its own system, as before an operator made it
// discover the MDMs; Discover ends that.
func (p *Platform) Forget() { p.know(true) }

// Discover lets it know its own system, as it does at first.
func (p *Platform) Discover() { p.know(false) }

func (p *Platform) know(not bool) {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	p.unknown = not
}

func (p *Platform) shown(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	shown := p.certificate
	return &shown, nil
}

func (p *Platform) serve(w http.ResponseWriter, r *http.Request) {
	(&call{s: p.s, h: &p.host, platform: p, w: w, r: r}).serve()
}

// systems are those that it knows. The caller holds the lock.
func (p *Platform) systems() []object {
	list := []object{}
	if p.s.cluster != nil && !p.unknown {
		list = append(list, p.s.systemObject())
	}
	return append(list, p.others...)
}

// stop closes the listener; what it returns ends when it is closed. The caller
// holds the lock, and waits without it.
func (p *Platform) stop() chan struct{} {
	_ = p.server.Close()
	return p.end
}
