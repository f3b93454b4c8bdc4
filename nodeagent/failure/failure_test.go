package failure_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/nodeagent/failure"
)

func TestTheOutermostMarkCounts(t *testing.T) {
	base := errors.New("base")
	require.Equal(t, failure.Plain, failure.KindOf(base))
	require.Equal(t, failure.Plain, failure.KindOf(nil))
	interrupted := failure.Interrupted(base)
	require.Equal(t, failure.Interruption, failure.KindOf(fmt.Errorf("step: %w", interrupted)))
	require.Equal(t, failure.Hopelessness, failure.KindOf(failure.Hopeless(interrupted)))
	require.ErrorIs(t, failure.Hopeless(interrupted), base)
	require.EqualError(t, failure.Hopelessf("no %s", "way"), "no way")
	require.NoError(t, failure.Interrupted(nil))
	require.NoError(t, failure.Hopeless(nil))
	require.Equal(t, "hopeless interrupted failed", fmt.Sprint(failure.Hopelessness, failure.Interruption, failure.Plain))
}
