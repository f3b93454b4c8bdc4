package artifacts

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"

	"scaleio-framework/scaleio"
)

// Prefixes of the paths below /artifacts/.
const (
	packagesPrefix = "packages/"
	agentPrefix    = "nodeagent/"
	// AgentName is the file name under which the node agent is fetched.
	AgentName = "scaleio-nodeagent"
)

// File is one package that nodes may fetch.
type File struct {
	Name
	// Path is below /artifacts/. It holds the checksum, so that schedulers of
	// different folders never serve one file for another.
	Path string
	// URL is where the file lies when no scheduler serves it; else empty.
	URL    string
	SHA256 string
	Size   int64 // bytes
}

// Options tell where the files are.
type Options struct {
	// AgentProgram is the path of the node agent.
	AgentProgram string
	// Folder holds packages; empty for none.
	Folder string
	// Manifest is the path or the URL of a manifest; empty for none.
	Manifest string
	// Version chooses one of several versions of ScaleIO; empty when there is
	// only one.
	Version string
}

// Catalog is the set of files that a scheduler knows. It is read once; the
// folder must not change while schedulers run.
type Catalog struct {
	Packages []File
	// AgentPath is where the node agent is served; it holds the checksum, so
	// that schedulers of different releases never serve one for another.
	AgentPath   string
	AgentSHA256 string

	local map[string]string // path below /artifacts/ -> file
}

// Read examines the node agent program, the folder of packages and the
// manifest. Files on this machine are read as a whole.
func Read(ctx context.Context, o Options) (*Catalog, error) {
	c := &Catalog{local: make(map[string]string)}
	sum, _, err := checksum(o.AgentProgram)
	if err != nil {
		return nil, fmt.Errorf("node agent program: %w", err)
	}
	c.AgentSHA256 = sum
	c.AgentPath = agentPrefix + sum[:16] + "/" + AgentName
	c.local[c.AgentPath] = o.AgentProgram
	files, err := gather(ctx, o)
	if err != nil {
		return nil, err
	}
	if files, err = oneVersion(files, o.Version); err != nil {
		return nil, err
	}
	for _, f := range files {
		served := packagesPrefix + f.SHA256[:16] + "/" + f.File
		if f.Path != "" {
			c.local[served] = f.Path
		}
		c.Packages = append(c.Packages, File{Name: f.Name, Path: served, URL: f.Remote, SHA256: f.SHA256, Size: f.Size})
	}
	slices.SortFunc(c.Packages, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return c, nil
}

// gather joins what the folder and the manifest have. A file of the manifest
// that the folder has too is served from there.
func gather(ctx context.Context, o Options) ([]Located, error) {
	var all Manifest
	var files []Located
	if o.Folder != "" {
		scanned, _, err := Scan(o.Folder)
		if err != nil {
			return nil, err
		}
		all = *scanned
		for _, e := range scanned.Entries {
			file, err := inFolder(o.Folder, e)
			if err != nil {
				return nil, err
			}
			files = append(files, file)
		}
	}
	if o.Manifest == "" {
		return files, nil
	}
	listed, err := Load(ctx, o.Manifest)
	if err != nil {
		return nil, err
	}
	for _, file := range listed {
		before := len(all.Entries)
		if err := all.add(file.Entry); err != nil {
			return nil, fmt.Errorf("--artifacts.dir and --packages: %w", err)
		}
		if len(all.Entries) == before {
			continue
		}
		if file.Path != "" {
			if err := file.Check(ctx); err != nil {
				return nil, fmt.Errorf("manifest %s: line %d: %w", o.Manifest, file.Line, err)
			}
		}
		files = append(files, file)
	}
	return files, nil
}

// oneVersion keeps the files of one version of ScaleIO, and all others: hosts
// of one system must not get different ones.
func oneVersion(files []Located, wanted string) ([]Located, error) {
	var versions []string
	for _, f := range files {
		if f.vendor() && !slices.Contains(versions, f.Version) {
			versions = append(versions, f.Version)
		}
	}
	slices.Sort(versions)
	switch {
	case wanted == "" && len(versions) > 1:
		return nil, fmt.Errorf("the packages are of several versions of ScaleIO (%s): choose one with --scaleio.version", strings.Join(versions, ", "))
	case wanted == "" && len(versions) == 1:
		wanted = versions[0]
	case wanted != "" && !slices.Contains(versions, wanted):
		return nil, fmt.Errorf("--scaleio.version is %s, but the packages are of %s", wanted, orNone(versions))
	}
	if err := supported(wanted); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(files, func(f Located) bool { return f.vendor() && f.Version != wanted }), nil
}

// supported refuses a version whose plan could not work, before anything is
// touched.
func supported(version string) error {
	v, err := scaleio.ParseVersion(version)
	switch {
	case err != nil || v.Known(): // without packages there is nothing to refuse
		return nil
	case v.Major < 2:
		return fmt.Errorf("the packages are of version %s: the cluster commands of ScaleIO 1.x are others and not supported, give packages of 2.0 to 4.x", version)
	default:
		return fmt.Errorf("the packages are of version %s: PowerFlex %d has other storage objects and is not supported, give packages of 2.0 to 4.x", version, v.Major)
	}
}

func orNone(versions []string) string {
	if len(versions) == 0 {
		return "none: give --artifacts.dir or --packages"
	}
	return strings.Join(versions, ", ")
}

// ServeHTTP serves the files of the catalogue that are on this machine and
// nothing else; the request's path is below /artifacts/.
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
		unreadable(w, err)
		return
	}
	defer func() { _ = f.Close() }() // read only
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New(file + " is no file")
	}
	if err != nil {
		unreadable(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(w, r, "", info.ModTime(), f)
}

func unreadable(w http.ResponseWriter, err error) {
	http.Error(w, "the artifact cannot be read: "+err.Error(), http.StatusInternalServerError)
}
