package mesostest_test

import (
	"bufio"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/redact"
	"scaleio-framework/scheduler/mesosapi/mesostest"
)

// recorded is the id of the recorded master, which framework, agent and offer ids begin with.
const recorded = "5abe2ba8-535e-4b01-902d-e2737db27b53"

// recordedCluster has the two agents of the recordings.
func recordedCluster(t *testing.T, change func(*mesostest.Options)) (*mesostest.Cluster, string) {
	t.Helper()
	cluster := newCluster(t, change)
	for i, rack := range []string{"r0", "r1"} {
		_, err := cluster.AddAgent(mesostest.AgentOptions{
			Hostname: "agent" + strconv.Itoa(i), Attributes: map[string]string{"rack": rack, "zone": "z1"},
		})
		require.NoError(t, err)
	}
	return cluster, strings.TrimPrefix(cluster.MasterURL(), "http://")
}

// Subscriptions that need no history: accepted ones show what a real master's stream shows first, others the same error.
func TestReplaySubscriptions(t *testing.T) {
	known := shapes(t, "[012]*.http")
	for _, name := range []string{
		"01-subscribe-stream-A", "01b-subscribe-with-stream-id-header", "01c-subscribe-roles-without-multi-role",
		"01d-subscribe-role-with-multi-role", "01e-subscribe-bad-role", "01f-subscribe-negative-failover-timeout",
		"01g-subscribe-huge-failover-timeout", "01h-subscribe-old-style-role", "01i-subscribe-with-principal-unauthenticated",
		"01j-subscribe-no-role-no-capability", "01k-subscribe-duplicate-role", "01l-subscribe-suppressed-role-not-in-roles",
		"12-subscribe-unknown-framework-id", "12b-subscribe-id-in-call-only", "12c-subscribe-id-in-info-only",
		"12d-subscribe-id-mismatch", "12e-subscribe-invalid-framework-id",
		"16-malformed-not-json", "16b-malformed-truncated-json", "16c-json-unknown-type", "16d-json-unknown-field",
		"16e-empty-body", "16f-json-missing-type", "16g-subscribe-missing-framework-info", "16h-framework-info-missing-user",
		"16i-wrong-json-type", "16j-no-content-type", "16k-wrong-content-type", "16l-wrong-accept", "16m-get-method",
		"16n-content-type-with-charset", "16o-unknown-path", "16p-json-array", "13b-call-without-framework-id",
		"13c-call-unknown-framework-id", "20c-health",
	} {
		t.Run(name, func(t *testing.T) {
			r := load(t, name)
			_, addr := recordedCluster(t, nil)
			reader := r.replay(t, addr, strings.NewReplacer())
			for i, want := range r.events[:min(len(r.events), 3)] {
				got, err := readFrame(reader)
				require.NoError(t, err)
				require.Equal(t, kind(want), kind(got), "event %d", i)
				requireShape(t, known, got)
				if kind(want) == "ERROR" {
					require.Equal(t, want, got)
					_, err := readFrame(reader)
					require.ErrorContains(t, err, "EOF", "the stream goes on after an ERROR")
				}
			}
		})
	}
}

// With authentication required: who may subscribe, and under which principal.
func TestReplayAuthentication(t *testing.T) {
	for _, name := range []string{
		"28-auth-subscribe-without-credentials", "28b-auth-subscribe-wrong-secret", "28c-auth-subscribe-principal-absent",
		"28d-auth-subscribe-principal-same", "28e-auth-subscribe-principal-different",
	} {
		t.Run(name, func(t *testing.T) {
			r := load(t, name)
			cluster := newCluster(t, func(o *mesostest.Options) {
				o.Credential = &mesostest.Credential{Principal: "p1", Secret: redact.New("s1")}
			})
			reader := r.replay(t, strings.TrimPrefix(cluster.MasterURL(), "http://"), strings.NewReplacer())
			for _, want := range r.events {
				got, err := readFrame(reader)
				require.NoError(t, err)
				require.Equal(t, kind(want), kind(got))
			}
		})
	}
}

