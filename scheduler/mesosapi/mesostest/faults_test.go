package mesostest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"scaleio-framework/scheduler/mesosapi/mesostest"
)

func subscribed(t *testing.T, change func(*mesostest.Options), capabilities ...mesos.FrameworkInfo_Capability_Type) (
	*mesostest.Cluster, *mesostest.Agent, *driver,
) {
	t.Helper()
	cluster := newCluster(t, change)
	agent := addAgent(t, cluster, "node1")
	d := newDriver(t, cluster.MasterURL(), "application/x-protobuf", capabilities...)
	d.subscribe()
	return cluster, agent, d
}

func reconcile(tasks ...scheduler.Call_Reconcile_Task) *scheduler.Call {
	return &scheduler.Call{Type: scheduler.Call_RECONCILE, Reconcile: &scheduler.Call_Reconcile{Tasks: tasks}}
}

func question(task string) scheduler.Call_Reconcile_Task {
	return scheduler.Call_Reconcile_Task{TaskID: mesos.TaskID{Value: task}}
}

// The last subscription under an id wins: the first stream is told and ends, and its id is worth nothing any more.
func TestFrameworkFailover(t *testing.T) {
	cluster, _, first := subscribed(t, nil)
	second := newDriver(t, cluster.MasterURL(), "application/x-protobuf")
	second.info.ID = first.info.ID
	second.subscribe()
	require.Equal(t, "Framework failed over", first.next(scheduler.Event_ERROR).Error.Message)
	require.Eventually(t, func() bool { first.mu.Lock(); defer first.mu.Unlock(); return first.eof }, patience, time.Millisecond)
	response := first.post(&scheduler.Call{Type: scheduler.Call_REVIVE, FrameworkID: first.info.ID})
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusBadRequest, response.StatusCode)
	second.call(&scheduler.Call{Type: scheduler.Call_REVIVE})
	require.Equal(t, 2, cluster.Subscribes())
}

// A framework that stays away longer than its failover timeout is removed for good, and its executors end.
func TestFailoverTimeout(t *testing.T) {
	cluster := newCluster(t, nil)
	agent := addAgent(t, cluster, "node1")
	d := newDriver(t, cluster.MasterURL(), "application/x-protobuf")
	timeout := 0.2
	d.info.FailoverTimeout = &timeout
	d.subscribe()
	d.launch("t1")
	d.disconnect()
	require.Eventually(t, func() bool { return len(cluster.Frameworks()) == 0 }, patience, 5*time.Millisecond)
	require.Eventually(t, func() bool { return agent.ExecutorPID("exec") == 0 }, patience, 5*time.Millisecond)
	d.open()
	require.Equal(t, "Framework has been removed", d.next(scheduler.Event_ERROR).Error.Message)
}

// Declined resources stay away for the refusal, come at once after REVIVE, and come when they have grown.
func TestRefuseFilters(t *testing.T) {
	cluster, _, d := subscribed(t, nil)
	hour := 3600.0
	d.decline(d.offer(), &mesos.Filters{RefuseSeconds: &hour})
	d.noOffer(200 * time.Millisecond)
	d.call(&scheduler.Call{Type: scheduler.Call_REVIVE})
	offer := d.offer()

	// The rest of the agent is refused; what a finished task gives back makes the offer larger than the refused one.
	d.accept(offer, 3600, taskWithExecutor(t, offer, "t1", "exec", "plain"))
	d.running("t1")
	d.noOffer(100 * time.Millisecond)
	d.call(&scheduler.Call{Type: scheduler.Call_KILL, Kill: &scheduler.Call_Kill{TaskID: mesos.TaskID{Value: "t1"}}})
	offer = d.offer()

	short := 0.1
	d.decline(offer, &mesos.Filters{RefuseSeconds: &short})
	offer = d.offer()
	d.call(&scheduler.Call{Type: scheduler.Call_SUPPRESS})
	d.decline(offer, &mesos.Filters{RefuseSeconds: &short})
	d.noOffer(300 * time.Millisecond)
	d.call(&scheduler.Call{Type: scheduler.Call_REVIVE})
	d.offer()
	require.Len(t, cluster.Frameworks(), 1)
}

// Offers of a new agent come at once, and two frameworks never hold the same resources.
func TestOffersAreExclusive(t *testing.T) {
	cluster, _, first := subscribed(t, nil)
	first.offer()
	second := newDriver(t, cluster.MasterURL(), "application/json")
	second.subscribe()
	second.noOffer(100 * time.Millisecond)
	addAgent(t, cluster, "node2")
	require.Equal(t, "node2", second.offer().Hostname)
	first.noOffer(50 * time.Millisecond)
	first.disconnect()
	require.Equal(t, "node1", second.offer().Hostname)
}

