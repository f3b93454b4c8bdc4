package scaleioctl_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/httpapi"
	"scaleio-framework/internal/model"
	"scaleio-framework/leader"
)

// trouble is a night's problem: a host is full, another is out of reach, and a
// record was edited.
func trouble(t *testing.T) *scheduler {
	t.Helper()
	finished := since.Add(2500 * time.Millisecond)
	node := func(host, address string, state model.TaskState, reason string) *model.Node {
		return &model.Node{
			Hostname: host, AgentID: "S", State: state, Reason: reason, Since: since, Launch: &model.Launch{Number: 1, TaskID: "t"},
			Inventory: &model.Inventory{Address: address},
		}
	}
	s := start(t, map[string]any{
		leader.PathFramework: &model.Framework{ID: "f-scaleio", Drawn: since, Registered: &since},
		leader.PathCluster: &model.Cluster{
			UUID: "u", SystemName: "prod", SystemID: "1234abcd", Steps: map[string]model.Step{"create-cluster": {State: model.Pending}},
			Members:         []model.Member{{Name: "mdm1", Host: "h1", Persona: model.Manager}},
			Gateways:        []model.Gateway{{Host: "h1", URL: "https://10.0.0.1:443", CertificatePEM: "-----BEGIN CERTIFICATE-----\nYWJj\n-----END CERTIFICATE-----\n"}},
			MDMCertificates: map[string]string{"10.0.0.1": "-----BEGIN CERTIFICATE-----\nYWJj\n-----END CERTIFICATE-----\n"},
		},
		leader.PathNodes + "/h1": node("h1", "10.0.0.1", model.TaskRunning, ""),
		leader.PathNodes + "/h2": node("h2", "10.0.0.2", model.TaskUnreachable, "agent\nlost"),
		leader.PathNodes + "/h1/plan": &model.NodePlan{Hostname: "h1", Persona: model.Manager, FaultSet: "rack1", Devices: []model.Device{{Name: "d", Path: "/dev/sdb"}}, Steps: map[string]model.Step{
			"prerequisites": {State: model.Done, Attempt: 1, Runner: "h1", Started: &since, Finished: &finished},
			"sds-package":   {State: model.Stuck, Attempt: 5, Failures: 5, Runner: "h1", Error: "dpkg: no space\nleft on device"},
		}},
	})
	s.view.Unreadable["/nodes/h3"] = "not valid JSON"
	return s
}

func TestStatusTellsWhatIsWrongAndWhatToDo(t *testing.T) {
	s := trouble(t)
	got := run(t, nil, "status", "--url", s.url)
	require.Equal(t, result{0, `state       stuck: an operator is needed, see the problems below (once mended: scaleioctl plan retry STEP [--host HOST]); some records are left alone, see below
leader      sio-a at http://a:1, epoch 7
standby     1
framework   f-scaleio, subscribed to Mesos
system      prod 1234abcd
            mdm1 (manager) on h1
gateway     https://10.0.0.1:443 certificate SHA-256 BA:78:16:BF:8F:01:CF:EA:41:41:40:DE:5D:AE:22:23:B0:03:61:A3:96:17:7A:9C:B4:10:FF:61:F2:00:15:AD
MDM         10.0.0.1 certificate SHA-256 BA:78:16:BF:8F:01:CF:EA:41:41:40:DE:5D:AE:22:23:B0:03:61:A3:96:17:7A:9C:B4:10:FF:61:F2:00:15:AD
hosts       1 running, 1 unreachable
steps       1 done, 1 pending, 1 stuck
problem     step sds-package on h1 is stuck: dpkg: no space left on device (mend it and order retry, or force-complete)
left alone  /nodes/h3: not valid JSON
`, ""}, got)

	s.cards, s.subscribed = nil, false
	got = run(t, []string{"SIO_URL=" + s.url + "/"}, "status")
	require.Contains(t, got.out, "standby     no standby: nobody takes over if this scheduler dies; look at the Marathon app's instances\n")
	require.Contains(t, got.out, "f-scaleio, NOT SUBSCRIBED to Mesos at the moment: look at the masters and the leader's log\n")

	var status httpapi.Status
	got = run(t, nil, "--json", "status", "--url="+strings.TrimPrefix(s.url, "http://"))
	require.Zero(t, got.code, got.err)
	require.NoError(t, json.Unmarshal([]byte(got.out), &status))
	require.Equal(t, 1, status.Steps["stuck"])
}

