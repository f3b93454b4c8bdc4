package scaleioctl_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/model"
	"scaleio-framework/internal/scaleioctl"
	"scaleio-framework/leader"
	"scaleio-framework/storagegrowth"
)

// calm is an installation that lacks nothing.
func calm() map[string]any {
	return map[string]any{
		leader.PathFramework: &model.Framework{ID: "f-scaleio", Drawn: since, Registered: &since},
		leader.PathCluster:   &model.Cluster{UUID: "u", SystemName: "prod", Steps: map[string]model.Step{"create-cluster": {State: model.Done, Attempt: 1}}},
		leader.PathNodes + "/h1": &model.Node{
			Hostname: "h1", AgentID: "S", State: model.TaskRunning, Since: since, Launch: &model.Launch{Number: 1, TaskID: "t"},
		},
		leader.PathNodes + "/h1/plan": &model.NodePlan{Hostname: "h1", Persona: model.Manager, Steps: map[string]model.Step{
			"prerequisites": {State: model.Done, Attempt: 2, Failures: 1, Runner: "h1"},
			"sds-package":   {State: model.Running, Attempt: 1, Runner: "h1"},
			"sdc-package":   {State: model.Skipped},
		}},
	}
}

// pair is a leader and a standby that leads when the first one abdicates; after
// changes what is stored by then.
func pair(t *testing.T, after func(map[string]any)) (first, second *scheduler) {
	t.Helper()
	first = start(t, calm())
	records := calm()
	after(records)
	second = start(t, records)
	second.view.Epoch = 8
	second.view.Records[leader.PathEpoch] = leader.Entry{Data: []byte(`{"epoch":8,"instance":"sio-b","url":"` + second.url + `","since":"2026-03-04T05:06:07Z"}`)}
	second.vanish()
	first.next = second
	first.cards = []leader.Card{{Instance: "sio-a", URL: first.url}, {Instance: "sio-b", URL: second.url}}
	return first, second
}

func unchanged(map[string]any) {}

func setStep(records map[string]any, name string, step model.Step) {
	records[leader.PathNodes+"/h1/plan"].(*model.NodePlan).Steps[name] = step
}

func TestADrillMeasuresTheTakeOverAndComparesBeforeAndAfter(t *testing.T) {
	a, b := pair(t, func(records map[string]any) {
		setStep(records, "sds-package", model.Step{State: model.Done, Attempt: 2, Runner: "h1"})
	})
	got := run(t, nil, "drill", "abdicate", "--within=1m", "--url", a.url)
	require.Zero(t, got.code, got.err)
	require.True(t, a.abdicated)
	lines := strings.Split(got.out, "\n")
	require.Regexp(t, `^take-over  \d+\.\d\d s, at most 60 s$`, lines[0])
	require.Equal(t, []string{
		"epoch      7 -> 8",
		"leader     sio-a -> sio-b at " + b.url,
		"framework  f-scaleio, kept",
		"steps      1 repeated, 0 lost",
		"",
	}, lines[1:])
}

func TestADrillForPrograms(t *testing.T) {
	a, b := pair(t, unchanged)
	got := run(t, nil, "drill", "abdicate", "--json", "--within=1m", "--url", a.url)
	require.Zero(t, got.code, got.err)
	var fields map[string]any
	require.NoError(t, json.Unmarshal([]byte(got.out), &fields))
	require.Less(t, fields["takeover_s"], 60.0)
	delete(fields, "takeover_s")
	require.Equal(t, map[string]any{
		"kind": "abdicate", "within_s": 60.0, "epoch_before": 7.0, "epoch_after": 8.0,
		"leader_before": "sio-a", "leader_after": "sio-b", "url_after": b.url,
		"framework_id": "f-scaleio", "framework_id_kept": true,
		"steps_repeated": 0.0, "steps_lost": []any{}, "failures": []any{}, "ok": true,
	}, fields)
}

