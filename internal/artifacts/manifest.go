package artifacts

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// manifestVersion is the layout of the manifests that this program reads and
// writes.
const manifestVersion = "1"

// Entry is one file of a manifest.
type Entry struct {
	Name
	// URL is where the file is: http or https, or relative to the place of the
	// manifest. It has neither a password nor a query, since it is kept in
	// ZooKeeper where others read it.
	URL string
	// File is the file's name, which package tools look at.
	File   string
	SHA256 string // lower case hexadecimal
	Size   int64  // bytes
	// Line is where the entry stands in the manifest; 0 when it was scanned.
	Line int
}

// Manifest maps version, system and component to a file each, and lists public
// keys.
type Manifest struct{ Entries []Entry }

// add takes an entry whose place is free, or whose file is there already.
func (m *Manifest) add(e Entry) error {
	for _, have := range m.Entries {
		if have.Name != e.Name {
			continue
		}
		if have.SHA256 == e.SHA256 {
			return nil
		}
		return fmt.Errorf("%s is there twice, as %s and as %s with another content: keep one", e.Name, have.URL, e.URL)
	}
	m.Entries = append(m.Entries, e)
	return nil
}

// sort brings the entries into the order of a written manifest.
func (m *Manifest) sort() {
	slices.SortFunc(m.Entries, func(a, b Entry) int {
		return cmp.Or(strings.Compare(a.Version, b.Version), strings.Compare(a.System(), b.System()), strings.Compare(a.Component, b.Component), strings.Compare(a.Package, b.Package))
	})
}

// Encode writes the manifest as YAML.
func (m *Manifest) Encode() ([]byte, error) {
	m.sort()
	packages, keys := &yaml.Node{Kind: yaml.MappingNode}, &yaml.Node{Kind: yaml.MappingNode}
	var version, system *yaml.Node
	var at [2]string
	for _, e := range m.Entries {
		if e.Component == Key {
			e.describe(addMapping(keys, e.Package), e.Package)
			continue
		}
		if version == nil || at[0] != e.Version {
			version = addMapping(packages, e.Version)
			at = [2]string{e.Version, ""}
		}
		if at[1] != e.System() {
			system = addMapping(version, e.System())
			at[1] = e.System()
		}
		e.describe(addMapping(system, e.Component), fileOf(e.URL))
	}
	root := &yaml.Node{Kind: yaml.MappingNode}
	addPair(root, "manifest", &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: manifestVersion})
	if len(keys.Content) > 0 {
		addPair(root, "keys", keys)
	}
	addPair(root, "packages", packages)
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(root); err != nil {
		return nil, fmt.Errorf("write the manifest: %w", err)
	}
	if err := encoder.Close(); err != nil {
		return nil, fmt.Errorf("write the manifest: %w", err)
	}
	return out.Bytes(), nil
}

// describe writes where the file is, and its name where that is not known.
func (e Entry) describe(to *yaml.Node, known string) {
	addText(to, "url", e.URL)
	if known != e.File {
		addText(to, "file", e.File)
	}
	addPair(to, "size", &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: strconv.FormatInt(e.Size, 10)})
	addText(to, "sha256", e.SHA256)
}

func addPair(to *yaml.Node, key string, value *yaml.Node) {
	to.Content = append(to.Content, text(key), value)
}

func addText(to *yaml.Node, key, value string) { addPair(to, key, text(value)) }

func addMapping(to *yaml.Node, key string) *yaml.Node {
	value := &yaml.Node{Kind: yaml.MappingNode}
	addPair(to, key, value)
	return value
}

func text(value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value}
}