// What followers answer, with and without a leader.
func TestReplayFollower(t *testing.T) {
	for _, name := range []string{
		"18-redirect-subscribe-on-non-leader", "18b-redirect-call-on-non-leader", "18c-redirect-endpoint", "18d-redirect-state",
		"18e-redirect-operator-api", "18f-malformed-on-non-leader", "18h-health-on-non-leader", "18i-no-leader-elected",
	} {
		t.Run(name, func(t *testing.T) {
			r := load(t, name)
			cluster := newCluster(t, nil)
			follower, err := cluster.AddFollower()
			require.NoError(t, err)
			_, port, _ := strings.Cut(strings.TrimPrefix(cluster.MasterURL(), "http://"), ":")
			if strings.HasPrefix(name, "18i") {
				cluster.ForgetLeader()
			}
			r.replay(t, strings.TrimPrefix(follower.URL(), "http://"), strings.NewReplacer("localhost:5060", "localhost:"+port))
		})
	}
}

// replayed is a subscribed framework whose later calls are recorded ones.
type replayed struct {
	t         *testing.T
	cluster   *mesostest.Cluster
	addr      string
	conn      net.Conn
	reader    *bufio.Reader
	framework string
	stream    string
	master    string
	ids       []string
	seen      []map[string]any
	used      map[string]bool
}

func newReplayed(t *testing.T, subscription string, change func(*mesostest.Options)) *replayed {
	t.Helper()
	r := load(t, subscription)
	cluster, addr := recordedCluster(t, change)
	p := &replayed{t: t, cluster: cluster, addr: addr, used: map[string]bool{}}
	p.subscribe(r)
	return p
}

func (p *replayed) subscribe(r recording) {
	p.t.Helper()
	response, reader, text := r.send(p.t, p.addr, p.replacer(), &p.conn)
	require.Equal(p.t, 200, response.StatusCode, text)
	p.stream, p.reader = response.Header.Get("Mesos-Stream-Id"), reader
	subscribed := p.until("SUBSCRIBED")
	p.framework = dig(p.t, subscribed, "subscribed", "framework_id", "value")
	p.master = dig(p.t, subscribed, "subscribed", "master_info", "id")
}

func (p *replayed) until(want string) map[string]any {
	p.t.Helper()
	event, seen := readUntil(p.t, p.reader, want)
	p.seen = append(p.seen, seen...)
	return event
}

func (p *replayed) replacer() *strings.Replacer { return strings.NewReplacer(p.ids...) }

// use replaces the recorded ids of the framework and of its stream from now on, and others as given in pairs.
func (p *replayed) use(framework, stream string, pairs ...string) {
	p.ids = append([]string{
		recorded + "-" + framework, p.framework, stream, p.stream, recorded + "-S", p.master + "-S",
	}, pairs...)
}

func (p *replayed) call(name string) {
	p.t.Helper()
	load(p.t, name).replay(p.t, p.addr, p.replacer())
}

// offerOf is the id of an offer of an agent that has not been used.
func (p *replayed) offerOf(agent string) string {
	p.t.Helper()
	for {
		for _, event := range p.seen {
			list, _ := event["offers"].(map[string]any)
			offers, _ := list["offers"].([]any)
			for _, offer := range offers {
				id := dig(p.t, offer, "id", "value")
				if strings.HasSuffix(dig(p.t, offer, "agent_id", "value"), agent) && !p.used[id] {
					p.used[id] = true
					return id
				}
			}
		}
		p.until("OFFERS")
	}
}

