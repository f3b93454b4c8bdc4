package executor_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	mesos "github.com/mesos/mesos-go/api/v1/lib"
	api "github.com/mesos/mesos-go/api/v1/lib/executor"
	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/redact"
	"scaleio-framework/nodeagent/executor"
)

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
	config := agent.config()
	config.ShutdownGrace = time.Hour
	p = run(t, config, h)
	close(ready)
	require.NoError(t, p.ended(t), "it does not wait for the grace period")
	require.Equal(t, []string{"message blocks", "shutdown"}, h.all())
	require.Equal(t, mesos.TASK_KILLED, agent.calls[0].Update.Status.GetState())
}

func TestShutdownEndsBeforeTheAgentKills(t *testing.T) {
	agent := newAgent(t, func(a *scripted, _ int, s stream) {
		s.welcome()
		a.next(s.req.Context())
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
	release, told := make(chan struct{}), make(chan *api.Call, 1)
	agent := newAgent(t, func(a *scripted, _ int, s stream) {
		s.welcome()
		for range 5000 {
			s.message("m")
		}
		s.launch("t")
		s.send(&api.Event{Type: api.Event_KILL, Kill: &api.Event_Kill{TaskID: mesos.TaskID{Value: "t"}}})
		told <- a.next(s.req.Context())
		s.hold()
	})
	agent.Start()
	h := &handler{block: func(ctx context.Context) {
		select {
		case <-release:
		case <-ctx.Done():
		}
	}}
	var dropped lines
	p := runLogged(t, agent.config(), h, hclog.New(&hclog.LoggerOptions{Output: &dropped}))
	require.Eventually(t, func() bool { return len(h.all()) > 0 }, soon, tick)
	require.NoError(t, p.Update(t.Context(), "t", executor.Running, nil, ""))
	require.NotNil(t, <-told, "updates are not held up")
	// A thousand may be under way to the handler, and as many may wait.
	require.Eventually(t, func() bool { return dropped.with("message dropped") >= 3000 }, soon, tick, "nor is the stream")
	close(release)
	require.Eventually(t, func() bool {
		all := h.all()
		return len(all) > 0 && strings.Contains(strings.Join(all, " "), "launch t kill t")
	}, soon, tick, "launches and kills are not dropped")
	require.LessOrEqual(t, len(h.all()), 2002, "messages are")
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
