package packages

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"scaleio-framework/nodeagent/failure"
	"scaleio-framework/nodeagent/runner"
)

// signatureLine is what rpm -Kv says of a signature:
//
//	Header V4 RSA/SHA256 Signature, key ID 5054e4a4: NOKEY
var signatureLine = regexp.MustCompile(`(?i)signature, key id ([0-9a-f]+): ([a-z]+)`)

// damagedLine is what it says of a part that is another than was packed.
var damagedLine = regexp.MustCompile(`(?i)(?:digest|signature[^:]*): bad\b`)

// signatures are what rpm says of a package file.
type signatures struct {
	damaged bool
	// unknown are the keys that the host does not have, strange those that it
	// has and does not take, in short form.
	unknown, strange []string
}

// parseSignatures reads the output of rpm -Kv.
func parseSignatures(text string) signatures {
	s := signatures{damaged: damagedLine.MatchString(text)}
	for _, m := range signatureLine.FindAllStringSubmatch(text, -1) {
		id, verdict := strings.ToLower(m[1]), strings.ToUpper(m[2])
		switch {
		case verdict == "NOKEY" && !slices.Contains(s.unknown, id):
			s.unknown = append(s.unknown, id)
		case verdict != "OK" && verdict != "NOKEY" && verdict != "BAD" && !slices.Contains(s.strange, id):
			s.strange = append(s.strange, id)
		}
	}
	return s
}

// check asks rpm for the signatures of a file, by the keys of a database; the
// host's own when it is empty.
func (r rpm) check(ctx context.Context, file, database string) (signatures, error) {
	argv := []string{"rpm"}
	if database != "" {
		argv = append(argv, "--dbpath", database)
	}
	res, err := r.rpm(ctx, runner.Command{Argv: append(argv, "-Kv", file), Timeout: queryTimeout})
	if err != nil {
		return signatures{}, err
	}
	s := parseSignatures(res.Stdout + res.Stderr)
	switch {
	case s.damaged:
		return s, failure.Hopeless(fmt.Errorf("it is not what was signed or packed: %w: get the package anew from the vendor", said(res)))
	case len(s.strange) > 0:
		return s, failure.Hopeless(fmt.Errorf("this host has the key %s and does not accept its signature: %w", strings.Join(s.strange, ", "), said(res)))
	case len(s.unknown) == 0:
		return s, res.Err()
	}
	return s, nil
}

// Trust imports a key only when it is needed, and the right one.
func (r rpm) Trust(ctx context.Context, file string, keys []string) error {
	if err := r.trust(ctx, file, keys); err != nil {
		return fmt.Errorf("signature of %s: %w", filepath.Base(file), err)
	}
	return nil
}

func (r rpm) trust(ctx context.Context, file string, keys []string) error {
	s, err := r.check(ctx, file, "")
	if err != nil || len(s.unknown) == 0 {
		return err
	}
	for _, key := range keys {
		fits, err := r.fits(ctx, file, key)
		if err != nil {
			return err
		}
		if !fits {
			continue
		}
		if err := r.idle(ctx); err != nil {
			return err
		}
		if err := must(ctx, r.run, runner.Command{Argv: []string{"rpm", "--import", key}, Timeout: queryTimeout}); err != nil {
			return fmt.Errorf("import %s: %w", filepath.Base(key), err)
		}
		if s, err = r.check(ctx, file, ""); err != nil || len(s.unknown) == 0 {
			return err
		}
	}
	given := "no key is given"
	if len(keys) > 0 {
		var names []string
		for _, key := range keys {
			names = append(names, filepath.Base(key))
		}
		given = "those given do not fit: " + strings.Join(names, ", ")
	}
	return failure.Hopelessf("it is signed by the key %s, which this host does not have; %s: put the vendor's public key (RPM-GPG-KEY-...) into --artifacts.dir or --packages of every scheduler and restart them, or run rpm --import on this host; then order retry",
		strings.Join(s.unknown, ", "), given)
}

// fits tries a key in a database of its own, so that the host never trusts one
// that it has no use for.
func (r rpm) fits(ctx context.Context, file, key string) (fits bool, err error) {
	database, err := os.MkdirTemp("", "rpm-key")
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(database)) }()
	for _, args := range [][]string{{"--initdb"}, {"--import", key}} {
		err := must(ctx, r.run, runner.Command{Argv: slices.Concat([]string{"rpm", "--dbpath", database}, args), Timeout: queryTimeout})
		if err != nil {
			return false, fmt.Errorf("try the key %s: %w", filepath.Base(key), err)
		}
	}
	s, err := r.check(ctx, file, database)
	return err == nil && len(s.unknown) == 0, err
}
