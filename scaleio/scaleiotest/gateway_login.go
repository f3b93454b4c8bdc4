package scaleiotest

import (
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// token is one REST session.
type token struct {
	made, used time.Time
	// gateway marks a session of the gateway's own administrator.
	gateway bool
}

// open answers what needs no session and reports whether it did.
func (c *call) open(path string) bool {
	if c.platform != nil && path != "login" {
		return false
	}
	switch path {
	case "version":
		c.reply(http.StatusOK, c.s.version.api())
	case "login", "gatewayLogin":
		text, err := c.login(path == "gatewayLogin")
		if err != nil {
			c.fail(err)
		} else {
			c.reply(http.StatusOK, text)
		}
	case "logout", "gatewayLogout":
		_, text, _ := c.r.BasicAuth()
		c.s.mu.Lock()
		delete(c.h.gateway.tokens, text)
		c.s.mu.Unlock()
		c.reply(http.StatusOK, "")
	default:
		return false
	}
	return true
}

// login makes a session: of the MDM's user, which needs a working cluster, or
// of the gateway's own administrator, which does not.
func (c *call) login(own bool) (string, error) {
	user, password, _ := c.r.BasicAuth()
	var text string
	_, err := c.s.do(c.r.Context(), OpLogin, c.h.name, func() (string, error) {
		if p := c.platform; p != nil {
			if user != p.opt.User || password != p.opt.Password {
				return "", errUnauthorized
			}
		} else if own {
			conf, err := c.h.read(gatewayConf)
			if err != nil || user != "admin" || password != property(conf, "gateway-admin.password") {
				return "", errUnauthorized
			}
		} else {
			if !c.s.reachesMDM(c.h) {
				return "", errMDMGone
			}
			if user != "admin" || password != c.s.password || password == initialPassword {
				return "", errUnauthorized
			}
		}
		now := c.s.opt.Now()
		text = base64.RawStdEncoding.EncodeToString(fmt.Appendf(nil, "%s:%d:%016x%016x", user, now.UnixMilli(), c.s.rng.Uint64(), c.s.rng.Uint64()))
		c.h.gateway.tokens[text] = &token{made: now, used: now, gateway: own}
		return "", nil
	})
	return text, err
}

// authenticate checks the session of a request. The sessions of the gateway's
// administrator are for administer alone, the others for everything else.
func (c *call) authenticate() (administrator bool, err error) {
	_, text, ok := c.r.BasicAuth()
	if !ok || c.platform != nil {
		text = strings.TrimPrefix(c.r.Header.Get("Authorization"), "Bearer ")
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	t := c.h.gateway.tokens[text]
	now := c.s.opt.Now()
	if t == nil || now.Sub(t.made) > c.s.opt.TokenMax || now.Sub(t.used) > c.s.opt.TokenIdle {
		delete(c.h.gateway.tokens, text)
		return false, errUnauthorized
	}
	t.used = now
	return t.gateway, nil
}

// administer changes the gateway's own configuration.
func (c *call) administer(path string) (any, error) {
	switch path {
	case "updateConfiguration":
		body, err := c.body()
		if err != nil {
			return nil, err
		}
		c.s.mu.Lock()
		c.h.gateway.mdms = body.list("mdmAddresses")
		c.s.mu.Unlock()
	case "trustHostCertificate/Mdm":
		return map[string]any{}, c.trust()
	default:
		return nil, &Refusal{Text: "Forbidden", Status: http.StatusForbidden}
	}
	return map[string]any{}, nil
}

// hostCertificate is what an MDM shows to whoever connects, in PEM.
func (c *call) hostCertificate() (string, error) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	h := c.s.hostAt(c.r.URL.Query().Get("host"))
	if h == nil || !h.running("mdm") {
		return "", &Refusal{Text: "Could not connect to the host", Status: http.StatusInternalServerError}
	}
	if h.mdmPEM == "" {
		if err := c.s.newMDMCertificate(h); err != nil {
			return "", err
		}
	}
	return h.mdmPEM, nil
}

// trust takes a certificate as the form's file.
func (c *call) trust() error {
	file, _, err := c.r.FormFile("file")
	if err != nil {
		return &Refusal{Text: "Required part 'file' is not present", Status: http.StatusBadRequest}
	}
	text, err := io.ReadAll(file)
	if err != nil {
		return err
	}
	if block, _ := pem.Decode(text); block == nil {
		return &Refusal{Text: "Could not parse certificate", Status: http.StatusInternalServerError}
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if c.h.gateway.trusted == nil {
		c.h.gateway.trusted = make(map[string]bool)
	}
	c.h.gateway.trusted[string(text)] = true
	return nil
}

// ForgetTokens ends all REST sessions, as a restart of every gateway does.
func (s *System) ForgetTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.hosts {
		clear(h.gateway.tokens)
	}
	for _, p := range s.platforms {
		clear(p.host.gateway.tokens)
	}
}
