package mesostest_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"
)

// A task runs in a real process, in both encodings, from the offer to the last acknowledgement.
func TestLaunchInBothEncodings(t *testing.T) {
	for _, media := range []string{"application/json", "application/x-protobuf"} {
		t.Run(media, func(t *testing.T) {
			cluster := newCluster(t, nil)
			agent := addAgent(t, cluster, "node1")
			d := newDriver(t, cluster.MasterURL(), media)
			d.subscribe()
			offer := d.offer()
			require.Equal(t, "node1", offer.Hostname)
			require.Equal(t, agent.ID(), offer.AgentID.Value)

			task := taskWithExecutor(t, offer, "t1", "exec", "plain")
			task.Data = []byte("payload")
			d.accept(offer, 0, task)
			status := d.running("t1")
			require.Equal(t, "payload", string(status.Data))
			require.Equal(t, mesos.SOURCE_EXECUTOR, status.GetSource())
			require.EqualValues(t, agent.ExecutorPID("exec"), *status.ContainerStatus.ExecutorPID)
			require.Equal(t, map[string]int{"t1": 1}, cluster.Launches())

			d.message(agent, "exec", "hello")
			message := d.next(scheduler.Event_MESSAGE).Message
			require.Equal(t, "hello", string(message.Data))
			require.Equal(t, "exec", message.ExecutorID.Value)

			d.call(&scheduler.Call{Type: scheduler.Call_KILL, Kill: &scheduler.Call_Kill{TaskID: mesos.TaskID{Value: "t1"}}})
			d.acknowledge(d.status("t1", mesos.TASK_KILLED))
			require.Empty(t, cluster.Tasks())
		})
	}
}

// The executor finds in its environment what a Mesos agent tells it, what the agent's flag adds, and nothing else of ours.
func TestExecutorEnvironment(t *testing.T) {
	t.Setenv("MESOSTEST_MUST_NOT_LEAK", "1")
	cluster := newCluster(t, nil)
	agent := addAgent(t, cluster, "node1")
	d := newDriver(t, cluster.MasterURL(), "application/x-protobuf")
	d.subscribe()
	d.launch("t1")
	environ, err := os.ReadFile("/proc/" + strconv.Itoa(agent.ExecutorPID("exec")) + "/environ")
	require.NoError(t, err)
	variables := environment(string(environ), "\x00")
	want := map[string]string{
		"MESOS_AGENT_ENDPOINT": agent.Addr(), "MESOS_FRAMEWORK_ID": d.info.ID.Value, "MESOS_EXECUTOR_ID": "exec",
		"MESOS_SLAVE_ID": agent.ID(), "MESOS_DIRECTORY": agent.Sandbox("exec"), "MESOS_SANDBOX": agent.Sandbox("exec"),
		"MESOS_CHECKPOINT": "1", "MESOS_RECOVERY_TIMEOUT": "15mins", "MESOS_SUBSCRIPTION_BACKOFF_MAX": "2secs",
		"MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD": "5secs", "MESOS_HTTP_COMMAND_EXECUTOR": "0",
		"MESOS_SLAVE_PID": "slave(1)@" + agent.Addr(), "LIBPROCESS_IP": "127.0.0.1", "LIBPROCESS_PORT": "0",
		"PWD": agent.Sandbox("exec"), "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"SIO_HOST_ROOT": "/host/node1", "MESOSTEST_EXECUTOR": "plain",
	}
	require.Equal(t, want, variables)
	output, err := os.ReadFile(filepath.Join(agent.Sandbox("exec"), "stdout"))
	require.NoError(t, err)
	require.Contains(t, string(output), "executor starts")
	require.Contains(t, string(output), "argument")
}

