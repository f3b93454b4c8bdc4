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
	// lastingConfig is where the configuration lasts on hosts whose service puts
	// another one in place at each start.
	lastingConfig = "/etc/rexray/scaleio.yml"
	// reloadTimeout bounds systemd's reading of its units.
	reloadTimeout = time.Minute
)

// driverEndpoint tells REX-Ray which gateway to use.
type driverEndpoint struct {
	h        *Host
	unit     string
	shipped  bool // the driver came with the Mesos agent's installation
	params   nodeproto.VolumeDriverEndpointParams
	password redact.Secret
}

func (h *Host) driverEndpoint(p nodeproto.VolumeDriverEndpointParams, r Request) (Step, error) {
	if p.Endpoint == "" || p.Username == "" || p.SystemName == "" {
		return nil, errors.New("parameters lack the endpoint, the user name or the system's name")
	}
	s := &driverEndpoint{h: h, unit: rexray, params: p, password: r.Secrets[nodeproto.SecretAdminPassword]}
	if driver, ok := h.shippedDriver(); ok {
		s.unit, s.shipped = driver.Service, true
	}
	return s, nil
}

// configs are the files that the configuration is in. That of a shipped driver
// is left alone: it is part of the installation, which upgrades replace.
func (s *driverEndpoint) configs() []string {
	if s.shipped {
		return []string{lastingConfig, rexrayConfig}
	}
	return []string{rexrayConfig}
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
	for _, file := range s.configs() {
		data, there, err := s.h.root.ReadIfThere(file)
		if err != nil || !there || !bytes.Equal(data, s.content()) || s.h.root.Mode(file) != 0o600 {
			return false, err
		}
	}
	if ordered, err := s.ordered(); err != nil || !ordered {
		return false, err
	}
	return s.h.services.IsActive(ctx, s.unit)
}

// Apply writes the files, readable by root alone, and restarts REX-Ray.
func (s *driverEndpoint) Apply(ctx context.Context) error {
	if err := s.h.pending.Mark(rexray, rexrayConfig); err != nil {
		return err
	}
	if err := s.keepConfig(); err != nil {
		return err
	}
	for _, file := range s.configs() {
		if err := s.h.root.Write(file, s.content(), 0o600); err != nil {
			return err
		}
	}
	if err := s.order(ctx); err != nil {
		return err
	}
	if !s.shipped { // else the installation starts it
		if err := s.h.services.Enable(ctx, s.unit); err != nil {
			return err
		}
	}
	return s.h.services.Restart(ctx, s.unit)
}

// keepConfig copies a configuration that is not ours, once.
func (s *driverEndpoint) keepConfig() error {
	old, there, err := s.h.root.ReadIfThere(rexrayConfig)
	if err != nil || !there || writtenByUs(old) || s.h.root.Exists(rexrayConfig+configBefore) {
		return err
	}
	return s.h.root.Write(rexrayConfig+configBefore, old, s.h.root.Mode(rexrayConfig))
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

// ownConfigLast puts our configuration in the place of the one that the unit of
// a shipped driver copies there: commands of an addition come behind the unit's.
// install makes a new file, so a readable one that lies there does not leak.
const ownConfigLast = "[Service]\nExecStartPre=/usr/bin/install -m 0600 " + lastingConfig + " " + rexrayConfig + "\n"

// addition is what the unit gets beside its own lines.
func (s *driverEndpoint) addition() string {
	if s.shipped {
		return afterSDC + ownConfigLast
	}
	return afterSDC
}

func (s *driverEndpoint) dropIn() string {
	return systemdUnits + "/" + s.unit + ".service.d/scaleio.conf"
}

// ordered reports whether the order stands, or nothing takes it.
func (s *driverEndpoint) ordered() (bool, error) {
	if !s.h.root.Exists(systemdUnits) {
		return true, nil
	}
	data, _, err := s.h.root.ReadIfThere(s.dropIn())
	return string(data) == s.addition(), err
}

func (s *driverEndpoint) order(ctx context.Context) error {
	if ordered, err := s.ordered(); err != nil || ordered {
		return err
	}
	if err := s.h.root.Write(s.dropIn(), []byte(s.addition()), 0o644); err != nil {
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
