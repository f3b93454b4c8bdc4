package scaleioctl_test

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/events"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/scaleioctl"
	"scaleio-framework/leader"
)

// commit stores a record as the leader does.
func (s *scheduler) commit(t *testing.T, path string, record any) {
	t.Helper()
	data, err := model.Encode(record, nil)
	require.NoError(t, err)
	s.mu.Lock()
	s.view.Records = maps.Clone(s.view.Records)
	s.view.Records[path] = leader.Entry{Data: data}
	s.view.Number++
	s.mu.Unlock()
	s.changed.Ring()
}

// paper is written to while it is read.
type paper struct {
	mu   sync.Mutex
	text strings.Builder
}

func (p *paper) Write(data []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(data)
}

func (p *paper) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

// follower is scaleioctl events as it runs.
type follower struct {
	out, err paper
	stop     func() int
}

func follow(t *testing.T, args ...string) *follower {
	t.Helper()
	f := &follower{}
	ctx, cancel := context.WithCancel(t.Context())
	code := make(chan int, 1)
	go func() {
		code <- scaleioctl.Run(ctx, append([]string{"events", "--interval", "10ms"}, args...), scaleioctl.World{Out: &f.out, Err: &f.err})
	}()
	f.stop = sync.OnceValue(func() int { cancel(); return <-code })
	t.Cleanup(func() { f.stop() })
	return f
}

func (f *follower) awaits(t *testing.T, text string) {
	t.Helper()
	require.Eventually(t, func() bool { return strings.Contains(f.out.String(), text) }, 20*time.Second, 5*time.Millisecond, "%s\n%s", &f.out, &f.err)
}

func host(name string, state model.TaskState) *model.Node {
	return &model.Node{Hostname: name, State: state, Launch: &model.Launch{Number: 1, TaskID: name + "-1"}}
}

func plan(steps map[string]model.Step) *model.NodePlan {
	return &model.NodePlan{Hostname: "h1", Persona: model.Storage, Steps: steps}
}

func TestEventsShowsWhatIsOpenAndThenWhatChanges(t *testing.T) {
	s := start(t, map[string]any{
		leader.PathCluster:       &model.Cluster{UUID: "u"},
		leader.PathNodes + "/h1": host("h1", model.TaskRunning),
		leader.PathNodes + "/h2": host("h2", model.TaskLaunching),
		leader.PathNodes + "/h1/plan": plan(map[string]model.Step{
			"prerequisites": {State: model.Done, Attempt: 1, Runner: "h1"},
			"sds-package":   {State: model.Running, Attempt: 1, Runner: "h1"},
		}),
	})
	f := follow(t, "--url", s.url)
	f.awaits(t, " leader of epoch 7 is sio-a at http://a:1\n")
	f.awaits(t, " host h2: launching\n")
	f.awaits(t, " h1/sds-package: running\n")
	f.awaits(t, " plan: installing\n")
	s.commit(t, leader.PathNodes+"/h1/plan", plan(map[string]model.Step{
		"prerequisites": {State: model.Done, Attempt: 1, Runner: "h1"},
		"sds-package":   {State: model.Stuck, Attempt: 2, Runner: "h1", Error: "no space\nleft"},
	}))
	f.awaits(t, " h1/sds-package: stuck, attempt 2, no space left\n")
	f.awaits(t, " plan: stuck\n")
	require.NotContains(t, f.out.String(), "prerequisites", "what is settled is no news")
	require.NotContains(t, f.out.String(), "host h1")
	require.Equal(t, scaleioctl.ExitOK, f.stop())
	require.Empty(t, f.err.String())
}

func TestEventsTellsWhatItMissed(t *testing.T) {
	first := start(t, map[string]any{leader.PathCluster: &model.Cluster{UUID: "u"}, leader.PathNodes + "/h1": host("h1", model.TaskLaunching)})
	first.done = make(chan struct{})
	second := start(t, map[string]any{leader.PathCluster: &model.Cluster{UUID: "u", Paused: true}, leader.PathNodes + "/h1": host("h1", model.TaskLaunching)})
	second.mu.Lock()
	second.view.Epoch = 8
	second.mu.Unlock()
	var leads atomic.Pointer[scheduler]
	leads.Store(first)
	standby := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		target, err := url.Parse(leads.Load().url)
		if err == nil {
			proxy := httputil.NewSingleHostReverseProxy(target)
			proxy.Transport = &http.Transport{DisableKeepAlives: true}
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(standby.Close)
	f := follow(t, "--url", standby.URL)
	f.awaits(t, "host h1: launching\n")
	leads.Store(second)
	close(first.done)
	f.awaits(t, " leader of epoch 8")
	f.awaits(t, " plan: installing, PAUSED\n")
	require.Equal(t, scaleioctl.ExitOK, f.stop())
	require.Contains(t, f.err.String(), "says: this scheduler leads no more: connect again, the next one takes over; connecting again\n")
	require.Equal(t, 1, strings.Count(f.out.String(), "host h1: launching\n"), "nothing is told twice")
}

func TestEventsForProgramsAreWhole(t *testing.T) {
	s := start(t, map[string]any{leader.PathCluster: &model.Cluster{UUID: "u"}, leader.PathNodes + "/h1": host("h1", model.TaskRunning)})
	f := follow(t, "--url", s.url, "--json")
	f.awaits(t, `"plan"`)
	var list []events.Event
	for line := range strings.Lines(f.out.String()) {
		var e events.Event
		require.NoError(t, json.Unmarshal([]byte(line), &e), line)
		list = append(list, e)
	}
	require.Equal(t, events.Of(s.View(), true).List(), list)
}

func TestEventsSaysWhyItCannotBegin(t *testing.T) {
	for _, c := range []struct {
		name    string
		answer  http.HandlerFunc
		want    string
		timeout string
	}{
		{"a refusal", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = w.Write([]byte(`{"error":"64 listeners"}`))
		}, "says: 64 listeners", "20s"},
		{"no scheduler", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }, "answers 418", "20s"},
		{"silence", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "the scheduler is silent", "200ms"},
		{"an empty answer", func(http.ResponseWriter, *http.Request) {}, "unexpected EOF", "20s"},
		{"what is no event", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte("event: snapshot\ndata: {broken\n\n"))
		}, "is not what this version understands", "20s"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ts := httptest.NewServer(c.answer)
			t.Cleanup(ts.Close)
			got := run(t, nil, "events", "--url", ts.URL, "--timeout", c.timeout)
			require.Equal(t, scaleioctl.ExitFailed, got.code)
			require.Contains(t, got.err, c.want)
			require.Empty(t, got.out)
		})
	}
	require.Equal(t, scaleioctl.ExitMisused, run(t, nil, "events").code)
}
