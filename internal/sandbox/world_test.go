package sandbox

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/zkconn"
	"scaleio-framework/scaleio"
)

// A scheduler that ends is started again, under a new process id.
func TestSchedulersAreSupervised(t *testing.T) {
	w := newWorld(t.Context(), t, testOptions(t))
	_, _, err := w.awaitLeader(t.Context(), "", 0)
	require.NoError(t, err)
	for _, sig := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM} {
		s := w.Schedulers()[0]
		pid, exits := s.PID(), len(s.Exits())
		require.NoError(t, s.Signal(sig))
		require.Eventually(t, func() bool { return s.PID() != pid }, 20*time.Second, 10*time.Millisecond)
		ended := s.Exits()
		require.Len(t, ended, exits+1)
		require.Equal(t, pid, ended[exits].PID)
		if sig == syscall.SIGTERM {
			require.Zero(t, ended[exits].Code)
		}
		require.Eventually(t, func() bool {
			_, err := fetch(t.Context(), s.URL+"/healthz")
			return err == nil
		}, 20*time.Second, 10*time.Millisecond)
	}
}

// The inspection at the end of a scenario sees what it looks for: a bootstrap
// leaves nothing to complain of, and everything that is then spoilt is found.
func TestInspectionFindsWhatIsWrong(t *testing.T) {
	w := newWorld(t.Context(), t, testOptions(t))
	_, err := w.await(t.Context(), "the bootstrap", time.Minute, nil, func(st State) bool { return st.Complete(3) })
	require.NoError(t, err)
	clean := newReport()
	require.NoError(t, w.inspect(t.Context(), clean))
	require.NoError(t, clean.conclude())
	require.Equal(t, 3, clean.Created["create-sds"])

	makeTwice(t, w, "twice")
	password := w.Password().Reveal()
	require.NoError(t, os.WriteFile(filepath.Join(w.Dir(), "logs", "planted.log"), []byte("x "+password+" y"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(w.hosts[1].Root, "var/lib/scaleio-framework", "planted"), []byte(password), 0o600))
	conn, err := zkconn.Dial(t.Context(), w.Store())
	require.NoError(t, err)
	defer conn.Close()
	_, err = conn.Create(t.Context(), "/orders-refused/planted", []byte(password), zkconn.Persistent)
	require.NoError(t, err)
	shown := exec.CommandContext(t.Context(), "tail", "-f", "/dev/null", "/nothing-has-this-name/"+password)
	require.NoError(t, shown.Start())
	defer func() {
		_ = shown.Process.Kill()
		_ = shown.Wait() // killed
	}()

	spoilt := newReport()
	require.NoError(t, w.inspect(t.Context(), spoilt))
	require.Equal(t, []string{"create-volume twice (2 times)"}, spoilt.CreatedTwice)
	require.Equal(t, 1, spoilt.LeakedVolumes)
	found := strings.Join(spoilt.SecretsFound, "\n")
	for _, place := range []string{"logs/planted.log", "scaleio-framework/planted", "znode /orders-refused/planted", "arguments of process "} {
		require.Contains(t, found, place)
	}
	require.Len(t, spoilt.SecretsFound, 4)
	require.Error(t, spoilt.conclude())
	require.False(t, spoilt.OK)
}

// makeTwice makes a volume, removes it, and makes it again.
func makeTwice(t *testing.T, w *World, name string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	client, err := scaleio.New(scaleio.Options{
		Endpoint: w.System().GatewayURL("host1"), Username: "admin", Password: w.Password(), Insecure: true, Timeout: 5 * time.Second,
	})
	require.NoError(t, err)
	defer client.Close()
	pools, err := client.StoragePools(ctx)
	require.NoError(t, err)
	require.Len(t, pools, 1)
	spec := scaleio.VolumeSpec{Name: name, ProtectionDomainID: pools[0].ProtectionDomainID, StoragePoolID: pools[0].ID, SizeKiB: 8 << 20}
	first, err := client.EnsureVolume(ctx, spec)
	require.NoError(t, err)
	_, err = client.EnsureVolumeRemoved(ctx, first.ID)
	require.NoError(t, err)
	_, err = client.EnsureVolume(ctx, spec)
	require.NoError(t, err)
}
