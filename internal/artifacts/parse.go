package artifacts

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Limits of a manifest. A release of the vendor for eight systems has some
// forty entries.
const (
	maxManifest = 1 << 20 // bytes
	maxMistakes = 20      // that are told at once
)

// parser walks the nodes of a manifest and gathers what is wrong with it.
type parser struct {
	manifest Manifest
	mistakes []error
}

// ParseManifest reads a manifest strictly: a key that is not known or stands
// twice, and anything missing, is an error that names its line and field.
func ParseManifest(data []byte) (*Manifest, error) {
	if len(data) > maxManifest {
		return nil, fmt.Errorf("it is larger than %d bytes", maxManifest)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var document yaml.Node
	switch err := decoder.Decode(&document); {
	case errors.Is(err, io.EOF), err == nil && len(document.Content) == 0:
		return nil, errors.New("it is empty")
	case err != nil:
		return nil, fmt.Errorf("it is not valid YAML: %w", err)
	}
	p := &parser{}
	p.root(document.Content[0])
	if err := decoder.Decode(&yaml.Node{}); !errors.Is(err, io.EOF) {
		p.wrong(&document, "", "more follows behind the first document: keep one")
	}
	if len(p.mistakes) > 0 {
		return nil, errors.Join(p.mistakes...)
	}
	return &p.manifest, nil
}

// wrong notes a mistake at a field.
func (p *parser) wrong(at *yaml.Node, field, format string, args ...any) {
	if len(p.mistakes) < maxMistakes {
		if field != "" {
			field += ": "
		}
		p.mistakes = append(p.mistakes, fmt.Errorf("line %d: %s%s", at.Line, field, fmt.Sprintf(format, args...)))
	}
}

// pairs calls f for each pair of a mapping.
func (p *parser) pairs(n *yaml.Node, field string, f func(key, value *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		p.wrong(n, field, "want keys with values")
		return
	}
	var seen []string
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		switch {
		case key.Kind != yaml.ScalarNode:
			p.wrong(key, field, "a key must be a plain text")
		case slices.Contains(seen, key.Value):
			p.wrong(key, joined(field, key.Value), "it stands twice")
		default:
			seen = append(seen, key.Value)
			f(key, n.Content[i+1])
		}
	}
}

func joined(field, key string) string {
	if field == "" {
		return key
	}
	return field + "/" + key
}

func (p *parser) root(n *yaml.Node) {
	version := ""
	p.pairs(n, "", func(key, value *yaml.Node) {
		switch key.Value {
		case "manifest":
			if version = value.Value; version != manifestVersion {
				p.wrong(value, "manifest", "layout %q is not known, want %s", version, manifestVersion)
			}
		case "keys":
			p.pairs(value, "keys", p.key)
		case "packages":
			p.pairs(value, "packages", p.version)
		default:
			p.wrong(key, key.Value, "no such key, want manifest, packages and keys")
		}
	})
	if version == "" {
		p.wrong(n, "manifest", "it is missing: write manifest: %s", manifestVersion)
	}
}

// key reads the entry of a public key, which stands under the file's name.
func (p *parser) key(name, file *yaml.Node) {
	field := joined("keys", name.Value)
	if !keyName.MatchString(name.Value) {
		p.wrong(name, field, "it is not named like RPM-GPG-KEY-ScaleIO")
	}
	e := Entry{Name: keyed(name.Value), File: name.Value, Line: name.Line}
	if p.fields(&e, name, file, field) {
		p.manifest.Entries = append(p.manifest.Entries, e)
	}
}

func (p *parser) version(version, systems *yaml.Node) {
	field := joined("packages", version.Value)
	p.pairs(systems, field, func(system, components *yaml.Node) {
		field := joined(field, system.Value)
		family, id, osVersion, err := parseSystem(system.Value)
		if err != nil {
			p.wrong(system, field, "%v", err)
			return
		}
		p.pairs(components, field, func(component, file *yaml.Node) {
			p.entry(named(component.Value, version.Value, family, id, osVersion), component, file, joined(field, component.Value))
		})
	})
}