func TestADrillFailsWhenAPromiseDoesNotHold(t *testing.T) {
	for _, c := range []struct {
		says  string
		after func(map[string]any)
		args  []string
		want  string
	}{
		{"slower than asked for", unchanged, []string{"--within=1ns"}, "s, more than 1ns: the leader's log says"},
		{"another framework id", func(records map[string]any) {
			records[leader.PathFramework] = &model.Framework{ID: "g-scaleio", Drawn: since, Registered: &since}
		}, nil, "the framework id changed from f-scaleio to g-scaleio"},
		{"progress is lost", func(records map[string]any) {
			setStep(records, "prerequisites", model.Step{State: model.Pending})
		}, nil, "step prerequisites on h1 was over and is not any more"},
		{"a step of the cluster is forgotten", func(records map[string]any) {
			records[leader.PathCluster].(*model.Cluster).Steps = nil
		}, nil, "step create-cluster was over and is not any more"},
		{"a step got stuck", func(records map[string]any) {
			setStep(records, "sds-package", model.Step{State: model.Stuck, Attempt: 5, Failures: 5, Runner: "h1"})
		}, nil, "step sds-package on h1 is stuck now"},
	} {
		t.Run(c.says, func(t *testing.T) {
			a, _ := pair(t, c.after)
			got := run(t, nil, append(c.args, "drill", "abdicate", "--url", a.url)...)
			require.Equal(t, scaleioctl.ExitFailed, got.code)
			require.Contains(t, got.err, "scaleioctl: what was promised did not hold: ")
			require.Contains(t, got.err, c.want)
			require.Contains(t, got.out, "epoch      7 -> 8", "what was measured is shown all the same")
		})
	}
}

func TestADrillIsRefusedWhenSomethingElseMatters(t *testing.T) {
	for _, c := range []struct {
		says  string
		spoil func(*scheduler)
		want  string
	}{
		{"no standby", func(s *scheduler) { s.cards = s.cards[:1] }, "no standby: nobody takes over"},
		{"a standby that is dead", func(s *scheduler) { s.cards[1].URL = "http://127.0.0.1:1" }, "no standby is ready: sio-b: ask the scheduler: "},
		{"candidates that nobody can list", func(s *scheduler) { s.cards = nil }, "no standby: nobody takes over"},
		{"no Mesos", func(s *scheduler) { s.subscribed = false }, "the leader is not subscribed to Mesos"},
		{"a stuck step", func(s *scheduler) {
			put(t, s, leader.PathCluster, &model.Cluster{UUID: "u", Steps: map[string]model.Step{"create-cluster": {State: model.Stuck, Error: "boom"}}})
		}, "step create-cluster is stuck: boom"},
		{"a record that nobody can read", func(s *scheduler) { s.view.Unreadable["/nodes/h3"] = "not valid JSON" }, "the record /nodes/h3 is left alone: not valid JSON"},
		{"a host that is away", func(s *scheduler) {
			put(t, s, leader.PathNodes+"/h1", &model.Node{Hostname: "h1", State: model.TaskUnreachable, Since: since, Launch: &model.Launch{Number: 1, TaskID: "t"}})
		}, "hosts with a node agent that is unreachable: 1"},
		{"a degraded pool", func(s *scheduler) {
			pool(t, s, storagegrowth.PoolStatus{Degraded: true, Verdict: storagegrowth.VerdictFine})
		}, "pool default/default is degraded: some data has only one copy"},
		{"a pool that rebuilds", func(s *scheduler) {
			pool(t, s, storagegrowth.PoolStatus{Rebuilding: true, Verdict: storagegrowth.VerdictFine})
		}, "pool default/default is rebuilding"},
		{"a pool that cannot be read", func(s *scheduler) {
			pool(t, s, storagegrowth.PoolStatus{Verdict: storagegrowth.VerdictUnreadable, Decision: "no gateway"})
		}, "pool default/default cannot be read: no gateway"},
		{"a growth that takes volumes back", func(s *scheduler) {
			put(t, s, leader.PathGrowth+"/g1", &model.Growth{ID: "g1", State: model.GrowthOpen, Slots: []model.GrowthSlot{{State: model.SlotRollingBack, VolumeID: "vol-1"}}})
		}, "growth g1 takes back volumes: 1"},
	} {
		t.Run(c.says, func(t *testing.T) {
			a, _ := pair(t, unchanged)
			c.spoil(a)
			got := run(t, nil, "drill", "abdicate", "--url", a.url)
			require.Equal(t, scaleioctl.ExitFailed, got.code)
			require.Contains(t, got.err, "scaleioctl: no drill: ")
			require.Contains(t, got.err, c.want)
			require.True(t, strings.HasSuffix(got.err, "(--force drills all the same)\n"), got.err)
			require.False(t, a.abdicated)

			report := run(t, nil, "drill", "report", "--url", a.url)
			require.Zero(t, report.code, report.err)
			require.Regexp(t, `(?m)^obstacle +`, report.out)
			require.Contains(t, report.out, c.want)
			require.NotContains(t, report.out, "a drill may begin")
		})
	}
}

