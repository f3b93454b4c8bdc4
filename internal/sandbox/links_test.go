package sandbox

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/netfault"
)

// What is cut for one scheduler is cut for it alone: it stands by without
// ZooKeeper, or leads without Mesos, while the other one has both.
func TestLinksAreCutForOneSchedulerAlone(t *testing.T) {
	w := newWorld(t.Context(), t, testOptions(t))
	status, _, err := w.awaitLeader(t.Context(), "", 0)
	require.NoError(t, err)
	leader, err := w.schedulerOf(status.Leader.Instance)
	require.NoError(t, err)
	leads, stands := 0, 1
	if w.schedulers[1] == leader {
		leads, stands = 1, 0
	}
	eventually := func(what string, ok func(context.Context) bool) {
		t.Helper()
		require.Eventually(t, func() bool { return ok(t.Context()) }, time.Minute, 10*time.Millisecond, what)
	}
	connected := func(n int) func(context.Context) bool {
		return func(ctx context.Context) bool { return ready(ctx, w.schedulers[n].URL) }
	}
	subscribed := func(ctx context.Context) bool {
		now, err := getStatus(ctx, w.schedulers[leads].URL)
		return err == nil && now.Subscribed
	}
	for name, cut := range map[string]func(*netfault.Route){"refused": (*netfault.Route).Block, "dropped": (*netfault.Route).Freeze} {
		cut(&w.links[stands].zookeeper)
		eventually(name+": the standby notices", func(ctx context.Context) bool { return !connected(stands)(ctx) })
		require.True(t, connected(leads)(t.Context()))
		require.True(t, subscribed(t.Context()))
		w.links[stands].zookeeper.Heal()
		eventually(name+": the standby is connected again", connected(stands))
	}
	w.links[stands].mesos.Block()
	require.True(t, subscribed(t.Context()), "only a leader speaks to Mesos")
	w.links[leads].mesos.Block()
	eventually("the leader notices", func(ctx context.Context) bool { return !subscribed(ctx) })
	w.links[leads].mesos.Heal()
	eventually("the leader is subscribed again", subscribed)
	after, _, err := w.awaitLeader(t.Context(), "", 0)
	require.NoError(t, err)
	require.Equal(t, status.Leader.Epoch, after.Leader.Epoch)
}
