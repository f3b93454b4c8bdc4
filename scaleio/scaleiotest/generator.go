package scaleiotest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"strings"
)

// python3 is the stand-in for the interpreter, as far as it runs the vendor's
// program that makes the MDMs' certificates:
//
//	python3 .../certificate_generator_MDM_USER.py ARGUMENTS
//	python3 -c TEXT .../certificate_generator_MDM_USER.py ARGUMENTS
//
// The second form stands for any text that asks for a password and hands it to
// the program behind the arguments.
func (s *System) python3(ctx context.Context, h *host, args []string, answers map[string]string) ToolReply {
	typed := len(args) > 2 && args[0] == "-c" && strings.Contains(args[1], "getpass")
	if typed {
		args = args[2:]
	}
	if len(args) == 0 || args[0] != mdmGenerator {
		return ToolReply{Exit: 2, Stderr: "python3: can't open file: the double runs the MDM's certificate generator only\n"}
	}
	if _, err := h.read(mdmGenerator); err != nil {
		return ToolReply{Exit: 2, Stderr: "python3: can't open file '" + mdmGenerator + "': [Errno 2] No such file or directory\n"}
	}
	if typed {
		answer, ok := answers["password"]
		if !ok {
			return ToolReply{Prompt: &Prompt{Key: "password", Text: "Password: ", Hidden: true}}
		}
		args = append(args, "--password", answer)
	}
	g := generator{s: s, h: h}
	for i := 1; i+1 < len(args); i += 2 {
		switch args[i] {
		case "--generate_ca", "--generate_cli", "--generate_mdm":
			g.what, g.file = args[i], args[i+1]
		case "-CA":
			g.ca = args[i+1]
		case "--password":
			g.password = args[i+1]
		default:
			g.what = ""
		}
	}
	if len(args)%2 == 0 || g.what == "" || g.file == "" || (g.what != "--generate_mdm") != (g.password != "") || (g.what == "--generate_ca") != (g.ca == "") {
		return ToolReply{Exit: 2, Stderr: "usage: certificate_generator_MDM_USER.py (--generate_ca|--generate_cli|--generate_mdm) FILE [-CA FILE] [--password PASSWORD]\n"}
	}
	_, err := s.do(ctx, OpGenerate, h.name+":"+strings.TrimPrefix(g.what, "--generate_")+":"+g.file, func() (string, error) { return "", g.generate() })
	if err != nil {
		return ToolReply{Exit: 1, Stderr: err.Error() + "\n"}
	}
	return ToolReply{Stdout: "Created " + g.file + "\n"}
}

// generator is one run of the vendor's program.
type generator struct {
	s                        *System
	h                        *host
	what, file, ca, password string
}

func (g generator) generate() error {
	if g.what == "--generate_ca" {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return err
		}
		tpl := certificateTemplate("PowerFlex management authority")
		tpl.IsCA, tpl.BasicConstraintsValid = true, true
		tpl.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
		return g.write(tpl, tpl, key, key)
	}
	text, err := g.h.read(g.ca)
	if err != nil {
		return err
	}
	if g.what == "--generate_cli" {
		f := loginFile{Authority: authorityOf(text), Salt: rand.Text(), Key: rand.Text()}
		f.Sum = f.sum(g.password)
		body, err := f.text()
		if err != nil {
			return err
		}
		g.s.keep(body[len(body)/2:][:40])
		return g.h.write(g.file, body)
	}
	pair, err := tls.X509KeyPair([]byte(text), []byte(text))
	if err != nil {
		return err
	}
	root, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		return err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	signer, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	if !ok {
		return refuse(0, "the authority's key is of another kind")
	}
	return g.write(certificateTemplate("MDM"), root, key, signer)
}

// write writes a certificate with its key.
func (g generator) write(tpl, parent *x509.Certificate, key, signer *ecdsa.PrivateKey) error {
	der, err := x509.CreateCertificate(rand.Reader, tpl, parent, &key.PublicKey, signer)
	if err != nil {
		return err
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	private := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}))
	g.s.keep(strings.Split(private, "\n")[1])
	return g.h.write(g.file, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))+private)
}

// keep remembers a piece of a private key, for those who look for leaks.
func (s *System) keep(secret string) { s.keys = append(s.keys, secret) }

// PrivateKeys are pieces of all private keys that the generator has made: none
// of them may stand anywhere but in the files that hold the keys.
func (s *System) PrivateKeys() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.keys...)
}
