package httpapi_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/engine"
	"scaleio-framework/internal/events"
	"scaleio-framework/internal/httpapi"
	"scaleio-framework/internal/model"
	"scaleio-framework/leader"
)

// told is one server-sent event, or a comment.
type told struct{ id, name, data, comment string }

// listener reads a stream.
type listener struct {
	resp *http.Response
	text *bufio.Reader
}

func (in *instance) listen(t *testing.T, lastID string) *listener {
	t.Helper()
	// Longer than anything is waited for: the end of a stream must not come from here.
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, in.url+"/v1/events", http.NoBody)
	require.NoError(t, err)
	req.Close = true
	if lastID != "" {
		req.Header.Set("Last-Event-ID", lastID)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	require.NoError(t, err)
	l := &listener{resp, bufio.NewReader(resp.Body)}
	t.Cleanup(func() { _ = l.resp.Body.Close() }) // some tests close it before
	return l
}

func (l *listener) next(t *testing.T) (e told) {
	t.Helper()
	for {
		line, err := l.text.ReadString('\n')
		require.NoError(t, err)
		field, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch field {
		case "id":
			e.id = value
		case "event":
			e.name = value
		case "data":
			e.data = value
		case "":
			if value == "" {
				return e
			}
			e.comment = value
		default:
			require.Fail(t, "no line of a stream", line)
		}
	}
}

func (l *listener) snapshot(t *testing.T) (id string, facts []events.Event) {
	t.Helper()
	e := l.next(t)
	require.Equal(t, httpapi.EventSnapshot, e.name)
	return e.id, into[httpapi.Snapshot](t, answer{body: e.data}).Facts
}

func (l *listener) change(t *testing.T) events.Event {
	t.Helper()
	e := l.next(t)
	require.Equal(t, httpapi.EventChange, e.name, e.data)
	return into[events.Event](t, answer{body: e.data})
}

// over expects the end of the stream and its reason.
func (l *listener) over(t *testing.T) string {
	t.Helper()
	e := l.next(t)
	require.Equal(t, httpapi.EventEnd, e.name, e.data)
	rest, err := io.ReadAll(l.text)
	require.NoError(t, err)
	require.Empty(t, rest)
	return into[httpapi.Problem](t, answer{body: e.data}).Error
}

// with is a view in which one record stands otherwise.
func with(t *testing.T, v engine.View, path string, record any) engine.View {
	t.Helper()
	data, err := model.Encode(record, nil)
	require.NoError(t, err)
	records := make(leader.Snapshot)
	for p, entry := range v.Records {
		records[p] = entry
	}
	records[path] = leader.Entry{Data: data}
	v.Records = records
	return v
}

func node(host string, state model.TaskState) *model.Node {
	return &model.Node{Hostname: host, State: state, Launch: &model.Launch{Number: 1, TaskID: host + "-1"}}
}

func TestAListenerIsToldEverythingAndThenWhatChanges(t *testing.T) {
	for _, through := range []string{"the leader", "a standby"} {
		t.Run(through, func(t *testing.T) {
			s := newSite()
			first := installing(t)
			a, b := s.start(t, "a", setup{view: first}), s.start(t, "b", setup{})
			s.lead("a")
			in := a
			if through == "a standby" {
				in = b
			}
			l := in.listen(t, "")
			require.Equal(t, "text/event-stream", l.resp.Header.Get("Content-Type"))
			require.Equal(t, "no-store", l.resp.Header.Get("Cache-Control"))
			id, facts := l.snapshot(t)
			require.Equal(t, events.Of(first, true).List(), facts)

			second := with(t, first, leader.PathNodes+"/h4", node("h4", model.TaskLaunching))
			a.term.commit(second)
			require.Equal(t, events.Event{Type: events.Node, Host: "h4", State: "launching", Attempt: 1}, l.change(t))
			a.term.commit(second) // the same again: nothing is told
			a.term.commit(with(t, second, leader.PathNodes+"/h4", node("h4", model.TaskRunning)))
			require.Equal(t, events.Event{Type: events.Node, Host: "h4", State: "running", Attempt: 1}, l.change(t))

			again := in.listen(t, id)
			newID, facts := again.snapshot(t)
			require.NotEqual(t, id, newID)
			require.Equal(t, events.Of(a.term.View(), true).List(), facts, "everything, whatever was seen last")
		})
	}
}

func TestAStreamEndsWithTheTermAndSaysSo(t *testing.T) {
	s := newSite()
	a, b := s.start(t, "a", setup{view: installing(t)}), s.start(t, "b", setup{view: engine.View{Epoch: 8}})
	s.lead("a")
	direct, passed := a.listen(t, ""), b.listen(t, "")
	id, _ := direct.snapshot(t)
	passed.snapshot(t)
	require.True(t, strings.HasPrefix(id, "7-"), id)
	close(a.term.done)
	s.lead("b")
	for _, l := range []*listener{direct, passed} {
		require.Equal(t, "this scheduler leads no more: connect again, the next one takes over", l.over(t))
	}
	id, facts := a.listen(t, id).snapshot(t)
	require.True(t, strings.HasPrefix(id, "8-"), id)
	require.Equal(t, uint64(8), facts[0].Epoch)
}

