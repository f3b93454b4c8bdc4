package httpapi_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/engine"
	"scaleio-framework/internal/httpapi"
	"scaleio-framework/internal/model"
	"scaleio-framework/leader"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// site is what the instances of a test share: who leads, and the orders.
type site struct {
	mu        sync.Mutex
	connected bool
	cards     []leader.Card
	leads     string // instance
	orders    map[string][]byte
	refused   map[string]string
	decide    func(model.Order) (refused string, taken bool)
}

func newSite() *site {
	return &site{
		connected: true, orders: make(map[string][]byte), refused: make(map[string]string),
		decide: func(model.Order) (string, bool) { return "", true },
	}
}

func (s *site) Submit(_ context.Context, order []byte) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.connected {
		return "", errors.New("no ZooKeeper session")
	}
	path := leader.PathOrders + "/" + strconv.Itoa(len(s.orders))
	s.orders[path] = order
	return path, nil
}

// Outcome also plays the leader that takes the order.
func (s *site) Outcome(_ context.Context, path string) (waiting bool, refused string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	order, err := model.ParseOrder(s.orders[path])
	if err != nil {
		return false, "", err
	}
	refused, taken := s.decide(order)
	return !taken, refused, nil
}

func (s *site) only(t *testing.T) model.Order {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	require.Len(t, s.orders, 1)
	order, err := model.ParseOrder(s.orders[leader.PathOrders+"/0"])
	require.NoError(t, err)
	return order
}

func (s *site) lead(instance string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leads = instance
}

func (s *site) disconnect() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.connected = false
}

func (s *site) add(cards ...leader.Card) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cards = append(s.cards, cards...)
}

func (s *site) written() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.orders)
}

// candidacy is one instance's look at the site.
type candidacy struct {
	*site
	believes string // takes this instance for the leader, whoever leads
}

func (c candidacy) Connected() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.connected
}

func (c candidacy) Leader() (leader.Card, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	want := c.leads
	if c.believes != "" {
		want = c.believes
	}
	for _, card := range c.cards {
		if card.Instance == want && c.connected {
			return card, true
		}
	}
	return leader.Card{}, false
}

func (c candidacy) Candidates(context.Context) ([]leader.Card, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.connected {
		return nil, errors.New("no session")
	}
	return append([]leader.Card(nil), c.cards...), nil
}

// term is a term of leadership whose records a test wrote.
type term struct {
	mu        sync.Mutex
	view      engine.View
	changed   httpapi.Bell
	done      chan struct{}
	preview   func(ctx context.Context, pool string, sizeGiB int) (core.TellPreview, error)
	inTheWay  func(ctx context.Context, allowed bool) ([]string, error)
	abdicated chan struct{}
}

func (t *term) VolumesInTheWay(ctx context.Context, allowed bool) ([]string, error) {
	return t.inTheWay(ctx, allowed)
}

func (t *term) View() engine.View {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.view
}

// commit replaces what is committed, as the engine does.
func (t *term) commit(view engine.View) {
	t.mu.Lock()
	view.Number = t.view.Number + 1
	t.view = view
	t.mu.Unlock()
	t.changed.Ring()
}

func (t *term) Changed() <-chan struct{} { return t.changed.Next() }
func (t *term) Done() <-chan struct{}    { return t.done }
func (*term) Subscribed() bool           { return true }
func (t *term) Abdicate()                { close(t.abdicated) }
func (t *term) Preview(ctx context.Context, pool string, sizeGiB int) (core.TellPreview, error) {
	return t.preview(ctx, pool, sizeGiB)
}

// instance is one scheduler with its server.
type instance struct {
	name string
	url  string
	term *term
	stop func() // ends the streams, as the end of the process does
}

type setup struct {
	heartbeat, eventWait, eventSlow, bodyWait time.Duration
	leaderWait                                time.Duration // 300 ms when 0
	listeners                                 int
	believes                                  string
	view                                      engine.View
	preview                                   func(ctx context.Context, pool string, sizeGiB int) (core.TellPreview, error)
	inTheWay                                  func(ctx context.Context, allowed bool) ([]string, error)
}

// start starts an instance that answers as the leader while it leads.
func (s *site) start(t *testing.T, name string, with setup) *instance {
	t.Helper()
	in := &instance{name: name, term: &term{view: with.view, preview: with.preview, inTheWay: with.inTheWay, done: make(chan struct{}), abdicated: make(chan struct{})}}
	server, err := httpapi.New(httpapi.Options{
		Instance: name,
		Election: candidacy{s, with.believes},
		Orders:   s,
		Term: func() httpapi.Term {
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.leads == name {
				return in.term
			}
			return nil
		},
		Artifacts: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "artifact "+r.URL.Path) }),
		Logger:    hclog.NewNullLogger(), LeaderWait: cmp.Or(with.leaderWait, 300*time.Millisecond), BodyWait: with.bodyWait, OrderWait: 300 * time.Millisecond, PreviewWait: 300 * time.Millisecond,
		Heartbeat: with.heartbeat, EventWait: with.eventWait, EventSlow: with.eventSlow, EventPace: time.Millisecond, Listeners: with.listeners,
	})
	require.NoError(t, err)
	ts := httptest.NewServer(server)
	t.Cleanup(func() {
		server.Stop()
		ts.Close()
	})
	in.stop = server.Stop
	in.url = ts.URL
	s.add(leader.Card{Instance: name, URL: ts.URL, Version: "test"})
	return in
}

// answer is what came back.
type answer struct {
	code   int
	header http.Header
	body   string
}

func (a answer) problem(t *testing.T) string {
	t.Helper()
	require.Equal(t, "application/json", a.header.Get("Content-Type"))
	var p httpapi.Problem
	require.NoError(t, json.Unmarshal([]byte(a.body), &p), a.body)
	require.NotEmpty(t, p.Error)
	return p.Error
}

func into[T any](t *testing.T, a answer) (v T) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(a.body), &v), a.body)
	return v
}

func (in *instance) do(t *testing.T, method, path, body string) answer {
	t.Helper()
	a, err := in.try(t.Context(), method, path, body)
	require.NoError(t, err)
	return a
}

func (in *instance) try(ctx context.Context, method, path, body string) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, in.url+path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	return send(req)
}

func send(req *http.Request) (answer, error) {
	req.Close = true
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return answer{}, err
	}
	text, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close() // read to the end
	return answer{resp.StatusCode, resp.Header, string(text)}, err
}