func TestStatusBeforeAnythingHappened(t *testing.T) {
	s := start(t, nil)
	got := run(t, nil, "status", "--url", s.url)
	require.Contains(t, got.out, "state      installing\n")
	require.Contains(t, got.out, "framework  no id drawn yet\n")
	require.Contains(t, got.out, "hosts      none yet\n")
	require.Contains(t, run(t, nil, "nodes", "--url", s.url).out, "no host was seen in an offer yet")
}

func TestPlanListsStepsAndEndsWithTheProblems(t *testing.T) {
	s := trouble(t)
	got := run(t, nil, "plan", "--url", s.url)
	require.Zero(t, got.code, got.err)
	lines := strings.Split(strings.TrimSpace(got.out), "\n")
	require.Regexp(t, `^stuck: packages 1/2, `, lines[0])
	require.Equal(t, []string{"HOST", "STEP", "STATE", "TRIES", "SECONDS", "REMARK"}, strings.Fields(lines[1]))
	require.Regexp(t, `^h1 +prerequisites +done +1 +2\.50$`, lines[2])
	require.Regexp(t, `^h1 +sds-package +stuck +5 +dpkg: no space left on device$`, lines[3])
	require.Regexp(t, `^- +create-cluster +pending +waits for `, lines[4])
	require.Regexp(t, `^problem: step sds-package on h1 is stuck`, lines[len(lines)-1])

	only := run(t, nil, "plan", "--host=h1", "--url", s.url)
	require.NotContains(t, only.out, "create-cluster")
	require.Equal(t, result{1, "", "scaleioctl: no step of a host h9 is known: scaleioctl nodes lists the hosts\n"}, run(t, nil, "plan", "--host=h9", "--url", s.url))

	var plan httpapi.Plan
	require.NoError(t, json.Unmarshal([]byte(run(t, nil, "plan", "--json", "--url", s.url).out), &plan))
	require.Len(t, plan.Steps, 3)
}

func TestNodesShowsTheHosts(t *testing.T) {
	s := trouble(t)
	require.Equal(t, result{0, `HOST  STATE        PERSONA  ADDRESS   FAULT SET  STEPS  DEVICES  REMARK
h1    running      manager  10.0.0.1  rack1      1/2    1
h2    unreachable           10.0.0.2                             agent lost
`, ""}, run(t, nil, "nodes", "--url", s.url))
	require.Equal(t, result{1, "", "scaleioctl: no host h9 is known: scaleioctl nodes lists them\n"}, run(t, nil, "nodes", "--url", s.url, "--host", "h9"))

	s = start(t, map[string]any{leader.PathNodes + "/h1": &model.Node{
		Hostname: "h1", State: model.TaskUnreachable, Reason: "agent lost", Since: since, Launch: &model.Launch{Number: 1, TaskID: "t"},
		Refused: &model.Refused{What: "report", Reason: "longer than 64 KiB", At: since},
	}})
	require.Regexp(t, `agent lost; its last report could not be used: longer than 64 KiB\n$`, run(t, nil, "nodes", "--url", s.url).out)
}

// A host whose plan is left alone must not look like one that has none.
func TestNodesSaysThatAPlanIsLeftAlone(t *testing.T) {
	s := start(t, map[string]any{leader.PathNodes + "/h1": &model.Node{Hostname: "h1", State: model.TaskRunning, Since: since, Launch: &model.Launch{Number: 1, TaskID: "t"}}})
	s.view.Unreadable[leader.PathNodes+"/h1/plan"] = "not valid JSON"
	require.Regexp(t, `h1 +running +its plan is left alone: not valid JSON\n$`, run(t, nil, "nodes", "--url", s.url).out)
	require.Contains(t, run(t, nil, "nodes", "--json", "--url", s.url).out, `"plan_unreadable": "not valid JSON"`)
}