// The second task of an executor goes to the process that runs already; another ExecutorInfo under its id is refused.
func TestOneExecutorPerID(t *testing.T) {
	cluster := newCluster(t, nil)
	agent := addAgent(t, cluster, "node1")
	d := newDriver(t, cluster.MasterURL(), "application/x-protobuf")
	d.subscribe()
	offer := d.offer()
	d.accept(offer, 0, taskWithExecutor(t, offer, "t1", "exec", "plain"))
	d.running("t1")
	pid := agent.ExecutorPID("exec")
	offer = d.offer()
	require.Equal(t, []mesos.ExecutorID{{Value: "exec"}}, offer.ExecutorIDs)
	d.accept(offer, 0, taskWithExecutor(t, offer, "t2", "exec", "plain"), taskWithExecutor(t, offer, "t3", "exec", "other"))
	refused := d.status("t3", mesos.TASK_ERROR)
	require.Equal(t, mesos.REASON_TASK_INVALID, refused.GetReason())
	require.Nil(t, refused.UUID)
	d.running("t2")
	require.Equal(t, pid, agent.ExecutorPID("exec"))
}

// The files of a command come over HTTP, executable where asked, and the command runs from the sandbox.
func TestFetch(t *testing.T) {
	program, err := os.Executable()
	require.NoError(t, err)
	files := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/artifacts/run" {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write([]byte("#!/bin/sh\nexec " + program + " fetched\n"))
	}))
	defer files.Close()
	cluster := newCluster(t, nil)
	agent := addAgent(t, cluster, "node1")
	d := newDriver(t, cluster.MasterURL(), "application/json")
	d.subscribe()
	offer := d.offer()
	executable, relative := true, "./run"
	good := taskWithExecutor(t, offer, "good", "good", "plain")
	good.Executor.Command.Value, good.Executor.Command.Arguments = &relative, []string{"run"}
	good.Executor.Command.URIs = []mesos.CommandInfo_URI{{Value: files.URL + "/artifacts/run", Executable: &executable}}
	bad := taskWithExecutor(t, offer, "bad", "bad", "plain")
	bad.Executor.Command.URIs = []mesos.CommandInfo_URI{{Value: files.URL + "/artifacts/missing"}}
	d.accept(offer, 0, good, bad)

	failed := d.status("bad", mesos.TASK_FAILED)
	require.Equal(t, mesos.REASON_CONTAINER_LAUNCH_FAILED, failed.GetReason())
	require.Equal(t, mesos.SOURCE_AGENT, failed.GetSource())
	require.Regexp(t, `^Failed to launch container: Failed to fetch all URIs for container '[0-9a-f-]{36}': exited with status 1$`,
		failed.GetMessage())
	require.Len(t, failed.UUID, 16)
	d.taken = 0
	d.running("good")
	require.FileExists(t, filepath.Join(agent.Sandbox("good"), "run"))
}

// An executor that exits takes its tasks with it: FAILURE with the raw wait status, then TASK_FAILED.
func TestExecutorExit(t *testing.T) {
	for name, test := range map[string]struct {
		mode   string
		end    func(d *driver, exec func(string), kill func())
		status int32
	}{
		"exit at once":                {"exit3", func(*driver, func(string), func()) {}, 3 << 8},
		"exit by order":               {"plain", func(d *driver, tell func(string), _ func()) { d.running("t1"); tell("exit 7") }, 7 << 8},
		"killed":                      {"plain", func(d *driver, _ func(string), kill func()) { d.running("t1"); kill() }, 9},
		"command that does not exist": {"missing", func(*driver, func(string), func()) {}, 1 << 8},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := newCluster(t, nil)
			agent := addAgent(t, cluster, "node1")
			d := newDriver(t, cluster.MasterURL(), "application/x-protobuf")
			d.subscribe()
			offer := d.offer()
			task := taskWithExecutor(t, offer, "t1", "exec", test.mode)
			if test.mode == "missing" {
				missing := "/no/such/binary"
				task.Executor.Command.Value = &missing
			}
			d.accept(offer, 0, task)
			test.end(d, func(text string) { d.message(agent, "exec", text) }, func() { require.NoError(t, agent.KillExecutor("exec")) })
			failure := d.next(scheduler.Event_FAILURE).Failure
			require.Equal(t, test.status, *failure.Status)
			require.Equal(t, "exec", failure.ExecutorID.Value)
			status := d.status("t1", mesos.TASK_FAILED)
			require.Equal(t, mesos.REASON_EXECUTOR_TERMINATED, status.GetReason())
			require.Equal(t, "Executor terminated", status.GetMessage())
			d.acknowledge(status)
			require.Zero(t, agent.ExecutorPID("exec"))
		})
	}
}

