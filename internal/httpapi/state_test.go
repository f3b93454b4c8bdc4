package httpapi_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/engine"
	"scaleio-framework/internal/httpapi"
	"scaleio-framework/internal/model"
	"scaleio-framework/leader"
)

// view encodes records as they stand in ZooKeeper.
func view(t *testing.T, records map[string]any) engine.View {
	t.Helper()
	v := engine.View{Epoch: 7, Records: make(leader.Snapshot), Unreadable: make(map[string]string)}
	for path, record := range records {
		data, isRaw := record.([]byte)
		if !isRaw {
			var err error
			data, err = model.Encode(record, nil)
			require.NoError(t, err)
		}
		v.Records[path] = leader.Entry{Data: data, Version: 1}
	}
	return v
}

var since = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// installing is a site in the middle of its installation.
func installing(t *testing.T) engine.View {
	t.Helper()
	node := func(host string, state model.TaskState) *model.Node {
		return &model.Node{Hostname: host, AgentID: "S1", State: state, Since: since, Launch: &model.Launch{Number: 1, TaskID: host + "-1"}}
	}
	strange := node("h2", model.TaskRunning)
	strange.Refused = &model.Refused{What: "status update of h2-1", Reason: `operating system "plan9"`, At: since}
	plan := func(host string, persona model.Persona, state model.StepState) *model.NodePlan {
		return &model.NodePlan{Hostname: host, Persona: persona, Steps: map[string]model.Step{
			"prerequisites": {State: model.Done, Attempt: 1, Runner: host},
			"sds-package":   {State: state, Attempt: 5, Runner: host, Error: "dpkg: no space left"},
		}}
	}
	v := view(t, map[string]any{
		leader.PathEpoch:     []byte(`{"epoch":7,"instance":"a","url":"http://a:1","since":"2026-03-04T05:06:07Z"}`),
		leader.PathFramework: &model.Framework{ID: "f-scaleio", Drawn: since, Registered: &since},
		leader.PathCluster: &model.Cluster{
			UUID: "u", SystemName: "prod", Paused: true, Members: []model.Member{{Name: "mdm1", Host: "h1", Persona: model.Manager}},
			Gateways: []model.Gateway{{Host: "h1", URL: "https://h1:443"}}, Steps: map[string]model.Step{"create-cluster": {State: model.Pending}},
		},
		leader.PathNodes + "/h2":      strange,
		leader.PathNodes + "/h1":      node("h1", model.TaskUnreachable),
		leader.PathNodes + "/h1/plan": plan("h1", model.Manager, model.Stuck),
		leader.PathNodes + "/h2/plan": plan("h2", model.Storage, model.Done),
		leader.PathNodes + "/h3":      []byte("{ edited by hand"),
		"/unknown/of/a/newer/release": []byte("{}"),
	})
	v.Unreadable[leader.PathNodes+"/h3"] = "not valid JSON: invalid character 'e'"
	v.Unreadable[leader.PathNodes+"/h0/plan"] = "edited outside"
	return v
}

func TestTheLeaderShowsWhatIsCommitted(t *testing.T) {
	s := newSite()
	a := s.start(t, "a", setup{view: installing(t)})
	s.lead("a")

	status := into[httpapi.Status](t, a.do(t, http.MethodGet, "/v1/status", ""))
	require.Equal(t, uint64(7), status.Leader.Epoch)
	require.Equal(t, since, status.Leader.Since)
	require.Equal(t, "f-scaleio", status.FrameworkID)
	require.True(t, status.Registered)
	require.True(t, status.Subscribed)
	require.True(t, status.Paused)
	require.False(t, status.Complete)
	require.Equal(t, httpapi.Counts{"running": 1, "unreachable": 1}, status.Nodes)
	require.Equal(t, httpapi.Counts{"done": 3, "stuck": 1, "pending": 1}, status.Steps)
	require.Equal(t, "prod", status.System.Name)
	require.Len(t, status.System.Members, 1)
	require.Len(t, status.Problems, 2)
	require.Contains(t, status.Problems[0], "sds-package on h1 is stuck: dpkg: no space left")
	require.Equal(t, `host h2 cannot be used: operating system "plan9"`, status.Problems[1])
	require.Equal(t, []httpapi.Unreadable{
		{Path: "/nodes/h0/plan", Reason: "edited outside"},
		{Path: "/nodes/h3", Reason: "not valid JSON: invalid character 'e'"},
	}, status.Unreadable, "what cannot be read is told, sorted, and the rest is shown")

	nodes := into[[]httpapi.Node](t, a.do(t, http.MethodGet, "/v1/nodes", ""))
	require.Len(t, nodes, 2)
	require.Equal(t, "h1", nodes[0].Hostname)
	require.Equal(t, model.Manager, nodes[0].Plan.Persona)
	one := into[httpapi.Node](t, a.do(t, http.MethodGet, "/v1/nodes/h2", ""))
	require.Equal(t, nodes[1], one)

	missing := a.do(t, http.MethodGet, "/v1/nodes/nobody", "")
	require.Equal(t, http.StatusNotFound, missing.code)
	require.Equal(t, "no node nobody: /v1/nodes lists them", missing.problem(t))
	broken := a.do(t, http.MethodGet, "/v1/nodes/h3", "")
	require.Equal(t, http.StatusInternalServerError, broken.code)
	require.Contains(t, broken.problem(t), "the record of node h3 is left alone: not valid JSON")

	plan := into[httpapi.Plan](t, a.do(t, http.MethodGet, "/v1/plan", ""))
	require.Len(t, plan.Steps, 5)
	require.Equal(t, 3, plan.Counts[model.Done])
	require.Equal(t, status.Problems, plan.Problems)

	lead := into[httpapi.Leader](t, a.do(t, http.MethodGet, "/v1/leader", ""))
	require.Equal(t, "a", lead.Instance)
	require.Len(t, lead.Candidates, 1)
}