func TestNodesForPrograms(t *testing.T) {
	s := trouble(t)
	var nodes []httpapi.Node
	require.NoError(t, json.Unmarshal([]byte(run(t, nil, "nodes", "--json", "--url", s.url).out), &nodes))
	require.Len(t, nodes, 2)
}

func TestLeaderShowsWhoLeadsAndWhoStandsBy(t *testing.T) {
	s := start(t, nil)
	got := run(t, nil, "leader", "--url", s.url)
	require.Zero(t, got.code, got.err)
	lines := strings.Split(got.out, "\n")
	require.Regexp(t, `^leader \(epoch 7\) +sio-a +http://a:1 +2026-03-04 \d\d:06:07 +v1$`, lines[1])
	require.Regexp(t, `^standby +sio-b +http://b:1 +2026-03-04 \d\d:06:07 +v1$`, lines[2])

	s.cards = nil
	got = run(t, nil, "leader", "--url", s.url)
	require.Contains(t, got.out, "sio-a", "the leader is known even when the candidates cannot be listed")
	require.Contains(t, got.out, "no standby: nobody takes over")

	got = run(t, nil, "leader", "abdicate", "--url", s.url)
	require.Equal(t, result{0, "the leader hands over; scaleioctl leader shows the next one\n", ""}, got)
	require.True(t, s.abdicated)
	require.JSONEq(t, `{"state":"handing over"}`, run(t, nil, "leader", "abdicate", "--json", "--url", s.url).out)
}

func TestVerbsSayWhatBecameOfTheOrder(t *testing.T) {
	s := start(t, nil)
	for _, c := range []struct {
		waiting bool
		refused string
		want    result
	}{
		{false, "", result{0, "retry applied\n", ""}},
		{false, "there is no step x on h1", result{1, "", "scaleioctl: retry refused: there is no step x on h1\n"}},
		{true, "", result{0, "retry waits: the order is written; a leader will apply it, or say in /orders-refused/0000000007 why not (/orders/0000000007)\n", ""}},
	} {
		s.outcome = func() (bool, string) { return c.waiting, c.refused }
		s.orders = nil
		require.Equal(t, c.want, run(t, nil, "plan", "retry", "x", "--host", "h1", "--url", s.url))
		require.Len(t, s.orders, 1)
		require.Equal(t, model.Retry, s.orders[0].Verb)
		require.Equal(t, "h1", s.orders[0].Host)
		require.Equal(t, "x", s.orders[0].Step)
		require.NotEmpty(t, s.orders[0].By, "an order names who gave it")

		asJSON := run(t, nil, "plan", "retry", "x", "--host", "h1", "--json", "--url", s.url)
		require.Equal(t, c.want.code, asJSON.code, "programs see a refusal too")
		var answer httpapi.OrderAnswer
		require.NoError(t, json.Unmarshal([]byte(asJSON.out), &answer))
		require.Equal(t, c.refused != "", answer.State == "refused")
	}
	s.outcome = func() (bool, string) { return false, "" }
	require.Equal(t, "pause applied\n", run(t, nil, "plan", "pause", "--url", s.url).out)
	require.Equal(t, "resume applied\n", run(t, nil, "--url", s.url, "plan", "resume").out)
	require.Equal(t, "force-complete applied\n", run(t, nil, "plan", "force-complete", "verify", "--url", s.url).out)
}

// The platform of a 4.x system is told with the certificate that was pinned.
func TestStatusTellsOfThePlatform(t *testing.T) {
	s := start(t, map[string]any{leader.PathCluster: &model.Cluster{
		UUID: "u", SystemName: "prod", SystemID: "1234abcd",
		Gateways: []model.Gateway{{URL: "https://pfmp", SystemID: "1234abcd", CertificatePEM: "-----BEGIN CERTIFICATE-----\nYWJj\n-----END CERTIFICATE-----\n"}},
	}})
	require.Contains(t, run(t, nil, "status", "--url", s.url).out, "platform   https://pfmp certificate SHA-256 BA:78:16")
}
