//go:build hosts

package hosts_test

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/model"
	"scaleio-framework/nodeagent/packages/packagestest"
)

// While the installers of the LIA and the gateway run, which get passwords, no
// process has one among its arguments, which everybody on the host could read.
func TestNoPasswordIsAnArgument(t *testing.T) { eachFamily(t, hidesPasswords) }

func hidesPasswords(t *testing.T, f family) {
	w := prepare(t, f)
	require.NoError(t, w.EditPackages(func(p *packagestest.Package) {
		if strings.HasSuffix(p.Name, "-lia") || strings.HasSuffix(p.Name, "-gateway") {
			p.Prepend(packagestest.Configuring, holdScript(p.Name))
		}
	}))
	h := w.Hosts()[0] // a manager
	variables := map[string]string{f.prefix + "lia": "TOKEN", f.prefix + "gateway": "GATEWAY_ADMIN_PASSWORD"}
	for name := range variables {
		hold(t, h, name)
	}
	require.NoError(t, w.StartSchedulers())
	for len(variables) > 0 {
		name := w.awaitOneHeld(h, slices.Collect(maps.Keys(variables)))
		pid := w.on(h, "cat", held+name)
		environment := w.on(h, "cat", "/proc/"+pid+"/environ")
		_, value, _ := strings.Cut(environment, "\x00"+variables[name]+"=")
		value, _, _ = strings.Cut(value, "\x00")
		require.Equal(t, w.Password().Reveal(), value, "the installer of %s has it in its environment", name)
		places, err := w.FindSecret(t.Context())
		require.NoError(t, err)
		require.Empty(t, places)
		release(t, h, name)
		require.Eventually(t, func() bool {
			_, err := os.Stat(h.Root + held + name)
			return os.IsNotExist(err)
		}, soon, pollPause)
		delete(variables, name)
	}
	state := w.bootstrapped()
	require.Equal(t, model.Manager, state.Plans[h.Name].Persona)
}
