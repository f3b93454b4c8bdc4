package bootstrap_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/core"
	"scaleio-framework/scheduler/internal/coretest"
)

// A call that is repeated while the first is under way waits in the lane. It
// must not make the test volume anew behind its removal.
func TestTheTestVolumeIsMadeAndRemovedInOneLane(t *testing.T) {
	st := newStage(t, options(), newSite("a", "b", "c"))
	lanes := make(map[string]string)
	check := st.Check
	st.Check = func(u coretest.Unit) {
		for _, effect := range u.Effects {
			if call, ok := effect.(core.GatewayCall); ok {
				lanes[call.Step] = call.Lane()
			}
		}
		check(u)
	}
	st.install()
	require.NotEmpty(t, lanes[core.StepVerify])
	require.Equal(t, lanes[core.StepVerify], lanes[core.StepVerifyVolume])
}
