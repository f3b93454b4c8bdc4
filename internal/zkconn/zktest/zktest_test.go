package zktest_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/zkconn/zktest"
)

func TestAMissingJavaNamesTheRemedy(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := zktest.Launch(context.Background(), zktest.Options{})
	require.ErrorContains(t, err, "make setup")
}

func TestOptionsAreChecked(t *testing.T) {
	for reason, opts := range map[string]zktest.Options{
		"Servers":  {Servers: 2},
		"TickTime": {TickTime: time.Millisecond},
		"Ports":    {Servers: 3, Ports: []int{1}},
	} {
		_, err := zktest.Launch(context.Background(), opts)
		require.ErrorContains(t, err, reason)
	}
}

func TestAClusterIsRestartedOnItsDataAndLeavesNothingBehind(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := zktest.Launch(ctx, zktest.Options{})
	require.NoError(t, err)
	defer c.Close()
	pid, addr := c.Pid(0), c.Addr(0)
	require.NoError(t, c.Freeze(0))
	c.Kill(0)
	require.Zero(t, c.Pid(0))
	require.Error(t, c.Freeze(0), "there is nothing to freeze")
	require.NoError(t, c.Restart(ctx, 0))
	require.NotEqual(t, pid, c.Pid(0))
	require.Equal(t, addr, c.Addr(0))
	last := c.Pid(0)
	c.Close()
	_, err = os.Stat(fmt.Sprintf("/proc/%d", last))
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestAClosedDirectoryIsUsedAllTheSame(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	closed := t.TempDir()
	require.NoError(t, os.Chmod(closed, 0o700))
	c, err := zktest.Launch(ctx, zktest.Options{Dir: closed + "/zookeeper"})
	require.NoError(t, err)
	defer c.Close()
	_, err = c.Version(ctx)
	require.NoError(t, err)
}

func TestAnEnsembleElectsAnotherLeader(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c := zktest.StartEnsemble(t, 3)
	first, err := c.Leader(ctx)
	require.NoError(t, err)
	require.True(t, c.Serves(ctx, first))
	c.Kill(first)
	require.False(t, c.Serves(ctx, first))
	var second int
	require.Eventually(t, func() bool {
		second, err = c.Leader(ctx)
		return err == nil
	}, time.Minute, 20*time.Millisecond)
	require.NotEqual(t, first, second)

	c.Kill(second)
	require.Eventually(t, func() bool {
		_, err := c.Leader(ctx)
		return err != nil
	}, time.Minute, 20*time.Millisecond, "one of three is no quorum")
	require.NoError(t, c.Restart(ctx, first, second), "neither serves before both run")
	_, err = c.Leader(ctx)
	require.NoError(t, err)
	require.True(t, c.Serves(ctx, first))
}
