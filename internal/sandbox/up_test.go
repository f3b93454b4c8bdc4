package sandbox

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A step that is stuck is shown, and the sandbox stays up: an operator may look
// at it, mend it and order a retry.
func TestUpStaysWithAStepThatIsStuck(t *testing.T) {
	opts := testOptions(t)
	opts.Settings = []string{"SIO_ARTIFACTS_DIR=" + t.TempDir()} // no packages at all
	out := opts.Out.(*output)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- Up(ctx, opts) }()
	shown := func() bool { return strings.Contains(out.String(), "what is stuck waits for you") }
	require.Eventually(t, shown, time.Minute, 50*time.Millisecond, "%s", out)
	require.Contains(t, out.String(), "no package of sds")
	select {
	case err := <-ended:
		require.Fail(t, "the sandbox ended", "%v", err)
	case <-time.After(500 * time.Millisecond):
	}
	cancel()
	select {
	case err := <-ended:
		require.NoError(t, err)
	case <-time.After(30 * time.Second):
		require.Fail(t, "Up did not end with its context")
	}
}
