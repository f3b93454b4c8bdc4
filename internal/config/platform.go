package config

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// checkPlatform says what is wrong with the URL of the management platform. The
// certificate decides who gets the password, so nothing but https will do.
func (g Gateway) checkPlatform() error {
	if g.ManagementPlatform == "" {
		return nil
	}
	const form = "want https://host or https://host:port"
	u, err := url.Parse(g.ManagementPlatform)
	switch {
	case err != nil:
		// The parser's error repeats the text, which may hold a password.
		return errors.New("--gateway.management-platform is no URL: " + form)
	case u.User != nil:
		return errors.New("--gateway.management-platform holds a user or a password, which everyone on the host can read: set --scaleio.user and SIO_SCALEIO_GATEWAY_PASSWORD_FILE instead")
	case u.Scheme != "https" || u.Hostname() == "" || strings.ContainsAny(g.ManagementPlatform, " \t\r\n"):
		return fmt.Errorf("--gateway.management-platform is %q, %s", safeURL(g.ManagementPlatform), form)
	case u.Path != "" || strings.ContainsAny(g.ManagementPlatform, "?#"):
		return fmt.Errorf("--gateway.management-platform is %q, %s, and nothing behind it", safeURL(g.ManagementPlatform), form)
	}
	return nil
}
