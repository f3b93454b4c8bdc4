package mesosapi_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/redact"
	"scaleio-framework/scheduler/mesosapi"
	"scaleio-framework/scheduler/mesosapi/mesostest"
)

// cluster starts the double of a master.
func cluster(t *testing.T, change func(*mesostest.Options)) *mesostest.Cluster {
	t.Helper()
	opts := mesostest.Options{Dir: t.TempDir(), HeartbeatInterval: time.Second, UpdateRetry: 100 * time.Millisecond}
	if change != nil {
		change(&opts)
	}
	c, err := mesostest.New(opts)
	require.NoError(t, err)
	require.NoError(t, c.Start(t.Context()))
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

// program serves this test binary as the node agent.
func program(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, self) }))
	t.Cleanup(server.Close)
	return server.URL + "/artifacts/0123/scaleio-nodeagent"
}

func TestALaunchFromOfferToEnd(t *testing.T) {
	c := cluster(t, nil)
	agent, err := c.AddAgent(mesostest.AgentOptions{Hostname: "node1", Attributes: map[string]string{"rack": "r1"}})
	require.NoError(t, err)
	r := start(t, staticDetector(t, c.MasterURL()), func(o *mesosapi.Options) {
		o.ExecutorEnvironment = map[string]string{"PURPOSE": "a test"}
		o.ExecutorCommand.Arguments = []string{"--flag", "with space"}
	})
	subscribed := await[core.MesosSubscribed](r, "no subscription", nil)
	require.Equal(t, frameworkID, subscribed.FrameworkID)
	offers := await[core.OffersReceived](r, "no offers", nil).Offers
	require.Len(t, offers, 1)
	require.Equal(t, core.Offer{
		ID: offers[0].ID, AgentID: agent.ID(), Hostname: "node1", CPUs: 4, MemoryMB: 8192, Attributes: map[string]string{"rack": "r1"},
	}, offers[0])

	require.NoError(t, r.client.Perform(t.Context(), core.Accept{Host: "node1", Launch: model.Launch{
		Number: 1, TaskID: "node1-1", ExecutorID: "node1", AgentID: agent.ID(), OfferID: offers[0].ID,
		CPUs: 1.5, MemoryMB: 3072, URI: program(t),
	}}))
	running := await(r, "not running", func(e core.TaskUpdated) bool { return e.State == "TASK_RUNNING" })
	require.Equal(t, "node1-1", running.TaskID)
	require.Equal(t, agent.ID(), running.AgentID)
	require.Equal(t, "node1", running.ExecutorID)
	require.Equal(t, "SOURCE_EXECUTOR", running.Source)
	require.Len(t, running.UUID, 16)
	require.Equal(t, "scaleio-nodeagent --flag with space PURPOSE=a test", string(running.Data))

	// Nothing is acknowledged by itself: it comes again.
	require.Eventually(t, func() bool {
		same := 0
		for _, u := range all[core.TaskUpdated](r) {
			if string(u.UUID) == string(running.UUID) {
				same++
			}
		}
		return same > 1
	}, soon, tick, "the update was acknowledged before anyone could store it")
	require.NoError(t, r.client.Perform(t.Context(), core.Acknowledge{TaskID: running.TaskID, AgentID: running.AgentID, UUID: running.UUID}))
	require.Eventually(t, func() bool { return c.Unacknowledged("node1-1") == 0 }, soon, tick)

	require.Eventually(t, func() bool { // messages may be lost
		if err := r.client.Message(t.Context(), agent.ID(), "node1", []byte("hello")); err != nil {
			return false
		}
		return len(all[core.MessageReceived](r)) > 0
	}, soon, 50*time.Millisecond)
	require.Equal(t, core.MessageReceived{AgentID: agent.ID(), ExecutorID: "node1", Data: []byte("back: hello")}, all[core.MessageReceived](r)[0])

	require.NoError(t, r.client.Perform(t.Context(), core.Reconcile{Tasks: []core.TaskRef{{TaskID: "nobody-1"}, {TaskID: "node1-1", AgentID: agent.ID()}}}))
	unknown := await(r, "no answer", func(e core.TaskUpdated) bool { return e.TaskID == "nobody-1" })
	require.Equal(t, "TASK_UNKNOWN", unknown.State)
	require.Equal(t, "REASON_RECONCILIATION", unknown.Reason)
	require.Empty(t, unknown.UUID)
	require.Error(t, r.client.Perform(t.Context(), core.Acknowledge{TaskID: "nobody-1"}), "without uuid")

	require.NoError(t, r.client.Perform(t.Context(), core.Kill{TaskID: "node1-1", AgentID: agent.ID()}))
	await(r, "not killed", func(e core.TaskUpdated) bool { return e.State == "TASK_KILLED" })
	require.NoError(t, agent.KillExecutor("node1"))
	failed := await[core.AgentFailed](r, "no failure", nil)
	require.Equal(t, "node1", failed.ExecutorID)
	require.Equal(t, 9, failed.Status)
	require.Equal(t, map[string]int{"node1-1": 1}, c.Launches())
}

