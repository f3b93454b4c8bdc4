package inventory_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

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

// A broken disk lets a look take minutes, and the leader asks again and again.
func TestWhoWaitsForALookSharesTheNextOne(t *testing.T) {
	root, tools, dir := t.TempDir(), t.TempDir(), t.TempDir()
	require.NoError(t, scaleiotest.PrepareHost(root, scaleiotest.HostSpec{
		Hostname: "node1", IP: "10.0.0.1", OS: scaleiotest.EL7, Disks: []scaleiotest.Disk{{Name: "sdb", SizeBytes: gib}},
	}))
	begun := filepath.Join(dir, "begun")
	slow := "echo look >> " + begun + "; while [ ! -e " + dir + "/go ]; do sleep 0.02; done; exit 2"
	require.NoError(t, os.WriteFile(filepath.Join(tools, "blkid"), []byte("#!/bin/sh\n"+slow+"\n"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(tools, "wipefs"), []byte("#!/bin/sh\n"), 0o755))
	c := inventory.New(inventory.Options{Root: hostfs.New(root), Runner: runner.New(runner.Options{Tools: tools}), Address: "10.0.0.1", PublicKey: "key"})
	var looks errgroup.Group
	look := func(ctx context.Context) {
		looks.Go(func() error {
			found, err := c.Collect(ctx)
			if err == nil {
				require.True(t, found.Disks[0].Free, found.Disks[0].Why)
			}
			return err
		})
	}
	look(t.Context())
	require.Eventually(t, func() bool { _, err := os.Stat(begun); return err == nil }, 20*time.Second, time.Millisecond)
	for range 5 {
		w := waiter{t.Context(), make(chan struct{}, 100)}
		look(w)
		<-w.waits
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	_, err := c.Collect(stopped)
	require.ErrorIs(t, err, context.Canceled, "nobody has to wait")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go"), nil, 0o644))
	require.NoError(t, looks.Wait())
	said, err := os.ReadFile(begun)
	require.NoError(t, err)
	require.Equal(t, 2, strings.Count(string(said), "look"))
}

// waiter tells when somebody waits for its end.
type waiter struct {
	context.Context
	waits chan struct{}
}

func (w waiter) Done() <-chan struct{} {
	select {
	case w.waits <- struct{}{}:
	default:
	}
	return w.Context.Done()
}
