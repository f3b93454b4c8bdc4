package sandbox

import (
	"crypto/rand"
	"net"
	"os"
	"path/filepath"

	"scaleio-framework/internal/redact"
	"scaleio-framework/scaleio/scaleiotest"
)

// platform is the management platform of a 4.x system, which is there before the
// framework is and has a password of its own.
type platform struct {
	url      string
	password redact.Secret
	file     string // that holds the password
}

// platformUser is the one that schedulers log in as when nothing else is set.
const platformUser = "admin"

// startPlatform gives the system one. It is reached by the links of the gateways.
func (w *World) startPlatform() error {
	p := &platform{password: redact.New("platform of " + rand.Text()), file: filepath.Join(w.dir, "secrets", "platform-password")}
	if err := os.WriteFile(p.file, []byte(p.password.Reveal()+"\n"), 0o600); err != nil {
		return err
	}
	served, err := w.system.ServePlatform(scaleiotest.PlatformOptions{
		Addr: net.JoinHostPort(w.address(), "0"), User: platformUser, Password: p.password.Reveal(),
	})
	if err != nil {
		return err
	}
	p.url = served.URL()
	w.platform = p
	return nil
}

// environment is what the schedulers get, as an operator would give it.
func (p *platform) environment() []string {
	return []string{
		"SIO_GATEWAY_MANAGEMENT_PLATFORM=" + p.url,
		"SIO_SCALEIO_GATEWAY_PASSWORD_FILE=" + p.file,
	}
}
