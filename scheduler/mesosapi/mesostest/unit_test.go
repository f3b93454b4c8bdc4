package mesostest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"syscall"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/freeport"
	"scaleio-framework/scheduler/mesosapi/mesostest"
	"scaleio-framework/scheduler/mesosapi/mesostest/agentunit"
)

// runUnit is one run of an agent's program; end ends it.
func runUnit(t *testing.T, url string, run agentunit.Run) (end func()) {
	t.Helper()
	body, err := json.Marshal(run)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	require.NoError(t, err)
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, res.StatusCode)
	return func() {
		cancel()
		_, _ = io.Copy(io.Discard, res.Body) // to its end
		require.NoError(t, res.Body.Close())
	}
}

// An agent that is a unit lives and dies with its program, keeps its executors
// over a restart, and loses them when its host has booted.
func TestAgentUnit(t *testing.T) {
	cluster := newCluster(t, func(o *mesostest.Options) { o.AgentTimeout = time.Hour })
	url, err := cluster.ServeUnits("127.0.0.1:0")
	require.NoError(t, err)
	network, err := freeport.Claim()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, network.Close()) })
	agent, err := cluster.AddAgent(mesostest.AgentOptions{Hostname: "h", IP: network.Address(1), Unit: true})
	require.NoError(t, err)
	require.Empty(t, agent.ID())
	state := func() (int, map[string]any) {
		res, err := http.Get("http://" + agent.Addr() + "/state")
		if err != nil {
			return 0, nil
		}
		defer func() { require.NoError(t, res.Body.Close()) }()
		var body map[string]any
		_ = json.NewDecoder(res.Body).Decode(&body) // a refusal is a text
		return res.StatusCode, body
	}
	down := func() bool { code, _ := state(); return code == 0 }

	run := agentunit.Run{Hostname: "h", Boot: "1", Flags: map[string]string{"isolation": "a"}}
	end := runUnit(t, url, run)
	id := agent.ID()
	require.NotEmpty(t, id)
	_, first := state()
	require.Equal(t, map[string]any{"isolation": "a"}, first["flags"])

	d := newDriver(t, cluster.MasterURL(), "application/json")
	d.subscribe()
	d.launch("t1")
	pid := agent.ExecutorPID("exec")
	end()
	require.Eventually(t, down, patience, 5*time.Millisecond)
	run.Flags = map[string]string{"isolation": "b"}
	end = runUnit(t, url, run)
	require.Eventually(t, func() bool { code, _ := state(); return code == http.StatusOK }, patience, 5*time.Millisecond, "503 while it recovers")
	_, second := state()
	require.Equal(t, map[string]any{"isolation": "b"}, second["flags"])
	require.Greater(t, second["start_time"], first["start_time"])
	require.NoError(t, syscall.Kill(pid, 0), "the executor lives")
	require.Equal(t, pid, agent.ExecutorPID("exec"))

	end()
	require.Eventually(t, down, patience, 5*time.Millisecond)
	run.Boot = "2"
	end = runUnit(t, url, run)
	defer end()
	require.Equal(t, id, agent.ID())
	require.Zero(t, agent.ExecutorPID("exec"))
	d.match("the loss of t1", func(e *scheduler.Event) bool {
		return e.Type == scheduler.Event_UPDATE && *e.Update.Status.State == mesos.TASK_LOST
	})
	require.Len(t, agent.Runs(), 3)
}
