//go:build hosts

package hosts_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/sandbox"
	"scaleio-framework/nodeagent/failure"
	"scaleio-framework/nodeagent/packages"
	"scaleio-framework/nodeagent/packages/packagestest"
)

// Where there is no dnf, as on SLES, zypper installs the distribution's
// packages, finishes what a crash left of them, and says what it lacks.
func TestZypper(t *testing.T) {
	w := prepare(t, families()["rpm"], func(o *sandbox.Options) { o.Agents = 1 })
	h, marks := w.Hosts()[0], marks{}
	source, err := os.ReadFile(filepath.Join(h.Root, "etc/yum.repos.d/base.repo"))
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(filepath.Join(h.Root, "etc/zypp/repos.d"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(h.Root, "etc/zypp/repos.d/base.repo"), append(source, "enabled=1\nautorefresh=1\n"...), 0o644))
	zypper := func() packages.Manager { return w.managerOf(h, marks, "rpm", "zypper") }

	w.slowAt("numactl", packagestest.Configuring, string(packagestest.Configuring))
	require.NoError(t, zypper().InstallNamed(t.Context(), "libaio"))
	require.Equal(t, "installed", w.status(h, "libaio"))
	m := zypper()
	w.crashIn(t, h, packagestest.Configuring, func() error { return m.InstallNamed(t.Context(), "numactl") })
	_, installed, err := zypper().Installed(t.Context(), "numactl")
	require.NoError(t, err)
	require.False(t, installed)
	require.NoError(t, zypper().InstallNamed(t.Context(), "numactl"))
	_, installed, err = zypper().Installed(t.Context(), "numactl")
	require.NoError(t, err)
	require.True(t, installed)
	require.NoFileExists(t, h.Root+held+string(packagestest.Configuring), "the script has run to its end")
	require.Empty(t, w.unfinished(h))

	err = zypper().InstallNamed(t.Context(), "no-such-package")
	require.ErrorContains(t, err, "no-such-package")
	require.Equal(t, failure.Plain, failure.KindOf(err))
}