// Agents with GPUs are offered only to frameworks that say they can use them.
func TestGPUAgents(t *testing.T) {
	cluster := newCluster(t, nil)
	_, err := cluster.AddAgent(mesostest.AgentOptions{Hostname: "gpu", GPUs: 1})
	require.NoError(t, err)
	plain := newDriver(t, cluster.MasterURL(), "application/json")
	plain.subscribe()
	plain.noOffer(100 * time.Millisecond)
	able := newDriver(t, cluster.MasterURL(), "application/json", mesos.FrameworkInfo_Capability_GPU_RESOURCES)
	able.subscribe()
	able.offer()
}

// An agent's restart leaves the executor alone; the executor subscribes again and no update is lost or doubled in meaning.
func TestAgentRestart(t *testing.T) {
	cluster, agent, d := subscribed(t, nil)
	d.launch("t1")
	pid := agent.ExecutorPID("exec")
	require.NoError(t, agent.Stop())
	require.NoError(t, syscall.Kill(pid, 0))
	require.NoError(t, agent.Start())
	// Clears the filter of the launch: the next offer says that the agent is back.
	d.call(&scheduler.Call{Type: scheduler.Call_REVIVE})
	d.offer()
	require.Equal(t, pid, agent.ExecutorPID("exec"))
	d.message(agent, "exec", "status after")
	status := d.match("data", func(e *scheduler.Event) bool {
		return e.Type == scheduler.Event_UPDATE && string(e.Update.Status.Data) == "after"
	}).Update.Status
	d.acknowledge(status)
	require.Zero(t, cluster.Unacknowledged("t1"))
	d.call(&scheduler.Call{Type: scheduler.Call_KILL, Kill: &scheduler.Call_Kill{TaskID: mesos.TaskID{Value: "t1"}}})
	d.status("t1", mesos.TASK_KILLED)
}

// An update that nobody acknowledged before the agent's restart comes again after it, with the same uuid.
func TestAgentRestartKeepsUpdates(t *testing.T) {
	_, agent, d := subscribed(t, func(o *mesostest.Options) { o.UpdateRetry = time.Hour; o.UpdateRetryMax = time.Hour })
	d.launch("t1")
	d.message(agent, "exec", "status kept")
	kept := func() []byte {
		return d.match("kept", func(e *scheduler.Event) bool {
			return e.Type == scheduler.Event_UPDATE && string(e.Update.Status.Data) == "kept"
		}).Update.Status.UUID
	}
	before := kept()
	require.NoError(t, agent.Restart())
	require.Equal(t, before, kept())
}

// A stopped agent's offers are rescinded; after the timeout its tasks are lost, and running again when it returns.
func TestAgentLossAndReturn(t *testing.T) {
	for name, test := range map[string]struct {
		capabilities []mesos.FrameworkInfo_Capability_Type
		state        mesos.TaskState
		lose         func(*testing.T, *mesostest.Agent)
		back         func(*testing.T, *mesostest.Agent)
	}{
		"cut off": {
			nil, mesos.TASK_LOST,
			func(_ *testing.T, a *mesostest.Agent) { a.Lose() }, func(_ *testing.T, a *mesostest.Agent) { a.Return() },
		},
		"partition aware": {
			[]mesos.FrameworkInfo_Capability_Type{mesos.FrameworkInfo_Capability_PARTITION_AWARE},
			mesos.TASK_UNREACHABLE,
			func(_ *testing.T, a *mesostest.Agent) { a.Lose() }, func(_ *testing.T, a *mesostest.Agent) { a.Return() },
		},
		"stopped": {
			nil, mesos.TASK_LOST,
			func(t *testing.T, a *mesostest.Agent) { require.NoError(t, a.Stop()) },
			func(t *testing.T, a *mesostest.Agent) { require.NoError(t, a.Start()) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			cluster, agent, d := subscribed(t, nil, test.capabilities...)
			offer := d.offer()
			d.accept(offer, 0, taskWithExecutor(t, offer, "t1", "exec", "plain"))
			d.running("t1")
			rest := d.offer()
			test.lose(t, agent)
			require.Equal(t, rest.ID, d.next(scheduler.Event_RESCIND).Rescind.OfferID)
			lost := d.status("t1", test.state)
			require.Equal(t, mesos.REASON_AGENT_REMOVED, lost.GetReason())
			require.Nil(t, lost.UUID)
			require.NotNil(t, lost.UnreachableTime)
			failure := d.next(scheduler.Event_FAILURE).Failure
			require.Nil(t, failure.ExecutorID)
			require.Equal(t, agent.ID(), failure.AgentID.Value)
			d.call(reconcile(question("t1")))
			again := d.status("t1", test.state)
			require.Equal(t, "Reconciliation: Task is unreachable", again.GetMessage())
			test.back(t, agent)
			back := d.status("t1", mesos.TASK_RUNNING)
			require.Equal(t, mesos.REASON_AGENT_REREGISTERED, back.GetReason())
			require.Nil(t, back.UUID)
			d.offer()
			require.Len(t, cluster.Tasks(), 1)
		})
	}
}