// The calls of one recorded framework, in their order, and the events that they cause.
func TestReplayCallsOfOneFramework(t *testing.T) {
	const stream = "e82fbdde-0ee4-4f5d-a788-3e3eaa1a7fa5"
	p := newReplayed(t, "01-subscribe-stream-A", func(o *mesostest.Options) { o.UpdateRetry = time.Hour; o.UpdateRetryMax = time.Hour })
	p.use("0002", stream, recorded+"-O12", p.offerOf("-S0"), recorded+"-O13", p.offerOf("-S1"))
	p.call("03-accept-launch-command-task")
	p.call("06-decline-with-filters")
	starting := p.until("UPDATE TASK_STARTING SOURCE_EXECUTOR <nil>")
	// The recorded uuid of TASK_STARTING stands for ours.
	p.ids = append(p.ids, "rjqbbFOlQdenoaPsRQoV6w==", dig(t, starting, "update", "status", "uuid"))
	for _, name := range []string{
		"05-acknowledge", "05b-acknowledge-again", "05c-acknowledge-bad-uuid", "05d-acknowledge-short-uuid", "07-suppress",
		"07c-suppress-role", "07e-suppress-role-not-subscribed", "07d-revive-role", "08-reconcile-explicit",
		"08b-reconcile-implicit", "09-kill", "09b-kill-unknown-task", "13-call-without-stream-id", "14-call-with-wrong-stream-id",
		"16n-content-type-with-charset", "19-message-unknown-executor", "19b-shutdown-unknown-executor", "03b-accept-unknown-offer",
	} {
		p.call(name)
	}
	p.until("UPDATE TASK_RUNNING SOURCE_EXECUTOR <nil>")
	p.until("UPDATE TASK_LOST SOURCE_MASTER REASON_INVALID_OFFERS")
	for _, name := range []string{"03c-accept-task-too-big", "03d-accept-task-without-command-or-executor", "03e-accept-nonexistent-binary"} {
		p.call("07b-revive")
		offer := p.offerOf("-S0")
		p.use("0002", stream, recorded+"-O17", offer, recorded+"-O19", offer, recorded+"-O20", offer)
		p.call(name)
	}
	p.until("UPDATE TASK_STARTING SOURCE_EXECUTOR <nil>")
	p.call("10-teardown")
	p.call("10b-call-after-teardown")
	known := shapes(t, "[012]*.http")
	for _, event := range p.seen {
		requireShape(t, known, event)
	}
	again := load(t, "15b-subscribe-after-teardown")
	reader := again.replay(t, p.addr, p.replacer())
	event, err := readFrame(reader)
	require.NoError(t, err)
	require.Equal(t, again.events[0], event)
}

// A second subscription under the id, calls with the old stream, a lost connection, changed FrameworkInfos, an operator's end.
func TestReplayResubscriptions(t *testing.T) {
	p := newReplayed(t, "11-resubscribe-first-connection", nil)
	first, firstStream := p.reader, p.stream
	p.use("0003", "none")
	second := load(t, "11b-resubscribe-second-connection")
	p.subscribe(second)
	failedOver, _ := readUntil(t, first, "ERROR")
	require.Equal(t, "Framework failed over", dig(t, failedOver, "error", "message"))
	p.use("0003", "bd3cbb99-8d38-4230-884a-d87521252c07")
	p.ids = append(p.ids, "unused", firstStream)
	// The recorded first stream id stands for our first one here, not for the present one.
	p.ids[3] = firstStream
	p.call("11c-old-stream-id-after-resubscribe")
	for _, name := range []string{
		"11f-resubscribe-changed-user", "11g-resubscribe-changed-checkpoint",
		"11h-resubscribe-changed-principal", "11i-resubscribe-changed-roles-name", "11j-resubscribe-dropped-capability-multi-role",
	} {
		r := load(t, name)
		p.use("0006", "none")
		reader := r.replay(t, p.addr, p.replacer())
		event, err := readFrame(reader)
		require.NoError(t, err)
		require.Equal(t, kind(r.events[0]), kind(event), name)
		if kind(event) == "ERROR" {
			require.Equal(t, r.events[0], event)
		}
	}
}

