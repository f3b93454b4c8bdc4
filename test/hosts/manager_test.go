//go:build hosts

package hosts_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/sandbox"
	"scaleio-framework/nodeagent/hostfs"
	"scaleio-framework/nodeagent/packages"
	"scaleio-framework/nodeagent/packages/packagestest"
	"scaleio-framework/nodeagent/runner"
)

// crashIn cuts a host's power while the package's script waits that work runs
// into, and starts the host again.
func (w *world) crashIn(t *testing.T, h *sandbox.Host, at packagestest.Moment, work func() error) {
	t.Helper()
	hold(t, h, string(at))
	ended := make(chan error, 1)
	go func() { ended <- work() }()
	w.awaitHeld(h, string(at))
	require.NoError(t, h.Machine.PowerOff())
	require.Error(t, <-ended)
	release(t, h, string(at))
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	require.NoError(t, h.Machine.Boot(ctx))
}

// manager is the host's package manager, which works in the machine as it runs
// now.
func (w *world) manager(h *sandbox.Host, marks packages.Marks) packages.Manager {
	w.t.Helper()
	return w.managerOf(h, marks, "dpkg", "dpkg-query", "apt-get", "rpm", "dnf", "find", "rm")
}

// managerOf finds only these of the host's tools.
func (w *world) managerOf(h *sandbox.Host, marks packages.Marks, names ...string) packages.Manager {
	w.t.Helper()
	tools := w.t.TempDir()
	for _, tool := range names {
		if _, err := os.Stat(filepath.Join(h.Root, "usr/bin", tool)); err != nil {
			continue
		}
		script := fmt.Sprintf("#!/bin/sh\nexec %s %s \"$@\"\n", h.Machine.Enter(), tool)
		require.NoError(w.t, os.WriteFile(filepath.Join(tools, tool), []byte(script), 0o755))
	}
	family := packages.RPM
	if w.extension == ".deb" {
		family = packages.Deb
	}
	m, err := packages.New(family, runner.New(runner.Options{Tools: tools}), hostfs.New(h.Root), marks)
	require.NoError(w.t, err)
	return m
}

// marks are kept as long as the test.
type marks map[string]string

func (m marks) Mark(name, note string) error { m[name] = note; return nil }

func (m marks) Note(name string) (note string, stands bool, err error) {
	note, stands = m[name]
	return note, stands, nil
}

func (m marks) Clear(name string) error { delete(m, name); return nil }