func (p *parser) entry(name Name, key, file *yaml.Node, field string) {
	e := Entry{Name: name, Line: key.Line}
	switch {
	case !name.vendor() && !slices.Contains(driverComponents, name.Component):
		p.wrong(key, field, "component %q is not known, want one of %s", name.Component, strings.Join(slices.Concat(vendorComponents, driverComponents), ", "))
	case name.vendor() && !vendorVersion.MatchString(name.Version):
		p.wrong(key, field, "version %q of ScaleIO is not like 2.6-11000.113", name.Version)
	case (name.Component == isolatorModule) != (name.Family == familyLibrary):
		p.wrong(key, field, "%s is for the system %q, and nothing else is", isolatorModule, familyLibrary)
	case (name.Component == kernelModule) != (name.Family == familyModule):
		p.wrong(key, field, "%s is for a kernel's release, as uname -r prints it, and nothing else is", kernelModule)
	case !name.vendor() && !driverVersion.MatchString(name.Version):
		p.wrong(key, field, "version %q of a driver is not like 0.11.4 or 0.11.4-1", name.Version)
	}
	if !p.fields(&e, key, file, field) {
		return
	}
	if e.File == "" {
		e.File = fileOf(e.URL)
	}
	if err := checkFile(e.File, name.Family); err != nil {
		p.wrong(key, field, "%v", err)
		return
	}
	// The keys of the mappings are unique, so this place is free.
	p.manifest.Entries = append(p.manifest.Entries, e)
}

// fields reads the values of an entry, and reports whether they are right.
func (p *parser) fields(e *Entry, key, file *yaml.Node, field string) bool {
	before, seen := len(p.mistakes), map[string]bool{}
	p.pairs(file, field, func(key, value *yaml.Node) {
		seen[key.Value] = true
		if err := e.set(key.Value, value); err != nil {
			p.wrong(key, joined(field, key.Value), "%v", err)
		}
	})
	for _, needed := range []string{"url", "size", "sha256"} {
		if file.Kind == yaml.MappingNode && !seen[needed] {
			p.wrong(key, joined(field, needed), "it is missing")
		}
	}
	return len(p.mistakes) == before
}

// set takes one value of an entry.
func (e *Entry) set(key string, value *yaml.Node) (err error) {
	if value.Kind != yaml.ScalarNode {
		return errors.New("want a single value")
	}
	switch key {
	case "url":
		e.URL = value.Value
		return checkURL(e.URL)
	case "file":
		e.File = value.Value
		if e.File != path.Base(e.File) || strings.HasPrefix(e.File, ".") {
			return fmt.Errorf("%q is no plain file name", e.File)
		}
	case "size":
		if e.Size, err = strconv.ParseInt(value.Value, 10, 64); err != nil || e.Size < 1 {
			return fmt.Errorf("%q is no number of bytes", value.Value)
		}
	case "sha256":
		e.SHA256 = strings.ToLower(value.Value)
		if raw, err := hex.DecodeString(e.SHA256); err != nil || len(raw) != 32 {
			return fmt.Errorf("%q is no SHA-256: want 64 hexadecimal digits", value.Value)
		}
	default:
		return errors.New("no such key, want url, size, sha256 and file")
	}
	return nil
}

// checkURL takes what nodes can fetch, and what may stand in ZooKeeper.
func checkURL(text string) error {
	u, err := url.Parse(text)
	if err != nil {
		return fmt.Errorf("%q is no URL", text) // the parser's own text may show a password
	}
	switch {
	case u.User != nil:
		return errors.New("it holds a user or a password, which would be kept in ZooKeeper: serve the file without, or from --artifacts.dir")
	case u.RawQuery != "" || u.Fragment != "" || u.ForceQuery:
		return errors.New("it holds a query or a fragment, as signed links do, which would be kept in ZooKeeper: serve the file under a plain URL, or from --artifacts.dir")
	case fileOf(text) == "":
		return fmt.Errorf("%q names no file", text)
	case u.Scheme == "" && u.Host == "":
		if !filepath.IsLocal(u.Path) {
			return fmt.Errorf("%q leads out of the manifest's folder", text)
		}
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return fmt.Errorf("%q is neither http://host/... nor https://host/... nor relative", text)
	}
	return nil
}

// fileOf is the last element of a URL's path; empty when there is none.
func fileOf(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Path == "" || strings.HasSuffix(u.Path, "/") {
		return ""
	}
	if file := path.Base(u.Path); file != "." && file != ".." {
		return file
	}
	return ""
}
