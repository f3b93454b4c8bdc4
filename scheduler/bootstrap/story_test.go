package bootstrap_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/core"
	"scaleio-framework/scheduler/bootstrap"
	"scaleio-framework/scheduler/internal/coretest"
)

// The stories tell the core's decisions as an operator would: what happens, and
// what is stored and done because of it.
func TestStories(t *testing.T) {
	o := options()
	o.Settle = 10 * time.Second
	o.SchedulerHost = "m1"
	coretest.Run(t, "testdata", func() []core.Core {
		b, err := bootstrap.New(o)
		require.NoError(t, err)
		return []core.Core{b}
	})
}
