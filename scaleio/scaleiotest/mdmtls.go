package scaleiotest

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"strings"
)

// From 4.0 on an MDM speaks TLS with certificates on both sides: its own,
// which it reads at its start, and those of an authority that scli on the same
// host was told to trust.

// The files that an MDM and scli read, and the vendor's program that makes
// them.
const (
	mdmCfg       = "/opt/emc/scaleio/mdm/cfg/"
	mdmAuthority = mdmCfg + "mgmt_ca.pem"
	mdmOwn       = mdmCfg + "mdm_certificate.pem"
	mdmGenerator = mdmCfg + "certificate_generator_MDM_USER.py"
)

// authorityOf is the identity of the authority in a PEM file; empty when there
// is none.
func authorityOf(text string) string {
	block, _ := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE" {
		return ""
	}
	sum := sha256.Sum256(block.Bytes)
	return hex.EncodeToString(sum[:])
}

// loadTLS is what an MDM does at its start: it takes its certificate, if that
// is of the authority beside it and its key fits.
func (h *host) loadTLS() {
	h.mdmTrusts = ""
	ca, err := h.read(mdmAuthority)
	if err != nil {
		return
	}
	own, err := h.read(mdmOwn)
	if err != nil {
		return
	}
	pair, err := tls.X509KeyPair([]byte(own), []byte(own))
	if err != nil {
		return
	}
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		return
	}
	block, _ := pem.Decode([]byte(ca))
	if block == nil {
		return
	}
	root, err := x509.ParseCertificate(block.Bytes)
	if err != nil || leaf.CheckSignatureFrom(root) != nil {
		return
	}
	h.mdmTrusts = authorityOf(ca)
}

// speaksTLS reports whether scli on one host and the MDM on another trust each
// other; before 4.0 there is nothing to trust.
func (s *System) speaksTLS(cli, mdm *host) bool {
	return !s.version.certificates() || mdm.mdmTrusts != "" && cli.trusted[mdm.mdmTrusts]
}

// loginFile is the double's file for logins: who made it, and what tells
// whether a password opens it.
type loginFile struct {
	Authority string `json:"authority"`
	Salt      string `json:"salt"`
	Sum       string `json:"sum"`
	Key       string `json:"key"`
}

const loginFileHead = "double of a PKCS#12 file\n"

func (f loginFile) sum(password string) string {
	sum := sha256.Sum256([]byte(f.Salt + password))
	return hex.EncodeToString(sum[:])
}

func (f loginFile) text() (string, error) {
	data, err := json.Marshal(f)
	return loginFileHead + base64.StdEncoding.EncodeToString(data) + "\n", err
}

func readLoginFile(text string) (loginFile, bool) {
	var f loginFile
	body, ok := strings.CutPrefix(text, loginFileHead)
	if !ok {
		return f, false
	}
	data, err := base64.StdEncoding.DecodeString(strings.TrimSpace(body))
	return f, err == nil && json.Unmarshal(data, &f) == nil
}

// loginByFile logs in with a file that the cluster's authority made.
func (c *cli) loginByFile() error {
	text, err := c.host.read(c.opt["p12_path"])
	if err != nil {
		return fileError("Failed to open " + c.opt["p12_path"])
	}
	f, ok := readLoginFile(text)
	if !ok || f.sum(c.opt["p12_password"]) != f.Sum {
		return fileError("Failed to read the certificate file: wrong password or damaged")
	}
	if f.Authority != c.target.mdmTrusts {
		return errPermission
	}
	c.host.session = &session{used: c.s.opt.Now()}
	c.printf("Logged in. User role is SuperUser. System ID is %s\n", c.s.systemID)
	return nil
}

// fileError is scli's own failure, before it speaks to an MDM.
type fileError string

func (e fileError) Error() string { return string(e) }

// addCertificate makes scli on this host trust an authority.
func (c *cli) addCertificate() error {
	text, err := c.host.read(c.opt["certificate_file"])
	if err != nil {
		return fileError("Failed to open " + c.opt["certificate_file"])
	}
	authority := authorityOf(text)
	if authority == "" {
		return fileError("The file holds no certificate")
	}
	c.host.trusted[authority] = true
	c.printf("Certificate was added successfully\n")
	return nil
}
