// Package programs builds the programs under test once for a test binary:
// without the race detector, a C library and symbols, as they are shipped.
package programs

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// build is one directory of programs, made when it is first asked for.
type build struct {
	packages string // that are built

	mu  sync.Mutex
	dir string
	err error
}

var (
	all     = build{packages: "scaleio-framework/cmd/..."}
	standIn = build{packages: "scaleio-framework/cmd/sandbox/standin"}
)

// Dir returns the directory with the built programs.
func Dir(tb testing.TB) string {
	tb.Helper()
	return all.make(tb)
}

// StandIn returns the program that plays a host's tools, for tests that need
// no other: linking the scheduler takes most of a build's time.
func StandIn(tb testing.TB) string {
	tb.Helper()
	return filepath.Join(standIn.make(tb), "standin")
}

func (b *build) make(tb testing.TB) string {
	tb.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.dir == "" && b.err == nil {
		b.dir, b.err = b.run()
	}
	if b.err != nil {
		tb.Fatal(b.err)
	}
	return b.dir
}

func (b *build) run() (dir string, err error) {
	if dir, err = os.MkdirTemp("", "scaleio-programs-"); err != nil {
		return "", err
	}
	cmd := exec.Command("go", "build", "-buildvcs=false", "-ldflags", "-s -w", "-o", dir+string(filepath.Separator), b.packages)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", errors.Join(fmt.Errorf("build the programs: %w\n%s", err, out), os.RemoveAll(dir))
	}
	return dir, nil
}

// Remove deletes what was built; TestMain calls it at the end.
func Remove() {
	for _, b := range []*build{&all, &standIn} {
		b.mu.Lock()
		if b.dir != "" {
			_ = os.RemoveAll(b.dir) // a temporary directory
		}
		b.mu.Unlock()
	}
}
