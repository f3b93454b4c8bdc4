package artifacts

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// Prefixes of the paths below /artifacts/.
const (
	packagesPrefix = "packages/"
	agentPrefix    = "nodeagent/"
	// AgentName is the file name under which the node agent is fetched.
	AgentName = "scaleio-nodeagent"
)

// File is one package that is served.
type File struct {
	Name
	// Path is below /artifacts/.
	Path   string
	SHA256 string
	Size   int64 // bytes
}

// Catalog is the set of files that a scheduler serves. It is read once; the
// folder must not change while schedulers run.
type Catalog struct {
	Packages []File
	// AgentPath is where the node agent is served; it holds the checksum, so
	// that schedulers of different releases never serve one for another.
	AgentPath   string
	AgentSHA256 string

	local map[string]string // path below /artifacts/ -> file
}

// Read examines the node agent program and the folder of packages. An empty
// folder name means no packages.
func Read(agentProgram, folder string) (*Catalog, error) {
	c := &Catalog{local: make(map[string]string)}
	sum, _, err := checksum(agentProgram)
	if err != nil {
		return nil, fmt.Errorf("node agent program: %w", err)
	}
	c.AgentSHA256 = sum
	c.AgentPath = agentPrefix + sum[:16] + "/" + AgentName
	c.local[c.AgentPath] = agentProgram
	if folder == "" {
		return c, nil
	}
	err = filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		name, ok := ParseName(entry.Name())
		if !ok {
			return nil
		}
		sum, size, err := checksum(path)
		if err != nil {
			return err
		}
		served := packagesPrefix + sum[:16] + "/" + entry.Name()
		c.local[served] = path
		c.Packages = append(c.Packages, File{Name: name, Path: served, SHA256: sum, Size: size})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the folder of packages %s: %w", folder, err)
	}
	sort.Slice(c.Packages, func(i, j int) bool { return c.Packages[i].Path < c.Packages[j].Path })
	return c, nil
}

func checksum(path string) (sum string, size int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	h := sha256.New()
	if size, err = io.Copy(h, f); err != nil {
		return "", 0, fmt.Errorf("read %s: %w", path, err)
	}
	return hex.EncodeToString(h.Sum(nil)), size, nil
}

// ServeHTTP serves the files of the catalogue and nothing else; the request's
// path is below /artifacts/.
func (c *Catalog) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/")
	file, ok := c.local[path]
	if !ok {
		http.Error(w, fmt.Sprintf("this scheduler has no artifact %s: give every instance the same --artifacts.dir and the same release", path), http.StatusNotFound)
		return
	}
	// Opening it here keeps ServeFile's redirects and listings out.
	f, err := os.Open(file)
	if err != nil {
		http.Error(w, "the artifact cannot be read: "+err.Error(), http.StatusInternalServerError)
		return
	}
	defer func() { _ = f.Close() }() // read only
	info, err := f.Stat()
	if err != nil {
		http.Error(w, "the artifact cannot be read: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(w, r, "", info.ModTime(), f)
}
