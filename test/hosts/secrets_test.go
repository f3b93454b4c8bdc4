//go:build hosts

package hosts_test

import (
	"os"
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
	for _, component := range []string{"lia", "gateway"} {
		hold(t, h, f.prefix+component)
	}
	require.NoError(t, w.StartSchedulers())
	for component, variable := range map[string]string{"lia": "TOKEN", "gateway": "GATEWAY_ADMIN_PASSWORD"} {
		w.awaitHeld(h, f.prefix+component)
		pid := w.on(h, "cat", held+f.prefix+component)
		environment := w.on(h, "cat", "/proc/"+pid+"/environ")
		_, value, _ := strings.Cut(environment, "\x00"+variable+"=")
		value, _, _ = strings.Cut(value, "\x00")
		require.Equal(t, w.Password().Reveal(), value, "the installer of %s has it in its environment", component)
		places, err := w.FindSecret(t.Context())
		require.NoError(t, err)
		require.Empty(t, places)
		release(t, h, f.prefix+component)
		require.Eventually(t, func() bool {
			_, err := os.Stat(h.Root + held + f.prefix + component)
			return os.IsNotExist(err)
		}, soon, pollPause)
	}
	state := w.bootstrapped()
	require.Equal(t, model.Manager, state.Plans[h.Name].Persona)
}
