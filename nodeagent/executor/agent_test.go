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

	"scaleio-framework/internal/redact"
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
	e, err := executor.New(executor.Options{Config: config, CallTimeout: 2 * time.Second, Logger: hclog.NewNullLogger()})
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

// hostile makes the generated decoder of mesos-go index out of range.
var hostile = []byte{0x08, 0x01, 0xfa, 0x07, 0xf4, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}

func TestWhatWasNotAcknowledgedIsToldAgain(t *testing.T) {
	for name, bad := range map[string]func(s stream){
		"the agent goes away":                     func(stream) {},
		"the protobuf decoder of mesos-go panics": func(s stream) { s.raw(hostile) },
		"an event has no contents":                func(s stream) { s.send(&api.Event{Type: api.Event_LAUNCH}) },
		"the framing is lost":                     func(s stream) { _, _ = s.w.Write([]byte("what is this\n")) },
	} {
		t.Run(name, func(t *testing.T) {
			agent := newAgent(t, func(a *scripted, number int, s stream) {
				s.welcome()
				if number > 1 {
					s.launch("t") // again: the agent does not know better
					s.message("after")
					s.hold()
					return
				}
				s.launch("t")
				s.launch("u")
				a.next(s.req.Context())
				second := a.next(s.req.Context())
				a.next(s.req.Context())
				s.acknowledge(second)
				bad(s)
			})
			agent.Start()
			h := &handler{}
			p := run(t, agent.config(), h)
			require.Eventually(t, func() bool { return len(h.all()) == 2 }, soon, tick)
			require.NoError(t, p.Update(t.Context(), "t", executor.Starting, nil, ""))
			require.NoError(t, p.Update(t.Context(), "u", executor.Running, []byte("data"), ""))
			require.NoError(t, p.Update(t.Context(), "t", executor.Running, []byte("more"), "text"))
			require.Eventually(t, func() bool { return len(agent.subscribed()) == 2 }, soon, tick)
			again := agent.subscribed()[1].Subscribe
			require.Len(t, again.UnacknowledgedTasks, 1)
			require.Equal(t, "t", again.UnacknowledgedTasks[0].TaskID.Value)
			require.Len(t, again.UnacknowledgedUpdates, 2)
			require.Equal(t, mesos.TASK_STARTING, again.UnacknowledgedUpdates[0].Status.GetState())
			require.Equal(t, mesos.TASK_RUNNING, again.UnacknowledgedUpdates[1].Status.GetState())
			require.Equal(t, "more", string(again.UnacknowledgedUpdates[1].Status.Data))

			require.Eventually(t, func() bool { return len(h.all()) == 3 }, soon, tick)
			require.Equal(t, []string{"launch t", "launch u", "message after"}, h.all(), "a task is launched once")
			agent.mu.Lock()
			defer agent.mu.Unlock()
			require.Len(t, agent.calls, 3, "what SUBSCRIBE has told is not sent a second time")
		})
	}
}

func TestAnUpdateBeforeTheFirstSubscriptionIsPartOfIt(t *testing.T) {
	agent := newAgent(t, func(_ *scripted, _ int, s stream) { s.welcome(); s.hold() })
	agent.Start()
	e, err := executor.New(executor.Options{Config: agent.config(), Logger: hclog.NewNullLogger()})
	require.NoError(t, err)
	require.ErrorIs(t, e.Send(t.Context(), nil), executor.ErrNotSubscribed)
	require.NoError(t, e.Update(t.Context(), "t", executor.Running, nil, ""))
	require.Error(t, e.Update(t.Context(), "t", "TASK_HAPPY", nil, ""))
	require.Error(t, e.Update(t.Context(), "", executor.Running, nil, ""))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx, &handler{}) }()
	require.Eventually(t, func() bool { return len(agent.subscribed()) == 1 }, soon, tick)
	require.Len(t, agent.subscribed()[0].Subscribe.UnacknowledgedUpdates, 1)
	cancel()
	require.NoError(t, <-done)
	require.ErrorIs(t, e.Update(t.Context(), "t", executor.Running, nil, ""), executor.ErrEnded)
	require.ErrorIs(t, e.Send(t.Context(), nil), executor.ErrEnded)
	require.Error(t, e.Run(t.Context(), &handler{}))
}

func TestShutdownWaitsForTheLastAcknowledgement(t *testing.T) {
	released := make(chan struct{})
	agent := newAgent(t, func(a *scripted, _ int, s stream) {
		s.welcome()
		s.message("blocks")
		<-released
		s.send(&api.Event{Type: api.Event_SHUTDOWN})
		s.acknowledge(a.next(s.req.Context()))
		s.hold()
	})
	agent.Start()
	h := &handler{block: func(ctx context.Context) { close(released); <-ctx.Done() }}
	var p *process
	ready := make(chan struct{})
	h.onShutdown = func() {
		<-ready
		_ = p.Update(context.Background(), "t", executor.Killed, nil, "shut down")
	}
	p = run(t, agent.config(), h)
	close(ready)
	began := time.Now()
	require.NoError(t, p.ended(t))
	require.Less(t, time.Since(began), 1500*time.Millisecond, "it waited for the grace period instead")
	require.Equal(t, []string{"message blocks", "shutdown"}, h.all())
	require.Equal(t, mesos.TASK_KILLED, agent.calls[0].Update.Status.GetState())
}

func TestShutdownEndsBeforeTheAgentKills(t *testing.T) {
	agent := newAgent(t, func(_ *scripted, _ int, s stream) {
		s.welcome()
		s.send(&api.Event{Type: api.Event_SHUTDOWN})
		s.hold()
	})
	agent.Start()
	config := agent.config()
	config.ShutdownGrace = 250 * time.Millisecond
	p := run(t, config, &handler{})
	require.NoError(t, p.Update(t.Context(), "t", executor.Killed, nil, "never acknowledged"))
	require.NoError(t, p.ended(t))
}

