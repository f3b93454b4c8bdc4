package ui_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/engine"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/ui"
	"scaleio-framework/leader"
	"scaleio-framework/storagegrowth"
)

var at = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// site is the source of a page; a test changes one thing of it.
type site struct {
	cluster model.Cluster
	nodes   map[string]*model.Node
	plans   map[string]*model.NodePlan
	status  storagegrowth.Status
	growths []model.Growth
	ui.Source
}

func complete() *site {
	s := &site{
		cluster: model.Cluster{UUID: "u", SystemName: "prod", Steps: map[string]model.Step{"verify": {State: model.Done, Attempt: 1}}},
		nodes:   make(map[string]*model.Node), plans: make(map[string]*model.NodePlan),
		status: storagegrowth.Status{Pools: map[string]storagegrowth.PoolStatus{"d/p": {
			Fullness: 0.5, Threshold: 0.8, Critical: 0.9, SparePercent: 34, Verdict: storagegrowth.VerdictFine, Decision: "below the threshold",
		}}},
		Source: ui.Source{
			Subscribed: true, Version: "v1", Now: at,
			Candidates: []leader.Card{{Instance: "sio-a", URL: "http://a:1"}, {Instance: "sio-b", URL: "http://b:1"}},
		},
	}
	for _, host := range []string{"h1", "h2"} {
		s.nodes[host] = &model.Node{Hostname: host, State: model.TaskRunning, Launch: &model.Launch{Number: 1, TaskID: host + "-1"}}
		s.plans[host] = &model.NodePlan{Hostname: host, Persona: model.Storage, Steps: map[string]model.Step{"sds-package": {State: model.Done, Attempt: 1, Runner: host}}}
	}
	return s
}

func (s *site) draw(t *testing.T) string {
	t.Helper()
	records := map[string]any{
		leader.PathFramework: model.Framework{ID: "f-scaleio", Registered: &at}, leader.PathCluster: s.cluster, storagegrowth.PathStatus: s.status,
	}
	for host := range s.nodes {
		records[leader.PathNodes+"/"+host] = s.nodes[host]
	}
	for host := range s.plans {
		records[leader.PathNodes+"/"+host+"/plan"] = s.plans[host]
	}
	for _, g := range s.growths {
		records[leader.PathGrowth+"/"+g.ID] = g
	}
	source := s.Source
	source.View = engine.View{Epoch: 7, Records: make(leader.Snapshot), Unreadable: s.View.Unreadable}
	for path, record := range records {
		data, err := model.Encode(record, nil)
		require.NoError(t, err)
		source.View.Records[path] = leader.Entry{Data: data}
	}
	source.View.Records[leader.PathEpoch] = leader.Entry{Data: []byte(`{"epoch":7,"instance":"sio-a","url":"http://a:1","since":"2026-03-04T05:06:07Z"}`)}
	w := httptest.NewRecorder()
	require.NoError(t, ui.Write(w, http.StatusOK, ui.Describe(source)))
	return w.Body.String()
}

func TestACompleteSystemHasNoProblems(t *testing.T) {
	page := complete().draw(t)
	for _, text := range []string{
		"<h1>Complete: volumes can be used</h1>", "System prod", "no problems", "sio-a", "sio-b", "f-scaleio", "subscribed",
		`<th scope="row">h1 <small>storage</small></th>`, `title="sds-package: done"`, `<span class="words">done</span>`,
		"50.0 % full", "grows at 80.0 %, critical at 90.0 %", `class="filled" width="50%"`, `class="threshold" x="80%"`, `class="critical" x="90%"`,
		"2026-03-04 05:06:07 UTC",
	} {
		require.Contains(t, page, text)
	}
	require.NotContains(t, page, `<section aria-labelledby="problems">`)
}

