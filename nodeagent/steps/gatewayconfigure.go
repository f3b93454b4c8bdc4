package steps

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/internal/redact"
)

// The file of the gateway's settings.
const (
	gatewayUser      = "/opt/emc/scaleio/gateway/webapps/ROOT/WEB-INF/classes/gatewayUser.properties"
	keyMDMs          = "mdm.ip.addresses"
	keyBypass        = "security.bypass_certificate_check"
	separator        = "," // ";" is seen in scripts too; the vendor's own tools write ","
	gatewayReplySize = 64 << 10
)

// gatewayConfigure tells a gateway where the MDMs are, and proves that one can
// log in through it.
type gatewayConfigure struct {
	h        *Host
	params   nodeproto.GatewayConfigureParams
	password redact.Secret
	own      redact.Secret // of the gateway's administrator
	result   nodeproto.GatewayResult
}

func (h *Host) gatewayConfigure(p nodeproto.GatewayConfigureParams, r Request) (Step, error) {
	switch {
	case len(p.MDMAddresses) == 0:
		return nil, errors.New("parameters name no MDM address")
	case p.Username == "":
		return nil, errors.New("parameters name no user")
	case p.Port < 0 || p.Port > 65535:
		return nil, fmt.Errorf("port %d is not between 0 and 65535", p.Port)
	}
	return &gatewayConfigure{h: h, params: p, password: r.Secrets[nodeproto.SecretAdminPassword], own: r.Secrets[nodeproto.SecretGatewayPassword]}, nil
}

// Detect is satisfied when the files are as they should be, no restart is due,
// and the login works.
func (s *gatewayConfigure) Detect(ctx context.Context) (bool, error) {
	if s.password.IsEmpty() {
		return false, fmt.Errorf("the command carries no secret %q", nodeproto.SecretAdminPassword)
	}
	due, err := s.h.marked(gateway)
	if err != nil || due {
		return false, err
	}
	for _, f := range s.files() {
		_, same, err := f.wanted(s.h)
		if err != nil || !same {
			return false, err
		}
	}
	return s.login(ctx) == nil, nil
}

// Apply edits the files and restarts the gateway, which reads them at its
// start.
func (s *gatewayConfigure) Apply(ctx context.Context) error {
	if err := s.h.pending.Mark(gateway, gatewayUser); err != nil {
		return err
	}
	for _, f := range s.files() {
		content, same, err := f.wanted(s.h)
		if err != nil {
			return err
		}
		if same {
			continue
		}
		if err := s.h.root.Write(f.name, content, 0); err != nil {
			return err
		}
	}
	return s.h.services.Restart(ctx, serviceOf(gateway))
}

// Verify gives the gateway the MDMs' certificates, which changes nothing where it
// has them, and logs in, patiently: a gateway takes minutes to start.
func (s *gatewayConfigure) Verify(ctx context.Context) (any, error) {
	if err := until(ctx, s.trustAndLogin); err != nil {
		return nil, fmt.Errorf("log in to the gateway on this host: %w; %s", err, s.h.symptoms(ctx, gateway, s.port()))
	}
	if err := s.h.pending.Clear(gateway); err != nil {
		return nil, err
	}
	return s.result, nil
}

// propertiesFile is a file with the keys that it must have.
type propertiesFile struct {
	name     string
	settings [][2]string
}

func (s *gatewayConfigure) files() []propertiesFile {
	files := []propertiesFile{{name: gatewayUser, settings: [][2]string{
		{keyMDMs, strings.Join(s.params.MDMAddresses, separator)},
		{keyBypass, strconv.FormatBool(s.params.BypassCertificateCheck)},
	}}}
	if s.params.Port > 0 && s.h.root.Exists(gatewayTomcat) {
		files = append(files, portsFile(nodeproto.GatewayPorts{HTTPS: s.params.Port}))
	}
	return files
}

// wanted is the file's content with its settings, and whether it is so already.
func (f propertiesFile) wanted(h *Host) (content []byte, same bool, err error) {
	old, err := h.root.ReadFile(f.name)
	if err != nil {
		return nil, false, fmt.Errorf("configure the gateway: %w", err)
	}
	content = setProperties(old, f.settings)
	return content, bytes.Equal(old, content), nil
}

// port is where the gateway listens.
func (s *gatewayConfigure) port() int {
	if s.params.Port > 0 {
		return s.params.Port
	}
	return s.h.gatewayPorts(nil).HTTPS
}