func TestDeclineFiltersAndReviveClears(t *testing.T) {
	c := cluster(t, nil)
	_, err := c.AddAgent(mesostest.AgentOptions{Hostname: "node1"})
	require.NoError(t, err)
	r := start(t, staticDetector(t, c.MasterURL()), nil)
	first := await[core.OffersReceived](r, "no offers", nil).Offers[0]
	require.NoError(t, r.client.Perform(t.Context(), core.Decline{}), "nothing to decline")
	require.NoError(t, r.client.Perform(t.Context(), core.Decline{OfferIDs: []string{first.ID}, Refuse: time.Hour}))
	require.NoError(t, r.client.Perform(t.Context(), core.Suppress{}))
	require.Len(t, all[core.OffersReceived](r), 1)
	require.NoError(t, r.client.Perform(t.Context(), core.Revive{}))
	require.Eventually(t, func() bool { return len(all[core.OffersReceived](r)) == 2 }, soon, tick)
}

func TestARefusedCallLeavesTheSubscription(t *testing.T) {
	c := cluster(t, nil)
	r := start(t, staticDetector(t, c.MasterURL()), nil)
	await[core.MesosSubscribed](r, "no subscription", nil)
	err := r.client.Perform(t.Context(), core.Acknowledge{TaskID: "t", AgentID: "a", UUID: []byte("abc")})
	require.ErrorContains(t, err, "Not a valid UUID")
	require.True(t, mesosapi.Refused(err))
	require.Error(t, r.client.Perform(t.Context(), core.Timer{Key: "k"}), "no effect of this package")
	require.NoError(t, r.client.Perform(t.Context(), core.Revive{}))
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, r.client.Perform(canceled, core.Revive{}), context.Canceled)
	require.True(t, r.client.Subscribed())
	require.Equal(t, 1, c.Subscribes())
	require.Empty(t, all[core.MesosDisconnected](r))
}

func TestAFailoverWithTheFenceLostEndsTheOldLeader(t *testing.T) {
	c := cluster(t, nil)
	old := start(t, staticDetector(t, c.MasterURL()), nil)
	await[core.MesosSubscribed](old, "no subscription", nil)
	old.setFence(errTermLost)
	successor := start(t, staticDetector(t, c.MasterURL()), nil)
	await[core.MesosSubscribed](successor, "no subscription", nil)
	require.ErrorIs(t, old.ended(), errTermLost)
	require.Len(t, all[core.MesosDisconnected](old), 1)
	require.ErrorIs(t, old.client.Perform(t.Context(), core.Revive{}), mesosapi.ErrNotSubscribed)
	require.NoError(t, successor.client.Perform(t.Context(), core.Revive{}))
	require.Len(t, all[core.MesosSubscribed](successor), 1)
	require.Empty(t, all[core.MesosDisconnected](successor))
}

func TestTwoHoldersOfOneFenceDoNotFightForEver(t *testing.T) {
	c := cluster(t, nil)
	first := start(t, staticDetector(t, c.MasterURL()), nil)
	await[core.MesosSubscribed](first, "no subscription", nil)
	second := start(t, staticDetector(t, c.MasterURL()), nil)
	require.ErrorIs(t, first.ended(), mesosapi.ErrFrameworkTaken)
	require.Len(t, all[core.MesosSubscribed](first), 3)
	await[core.MesosSubscribed](second, "no subscription", nil)
}

func TestMasterFailoverFollowedThroughZooKeeper(t *testing.T) {
	masters := newRegistry()
	masters.dials = 1 // no failing session here
	c := cluster(t, func(o *mesostest.Options) { o.Registrar = masters })
	r := start(t, masters.detector(t), nil)
	first := await[core.MesosSubscribed](r, "no subscription", nil)
	require.NoError(t, c.FailoverMaster(t.Context()))
	await(r, "no subscription at the new master", func(e core.MesosSubscribed) bool { return e.Master != first.Master })
	require.Len(t, all[core.MesosSubscribed](r), 2)
	require.Len(t, all[core.MesosDisconnected](r), 1)
	require.NoError(t, r.client.Perform(t.Context(), core.Revive{}))
	require.Equal(t, frameworkID, c.Frameworks()[0].ID)
}

func TestFollowersRedirectAndWaitForAnElection(t *testing.T) {
	c := cluster(t, nil)
	follower, err := c.AddFollower()
	require.NoError(t, err)
	r := start(t, staticDetector(t, follower.URL()), nil)
	first := await[core.MesosSubscribed](r, "the redirect was not followed", nil)
	require.NotEqual(t, follower.URL(), "http://"+first.Master)
	require.Equal(t, 1, c.Subscribes())

	// Redirected to the dead one, then told that there is none, then to the new.
	require.NoError(t, c.KillMaster())
	await[core.MesosDisconnected](r, "not disconnected", nil)
	c.ForgetLeader()
	require.NoError(t, c.ElectMaster(t.Context()))
	await(r, "no subscription at the new master", func(e core.MesosSubscribed) bool { return e.Master != first.Master })
}

func TestAuthentication(t *testing.T) {
	c := cluster(t, func(o *mesostest.Options) {
		o.Credential = &mesostest.Credential{Principal: "p1", Secret: redact.New("s1")}
	})
	as := func(principal, secret string) *running {
		return start(t, staticDetector(t, c.MasterURL()), func(o *mesosapi.Options) {
			o.Principal, o.Secret = principal, redact.New(secret)
		})
	}
	await[core.MesosSubscribed](as("p1", "s1"), "right credentials", nil)
	var refused *mesosapi.SubscriptionError
	for _, r := range []*running{as("p1", "hunter2"), as("", "")} {
		require.ErrorAs(t, r.ended(), &refused)
		require.Equal(t, http.StatusUnauthorized, refused.Status)
		require.NotContains(t, refused.Error()+r.log.String(), "hunter2")
	}
}
