package events_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/engine"
	"scaleio-framework/internal/events"
	"scaleio-framework/internal/model"
	"scaleio-framework/leader"
	"scaleio-framework/storagegrowth"
)

var at = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// site is what a view is made of; a test changes one thing of it.
type site struct {
	framework  model.Framework
	cluster    model.Cluster
	node       model.Node
	plan       model.NodePlan
	status     storagegrowth.Status
	growth     model.Growth
	order      *model.Order
	refused    *model.RefusedOrder
	taken      []engine.TakenOrder
	unreadable map[string]string
	subscribed bool
	epoch      uint64
}

func newSite() *site {
	return &site{
		framework: model.Framework{ID: "f-scaleio", Registered: &at},
		cluster:   model.Cluster{UUID: "u", Steps: map[string]model.Step{"verify": {State: model.Pending}}},
		node:      model.Node{Hostname: "h1", State: model.TaskRunning, Launch: &model.Launch{Number: 1, TaskID: "h1-1"}},
		plan:      model.NodePlan{Hostname: "h1", Persona: model.Storage, Steps: map[string]model.Step{"sds-package": {State: model.Running, Attempt: 1, Runner: "h1"}}},
		status: storagegrowth.Status{Pools: map[string]storagegrowth.PoolStatus{
			"d/p": {Fullness: 0.5, Verdict: storagegrowth.VerdictFine, Decision: "below the threshold"},
		}},
		growth: model.Growth{
			ID: "g1", State: model.GrowthOpen, ProtectionDomain: "d", StoragePool: "p", Reason: "above 80 %", Provider: "aws",
			Slots: []model.GrowthSlot{{Host: "h1", State: model.SlotPlanned, Request: model.VolumeRequest{SizeGiB: 100, Token: "t"}}},
		},
		subscribed: true, epoch: 7,
	}
}

func (s *site) facts(t *testing.T) events.Facts {
	t.Helper()
	v := engine.View{Epoch: s.epoch, Records: make(leader.Snapshot), Unreadable: s.unreadable, Taken: s.taken}
	records := map[string]any{
		leader.PathFramework: s.framework, leader.PathCluster: s.cluster, leader.PathNodes + "/h1": s.node,
		leader.PathNodes + "/h1/plan": s.plan, storagegrowth.PathStatus: s.status, leader.PathGrowth + "/g1": s.growth,
	}
	if s.order != nil {
		records[leader.PathOrders+"/0000000003"] = s.order
	}
	if s.refused != nil {
		records[leader.PathOrdersRefused+"/0000000003"] = s.refused
	}
	for path, record := range records {
		data, err := model.Encode(record, nil)
		require.NoError(t, err)
		v.Records[path] = leader.Entry{Data: data}
	}
	v.Records[leader.PathEpoch] = leader.Entry{Data: []byte(`{"epoch":7,"instance":"a","url":"http://a:1"}`)}
	return events.Of(v, s.subscribed)
}