func TestALeaderWithoutAnyRecordAnswers(t *testing.T) {
	s := newSite()
	a := s.start(t, "a", setup{})
	s.lead("a")
	for _, path := range []string{"/v1/status", "/v1/plan", "/v1/nodes", "/v1/leader"} {
		require.Equal(t, http.StatusOK, a.do(t, http.MethodGet, path, "").code, path)
	}
	require.Equal(t, "[]\n", a.do(t, http.MethodGet, "/v1/nodes", "").body)
	require.Equal(t, []string{"no scheduler has led yet"}, into[httpapi.Status](t, a.do(t, http.MethodGet, "/v1/status", "")).Problems)
}

func TestEveryInstanceAnswersForItself(t *testing.T) {
	s := newSite()
	a, b := s.start(t, "a", setup{}), s.start(t, "b", setup{})
	s.lead("a")
	for _, in := range []*instance{a, b} {
		require.Equal(t, http.StatusOK, in.do(t, http.MethodGet, "/healthz", "").code)
		require.Equal(t, http.StatusOK, in.do(t, http.MethodGet, "/readyz", "").code)
		require.Equal(t, "artifact packages/x.deb", in.do(t, http.MethodGet, "/artifacts/packages/x.deb", "").body)
		require.Equal(t, in.name, into[map[string]string](t, in.do(t, http.MethodGet, "/version", ""))["instance"])
	}
	require.Equal(t, "leading", into[map[string]string](t, a.do(t, http.MethodGet, "/readyz", ""))["state"])
	require.Equal(t, "standby", into[map[string]string](t, b.do(t, http.MethodGet, "/readyz", ""))["state"])

	s.disconnect()
	require.Equal(t, http.StatusOK, b.do(t, http.MethodGet, "/healthz", "").code, "waiting for ZooKeeper is no reason to be restarted")
	ready := b.do(t, http.MethodGet, "/readyz", "")
	require.Equal(t, http.StatusServiceUnavailable, ready.code)
	require.Equal(t, "ZooKeeper cannot be reached; waiting for it", ready.problem(t))
}

func TestAWrongRequestIsToldSoInJSON(t *testing.T) {
	s := newSite()
	a := s.start(t, "a", setup{})
	s.lead("a")
	for _, c := range []struct {
		method, path string
		code         int
		allow, want  string
	}{
		{http.MethodGet, "/v1/nothing", http.StatusNotFound, "", "nothing is served at /v1/nothing"},
		{http.MethodPost, "/", http.StatusMethodNotAllowed, "GET", "/ takes GET, not POST"},
		{http.MethodPost, "/healthz", http.StatusMethodNotAllowed, "GET", "/healthz takes GET, not POST"},
		{http.MethodPut, "/v1/leader", http.StatusMethodNotAllowed, "GET, DELETE", "/v1/leader takes GET or DELETE, not PUT"},
		{http.MethodGet, "/v1/plan/pause", http.StatusMethodNotAllowed, "POST", "/v1/plan/pause takes POST, not GET"},
		{http.MethodDelete, "/artifacts/x", http.StatusMethodNotAllowed, "GET", "/artifacts/x takes GET, not DELETE"},
	} {
		got := a.do(t, c.method, c.path, "")
		require.Equal(t, c.code, got.code, c.path)
		require.Equal(t, c.allow, got.header.Get("Allow"))
		require.Equal(t, c.want, got.problem(t))
		require.Equal(t, "nosniff", got.header.Get("X-Content-Type-Options"))
	}
	require.Equal(t, http.StatusOK, a.do(t, http.MethodHead, "/healthz", "").code, "a HEAD is a GET without its body")
}

func TestNewSaysWhatIsRequired(t *testing.T) {
	_, err := httpapi.New(httpapi.Options{})
	require.ErrorContains(t, err, "are required")
}