func TestAStreamEndsWithTheServer(t *testing.T) {
	s := newSite()
	a, b := s.start(t, "a", setup{view: installing(t)}), s.start(t, "b", setup{})
	s.lead("a")
	direct, passed := a.listen(t, ""), b.listen(t, "")
	direct.snapshot(t)
	passed.snapshot(t)
	b.stop()
	_, err := io.ReadAll(passed.text)
	require.Error(t, err, "cut off: the leader goes on, and says nothing")
	a.stop()
	require.Equal(t, "this scheduler stops: connect again", direct.over(t))
	late := a.listen(t, "")
	late.snapshot(t)
	require.Equal(t, "this scheduler stops: connect again", late.over(t), "whoever comes later is not kept")
}

func TestAQuietStreamShowsThatItLives(t *testing.T) {
	s := newSite()
	a := s.start(t, "a", setup{view: installing(t), heartbeat: time.Millisecond})
	s.lead("a")
	l := a.listen(t, "")
	l.snapshot(t)
	for range 3 {
		require.Equal(t, told{comment: "alive"}, l.next(t))
	}
}

func TestTheNumberOfListenersIsBounded(t *testing.T) {
	s := newSite()
	a := s.start(t, "a", setup{view: installing(t), listeners: 2})
	s.lead("a")
	first, second := a.listen(t, ""), a.listen(t, "")
	first.snapshot(t)
	second.snapshot(t)
	got := a.do(t, http.MethodGet, "/v1/events", "")
	require.Equal(t, http.StatusServiceUnavailable, got.code)
	require.Equal(t, "30", got.header.Get("Retry-After"))
	require.Equal(t, "2 listeners are served already: end one, or ask another scheduler", got.problem(t))
	require.NoError(t, first.resp.Body.Close())
	require.Eventually(t, a.hasRoom(t), time.Minute, 10*time.Millisecond, "who leaves makes room")
}

// hasRoom reports whether another listener is admitted.
func (in *instance) hasRoom(t *testing.T) func() bool {
	return func() bool {
		l := in.listen(t, "")
		defer func() { _ = l.resp.Body.Close() }()
		return l.resp.StatusCode == http.StatusOK
	}
}

// Listeners who do not read would else take all the places for ever.
func TestWhoDoesNotReadIsCutOff(t *testing.T) {
	for _, through := range []string{"the leader", "a standby"} {
		t.Run(through, func(t *testing.T) {
			s := newSite()
			one := setup{view: installing(t), eventWait: 100 * time.Millisecond, listeners: 1}
			a, b := s.start(t, "a", one), s.start(t, "b", one)
			s.lead("a")
			in := a
			if through == "a standby" {
				in = b
			}
			mute := in.listen(t, "") // reads the head of the answer and no more
			require.Equal(t, http.StatusOK, mute.resp.StatusCode)
			require.False(t, in.hasRoom(t)())
			i, room := 0, in.hasRoom(t)
			require.Eventually(t, func() bool {
				i++ // each differs, so each is told, until the sockets are full
				v := a.term.View()
				v.Unreadable = map[string]string{"/large": fmt.Sprint(i, strings.Repeat("x", 2<<20))}
				a.term.commit(v)
				return room()
			}, time.Minute, 20*time.Millisecond, "he makes room for one who reads")
		})
	}
}

func TestWhoReadsSlowlyIsTold(t *testing.T) {
	s := newSite()
	a := s.start(t, "a", setup{view: installing(t), eventSlow: time.Nanosecond})
	s.lead("a")
	l := a.listen(t, "")
	l.snapshot(t)
	require.Equal(t, "this listener reads too slowly: connect again, the stream then begins with everything", l.over(t))
}

func TestAStreamHoldsNoSecrets(t *testing.T) {
	s := newSite()
	a := s.start(t, "a", setup{view: secretive(t)})
	s.lead("a")
	_, facts := a.listen(t, "").snapshot(t)
	data, err := json.Marshal(facts)
	require.NoError(t, err)
	require.Contains(t, string(data), "sds-package")
	require.NotContains(t, string(data), "withheld")
}

// secretive is a site with a mark wherever something stands that is nobody's
// concern: parameters, results, tokens, keys and certificates.
func secretive(t *testing.T) engine.View {
	t.Helper()
	v := installing(t)
	inventory := &model.Inventory{Hostname: "h1", Address: "10.0.0.1", PublicKey: "withheld-key", OS: model.OS{Family: "deb"}}
	n := node("h1", model.TaskRunning)
	n.Inventory, n.Launch.URI = inventory, "http://withheld-uri"
	v = with(t, v, leader.PathNodes+"/h1", n)
	v = with(t, v, leader.PathNodes+"/h1/plan", &model.NodePlan{Hostname: "h1", Persona: model.Manager, Steps: map[string]model.Step{
		"sds-package": {State: model.Running, Attempt: 1, Runner: "h1", Params: json.RawMessage(`{"a":"withheld-parameter"}`), Digest: "withheld-digest", Result: json.RawMessage(`{"a":"withheld-result"}`)},
	}})
	v = with(t, v, leader.PathCluster, &model.Cluster{
		UUID: "u", InstallationID: "withheld-id", Gateways: []model.Gateway{{Host: "h1", URL: "https://h1:443", CertificatePEM: "withheld-certificate"}},
	})
	return with(t, v, leader.PathGrowth+"/g1", &model.Growth{
		ID: "g1", State: model.GrowthOpen, ProtectionDomain: "d", StoragePool: "p",
		Slots: []model.GrowthSlot{{Host: "h1", State: model.SlotPlanned, Request: model.VolumeRequest{Token: "withheld-token", KMSKeyID: "withheld-kms", Tags: map[string]string{"x": "withheld-tag"}}}},
	})
}