// A reboot kills every process of the host; what the framework hears depends on the agent's id.
func TestReboot(t *testing.T) {
	for name, newID := range map[string]bool{"same id": false, "new id": true} {
		t.Run(name, func(t *testing.T) {
			cluster, agent, d := subscribed(t, func(o *mesostest.Options) { o.AgentTimeout = time.Hour })
			d.launch("t1")
			pid, before := agent.ExecutorPID("exec"), agent.ID()
			require.NoError(t, agent.Reboot(newID))
			require.Eventually(t, func() bool { return syscall.Kill(pid, 0) != nil }, patience, 5*time.Millisecond)
			lost := d.status("t1", mesos.TASK_LOST)
			require.Nil(t, lost.UUID)
			require.Equal(t, newID, agent.ID() != before)
			if newID {
				require.Equal(t, mesos.REASON_AGENT_REMOVED, lost.GetReason())
				require.Equal(t, before, d.next(scheduler.Event_FAILURE).Failure.AgentID.Value)
			}
			offer := d.offer()
			require.Equal(t, agent.ID(), offer.AgentID.Value)
			require.Empty(t, cluster.Tasks())
			d.accept(offer, 0, taskWithExecutor(t, offer, "t2", "exec", "plain"))
			d.running("t2")
		})
	}
}

// An operator's MARK_AGENT_GONE ends the agent for good.
func TestMarkGone(t *testing.T) {
	_, agent, d := subscribed(t, nil, mesos.FrameworkInfo_Capability_PARTITION_AWARE)
	d.launch("t1")
	require.NoError(t, agent.MarkGone())
	gone := d.status("t1", mesos.TASK_GONE_BY_OPERATOR)
	require.Equal(t, mesos.REASON_AGENT_REMOVED_BY_OPERATOR, gone.GetReason())
	d.next(scheduler.Event_FAILURE)
	require.Zero(t, agent.ExecutorPID("exec"))
}

// A new master knows nothing until agents and frameworks come; explicit questions wait for the agents.
func TestMasterFailover(t *testing.T) {
	cluster, agent, d := subscribed(t, func(o *mesostest.Options) { o.ReregisterDelay = 2 * time.Second }) // time to ask meanwhile
	d.launch("t1")
	old := cluster.MasterURL()
	require.NoError(t, cluster.FailoverMaster(context.Background()))
	require.Eventually(t, func() bool { d.mu.Lock(); defer d.mu.Unlock(); return d.eof }, patience, time.Millisecond)
	require.NotEqual(t, old, cluster.MasterURL())
	require.Empty(t, cluster.Frameworks())
	id := d.info.ID.Value
	d.url = cluster.MasterURL()
	d.subscribe()
	require.Equal(t, id, d.info.ID.Value)
	d.call(reconcile(question("t1")))
	d.none("answer", 50*time.Millisecond, func(e *scheduler.Event) bool { return e.Type == scheduler.Event_UPDATE })
	d.offer()
	d.call(reconcile(question("t1"), question("t2")))
	answer := d.status("t1", mesos.TASK_RUNNING)
	require.Equal(t, mesos.REASON_RECONCILIATION, answer.GetReason())
	d.status("t2", mesos.TASK_LOST)
	d.call(reconcile())
	d.status("t1", mesos.TASK_RUNNING)
	d.message(agent, "exec", "status new")
	d.acknowledge(d.status("t1", mesos.TASK_RUNNING))
	require.Zero(t, cluster.Unacknowledged("t1"))
}

