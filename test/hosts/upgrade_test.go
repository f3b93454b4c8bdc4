//go:build hosts

package hosts_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/sandbox"
	"scaleio-framework/nodeagent/packages"
	"scaleio-framework/nodeagent/packages/packagestest"
)

// A newer version of the volume driver takes the place of an older one, also
// after a crash that leaves both; nobody is asked what becomes of the
// configuration that was edited meanwhile: it stays.
func TestAnUpgrade(t *testing.T) { eachFamily(t, upgrades) }

func upgrades(t *testing.T, f family) {
	w := prepare(t, f, func(o *sandbox.Options) { o.Agents = 1 })
	h, marks := w.Hosts()[0], marks{}
	const config = "etc/rexray/config.yml"
	build := func(version, text string) string {
		p := packagestest.Package{
			Name: "rexray", Version: version, Description: "a driver",
			Files: map[string]string{config: text}, Config: []string{config},
		}
		p.Prepend(packagestest.Configuring, holdScript(string(packagestest.Configuring)))
		file := "/root/rexray-" + version + f.extension
		require.NoError(t, p.Build(h.Root+file))
		return file
	}
	install := func(file string) error { return w.manager(h, marks).Install(t.Context(), file, packages.Env{}) }
	require.NoError(t, install(build("1.0-1", "default: 1\n")))
	require.NoError(t, os.WriteFile(filepath.Join(h.Root, config), []byte("ours: true\n"), 0o600))

	newer := build("2.0-1", "default: 2\n")
	w.crashIn(t, h, packagestest.Configuring, func() error { return install(newer) })
	version, installed, err := w.manager(h, marks).Installed(t.Context(), "rexray")
	require.NoError(t, err)
	require.False(t, installed, "half an installation of %s is none", version)
	if f.extension == ".rpm" {
		require.Len(t, strings.Fields(w.on(h, "rpm", "-q", "rexray")), 2, "rpm is left with both")
	}
	require.NoError(t, install(newer))
	version, installed, err = w.manager(h, marks).Installed(t.Context(), "rexray")
	require.NoError(t, err)
	require.True(t, installed)
	require.Equal(t, "2.0-1", version)
	require.Equal(t, "installed", w.status(h, "rexray"))
	require.Empty(t, w.unfinished(h))
	text, err := os.ReadFile(filepath.Join(h.Root, config))
	require.NoError(t, err)
	require.Equal(t, "ours: true\n", string(text))
}
