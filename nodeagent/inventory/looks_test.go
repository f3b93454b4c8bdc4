package inventory_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"scaleio-framework/nodeagent/hostfs"
	"scaleio-framework/nodeagent/inventory"
	"scaleio-framework/nodeagent/runner"
	"scaleio-framework/scaleio/scaleiotest"
)

// Who looks has a disk for himself at that moment, so a second look would find
// it taken: by the first.
func TestLooksAtTheSameTimeDoNotDisturbEachOther(t *testing.T) {
	root, tools, held := t.TempDir(), t.TempDir(), t.TempDir()
	require.NoError(t, scaleiotest.PrepareHost(root, scaleiotest.HostSpec{
		Hostname: "node1", IP: "10.0.0.1", OS: scaleiotest.EL7, Disks: []scaleiotest.Disk{{Name: "sdb", SizeBytes: gib}},
	}))
	alone := "mkdir " + held + "/taken || { echo taken; exit 0; }; sleep 0.1; rmdir " + held + "/taken; "
	require.NoError(t, os.WriteFile(filepath.Join(tools, "blkid"), []byte("#!/bin/sh\n"+alone+"exit 2\n"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(tools, "wipefs"), []byte("#!/bin/sh\n"), 0o755))
	c := inventory.New(inventory.Options{Root: hostfs.New(root), Runner: runner.New(runner.Options{Tools: tools}), Address: "10.0.0.1", PublicKey: "key"})
	looks, ctx := errgroup.WithContext(t.Context())
	for range 4 {
		looks.Go(func() error {
			found, err := c.Collect(ctx)
			if err == nil {
				require.True(t, found.Disks[0].Free, found.Disks[0].Why)
			}
			return err
		})
	}
	require.NoError(t, looks.Wait())
}