// Followers redirect to the leader, to a dead one too, until they have forgotten it.
func TestFollowers(t *testing.T) {
	var live atomic.Int32
	var announced atomic.Value
	cluster := newCluster(t, func(o *mesostest.Options) {
		o.RecoveryTime = 2 * time.Second // time to see it
		o.Registrar = registrar(func(data []byte) func() {
			live.Add(1)
			announced.Store(data)
			return func() { live.Add(-1) }
		})
	})
	follower, err := cluster.AddFollower()
	require.NoError(t, err)
	get := func(url string) *http.Response {
		request, err := http.NewRequest(http.MethodGet, url, nil)
		require.NoError(t, err)
		response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
		require.NoError(t, err)
		_, err = io.Copy(io.Discard, response.Body)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		return response
	}
	var info mesos.MasterInfo
	require.NoError(t, json.Unmarshal(announced.Load().([]byte), &info))
	require.Regexp(t, `^http://127.0.0.1:\d+$`, cluster.MasterURL())
	redirected := get(follower.URL() + "/api/v1/scheduler")
	require.Equal(t, http.StatusTemporaryRedirect, redirected.StatusCode)
	require.Regexp(t, `^//localhost:\d+/master/api/v1/scheduler$`, redirected.Header.Get("Location"))
	require.Equal(t, http.StatusServiceUnavailable, get(cluster.MasterURL()+"/api/v1/scheduler").StatusCode)
	require.Eventually(t, func() bool {
		return get(cluster.MasterURL()+"/api/v1/scheduler").StatusCode == http.StatusMethodNotAllowed
	}, patience, 20*time.Millisecond)
	require.EqualValues(t, 1, live.Load())
	require.NoError(t, cluster.KillMaster())
	require.EqualValues(t, 0, live.Load())
	require.Equal(t, redirected.Header.Get("Location"), get(follower.URL()+"/api/v1/scheduler").Header.Get("Location"))
	cluster.ForgetLeader()
	require.Equal(t, http.StatusServiceUnavailable, get(follower.URL()+"/api/v1/scheduler").StatusCode)
	require.NoError(t, cluster.ElectMaster(context.Background()))
	require.Equal(t, http.StatusTemporaryRedirect, get(follower.URL()+"/api/v1/scheduler").StatusCode)
	require.EqualValues(t, 1, live.Load())
}

type registrar func(data []byte) func()

func (r registrar) Register(_ context.Context, data []byte) (func(), error) { return r(data), nil }

// Nothing of a closed cluster is left: no process, no port.
func TestCloseLeavesNothing(t *testing.T) {
	cluster, agent, d := subscribed(t, nil)
	d.launch("t1")
	pid := agent.ExecutorPID("exec")
	require.NoError(t, cluster.Close())
	require.ErrorIs(t, syscall.Kill(pid, 0), syscall.ESRCH)
	_, err := cluster.AddAgent(mesostest.AgentOptions{Hostname: "late"})
	require.Error(t, err)
	require.Error(t, cluster.Start(context.Background()))
}

// An executor that dies while its agent is down is reported when the agent is back.
func TestExecutorDiesWhileAgentIsDown(t *testing.T) {
	_, agent, d := subscribed(t, nil)
	d.launch("t1")
	pid := agent.ExecutorPID("exec")
	require.NoError(t, agent.Stop())
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	require.Eventually(t, func() bool { return agent.ExecutorPID("exec") == 0 }, patience, time.Millisecond, "%s", state(pid))
	require.NoError(t, agent.Start())
	d.acknowledge(d.status("t1", mesos.TASK_FAILED))
}

// An executor that cannot come back in time is killed by the restarted agent.
func TestExecutorTooLateAfterAgentRestart(t *testing.T) {
	_, agent, d := subscribed(t, func(o *mesostest.Options) { o.ExecutorReregisterTimeout = 100 * time.Millisecond })
	d.launch("t1")
	pid := agent.ExecutorPID("exec")
	require.NoError(t, agent.Stop())
	require.NoError(t, syscall.Kill(pid, syscall.SIGSTOP))
	require.NoError(t, agent.Start())
	status := d.status("t1", mesos.TASK_FAILED)
	require.Equal(t, mesos.REASON_EXECUTOR_REREGISTRATION_TIMEOUT, status.GetReason())
	require.Zero(t, agent.ExecutorPID("exec"))
}

// A new master stops waiting for an agent that never comes, and then has an answer about its tasks.
func TestNewMasterGivesUpOnAgents(t *testing.T) {
	cluster, agent, d := subscribed(t, func(o *mesostest.Options) { o.AgentTimeout = 2 * time.Second }) // time to ask meanwhile
	d.launch("t1")
	agent.Lose()
	require.NoError(t, cluster.FailoverMaster(context.Background()))
	d.url = cluster.MasterURL()
	d.subscribe()
	ask := reconcile(scheduler.Call_Reconcile_Task{TaskID: mesos.TaskID{Value: "t1"}, AgentID: &mesos.AgentID{Value: agent.ID()}})
	d.call(ask)
	d.none("answer", 50*time.Millisecond, func(e *scheduler.Event) bool { return e.Type == scheduler.Event_UPDATE })
	require.Eventually(t, func() bool {
		d.call(ask)
		return d.take(func(e *scheduler.Event) bool { return e.Type == scheduler.Event_UPDATE }) != nil
	}, patience, 50*time.Millisecond)
	agent.Return()
	d.status("t1", mesos.TASK_RUNNING)
}