// SHUTDOWN ends a willing executor at once, and a stubborn one by SIGKILL after its grace period.
func TestShutdown(t *testing.T) {
	for mode, want := range map[string]int32{"plain": 0, "stubborn": 9} {
		t.Run(mode, func(t *testing.T) {
			cluster := newCluster(t, nil)
			agent := addAgent(t, cluster, "node1")
			d := newDriver(t, cluster.MasterURL(), "application/x-protobuf")
			d.subscribe()
			offer := d.offer()
			d.accept(offer, 0, taskWithExecutor(t, offer, "t1", "exec", mode))
			d.running("t1")
			began := time.Now()
			d.call(&scheduler.Call{Type: scheduler.Call_SHUTDOWN, Shutdown: &scheduler.Call_Shutdown{
				AgentID: mesos.AgentID{Value: agent.ID()}, ExecutorID: mesos.ExecutorID{Value: "exec"},
			}})
			require.Equal(t, want, *d.next(scheduler.Event_FAILURE).Failure.Status)
			if mode == "stubborn" {
				require.GreaterOrEqual(t, time.Since(began), 200*time.Millisecond)
			}
			d.status("t1", mesos.TASK_FAILED)
		})
	}
}

// Updates come one at a time, again and again until acknowledged, and at once after a new subscription.
func TestUpdateRetry(t *testing.T) {
	cluster := newCluster(t, nil)
	addAgent(t, cluster, "node1")
	d := newDriver(t, cluster.MasterURL(), "application/x-protobuf")
	d.subscribe()
	offer := d.offer()
	d.accept(offer, 3600, taskWithExecutor(t, offer, "t1", "exec", "plain"))
	first := d.status("t1", mesos.TASK_STARTING)
	require.Eventually(t, func() bool { return cluster.Unacknowledged("t1") == 2 }, patience, 5*time.Millisecond)
	again := d.status("t1", mesos.TASK_STARTING)
	require.Equal(t, first.UUID, again.UUID)
	d.subscribe()
	d.acknowledge(d.status("t1", mesos.TASK_STARTING))
	running := d.status("t1", mesos.TASK_RUNNING)
	// A second acknowledgement of an old update does no harm to the one under way.
	d.acknowledge(first)
	require.Equal(t, 1, cluster.Unacknowledged("t1"))
	d.acknowledge(running)
	require.Zero(t, cluster.Unacknowledged("t1"))
	// Whatever was repeated before is in the stream before this answer.
	d.call(reconcile(question("t1")))
	d.match("answer", func(e *scheduler.Event) bool {
		return e.Type == scheduler.Event_UPDATE && e.Update.Status.GetReason() == mesos.REASON_RECONCILIATION
	})
	d.none("update", 300*time.Millisecond, func(e *scheduler.Event) bool { return e.Type == scheduler.Event_UPDATE })
}

// A task with a command of its own is run by the agent, and ends in the way of its process.
func TestCommandTasks(t *testing.T) {
	cluster := newCluster(t, nil)
	addAgent(t, cluster, "node1")
	d := newDriver(t, cluster.MasterURL(), "application/json", mesos.FrameworkInfo_Capability_TASK_KILLING_STATE)
	d.subscribe()
	offer := d.offer()
	task := func(id, line string) mesos.TaskInfo {
		return mesos.TaskInfo{
			Name: id, TaskID: mesos.TaskID{Value: id}, AgentID: offer.AgentID, Resources: small(), Command: &mesos.CommandInfo{Value: &line},
		}
	}
	d.accept(offer, 3600, task("seven", "exit 7"), task("long", "exec sleep 600"))
	d.running("seven")
	failed := d.status("seven", mesos.TASK_FAILED)
	require.Equal(t, "Command exited with status 7", failed.GetMessage())
	d.taken = 0
	d.running("long")
	d.call(&scheduler.Call{Type: scheduler.Call_KILL, Kill: &scheduler.Call_Kill{TaskID: mesos.TaskID{Value: "long"}}})
	d.acknowledge(d.status("long", mesos.TASK_KILLING))
	killed := d.status("long", mesos.TASK_KILLED)
	require.Equal(t, "Command terminated with signal Terminated", killed.GetMessage())
}