// Known but without a stream, then forgotten: what calls and subscriptions get.
func TestReplayDisconnected(t *testing.T) {
	for subscription, test := range map[string]struct {
		framework string
		calls     []string
	}{
		"11-resubscribe-first-connection": {"0003", []string{"11d-call-while-disconnected"}},
	} {
		p := newReplayed(t, subscription, nil)
		p.use(test.framework, "3c8af388")
		disconnect(t, p)
		for _, name := range test.calls {
			p.call(name)
		}
		p.subscribe(load(t, "11e-resubscribe-after-disconnect"))
	}
}

// After its failover timeout, or at once when it has none, a framework is gone: 400 for calls, ERROR for subscriptions.
func TestReplayRemoved(t *testing.T) {
	for _, test := range []struct{ framework, call, subscribe string }{
		{"0004", "15-call-after-failover-timeout", "15-subscribe-after-failover-timeout"},
		{"0005", "15c-call-failover-timeout-zero", "15c-subscribe-failover-timeout-zero"},
	} {
		r := load(t, "01-subscribe-stream-A")
		cluster, addr := recordedCluster(t, nil)
		p := &replayed{t: t, cluster: cluster, addr: addr, used: map[string]bool{}}
		r.body = strings.Replace(r.body, "3600.0", "0.0", 1)
		p.subscribe(r)
		disconnect(t, p)
		require.Empty(t, cluster.Frameworks())
		p.use(test.framework, "none")
		p.call(test.call)
		again := load(t, test.subscribe)
		event, err := readFrame(again.replay(t, addr, p.replacer()))
		require.NoError(t, err)
		require.Equal(t, again.events[0], event)
	}
}

// Two calls on one connection, then the operator's end of the framework.
func TestReplayKeepAliveAndTeardown(t *testing.T) {
	p := newReplayed(t, "10d-operator-teardown-stream", nil)
	r := load(t, "17-keepalive-two-calls")
	call, _, _ := strings.Cut(r.body, "POST ")
	p.use("0011", "7d4a760e-d95d-44c6-88c1-7fe28855bd63")
	body := p.replacer().Replace(call)
	head := strings.Replace(p.replacer().Replace(r.request), "Content-Length: 104", "Content-Length: "+strconv.Itoa(len(body)), 1)
	r.request, r.body = head, body+head+"\r\n\r\n"+body
	conn := dial(t, p.addr)
	_, err := conn.Write([]byte(head + "\r\n\r\n" + r.body))
	require.NoError(t, err)
	reader := bufio.NewReader(conn)
	for range 2 {
		response, err := http.ReadResponse(reader, nil)
		require.NoError(t, err)
		require.Equal(t, http.StatusAccepted, response.StatusCode)
	}
	p.call("10c-operator-teardown-request")
	for {
		if _, err := readFrame(p.reader); err != nil {
			break
		}
	}
	require.Empty(t, p.cluster.Frameworks())
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn, err := net.DialTimeout("tcp", addr, patience)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(patience)))
	return conn
}

func disconnect(t *testing.T, p *replayed) {
	t.Helper()
	require.NoError(t, p.conn.Close())
	require.Eventually(t, func() bool {
		for _, f := range p.cluster.Frameworks() {
			if f.Connected {
				return false
			}
		}
		return true
	}, patience, time.Millisecond)
}

