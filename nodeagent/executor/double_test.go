package executor_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/user"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/scheduler/mesosapi"
	"scaleio-framework/scheduler/mesosapi/mesostest"
)

const (
	soon = 20 * time.Second
	tick = 5 * time.Millisecond
)

// platform is one agent of the double that runs this test binary as executor
// "node1" with the task "node1-1", and a scheduler that acknowledges.
type platform struct {
	t       *testing.T
	cluster *mesostest.Cluster
	agent   *mesostest.Agent
	client  *mesosapi.Client

	mu       sync.Mutex
	updates  []core.TaskUpdated // each once
	seen     map[string]bool
	messages []string
}

func newPlatform(t *testing.T) *platform {
	t.Helper()
	cluster, err := mesostest.New(mesostest.Options{Dir: t.TempDir(), UpdateRetry: 100 * time.Millisecond})
	require.NoError(t, err)
	require.NoError(t, cluster.Start(t.Context()))
	t.Cleanup(func() { require.NoError(t, cluster.Close()) })
	p := &platform{t: t, cluster: cluster, seen: map[string]bool{}}
	p.agent, err = cluster.AddAgent(mesostest.AgentOptions{Hostname: "node1"})
	require.NoError(t, err)
	self, err := os.Executable()
	require.NoError(t, err)
	files := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, self) }))
	t.Cleanup(files.Close)
	me, err := user.Current()
	require.NoError(t, err)
	detector, err := mesosapi.NewStatic(strings.TrimPrefix(cluster.MasterURL(), "http://"))
	require.NoError(t, err)
	p.client, err = mesosapi.New(mesosapi.Options{
		Detector: detector, Fence: func(context.Context) error { return nil },
		Name: "scaleio", User: me.Username, Logger: hclog.NewNullLogger(),
	})
	require.NoError(t, err)

	ctx, cancel := context.WithCancel(context.Background())
	done, effects := make(chan error, 1), make(chan core.Effect, 1000)
	var performing sync.WaitGroup
	performing.Go(func() {
		for e := range effects {
			// An acknowledgement that is lost is made again: the update comes again.
			_ = p.client.Perform(ctx, e)
		}
	})
	go func() {
		done <- p.client.Run(ctx, "f0000000-scaleio", func(e core.Event) { p.take(e, files.URL+"/scaleio-nodeagent", effects) })
		close(effects)
	}()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
		performing.Wait()
	})
	return p
}

func (p *platform) take(event core.Event, uri string, effects chan<- core.Effect) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case core.OffersReceived:
		if len(p.seen) > 0 {
			return
		}
		o := e.Offers[0]
		effects <- core.Accept{Launch: model.Launch{
			TaskID: "node1-1", ExecutorID: "node1", AgentID: o.AgentID, OfferID: o.ID, CPUs: 1, MemoryMB: 512, URI: uri,
		}}
		p.seen["launched"] = true
	case core.TaskUpdated:
		if len(e.UUID) == 0 {
			return
		}
		effects <- core.Acknowledge{TaskID: e.TaskID, AgentID: e.AgentID, UUID: e.UUID}
		if !p.seen[string(e.UUID)] {
			p.seen[string(e.UUID)] = true
			p.updates = append(p.updates, e)
		}
	case core.MessageReceived:
		p.messages = append(p.messages, string(e.Data))
	}
}

func (p *platform) data() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []string
	for _, u := range p.updates {
		all = append(all, u.State+" "+string(u.Data))
	}
	return all
}

func (p *platform) running() {
	p.t.Helper()
	require.Eventually(p.t, func() bool { return len(p.data()) == 1 }, soon, tick)
	require.Equal(p.t, []string{"TASK_RUNNING launched"}, p.data())
}

func TestMessagesAndUpdatesBothWays(t *testing.T) {
	p := newPlatform(t)
	p.running()
	require.Equal(t, "SOURCE_EXECUTOR", p.updates[0].Source)
	require.Equal(t, "as asked", p.updates[0].Message)
	require.NoError(t, p.client.Message(t.Context(), p.agent.ID(), "node1", []byte("hello")))
	require.Eventually(t, func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return len(p.messages) == 1 && p.messages[0] == "back: hello"
	}, soon, tick)
	require.NoError(t, p.client.Perform(t.Context(), core.Kill{TaskID: "node1-1", AgentID: p.agent.ID()}))
	require.Eventually(t, func() bool { return len(p.data()) == 2 }, soon, tick)
	require.Equal(t, "TASK_KILLED killed", p.data()[1])
}

func TestUpdatesSurviveAgentRestarts(t *testing.T) {
	const count = 40
	p := newPlatform(t)
	p.running()
	pid := p.agent.ExecutorPID("node1")
	require.NoError(t, p.client.Message(t.Context(), p.agent.ID(), "node1", []byte("count "+strconv.Itoa(count))))
	require.Eventually(t, func() bool { return len(p.data()) > 5 }, soon, tick)
	require.NoError(t, p.agent.Stop())
	time.Sleep(200 * time.Millisecond) // updates are made meanwhile
	require.NoError(t, p.agent.Start())
	require.Eventually(t, func() bool { return len(p.data()) > 15 }, soon, tick)
	require.NoError(t, p.agent.Restart())
	require.Eventually(t, func() bool { return len(p.data()) == count+1 }, soon, tick)
	for i, text := range p.data()[1:] {
		require.Equal(t, "TASK_RUNNING "+strconv.Itoa(i), text, "in order, none lost")
	}
	require.Equal(t, pid, p.agent.ExecutorPID("node1"), "the executor lived on")
}
