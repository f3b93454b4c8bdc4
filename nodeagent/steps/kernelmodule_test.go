package steps_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/nodeagent/failure"
	"scaleio-framework/scaleio/scaleiotest"
)

// The SDC's service is active on a host whose kernel it has no module for.
func TestAnSDCWithoutItsKernelModuleIsTold(t *testing.T) {
	for says, script := range map[string]string{
		"Failed to open kernel device": "#!/bin/sh\necho 'Failed to open kernel device' >&2\nexit 1\n",
		"it answers no id":             "#!/bin/sh\necho 'Usage: drv_cfg <command> [options]'\n",
	} {
		w := newWorld(t, scaleiotest.Options{})
		n := w.node("a", w.ip(9), scaleiotest.EL7)
		drvCfg := filepath.Join(w.tools, "drv_cfg")
		require.NoError(t, os.Remove(drvCfg))
		require.NoError(t, os.WriteFile(drvCfg, []byte(script), 0o755))
		lsmod := filepath.Join(w.tools, "lsmod")
		require.NoError(t, os.Remove(lsmod))
		require.NoError(t, os.WriteFile(lsmod, []byte("#!/bin/sh\necho 'Module Size Used by'\n"), 0o755))
		n.twice(nodeproto.StepPrerequisites, nodeproto.PrerequisitesParams{Packages: []string{"libaio", "numactl"}})
		params := w.component("sdc", scaleiotest.EL7)
		params.MDMAddresses = []string{w.ip(10), w.ip(11)}
		_, changed, err := n.try(nodeproto.StepSDCPackage, params)
		require.True(t, changed)
		require.True(t, w.Running("a", "scini"))
		require.ErrorContains(t, err, says)
		require.ErrorContains(t, err, "no scini module fits the kernel 3.10.0-1160.el7.x86_64")
		require.Equal(t, failure.Hopelessness, failure.KindOf(err))
	}
}
