package executor_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	mesos "github.com/mesos/mesos-go/api/v1/lib"
	api "github.com/mesos/mesos-go/api/v1/lib/executor"
	"github.com/stretchr/testify/require"

	"scaleio-framework/nodeagent/executor"
)

// scripted is an agent that does what the double would not. Each SUBSCRIBE
// runs script, with its number from 1; other calls are answered by answer, or
// accepted.
type scripted struct {
	*httptest.Server
	script func(a *scripted, number int, s stream)
	answer func(call *api.Call) (status int, text string)

	mu         sync.Mutex
	subscribes []*api.Call
	calls      []*api.Call
	headers    []http.Header
	arrived    chan *api.Call
}

type stream struct {
	w   http.ResponseWriter
	req *http.Request
}

func newAgent(t *testing.T, script func(a *scripted, number int, s stream)) *scripted {
	t.Helper()
	a := &scripted{script: script, arrived: make(chan *api.Call, 1000)}
	a.Server = httptest.NewUnstartedServer(http.HandlerFunc(a.serve))
	t.Cleanup(a.Close)
	return a
}

func (a *scripted) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	call := &api.Call{}
	if err != nil || call.Unmarshal(body) != nil {
		http.Error(w, "no call", http.StatusBadRequest)
		return
	}
	a.mu.Lock()
	a.headers = append(a.headers, r.Header)
	if call.Type == api.Call_SUBSCRIBE {
		a.subscribes = append(a.subscribes, call)
		number := len(a.subscribes)
		a.mu.Unlock()
		a.script(a, number, stream{w, r})
		return
	}
	a.calls = append(a.calls, call)
	answer := a.answer
	a.mu.Unlock()
	if answer != nil {
		if status, text := answer(call); status != 0 {
			http.Error(w, text, status)
			return
		}
	}
	w.WriteHeader(http.StatusAccepted)
	a.arrived <- call
}

func (a *scripted) subscribed() []*api.Call {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]*api.Call(nil), a.subscribes...)
}

func (a *scripted) config() executor.Config {
	return executor.Config{
		FrameworkID: "f", ExecutorID: "node1", Endpoint: strings.TrimPrefix(strings.TrimPrefix(a.URL, "http://"), "https://"),
		ShutdownGrace: 2 * time.Second, Checkpoint: true, RecoveryTimeout: time.Minute, BackoffMax: 100 * time.Millisecond,
	}
}

// next returns the next call that was accepted; nil when the executor is gone
// or calls nothing.
func (a *scripted) next(ctx context.Context) *api.Call {
	ctx, cancel := context.WithTimeout(ctx, soon/2)
	defer cancel()
	select {
	case call := <-a.arrived:
		return call
	case <-ctx.Done():
		return nil
	}
}

func (s stream) raw(record []byte) {
	_, _ = fmt.Fprintf(s.w, "%d\n%s", len(record), record)
	s.w.(http.Flusher).Flush()
}

func (s stream) send(e *api.Event) {
	record, err := e.Marshal()
	if err != nil {
		panic(err)
	}
	s.raw(record)
}

func (s stream) welcome() {
	s.send(&api.Event{Type: api.Event_SUBSCRIBED, Subscribed: &api.Event_Subscribed{
		ExecutorInfo:  mesos.ExecutorInfo{ExecutorID: mesos.ExecutorID{Value: "node1"}},
		FrameworkInfo: mesos.FrameworkInfo{}, AgentInfo: mesos.AgentInfo{},
	}})
}

func (s stream) launch(id string) {
	s.send(&api.Event{Type: api.Event_LAUNCH, Launch: &api.Event_Launch{Task: mesos.TaskInfo{
		TaskID: mesos.TaskID{Value: id}, AgentID: mesos.AgentID{Value: "a"},
	}}})
}

func (s stream) message(text string) {
	s.send(&api.Event{Type: api.Event_MESSAGE, Message: &api.Event_Message{Data: []byte(text)}})
}

func (s stream) acknowledge(call *api.Call) {
	if call == nil {
		return
	}
	s.send(&api.Event{Type: api.Event_ACKNOWLEDGED, Acknowledged: &api.Event_Acknowledged{
		TaskID: call.Update.Status.TaskID, UUID: call.Update.Status.UUID,
	}})
}

func (s stream) hold() { <-s.req.Context().Done() }

// handler notes what it is told; block, when set, is called for messages.
type handler struct {
	mu         sync.Mutex
	heard      []string
	block      func(ctx context.Context)
	onShutdown func()
}

func (h *handler) note(text string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.heard = append(h.heard, text)
}

func (h *handler) all() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string(nil), h.heard...)
}

func (h *handler) Launch(_ context.Context, task executor.Task) { h.note("launch " + task.ID) }
func (h *handler) Kill(_ context.Context, id string)            { h.note("kill " + id) }

func (h *handler) Message(ctx context.Context, data []byte) {
	h.note("message " + string(data))
	if h.block != nil {
		h.block(ctx)
	}
}

func (h *handler) Shutdown(context.Context) {
	if h.onShutdown != nil {
		h.onShutdown()
	}
	h.note("shutdown")
}

type process struct {
	*executor.Executor
	stop context.CancelFunc
	done chan error
}

func run(t *testing.T, config executor.Config, h executor.Handler) *process {
	t.Helper()
	return runLogged(t, config, h, hclog.NewNullLogger())
}

func runLogged(t *testing.T, config executor.Config, h executor.Handler, log hclog.Logger) *process {
	t.Helper()
	e, err := executor.New(executor.Options{Config: config, CallTimeout: soon, Logger: log})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	p := &process{Executor: e, stop: cancel, done: make(chan error, 1)}
	go func() { p.done <- e.Run(ctx, h); close(p.done) }()
	t.Cleanup(func() {
		cancel()
		select {
		case <-p.done:
		case <-time.After(soon):
			t.Error("Run did not return")
		}
	})
	return p
}

func (p *process) ended(t *testing.T) error {
	t.Helper()
	select {
	case err := <-p.done:
		return err
	case <-time.After(soon):
		require.FailNow(t, "Run goes on")
		return nil
	}
}

// lines are what was logged.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// with counts the lines that hold a text.
func (l *lines) with(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), text)
}
