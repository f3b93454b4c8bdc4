package scaleioctl_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
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
	"scaleio-framework/internal/scaleioctl"
	"scaleio-framework/internal/zkconn"
	"scaleio-framework/internal/zkconn/zktest"
	"scaleio-framework/leader"
	"scaleio-framework/test/programs"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		programs.Remove()
		zktest.Exit(code)
	}))
}

var since = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// scheduler is a leader behind a real HTTP server: what a test puts into it is
// what it has committed.
type scheduler struct {
	url string

	mu         sync.Mutex
	view       engine.View
	cards      []leader.Card
	subscribed bool
	asked      func() // whether it is subscribed; may be nil
	outcome    func() (waiting bool, refused string)
	preview    func(pool string, sizeGiB int) core.TellPreview
	orders     []model.Order
	abdicated  bool
	next       *scheduler // leads after it has abdicated
	gone       bool
	inTheWay   []string
	changed    httpapi.Bell
	done       chan struct{} // nil: the term lasts
}

func (s *scheduler) Connected() bool             { return true }
func (s *scheduler) Leader() (leader.Card, bool) { return leader.Card{}, false }
func (s *scheduler) Candidates(context.Context) ([]leader.Card, error) {
	if len(s.cards) == 0 {
		return nil, errors.New("no session")
	}
	return s.cards, nil
}

func (s *scheduler) View() engine.View {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.view
}
func (s *scheduler) Changed() <-chan struct{} { return s.changed.Next() }
func (s *scheduler) Done() <-chan struct{}    { return s.done }
func (s *scheduler) Subscribed() bool {
	if s.asked != nil {
		s.asked()
	}
	return s.subscribed
}

func (s *scheduler) Preview(_ context.Context, pool string, sizeGiB int) (core.TellPreview, error) {
	return s.preview(pool, sizeGiB), nil
}

func (s *scheduler) VolumesInTheWay(context.Context, bool) ([]string, error) {
	return s.inTheWay, nil
}

func (s *scheduler) Abdicate() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.abdicated = true
	if s.next != nil {
		s.gone = true
		s.next.appear()
	}
}

func (s *scheduler) Submit(_ context.Context, data []byte) (string, error) {
	order, err := model.ParseOrder(data)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.orders = append(s.orders, order)
	return "/orders/0000000007", err
}

func (s *scheduler) Outcome(context.Context, string) (bool, string, error) {
	waiting, refused := s.outcome()
	return waiting, refused, nil
}

func (s *scheduler) term() httpapi.Term {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone {
		return nil
	}
	return s
}

func (s *scheduler) vanish() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone = true
}

func (s *scheduler) appear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone = false
}

// start serves a leader with records.
func start(t *testing.T, records map[string]any) *scheduler {
	t.Helper()
	s := &scheduler{
		view: engine.View{Epoch: 7, Records: make(leader.Snapshot), Unreadable: make(map[string]string)}, subscribed: true,
		outcome: func() (bool, string) { return false, "" },
	}
	for path, record := range records {
		data, err := model.Encode(record, nil)
		require.NoError(t, err)
		s.view.Records[path] = leader.Entry{Data: data, Version: 1}
	}
	s.view.Records[leader.PathEpoch] = leader.Entry{Data: []byte(`{"epoch":7,"instance":"sio-a","url":"http://a:1","since":"2026-03-04T05:06:07Z"}`)}
	server, err := httpapi.New(httpapi.Options{
		Instance: "sio-a", Election: s, Orders: s, Term: s.term, Artifacts: http.NotFoundHandler(),
		Logger: hclog.NewNullLogger(), LeaderWait: 50 * time.Millisecond, OrderWait: 100 * time.Millisecond,
	})
	require.NoError(t, err)
	ts := httptest.NewServer(server)
	t.Cleanup(ts.Close)
	s.url = ts.URL
	s.cards = []leader.Card{
		{Instance: "sio-b", URL: "http://b:1", Version: "v1", Since: since},
		{Instance: "sio-a", URL: "http://a:1", Version: "v1", Since: since.Add(-time.Hour)},
	}
	return s
}

// result is what a run printed and returned.
type result struct {
	code     int
	out, err string
}

func run(t *testing.T, environ []string, args ...string) result {
	t.Helper()
	return runUntil(t.Context(), environ, args...)
}

func runUntil(ctx context.Context, environ []string, args ...string) result {
	var out, err bytes.Buffer
	code := scaleioctl.Run(ctx, args, scaleioctl.World{Out: &out, Err: &err, Environ: environ})
	return result{code, out.String(), err.String()}
}

// lead lays a leader's card in ZooKeeper, and records below its fence.
func lead(t *testing.T, zkURL, cardURL string, ops ...leader.Op) *leader.Term {
	t.Helper()
	opts, err := zkconn.ParseURL(zkURL)
	require.NoError(t, err)
	elector, err := leader.New(leader.Options{Conn: opts, Card: leader.Card{Instance: "sio-a", URL: cardURL}})
	require.NoError(t, err)
	term, err := elector.Elect(t.Context())
	require.NoError(t, err)
	t.Cleanup(term.Close)
	if len(ops) > 0 {
		_, err = term.Commit(t.Context(), ops...)
		require.NoError(t, err)
	}
	return term
}