// Offers that have become possible are out within a few milliseconds: bootstraps are measured against them.
func TestOffersAreImmediate(t *testing.T) {
	cluster := newCluster(t, func(o *mesostest.Options) { o.OfferInterval = time.Hour })
	d := newDriver(t, cluster.MasterURL(), "application/x-protobuf")
	d.subscribe()
	addAgent(t, cluster, "node1")
	offer := d.offer()
	d.accept(offer, 0, taskWithExecutor(t, offer, "t1", "exec", "exit3"))
	// The rest of the offer waits for the interval of an hour; the resources of the ended task do not.
	d.acknowledge(d.status("t1", mesos.TASK_FAILED))
	d.offer()
	d.call(&scheduler.Call{Type: scheduler.Call_REVIVE})
	addAgent(t, cluster, "node2")
	require.Equal(t, "node2", d.offer().Hostname)
}

// A daemon that an executor has started in a session of its own outlives the executor, but not its host.
func TestPowerOffKillsDaemons(t *testing.T) {
	cluster := newCluster(t, nil)
	off := false
	agent, err := cluster.AddAgent(mesostest.AgentOptions{Hostname: "node1", OnPowerOff: func() { off = true }})
	require.NoError(t, err)
	d := newDriver(t, cluster.MasterURL(), "application/x-protobuf")
	d.subscribe()
	offer := d.offer()
	line := "setsid sh -c 'echo $$ >pid.new; mv pid.new pid; exec sleep 600' & exec sleep 600"
	d.accept(offer, 0, mesos.TaskInfo{
		Name: "t1", TaskID: mesos.TaskID{Value: "t1"}, AgentID: offer.AgentID, Resources: small(), Command: &mesos.CommandInfo{Value: &line},
	})
	d.running("t1")
	file := filepath.Join(agent.Sandbox("t1"), "pid")
	require.Eventually(t, func() bool { _, err := os.Stat(file); return err == nil }, patience, time.Millisecond)
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	daemon, err := strconv.Atoi(strings.TrimSpace(string(text)))
	require.NoError(t, err)
	require.NoError(t, agent.KillExecutor("t1"))
	d.status("t1", mesos.TASK_FAILED)
	require.True(t, alive(daemon))
	require.NoError(t, agent.PowerOff())
	require.Eventually(t, func() bool { return !alive(daemon) }, patience, time.Millisecond)
	require.True(t, off)
}

// state tells, when it is printed, what the kernel says of a process.
type state int

func (pid state) String() string {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(int(pid)) + "/status")
	return fmt.Sprintf("process %d: %v %s", pid, err, text)
}

// alive is whether a process runs; one that has died and that nobody has reaped does not.
func alive(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(rest, "Z")
}

// The operator's endpoints show what is there.
func TestOperatorEndpoints(t *testing.T) {
	cluster, agent, d := subscribed(t, nil)
	d.launch("t1")
	get := func(path string) map[string]any {
		response, err := d.client.Get(cluster.MasterURL() + path)
		require.NoError(t, err)
		defer response.Body.Close()
		require.Equal(t, http.StatusOK, response.StatusCode)
		require.Equal(t, "application/json", response.Header.Get("Content-Type"))
		body := map[string]any{}
		require.NoError(t, json.NewDecoder(response.Body).Decode(&body))
		return body
	}
	state := get("/master/state")
	require.EqualValues(t, 1, state["activated_slaves"])
	framework := state["frameworks"].([]any)[0].(map[string]any)
	require.Equal(t, d.info.ID.Value, framework["id"])
	require.Equal(t, "TASK_RUNNING", framework["tasks"].([]any)[0].(map[string]any)["state"])
	require.Equal(t, agent.ID(), state["slaves"].([]any)[0].(map[string]any)["id"])
	for path, file := range map[string]string{"/version": "20b-version", "/master/slaves": "20e-slaves", "/master/frameworks": "20d-frameworks"} {
		var recorded map[string]any
		require.NoError(t, json.Unmarshal([]byte(load(t, file).answer), &recorded))
		for key := range recorded {
			require.Contains(t, get(path), key)
		}
	}
}
