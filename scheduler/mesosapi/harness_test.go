package mesosapi_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/user"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/core"
	"scaleio-framework/scheduler/mesosapi"
)

const (
	frameworkID = "3f0c1a52-0000-4000-8000-000000000001-scaleio"
	soon        = 20 * time.Second
	tick        = 5 * time.Millisecond
)

// running is a Client and what it told.
type running struct {
	t      *testing.T
	client *mesosapi.Client
	stop   context.CancelFunc
	done   chan error
	log    *bytes.Buffer // read it only after the end

	mu     sync.Mutex
	events []core.Event
	fence  error
	fenced int
}

func staticDetector(t *testing.T, urls ...string) mesosapi.Detector {
	t.Helper()
	addresses := make([]string, 0, len(urls))
	for _, u := range urls {
		addresses = append(addresses, strings.TrimPrefix(u, "http://"))
	}
	detector, err := mesosapi.NewStatic(addresses...)
	require.NoError(t, err)
	return detector
}

// start runs a client until the test ends; change adjusts its options.
func start(t *testing.T, detector mesosapi.Detector, change func(*mesosapi.Options)) *running {
	t.Helper()
	r := &running{t: t, done: make(chan error, 1), log: &bytes.Buffer{}}
	opts := mesosapi.Options{
		Detector: detector,
		Fence: func(context.Context) error {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.fenced++
			return r.fence
		},
		Name: "scaleio", User: currentUser(t), Role: "storage", MaxBackoff: 200 * time.Millisecond, CallTimeout: 5 * time.Second,
		Logger: hclog.New(&hclog.LoggerOptions{Output: r.log, Mutex: &sync.Mutex{}}),
	}
	if change != nil {
		change(&opts)
	}
	client, err := mesosapi.New(opts)
	require.NoError(t, err)
	r.client = client
	ctx, cancel := context.WithCancel(context.Background())
	r.stop = cancel
	go func() { r.done <- client.Run(ctx, frameworkID, r.post) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err, ok := <-r.done:
			if ok {
				require.NoError(t, err)
			}
		case <-time.After(soon):
			t.Error("Run did not return after its context had ended")
		}
	})
	return r
}

func (r *running) post(e core.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}

func (r *running) setFence(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fence = err
}

// ended waits for Run to return by itself.
func (r *running) ended() error {
	r.t.Helper()
	select {
	case err := <-r.done:
		close(r.done)
		return err
	case <-time.After(soon):
		require.FailNow(r.t, "Run goes on")
		return nil
	}
}

// all returns the events of one type so far.
func all[E core.Event](r *running) []E {
	r.mu.Lock()
	defer r.mu.Unlock()
	var found []E
	for _, e := range r.events {
		if e, ok := e.(E); ok {
			found = append(found, e)
		}
	}
	return found
}

// await waits for an event of a type that satisfies the condition.
func await[E core.Event](r *running, what string, condition func(E) bool) E {
	r.t.Helper()
	var got E
	require.Eventually(r.t, func() bool {
		for _, e := range all[E](r) {
			if condition == nil || condition(e) {
				got = e
				return true
			}
		}
		return false
	}, soon, tick, what)
	return got
}

// lying is a master that does what the double never would: each SUBSCRIBE is
// answered by script, with the number of the subscription, from 1.
type lying struct {
	*httptest.Server
	mu         sync.Mutex
	subscribed int
	refusal    func(w http.ResponseWriter) // of calls; nil accepts them
}

func lyingMaster(t *testing.T, script func(number int, call *scheduler.Call, s stream)) *lying {
	t.Helper()
	m := &lying{}
	m.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		var body bytes.Buffer
		var call scheduler.Call
		if _, err := body.ReadFrom(req.Body); err != nil || call.Unmarshal(body.Bytes()) != nil {
			http.Error(w, "no call", http.StatusBadRequest)
			return
		}
		m.mu.Lock()
		if call.Type != scheduler.Call_SUBSCRIBE {
			refuse := m.refusal
			m.mu.Unlock()
			if refuse != nil {
				refuse(w)
				return
			}
			w.WriteHeader(http.StatusAccepted)
			return
		}
		m.subscribed++
		number := m.subscribed
		m.mu.Unlock()
		script(number, &call, stream{w, req})
	}))
	t.Cleanup(m.Close)
	return m
}

func (m *lying) subscriptions() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.subscribed
}

// stream writes the answer to a SUBSCRIBE.
type stream struct {
	w   http.ResponseWriter
	req *http.Request
}

func (s stream) raw(record []byte) {
	s.w.Header().Set("Mesos-Stream-Id", "4a3af1b0-a7db-4f9d-9493-54ff36d2c86d")
	s.w.Header().Set("Content-Type", "application/x-protobuf")
	_, _ = fmt.Fprintf(s.w, "%d\n%s", len(record), record)
	s.w.(http.Flusher).Flush()
}

func (s stream) send(e *scheduler.Event) {
	record, err := e.Marshal()
	if err != nil {
		panic(err)
	}
	s.raw(record)
}

func (s stream) welcome(id string, heartbeat float64) {
	s.send(&scheduler.Event{Type: scheduler.Event_SUBSCRIBED, Subscribed: &scheduler.Event_Subscribed{
		FrameworkID: &mesos.FrameworkID{Value: id}, HeartbeatIntervalSeconds: &heartbeat,
	}})
}

func (s stream) error(text string) {
	s.send(&scheduler.Event{Type: scheduler.Event_ERROR, Error: &scheduler.Event_Error{Message: text}})
}

// hold keeps the stream open and silent until the client goes.
func (s stream) hold() { <-s.req.Context().Done() }

var errTermLost = errors.New("the term is lost")

// hostile makes the generated decoder of mesos-go index out of range.
var hostile = []byte{0x08, 0x01, 0xfa, 0x07, 0xf4, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}

func currentUser(t *testing.T) string {
	t.Helper()
	u, err := user.Current()
	require.NoError(t, err)
	return u.Username
}