func TestASlowHandlerHoldsNothingUp(t *testing.T) {
	release := make(chan struct{})
	agent := newAgent(t, func(a *scripted, _ int, s stream) {
		s.welcome()
		for range 5000 {
			s.message("m")
		}
		s.launch("t")
		s.send(&api.Event{Type: api.Event_KILL, Kill: &api.Event_Kill{TaskID: mesos.TaskID{Value: "t"}}})
		s.acknowledge(a.next(s.req.Context()))
		close(release)
		s.hold()
	})
	agent.Start()
	h := &handler{block: func(ctx context.Context) {
		select {
		case <-release:
		case <-ctx.Done():
		}
	}}
	p := run(t, agent.config(), h)
	require.Eventually(t, func() bool { return len(h.all()) > 0 }, soon, tick)
	require.NoError(t, p.Update(t.Context(), "t", executor.Running, nil, ""))
	require.Eventually(t, func() bool {
		all := h.all()
		return len(all) > 0 && strings.Contains(strings.Join(all, " "), "launch t kill t")
	}, soon, tick, "launches and kills are not dropped")
	require.Less(t, len(h.all()), 4000, "messages are")
}

func TestARefusedUpdateDoesNotBlockTheNext(t *testing.T) {
	agent := newAgent(t, func(_ *scripted, _ int, s stream) { s.welcome(); s.hold() })
	agent.answer = func(call *api.Call) (int, string) {
		if call.Update.Status.TaskID.Value == "bad" {
			return http.StatusBadRequest, "Failed to validate executor::Call"
		}
		return 0, ""
	}
	agent.Start()
	p := run(t, agent.config(), &handler{})
	require.Eventually(t, func() bool { return len(agent.subscribed()) == 1 }, soon, tick)
	require.NoError(t, p.Update(t.Context(), "bad", executor.Running, nil, ""))
	require.NoError(t, p.Update(t.Context(), "good", executor.Running, nil, ""))
	taken := agent.next(t.Context())
	require.NotNil(t, taken)
	require.Equal(t, "good", taken.Update.Status.TaskID.Value)
}

func TestAnUpdateIsTriedUntilTaken(t *testing.T) {
	agent := newAgent(t, func(_ *scripted, _ int, s stream) { s.welcome(); s.hold() })
	failures := 3
	agent.answer = func(*api.Call) (int, string) {
		agent.mu.Lock()
		defer agent.mu.Unlock()
		failures--
		switch {
		case failures > 0:
			return http.StatusServiceUnavailable, "Agent has not finished recovery"
		case failures == 0:
			return http.StatusForbidden, "Executor is not subscribed"
		}
		return 0, ""
	}
	agent.Start()
	p := run(t, agent.config(), &handler{})
	require.Eventually(t, func() bool { return len(agent.subscribed()) == 1 }, soon, tick)
	require.NoError(t, p.Update(t.Context(), "t", executor.Running, nil, ""))
	require.Eventually(t, func() bool {
		all := agent.subscribed()
		return len(all) == 2 && len(all[1].Subscribe.UnacknowledgedUpdates) == 1
	}, soon, tick, "403 means to subscribe again")
}

func TestWhatEndsTheExecutor(t *testing.T) {
	var refused *executor.AgentError
	for name, c := range map[string]struct {
		script func(s stream)
		change func(*executor.Config)
		is     error
		as     any
	}{
		"without checkpoints a lost agent is lost": {
			script: func(s stream) { s.welcome() }, change: func(c *executor.Config) { c.Checkpoint = false }, is: executor.ErrAgentLost,
		},
		"the agent does not come back in time": {
			script: func(s stream) { http.Error(s.w, "Agent has not finished recovery", http.StatusServiceUnavailable) },
			change: func(c *executor.Config) { c.RecoveryTimeout = 300 * time.Millisecond }, is: executor.ErrAgentLost,
		},
		"the agent does not know us": {
			script: func(s stream) { http.Error(s.w, "Executor cannot be found", http.StatusBadRequest) }, is: executor.ErrUnknown,
		},
		"the agent does not know our framework": {
			script: func(s stream) { http.Error(s.w, "Framework cannot be found", http.StatusBadRequest) }, is: executor.ErrUnknown,
		},
		"the token is wrong": {
			script: func(s stream) { http.Error(s.w, "", http.StatusUnauthorized) }, as: &refused,
		},
		"the agent says ERROR": {
			script: func(s stream) {
				s.welcome()
				s.send(&api.Event{Type: api.Event_ERROR, Error: &api.Event_Error{Message: "no"}})
			}, as: &refused,
		},
	} {
		t.Run(name, func(t *testing.T) {
			agent := newAgent(t, func(_ *scripted, _ int, s stream) { c.script(s) })
			agent.Start()
			config := agent.config()
			if c.change != nil {
				c.change(&config)
			}
			err := run(t, config, &handler{}).ended(t)
			if c.as != nil {
				require.ErrorAs(t, err, c.as)
			} else {
				require.ErrorIs(t, err, c.is)
			}
		})
	}
}

func TestTheTokenIsABearerToken(t *testing.T) {
	agent := newAgent(t, func(_ *scripted, _ int, s stream) { s.welcome(); s.hold() })
	agent.Start()
	config := agent.config()
	config.Token = redact.New("hunter2")
	p := run(t, config, &handler{})
	require.Eventually(t, func() bool { return p.Send(t.Context(), []byte("x")) == nil }, soon, tick)
	agent.mu.Lock()
	defer agent.mu.Unlock()
	for _, h := range agent.headers {
		require.Equal(t, "Bearer hunter2", h.Get("Authorization"))
	}
}
