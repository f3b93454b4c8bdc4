//go:build hosts

package hosts_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/sandbox"
	"scaleio-framework/nodeagent/failure"
	"scaleio-framework/nodeagent/packages"
	"scaleio-framework/nodeagent/packages/packagestest"
)

// Wherever in its work a package manager is killed: a package that counts as
// installed is whole, and the next installation makes it so.
func TestAKillAtAnyMoment(t *testing.T) { eachFamily(t, outlivesKills) }

func outlivesKills(t *testing.T, f family) {
	const files, kills = 1500, 8
	w := prepare(t, f, func(o *sandbox.Options) { o.Agents = 1 })
	h, marks := w.Hosts()[0], marks{}
	p := packagestest.Package{Name: "many", Version: "1.0-1", Description: "many files", Files: map[string]string{}}
	for i := range files {
		p.Files[fmt.Sprintf("opt/many/%d/%d", i%50, i)] = fmt.Sprintln(i)
	}
	p.Prepend(packagestest.Configuring, "sleep 0.2; echo configured > /opt/many-configured\n")
	p.Prepend(packagestest.AfterRemoval, "case \"$1\" in 0|remove) rm -f /opt/many-configured;; esac\n")
	file := "/root/many" + f.extension
	require.NoError(t, p.Build(h.Root+file))
	m := w.manager(h, marks)
	install := func() error { return m.Install(t.Context(), file, packages.Env{}) }
	whole := func(when string) {
		t.Helper()
		found, err := filepath.Glob(filepath.Join(h.Root, "opt/many/*/*"))
		require.NoError(t, err)
		require.Equal(t, files, len(found), "files %s", when)
		require.FileExists(t, filepath.Join(h.Root, "opt/many-configured"), when)
		require.Empty(t, w.unfinished(h), when)
	}
	begin := time.Now()
	require.NoError(t, install())
	took := time.Since(begin)
	whole("at the beginning")
	for i := range kills {
		at := took * time.Duration(i+1) / (kills + 1)
		when := fmt.Sprintf("after a kill at %s of %s", at, took)
		require.NoError(t, m.Remove(t.Context(), p.Name))
		ended := make(chan error, 1)
		go func() { ended <- install() }()
		<-time.After(at)
		_, _ = w.try(h, "pkill", "-KILL", "-x", f.programs) // it may be through, or not have begun
		killed := <-ended
		_, installed, err := m.Installed(t.Context(), p.Name)
		require.NoError(t, err, when)
		require.True(t, installed || killed != nil, when)
		if installed {
			whole(when)
		}
		// The next attempt comes after a back-off of a second. rpm names what it
		// unpacks by the second, and trips over what lies there under that name.
		<-time.After(time.Second)
		require.NoError(t, install(), when)
		_, installed, err = m.Installed(t.Context(), p.Name)
		require.NoError(t, err, when)
		require.True(t, installed, when)
		whole(when)
	}
}

// dnf and zypper do not wait without a word for another one that works.
func TestResolversSayThatTheyAreLocked(t *testing.T) {
	w := prepare(t, families()["rpm"], func(o *sandbox.Options) { o.Agents = 1 })
	h := w.Hosts()[0]
	for tool, lock := range map[string]string{"dnf": "/var/lib/dnf/rpmdb_lock.pid", "zypper": "/run/zypp.pid"} {
		w.on(h, "mkdir", "-p", filepath.Dir(lock))
		w.on(h, "sh", "-c", "echo 1 > "+lock) // process 1 lives
		err := w.managerOf(h, marks{}, "rpm", tool).InstallNamed(t.Context(), "numactl")
		require.ErrorContains(t, err, "another package manager works on this host", tool)
		require.Equal(t, failure.Interruption, failure.KindOf(err), tool)
		w.on(h, "rm", lock)
	}
}