func TestADrillMayBeForced(t *testing.T) {
	a, b := pair(t, unchanged)
	a.subscribed = false
	got := run(t, nil, "drill", "abdicate", "--force", "--within=1m", "--url", a.url)
	require.Zero(t, got.code, got.err)
	require.Contains(t, got.out, "forced     the leader is not subscribed to Mesos")
	require.Contains(t, got.out, "sio-a -> sio-b at "+b.url)
}

func TestADrillWhoseSuccessorDoesNotComeIsTold(t *testing.T) {
	a, b := pair(t, unchanged)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	b.subscribed, b.asked = false, cancel // it leads, and Mesos does not know it
	got := runUntil(ctx, nil, "drill", "abdicate", "--url", a.url)
	require.Equal(t, scaleioctl.ExitFailed, got.code)
	require.Contains(t, got.err, "no other scheduler leads after ")
	require.True(t, a.abdicated)
}

func TestTheReportTellsThePresentState(t *testing.T) {
	a, b := pair(t, unchanged)
	put(t, a, leader.PathGrowth+"/g1", &model.Growth{ID: "g1", ProtectionDomain: "default", StoragePool: "default", State: model.GrowthOpen, Slots: []model.GrowthSlot{{State: model.SlotPlanned}, {Index: 1, State: model.SlotDone}}})
	got := run(t, nil, "drill", "report", "--url", a.url)
	require.Zero(t, got.code, got.err)
	lines := strings.Split(got.out, "\n")
	require.Equal(t, "leader        sio-a at http://a:1, epoch 7", lines[0])
	require.Regexp(t, `^take-over     the last one at 2026-03-04 \d\d:06:07, \d+h\d+m\d+s ago$`, lines[1])
	require.Equal(t, []string{
		"standby       sio-b at " + b.url + ", ready",
		"framework     f-scaleio, subscribed to Mesos",
		"steps         3 over, 1 attempts beyond the first, 1 failures that count",
		"open intents  step sds-package on h1, growth g1 of default/default: 1/2 volumes",
		"stuck         none",
		"healthy       a drill may begin: scaleioctl drill abdicate",
		"",
	}, lines[2:])

	var fields map[string]any
	got = run(t, nil, "drill", "report", "--json", "--url", a.url)
	require.NoError(t, json.Unmarshal([]byte(got.out), &fields))
	require.Equal(t, []any{}, fields["obstacles"])
	require.Equal(t, []any{map[string]any{"instance": "sio-b", "url": b.url}}, fields["standbys"])
	require.Equal(t, 7.0, fields["epoch"])
	require.Equal(t, 1.0, fields["steps_repeated"])
}

func TestTheFirstLeaderHasTakenOverFromNobody(t *testing.T) {
	a, _ := pair(t, unchanged)
	a.view.Epoch = 1
	require.Contains(t, run(t, nil, "drill", "report", "--url", a.url).out, "take-over     none yet: the first leader, since ")
}

// put stores a record at a leader.
func put(t *testing.T, s *scheduler, path string, record any) {
	t.Helper()
	data, err := model.Encode(record, nil)
	require.NoError(t, err)
	s.view.Records[path] = leader.Entry{Data: data, Version: 1}
}

// pool stores what growth thinks of the only pool.
func pool(t *testing.T, s *scheduler, status storagegrowth.PoolStatus) {
	t.Helper()
	put(t, s, storagegrowth.PathStatus, &storagegrowth.Status{At: since, Pools: map[string]storagegrowth.PoolStatus{"default/default": status}})
}
