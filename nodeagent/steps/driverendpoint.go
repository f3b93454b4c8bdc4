package steps

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/internal/redact"
	"scaleio-framework/nodeagent/runner"
)

// REX-Ray's configuration and unit.
const (
	rexrayConfig = "/etc/rexray/config.yml"
	rexray       = "rexray"
	// reloadTimeout bounds systemd's reading of its units.
	reloadTimeout = time.Minute
)

// driverEndpoint tells REX-Ray which gateway to use.
type driverEndpoint struct {
	h        *Host
	config   string // the file
	unit     string
	params   nodeproto.VolumeDriverEndpointParams
	password redact.Secret
}

func (h *Host) driverEndpoint(p nodeproto.VolumeDriverEndpointParams, r Request) (Step, error) {
	if p.Endpoint == "" || p.Username == "" || p.SystemName == "" {
		return nil, errors.New("parameters lack the endpoint, the user name or the system's name")
	}
	s := &driverEndpoint{h: h, config: rexrayConfig, unit: rexray, params: p, password: r.Secrets[nodeproto.SecretAdminPassword]}
	if shipped, ok := h.shippedDriver(); ok {
		s.config, s.unit = shipped.Config, shipped.Service
	}
	return s, nil
}

// Detect compares the whole file and its mode, and asks whether the restart is
// still due.
func (s *driverEndpoint) Detect(ctx context.Context) (bool, error) {
	if s.password.IsEmpty() {
		return false, fmt.Errorf("the command carries no secret %q", nodeproto.SecretAdminPassword)
	}
	due, err := s.h.marked(rexray)
	if err != nil || due {
		return false, err
	}
	data, there, err := s.h.root.ReadIfThere(s.config)
	if err != nil || !there || !bytes.Equal(data, s.content()) || s.h.root.Mode(s.config) != 0o600 {
		return false, err
	}
	if ordered, err := s.ordered(); err != nil || !ordered {
		return false, err
	}
	return s.h.services.IsActive(ctx, s.unit)
}

// Apply writes the file, readable by root alone, and restarts REX-Ray.
func (s *driverEndpoint) Apply(ctx context.Context) error {
	if err := s.h.pending.Mark(rexray, s.config); err != nil {
		return err
	}
	if err := s.keepConfig(); err != nil {
		return err
	}
	if err := s.h.root.Write(s.config, s.content(), 0o600); err != nil {
		return err
	}
	if err := s.order(ctx); err != nil {
		return err
	}
	return s.h.services.Restart(ctx, s.unit)
}

// keepConfig copies a configuration that is not ours, once.
func (s *driverEndpoint) keepConfig() error {
	old, there, err := s.h.root.ReadIfThere(s.config)
	if err != nil || !there || writtenByUs(old) || s.h.root.Exists(s.config+configBefore) {
		return err
	}
	return s.h.root.Write(s.config+configBefore, old, s.h.root.Mode(s.config))
}

// ownConfig begins the configurations that we write.
const ownConfig = "# Written by the ScaleIO framework; changes are overwritten when the gateways change.\n"

func writtenByUs(config []byte) bool { return bytes.HasPrefix(config, []byte(ownConfig)) }

// Verify waits for REX-Ray to run.
func (s *driverEndpoint) Verify(ctx context.Context) (any, error) {
	if err := s.h.active(ctx, s.unit); err != nil {
		return nil, err
	}
	return nil, s.h.pending.Clear(rexray)
}

// systemdUnits is where an operator's units and additions to units are, on hosts
// that have systemd.
const systemdUnits = "/etc/systemd/system"

// afterSDC makes REX-Ray start behind the SDC at boot: without it there is no
// driver to ask for the host's id. Elsewhere REX-Ray's own installation orders
// the two.
const afterSDC = "# Written by the ScaleIO framework.\n[Unit]\nWants=scini.service\nAfter=scini.service\n"

func (s *driverEndpoint) dropIn() string {
	return systemdUnits + "/" + s.unit + ".service.d/scaleio.conf"
}

// ordered reports whether the order stands, or nothing takes it.
func (s *driverEndpoint) ordered() (bool, error) {
	if !s.h.root.Exists(systemdUnits) {
		return true, nil
	}
	data, _, err := s.h.root.ReadIfThere(s.dropIn())
	return string(data) == afterSDC, err
}

func (s *driverEndpoint) order(ctx context.Context) error {
	if ordered, err := s.ordered(); err != nil || ordered {
		return err
	}
	if err := s.h.root.Write(s.dropIn(), []byte(afterSDC), 0o644); err != nil {
		return err
	}
	res, err := s.h.run.Run(ctx, runner.Command{Argv: []string{"systemctl", "daemon-reload"}, Timeout: reloadTimeout})
	if err == nil {
		err = res.Err()
	}
	return err
}

// content is the file. unmount.ignoreUsedCount is what Mesos needs: after a
// lost agent the driver's count of users is never right again. The gateway's
// certificate is its own, so "insecure" it is; the password crosses only to
// the gateway the plan proved.
func (s *driverEndpoint) content() []byte {
	var b strings.Builder
	b.WriteString(ownConfig)
	b.WriteString("libstorage:\n  service: scaleio\n  integration:\n    volume:\n      operations:\n")
	b.WriteString("        mount:\n          preempt: true\n        unmount:\n          ignoreUsedCount: true\n")
	b.WriteString("        remove:\n          disable: false\n")
	b.WriteString("scaleio:\n")
	line := func(key, value string) {
		if value != "" {
			// A double-quoted YAML scalar takes the escapes of a Go string.
			fmt.Fprintf(&b, "  %s: %s\n", key, strconv.QuoteToASCII(value))
		}
	}
	line("endpoint", s.params.Endpoint)
	b.WriteString("  insecure: true\n  useCerts: false\n")
	line("userName", s.params.Username)
	line("password", s.password.Reveal())
	line("systemName", s.params.SystemName)
	line("protectionDomainName", s.params.ProtectionDomain)
	line("storagePoolName", s.params.StoragePool)
	line("thinOrThick", s.params.ThinOrThick)
	line("apiVersion", s.params.APIVersion)
	return []byte(b.String())
}