func TestWhatAnOperatorWouldNoticeIsTold(t *testing.T) {
	retry := []byte(`{"verb":"retry","step":"sds-package","host":"h1","by":"maria"}`)
	for _, c := range []struct {
		name   string
		change func(*site)
		want   []events.Event
	}{
		{"nothing", func(*site) {}, nil},
		{"another epoch", func(s *site) { s.epoch = 8 }, []events.Event{{Type: events.Leader, Epoch: 8, Instance: "a", URL: "http://a:1"}}},
		{
			"the connection to Mesos", func(s *site) { s.subscribed = false },
			[]events.Event{{Type: events.Mesos, Framework: "f-scaleio", State: "not subscribed"}},
		},
		{
			"a step that fails", func(s *site) {
				s.plan.Steps["sds-package"] = model.Step{State: model.Failed, Attempt: 1, Failures: 1, Runner: "h1", Error: "no space left"}
			},
			[]events.Event{{Type: events.Step, Host: "h1", Step: "sds-package", State: "failed", Attempt: 1, Failures: 1, Error: "no space left"}},
		},
		{
			"a step that gets over its error", func(s *site) {
				s.plan.Steps["sds-package"] = model.Step{State: model.Done, Attempt: 2, Runner: "h1", Error: "no space left"}
			},
			[]events.Event{{Type: events.Step, Host: "h1", Step: "sds-package", State: "done", Attempt: 2}},
		},
		{
			"a step that is stuck", func(s *site) {
				s.plan.Steps["sds-package"] = model.Step{State: model.Stuck, Attempt: 1, Runner: "h1", Error: "no space left"}
			},
			[]events.Event{
				{Type: events.Step, Host: "h1", Step: "sds-package", State: "stuck", Attempt: 1, Error: "no space left"},
				{Type: events.Plan, State: "stuck"},
			},
		},
		{
			"the end of the plan", func(s *site) {
				s.plan.Steps["sds-package"] = model.Step{State: model.Skipped, Attempt: 1, Reason: "not wanted"}
				s.cluster.Steps["verify"] = model.Step{State: model.Done, Attempt: 1}
			},
			[]events.Event{
				{Type: events.Step, Step: "verify", State: "done", Attempt: 1},
				{Type: events.Step, Host: "h1", Step: "sds-package", State: "skipped", Attempt: 1, Reason: "not wanted"},
				{Type: events.Plan, State: "complete"},
			},
		},
		{"a pause", func(s *site) { s.cluster.Paused = true }, []events.Event{{Type: events.Plan, State: "installing", Paused: true}}},
		{
			"a problem of the cluster", func(s *site) { s.cluster.Problem = "out of reach: mdm2" },
			[]events.Event{{Type: events.Trouble, Subject: events.SubjectCluster, Error: "out of reach: mdm2"}},
		},
		{
			"a host that is lost", func(s *site) { s.node.State, s.node.Reason = model.TaskUnreachable, "agent lost" },
			[]events.Event{{Type: events.Node, Host: "h1", State: "unreachable", Attempt: 1, Reason: "agent lost"}},
		},
		{
			"a pool that fills, and whose growth is unread", func(s *site) {
				s.status.Pools["d/p"] = storagegrowth.PoolStatus{Fullness: 0.91234, Verdict: storagegrowth.VerdictHolding, Decision: "holding", Degraded: true}
				s.status.Provider = "throttled"
			},
			[]events.Event{
				{Type: events.Trouble, Subject: events.SubjectProvider, Error: "throttled"},
				{Type: events.Pool, Pool: "d/p", State: string(storagegrowth.VerdictHolding), Reason: "holding", Percent: 91.2, Degraded: true},
			},
		},
		{
			"a volume", func(s *site) { s.growth.Slots[0].State, s.growth.Slots[0].VolumeID = model.SlotCreated, "vol-1" },
			[]events.Event{{Type: events.Volume, Growth: "g1", Slot: 1, Pool: "d/p", Host: "h1", State: "created", VolumeID: "vol-1", GiB: 100}},
		},
		{
			"a growth that is over", func(s *site) { s.growth.State, s.growth.Approved = model.GrowthDone, "maria" },
			[]events.Event{{Type: events.Growth, Growth: "g1", Pool: "d/p", State: "done", Reason: "above 80 %", By: "maria"}},
		},
		{
			"an order that waits", func(s *site) { s.order = &model.Order{Verb: model.GrowthApprove, Growth: "g1", By: "maria"} },
			[]events.Event{{Type: events.Order, Order: "0000000003", Verb: "growth-approve", By: "maria", Reason: "g1", State: "waiting"}},
		},
		{
			"an order that was applied", func(s *site) {
				s.taken = []engine.TakenOrder{{Path: leader.PathOrders + "/0000000003", Data: retry}}
			},
			[]events.Event{{Type: events.Order, Order: "0000000003", Verb: "retry", By: "maria", Reason: "sds-package on h1", State: "applied"}},
		},
		{
			"an order that was refused, which was taken, too", func(s *site) {
				s.taken = []engine.TakenOrder{{Path: leader.PathOrders + "/0000000003", Data: retry}}
				s.refused = &model.RefusedOrder{Order: json.RawMessage(retry), Reason: "it runs"}
			},
			[]events.Event{{Type: events.Order, Order: "0000000003", Verb: "retry", By: "maria", Reason: "sds-package on h1", State: "refused", Error: "it runs"}},
		},
		{
			"a record that is left alone", func(s *site) { s.unreadable = map[string]string{"/nodes/h9": "edited outside"} },
			[]events.Event{{Type: events.Unreadable, Path: "/nodes/h9", Error: "edited outside"}},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			before, after := newSite(), newSite()
			c.change(after)
			there := events.Diff(before.facts(t), after.facts(t))
			require.Equal(t, c.want, there)
			back := events.Diff(after.facts(t), before.facts(t))
			require.Len(t, back, len(there), "each is told when it passes, too")
		})
	}
}

func TestWhatIsNoMoreIsToldOnce(t *testing.T) {
	before, after := newSite(), newSite()
	before.cluster.Problem = "p"
	require.Equal(t, []events.Event{{Type: events.Trouble, Subject: events.SubjectCluster, Error: "p", Gone: true}}, events.Diff(before.facts(t), after.facts(t)))
}

// Neither tokens of EC2 requests nor parameters of steps are any operator's
// concern, and nothing says that the next one would hold no secret.
func TestFactsHoldNoParametersAndNoTokens(t *testing.T) {
	s := newSite()
	s.growth.Slots[0].Request.Token = "token-of-the-request"
	s.plan.Steps["sds-package"] = model.Step{
		State: model.Running, Attempt: 1, Runner: "h1", Digest: "digest-of-it",
		Params: json.RawMessage(`{"x":"parameter-of-it"}`), Result: json.RawMessage(`{"x":"result-of-it"}`),
	}
	s.cluster.Gateways = []model.Gateway{{Host: "h1", URL: "https://h1", CertificatePEM: "certificate-of-it"}}
	data, err := json.Marshal(s.facts(t).List())
	require.NoError(t, err)
	require.NotContains(t, string(data), "-of-")
}

func TestAnythingInARecordCanBeEncoded(t *testing.T) {
	s := newSite()
	s.status.Pools["d/p"] = storagegrowth.PoolStatus{Fullness: 1e308}
	_, err := json.Marshal(s.facts(t).List())
	require.NoError(t, err)
}