func TestWhatWantsAnOperatorComesFirstWithItsCommand(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*site)
		want   []string
	}{
		{"a stuck step", func(s *site) {
			s.plans["h2"].Steps["sds-package"] = model.Step{State: model.Stuck, Attempt: 5, Runner: "h2", Error: "no space left"}
		}, []string{
			"<h1>Stuck, an operator is needed: volumes can be used</h1>", "Step sds-package on h2 is stuck", "attempt 5: no space left", "urgent",
			"scaleioctl plan retry sds-package --host h2<", `class="cell stuck" title="sds-package: stuck; attempt 5; no space left"`,
		}},
		{"a stuck step of the cluster", func(s *site) {
			s.cluster.Steps["verify"] = model.Step{State: model.Stuck, Attempt: 1, Runner: "h1", Error: "e"}
		}, []string{"<h1>Stuck, an operator is needed: volumes cannot be used yet</h1>", "Step verify of the cluster is stuck", "scaleioctl plan retry verify<"}},
		{"a step that fails", func(s *site) {
			s.plans["h2"].Steps["sds-package"] = model.Step{State: model.Failed, Attempt: 2, Runner: "h2", Error: "no space left"}
		}, []string{"<h1>Installing: volumes can be used</h1>", `class="cell failed" title="sds-package: failed; attempt 2; no space left"`}},
		{"an installation", func(s *site) { s.cluster.Steps["verify"] = model.Step{State: model.Pending} }, []string{
			"<h1>Installing: volumes cannot be used yet</h1>", `title="waits for `,
		}},
		{"a pause", func(s *site) { s.cluster.Paused = true }, []string{"volumes can be used; paused</h1>", "scaleioctl plan resume<"}},
		{"a record that is left alone", func(s *site) { s.View.Unreadable = map[string]string{"/nodes/h9": "edited outside"} }, []string{
			"Record /nodes/h9 is left alone", "edited outside", "scaleioctl leader abdicate<",
		}},
		{"no subscription", func(s *site) { s.Subscribed = false }, []string{"Mesos: NOT subscribed"}},
		{"no standby", func(s *site) { s.Candidates = s.Candidates[:1] }, []string{"No standby", `<strong class="bad">none</strong>`}},
		{"a problem of the cluster", func(s *site) { s.cluster.Problem = "out of reach: mdm2" }, []string{"out of reach: mdm2"}},
		{"a host in trouble", func(s *site) { s.plans["h1"].Problem = "no package fits" }, []string{"no package fits", "scaleioctl nodes --host h1<"}},
		{"a host that is lost", func(s *site) { s.nodes["h1"].State = model.TaskUnreachable }, []string{"Host h1 is unreachable"}},
		{"a full pool", func(s *site) { s.fill(0.85) }, []string{"Pool d/p is above its threshold: 85.0 %", "scaleioctl growth preview d/p<", `class="bar busy"`}},
		{"a very full pool", func(s *site) { s.fill(0.95) }, []string{"Pool d/p is critically full: 95.0 %", "scaleioctl growth request d/p<", `class="bar bad"`}},
		{"a pool that cannot be read", func(s *site) {
			s.status.Pools["d/p"] = storagegrowth.PoolStatus{Verdict: storagegrowth.VerdictUnreadable, Decision: "no answer"}
		}, []string{"Pool d/p cannot be read", "UNKNOWN"}},
		{"a growth to approve", func(s *site) { s.growths = []model.Growth{growth(model.GrowthAwaiting)} }, []string{
			"Growth g1 of d/p awaits approval", "above 80 %", "scaleioctl growth approve g1<", "scaleioctl growth decline g1<",
		}},
		{"a growth in part", func(s *site) { s.growths = []model.Growth{growth(model.GrowthPartial)} }, []string{"scaleioctl growth retry g1<"}},
		{"a growth that waits for disks", func(s *site) {
			g := growth(model.GrowthOpen)
			g.Provider = storagegrowth.ProviderManual
			s.growths = []model.Growth{g}
		}, []string{"Growth g1 of d/p waits for empty disks", "wanted are 100 GiB on h1", "scaleioctl growth show g1<"}},
		{"orphans", func(s *site) { s.status.Orphans = []storagegrowth.Orphan{{Volume: "vol-1"}} }, []string{"1 orphaned volumes", "scaleioctl growth orphans<"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := complete()
			c.change(s)
			page := s.draw(t)
			for _, text := range c.want {
				require.Contains(t, page, text)
				require.NotContains(t, complete().draw(t), text, "it says nothing else")
			}
			if problems := strings.Index(page, `id="problems"`); problems >= 0 {
				require.Less(t, problems, strings.Index(page, `id="plan"`), "before the plan")
			}
		})
	}
}

func (s *site) fill(share float64) {
	pool := s.status.Pools["d/p"]
	pool.Fullness = share
	s.status.Pools["d/p"] = pool
}

