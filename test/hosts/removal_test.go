//go:build hosts

package hosts_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/redact"
	"scaleio-framework/internal/sandbox"
	"scaleio-framework/nodeagent/packages"
	"scaleio-framework/nodeagent/packages/packagestest"
)

// A package of the vendor's goes when it is told that we are sure, whatever a
// crash left of it, and nothing of it stays.
func TestRemoval(t *testing.T) { eachFamily(t, removes) }

func removes(t *testing.T, f family) {
	w := prepare(t, f, func(o *sandbox.Options) { o.Agents = 1 })
	h, marks := w.Hosts()[0], marks{}
	lia := f.prefix + "lia"
	w.edit("lia", func(p *packagestest.Package) {
		for _, at := range []packagestest.Moment{packagestest.BeforeUnpacking, packagestest.Configuring, packagestest.BeforeRemoval, packagestest.AfterRemoval} {
			p.Prepend(at, holdScript(string(at)))
		}
	})
	file := "/root/lia" + f.extension
	whole, err := os.ReadFile(w.packageFile("lia"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(h.Root+file, whole, 0o644))
	env := packages.Env{Secrets: map[string]redact.Secret{"TOKEN": redact.New("T0ken")}}
	install := func(m packages.Manager) error { return m.Install(t.Context(), file, env) }
	remove := func(m packages.Manager) error { return m.Remove(t.Context(), lia) }
	gone := func() {
		t.Helper()
		m := w.manager(h, marks)
		there, err := m.Present(t.Context(), lia)
		require.NoError(t, err)
		require.False(t, there)
		require.NoFileExists(t, filepath.Join(h.Root, "etc/systemd/system/lia.service"))
		require.NoDirExists(t, filepath.Join(h.Root, "opt/emc/scaleio/lia"))
		require.Empty(t, w.unfinished(h))
		require.NoError(t, m.Remove(t.Context(), lia), "what is gone can be removed")
	}
	m := w.manager(h, marks)
	require.NoError(t, m.InstallNamed(t.Context(), w.DistributionPackages()[0].Name, "numactl"))
	require.NoError(t, install(m))
	_, installed, err := m.Installed(t.Context(), lia)
	require.NoError(t, err)
	require.True(t, installed)
	_, err = w.try(h, append(f.remove, lia)...)
	require.ErrorContains(t, err, "I_AM_SURE", "the package asks for it")
	require.NoError(t, remove(m))
	gone()

	for _, c := range []struct {
		at   packagestest.Moment
		what func(packages.Manager) error
	}{
		{packagestest.BeforeUnpacking, install},
		{packagestest.Configuring, install},
		{packagestest.BeforeRemoval, remove},
		{packagestest.AfterRemoval, remove},
	} {
		t.Run("a crash in "+string(c.at), func(t *testing.T) {
			m := w.manager(h, marks)
			if c.at == packagestest.BeforeRemoval || c.at == packagestest.AfterRemoval {
				require.NoError(t, install(m))
			}
			w.crashIn(t, h, c.at, func() error { return c.what(m) })
			m = w.manager(h, marks)
			_, installed, err := m.Installed(t.Context(), lia)
			require.NoError(t, err)
			require.False(t, installed && (c.at == packagestest.BeforeUnpacking || c.at == packagestest.Configuring), "half an installation is none")
			require.NoError(t, remove(m))
			gone()
		})
	}
}
