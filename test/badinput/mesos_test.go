package badinput

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/model"
	"scaleio-framework/internal/sandbox"
	"scaleio-framework/internal/zkconn"
	"scaleio-framework/internal/zkconn/zktest"
)

// set writes a znode of that version; false when it has another one.
func set(t *testing.T, opts zkconn.Options, path string, data []byte, version int32) bool {
	t.Helper()
	conn, err := zkconn.Dial(t.Context(), opts)
	require.NoError(t, err)
	defer conn.Close()
	_, err = conn.Set(t.Context(), path, data, version)
	return err == nil
}

// A framework that an operator removed at the master cannot come back under
// its id: the scheduler says so, with the remedy.
func TestFrameworkRemoved(t *testing.T) {
	c := begin(t, zktest.Start(t), nil)
	leader, id := c.leader(), c.leads(1).FrameworkID
	c.teardown(id)
	code, log := c.exitOf(leader)
	require.Equal(t, 5, code, "%s", log)
	require.Contains(t, log, "exit 5: ")
	require.Contains(t, log, "scaleioctl framework reset")
}

// Another program that subscribes under our id again and again wins the id: a
// leader that held its fence all the while gives up instead of fighting.
func TestFrameworkStolen(t *testing.T) {
	c := begin(t, zktest.Start(t), func(o *sandbox.Options) { o.Schedulers = 1 })
	leader, id := c.leader(), c.leads(1).FrameworkID
	ctx, cancel := context.WithCancel(t.Context())
	stealing := make(chan struct{})
	go func() {
		defer close(stealing)
		for ctx.Err() == nil {
			subscribe(ctx, c.Mesos().MasterURL(), id)
		}
	}()
	code, log := c.exitOf(leader)
	cancel()
	<-stealing
	require.Equal(t, 5, code, "%s", log)
	require.Contains(t, log, "exit 5: ")
	require.Contains(t, log, "another program")
}

// subscribe takes a framework id and keeps the stream until it is taken back.
func subscribe(ctx context.Context, master, id string) {
	body := fmt.Sprintf(`{"type":"SUBSCRIBE","framework_id":{"value":%q},"subscribe":{"framework_info":{"user":"root","name":"thief","id":{"value":%q},
		"roles":["scaleio"],"checkpoint":true,"failover_timeout":1209600,"capabilities":[{"type":"MULTI_ROLE"},{"type":"PARTITION_AWARE"},{"type":"RESERVATION_REFINEMENT"},{"type":"GPU_RESOURCES"}]}}}`, id, id)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, master+"/api/v1/scheduler", bytes.NewBufferString(body))
	if err != nil {
		return
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, resp.Body) // until the master ends the stream
	_ = resp.Body.Close()
}

// What an executor says is taken note of, however broken, and acknowledged, so
// that nothing behind it is stuck.
func TestMalformedReports(t *testing.T) {
	c := begin(t, zktest.Start(t), nil)
	state := c.complete(3)
	node := state.Nodes["host1"]
	agents := c.Mesos().Agents()
	say := func(call map[string]any) {
		t.Helper()
		call["framework_id"] = map[string]string{"value": state.Framework.ID}
		call["executor_id"] = map[string]string{"value": node.Launch.ExecutorID}
		data, err := json.Marshal(call)
		require.NoError(t, err)
		resp, err := http.Post("http://"+agents[0].Addr()+"/api/v1/executor", "application/json", bytes.NewReader(data))
		require.NoError(t, err)
		text, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, http.StatusAccepted, resp.StatusCode, "%s", text)
	}
	refused := func(want string) {
		t.Helper()
		c.eventually(func() bool {
			state, err := c.State(t.Context())
			return err == nil && state.Nodes["host1"].Refused != nil && state.Nodes["host1"].Refused.What == want
		}, "the "+want+" is not recorded")
	}
	say(map[string]any{"type": "MESSAGE", "message": map[string]any{"data": []byte("\xff{no JSON")}})
	refused("message")
	say(map[string]any{"type": "UPDATE", "update": map[string]any{"status": map[string]any{
		"task_id": map[string]string{"value": node.Launch.TaskID}, "state": "TASK_RUNNING", "source": "SOURCE_EXECUTOR",
		"uuid": []byte("0123456789abcdef"), "data": []byte(`{"v": 77}`),
	}}})
	refused("status update of " + node.Launch.TaskID)
	c.eventually(func() bool { return c.Mesos().Unacknowledged(node.Launch.TaskID) == 0 }, "the update is not acknowledged")

	// The host is served on: a host that joins needs a new round of its leader.
	_, err := c.AddHost()
	require.NoError(t, err)
	after := c.complete(4)
	require.Equal(t, model.TaskRunning, after.Nodes["host1"].State)
	require.Equal(t, uint64(1), after.Epoch)
}

// ZooKeeper that is away for less than the lease costs nothing; away for more
// than three sessions it ends the leader.
func TestZooKeeperFrozen(t *testing.T) {
	zk := zktest.StartOwn(t, zktest.Options{})
	c := begin(t, zk, func(o *sandbox.Options) { o.SessionTimeout = 4 * time.Second })
	leader := c.leader()
	require.NoError(t, zk.Freeze(0))
	time.Sleep(time.Second) // the lease lasts 2.6 s
	require.NoError(t, zk.Thaw(0))
	state := c.complete(3)
	require.Equal(t, uint64(1), state.Epoch, "no failover")
	require.Empty(t, leader.Exits())

	c.noSecretShows()
	c.cutOff = true
	require.NoError(t, zk.Freeze(0))
	code, log := c.exitOf(leader)
	require.NoError(t, zk.Thaw(0))
	require.Equal(t, 4, code, "%s", log)
	require.Contains(t, log, "exit 4: ")
	require.Equal(t, state.Framework.ID, c.leads(2).FrameworkID)
}