func growth(state model.GrowthState) model.Growth {
	return model.Growth{
		ID: "g1", State: state, ProtectionDomain: "d", StoragePool: "p", Reason: "above 80 %", Decided: at,
		Slots: []model.GrowthSlot{{Host: "h1", State: model.SlotPlanned, Request: model.VolumeRequest{SizeGiB: 100}}},
	}
}

func TestUrgentProblemsComeFirst(t *testing.T) {
	s := complete()
	s.cluster.Paused = true
	s.Candidates = nil
	s.fill(0.95)
	page := s.draw(t)
	require.Less(t, strings.Index(page, "critically full"), strings.Index(page, "The plan is paused"))
	require.Less(t, strings.Index(page, "The plan is paused"), strings.Index(page, "No standby"))
}

// Names, attributes and error texts come from elsewhere.
func TestHostileTextsStayTexts(t *testing.T) {
	const evil = `</small><script src=//evil></script>"onload='x' & <img src=x>`
	s := complete()
	s.cluster.SystemName, s.cluster.Problem = evil, evil
	s.nodes["h1"].Reason, s.nodes["h1"].State = evil, model.TaskUnreachable
	s.plans["h1"].Hostname, s.plans["h1"].Problem = evil, evil
	s.plans["h1"].Steps[evil] = model.Step{State: model.Stuck, Attempt: 1, Runner: evil, Error: evil}
	s.plans[evil] = s.plans["h1"]
	s.status.Pools[evil] = storagegrowth.PoolStatus{Decision: evil, Fullness: 0.95, Critical: 0.9, Verdict: storagegrowth.Verdict(evil)}
	s.status.Provider = evil
	g := growth(model.GrowthAwaiting)
	g.Reason, g.StoragePool = evil, evil
	s.growths = []model.Growth{g}
	s.Candidates = append(s.Candidates, leader.Card{Instance: evil, URL: "javascript:" + evil})
	s.View.Unreadable = map[string]string{evil: evil}
	page := s.draw(t)
	require.Greater(t, strings.Count(page, "&lt;script src=//evil&gt;"), 10)
	require.NotContains(t, page, "<script src=//")
	require.NotContains(t, page, "<img")
	require.NotContains(t, page, `"onload`)
	require.NotContains(t, page, `href="javascript`)
	require.Equal(t, 1, strings.Count(page, "<script"))
	// In a command to be copied the name is one word of the shell.
	require.Contains(t, page, "scaleioctl plan retry &#39;&lt;/small&gt;&lt;script")
	require.Contains(t, page, `onload=&#39;\&#39;&#39;x&#39;\&#39;&#39;`)
}

func TestThePageNeedsNothingFromElsewhere(t *testing.T) {
	w := httptest.NewRecorder()
	require.NoError(t, ui.Write(w, http.StatusServiceUnavailable, ui.Page{Error: "no <leader>"}))
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	require.Equal(t, "text/html; charset=utf-8", w.Header().Get("Content-Type"))
	policy := w.Header().Get("Content-Security-Policy")
	require.Contains(t, policy, "default-src 'none'")
	require.NotContains(t, policy, "unsafe")
	require.Contains(t, w.Body.String(), "no &lt;leader&gt;")
	require.Contains(t, w.Body.String(), `<noscript><meta http-equiv="refresh" content="10"></noscript>`)

	texts := complete().draw(t)
	for _, name := range []string{"style.css", "live.js"} {
		w := httptest.NewRecorder()
		ui.Static().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/ui/static/"+name, http.NoBody))
		require.Equal(t, http.StatusOK, w.Code)
		texts += w.Body.String()
	}
	for _, outside := range []string{"https://", "//cdn", "@import", " style=", " onclick=", "javascript:"} {
		require.NotContains(t, texts, outside, fmt.Sprint(outside, " is refused by the policy"))
	}
}

func TestBeforeTheFirstTermThePageSaysSo(t *testing.T) {
	w := httptest.NewRecorder()
	require.NoError(t, ui.Write(w, http.StatusOK, ui.Describe(ui.Source{})))
	require.Contains(t, w.Body.String(), "No scheduler has led yet")
	require.Contains(t, w.Body.String(), "No host was seen in an offer yet")
}