// The test plays the executor of the recordings: a process runs in its place, and the recorded requests come from here.
func TestReplayExecutor(t *testing.T) {
	p := newReplayed(t, "21b-stream-custom-executor", nil)
	agent := p.cluster.Agents()[0]
	p.use("0016", "5b497a42-26ca-4787-8b27-984360861aa3", recorded+"-O70", p.offerOf("-S0"),
		"exec /usr/local/lib/python-3.11.7/bin/python3 /opt/mesos/tools/executor.py arg1", "exec sleep 600")
	p.call("21-accept-launch-custom-executor")
	require.Eventually(t, func() bool { return agent.ExecutorPID("exec-1") != 0 }, patience, time.Millisecond)
	requireRecordedEnvironment(t, agent.ExecutorPID("exec-1"))

	executor := func(name string) *bufio.Reader {
		return load(t, filepath.Join("executor", name)).replay(t, agent.Addr(), p.replacer())
	}
	executor("executor-02-error-update-before-subscribe")
	executor("executor-03-error-subscribe-wrong-executor-id")
	executor("executor-04-error-subscribe-wrong-framework-id")
	executor("executor-05-error-malformed")
	events := executor("executor-01-stream")
	var seen []map[string]any
	until := func(want string) {
		t.Helper()
		_, some := readUntil(t, events, want)
		seen = append(seen, some...)
	}
	until("LAUNCH")
	executor("executor-06-update-task_starting")
	until("ACKNOWLEDGED")
	executor("executor-07-update-task_running")
	until("ACKNOWLEDGED")
	p.until("UPDATE TASK_STARTING SOURCE_EXECUTOR <nil>")
	executor("executor-10-message")
	p.until("MESSAGE")
	p.call("19c-message-to-executor")
	until("MESSAGE")
	p.call("19d-shutdown-executor")
	until("SHUTDOWN")
	executor("executor-11-update-task_killed")
	until("ACKNOWLEDGED")
	known := shapes(t, "executor*/*.http")
	for _, event := range seen {
		requireShape(t, known, event)
	}
	known = shapes(t, "[012]*.http")
	for _, event := range p.seen {
		requireShape(t, known, event)
	}
}

// requireRecordedEnvironment compares the names that a real agent gave its executor with ours.
func requireRecordedEnvironment(t *testing.T, pid int) {
	t.Helper()
	want, err := os.ReadFile(filepath.Join(recordings, "executor", "executor-00-env.txt"))
	require.NoError(t, err)
	variables, _, _ := strings.Cut(string(want), "\n\n")
	names := environment(variables, "\n")
	// Set by the interpreter that recorded it.
	delete(names, "LC_CTYPE")
	var got []byte
	require.Eventually(t, func() bool {
		// It is empty while the shell becomes the program.
		got, err = os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
		return err == nil && len(got) > 0
	}, patience, time.Millisecond)
	ours := environment(string(got), "\x00")
	for name := range names {
		require.Contains(t, ours, name)
	}
	for name := range ours {
		require.Contains(t, names, name)
	}
}

// The events of a lost and returned agent, of a failed fetch and of a dead executor look like the recorded ones.
func TestShapesOfFaults(t *testing.T) {
	known := shapes(t, "[012]*.http")
	for _, subscription := range []string{"24b-stream-agent-lost", "26-stream-partition-aware"} {
		p := newReplayed(t, subscription, nil)
		d := &driver{t: t, url: "http://" + p.addr, media: "application/json", streamID: p.stream, client: &http.Client{
			Transport: &http.Transport{DisableKeepAlives: true},
		}, info: &mesos.FrameworkInfo{ID: &mesos.FrameworkID{Value: p.framework}}}
		agent := p.cluster.Agents()[0]
		offer := mesos.Offer{ID: mesos.OfferID{Value: p.offerOf("-S0")}, AgentID: mesos.AgentID{Value: agent.ID()}}
		fetched := taskWithExecutor(t, offer, "fetch", "fetch", "plain")
		fetched.Executor.Command.URIs = []mesos.CommandInfo_URI{{Value: "file:///no/such/file"}}
		d.accept(offer, 0, fetched, taskWithExecutor(t, offer, "dies", "dies", "exit3"), taskWithExecutor(t, offer, "lives", "lives", "plain"))
		p.until("UPDATE TASK_FAILED SOURCE_AGENT REASON_EXECUTOR_TERMINATED")
		require.Eventually(t, func() bool { return p.cluster.Unacknowledged("lives") == 2 }, patience, time.Millisecond)
		d.call(reconcile(question("unknown")))
		agent.Lose()
		p.until("RESCIND")
		p.until("FAILURE")
		if subscription == "24b-stream-agent-lost" {
			d.call(reconcile(question("lives")))
		}
		agent.Return()
		p.until("UPDATE TASK_STARTING SOURCE_EXECUTOR <nil>")
		for _, event := range p.seen {
			requireShape(t, known, event)
		}
	}
}
