package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/user"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/scaleio/scaleiotest"
	"scaleio-framework/scheduler/mesosapi"
	"scaleio-framework/scheduler/mesosapi/mesostest"
)

const (
	soon = 20 * time.Second
	tick = 5 * time.Millisecond
)

// TestMain also serves as the node agent that the Mesos agents of the double
// start: this test binary, told apart by their environment.
func TestMain(m *testing.M) {
	if os.Getenv("MESOS_EXECUTOR_ID") != "" {
		os.Exit(run(os.Args[1:], os.Getenv, os.Stderr))
	}
	goleak.VerifyTestMain(m)
}

// platform is one Mesos agent, and a scheduler that launches one node agent
// and acknowledges what it says.
type platform struct {
	t       *testing.T
	cluster *mesostest.Cluster
	agent   *mesostest.Agent
	client  *mesosapi.Client

	mu       sync.Mutex
	launched bool
	seen     map[string]bool
	states   []string
	said     []nodeproto.Envelope
}

func newPlatform(t *testing.T) *platform {
	t.Helper()
	root := t.TempDir()
	require.NoError(t, scaleiotest.PrepareHost(root, scaleiotest.HostSpec{
		Hostname: "node1", IP: "127.0.0.1", Disks: []scaleiotest.Disk{{Name: "sdb", SizeBytes: 1 << 30}},
	}))
	cluster, err := mesostest.New(mesostest.Options{Dir: t.TempDir(), UpdateRetry: 100 * time.Millisecond})
	require.NoError(t, err)
	require.NoError(t, cluster.Start(t.Context()))
	t.Cleanup(func() { require.NoError(t, cluster.Close()) })
	p := &platform{t: t, cluster: cluster, seen: map[string]bool{}}
	p.agent, err = cluster.AddAgent(mesostest.AgentOptions{
		Hostname: "node1", ExecutorEnvironment: map[string]string{
			"SIO_HOST_ROOT": root, "GORACE": "atexit_sleep_ms=0",
			"PATH": "/bin:/usr/bin", // as in Mesos's own example
		},
	})
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
	p.run(files.URL + "/scaleio-nodeagent")
	return p
}

func (p *platform) run(uri string) {
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
		done <- p.client.Run(ctx, "f0000000-scaleio", func(e core.Event) { p.take(e, uri, effects) })
		close(effects)
	}()
	p.t.Cleanup(func() {
		cancel()
		require.NoError(p.t, <-done)
		performing.Wait()
	})
}

func (p *platform) take(event core.Event, uri string, effects chan<- core.Effect) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case core.OffersReceived:
		if !p.launched {
			o := e.Offers[0]
			effects <- core.Accept{Launch: model.Launch{
				TaskID: "node1-1", ExecutorID: "node1", AgentID: o.AgentID, OfferID: o.ID, CPUs: 1, MemoryMB: 512, URI: uri,
			}}
			p.launched = true
		}
	case core.TaskUpdated:
		if len(e.UUID) == 0 {
			return
		}
		effects <- core.Acknowledge{TaskID: e.TaskID, AgentID: e.AgentID, UUID: e.UUID}
		if !p.seen[string(e.UUID)] {
			p.seen[string(e.UUID)] = true
			p.states = append(p.states, e.State)
			p.hear(e.Data)
		}
	case core.MessageReceived:
		p.hear(e.Data)
	}
}

func (p *platform) hear(data []byte) {
	if len(data) == 0 {
		return
	}
	envelope, err := nodeproto.ParseEnvelope(data)
	if err != nil {
		p.t.Errorf("envelope %s: %v", data, err)
	}
	p.said = append(p.said, envelope)
}

// wait waits for an envelope that fits.
func (p *platform) wait(what string, fits func(nodeproto.Envelope) bool) {
	p.t.Helper()
	require.Eventually(p.t, func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, e := range p.said {
			if fits(e) {
				return true
			}
		}
		return false
	}, soon, tick, what)
}

func (p *platform) lastState() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.states) == 0 {
		return ""
	}
	return p.states[len(p.states)-1]
}

func TestANodeAgentUnderAMesosAgent(t *testing.T) {
	p := newPlatform(t)
	p.wait("the inventory", func(e nodeproto.Envelope) bool {
		return e.Inventory != nil && e.Inventory.Hostname == "node1" && e.Inventory.Address == "127.0.0.1"
	})
	p.wait("a disk that was examined", func(e nodeproto.Envelope) bool {
		return e.Inventory != nil && e.Inventory.Disks[0].Free
	})
	require.Equal(t, "TASK_RUNNING", p.lastState())
	pid := p.agent.ExecutorPID("node1")

	command := nodeproto.Command{V: nodeproto.Version, Epoch: 4, Kind: nodeproto.Run, Step: "unknown", Attempt: 1, Params: json.RawMessage(`{}`)}
	command.Digest = nodeproto.DigestOf(command.Step, command.Params)
	data, err := json.Marshal(command)
	require.NoError(t, err)
	require.NoError(t, p.agent.Restart())
	require.Eventually(t, func() bool {
		// Messages may be lost while the agent registers: the leader repeats.
		_ = p.client.Message(t.Context(), p.agent.ID(), "node1", data)
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, e := range p.said {
			if e.Report != nil && e.Report.State == nodeproto.Failed && e.Epoch == 4 {
				return true
			}
		}
		return false
	}, soon, 50*time.Millisecond)
	require.Equal(t, pid, p.agent.ExecutorPID("node1"), "it lived on while the Mesos agent restarted")

	require.NoError(t, p.client.Perform(t.Context(), core.Kill{TaskID: "node1-1", AgentID: p.agent.ID()}))
	require.Eventually(t, func() bool { return p.lastState() == "TASK_KILLED" }, soon, tick)
	require.Eventually(t, func() bool { return p.agent.ExecutorPID("node1") == 0 }, soon, tick, "the process ends with its task")
}

func TestSettings(t *testing.T) {
	mesos := map[string]string{
		"MESOS_FRAMEWORK_ID": "f", "MESOS_EXECUTOR_ID": "e", "MESOS_AGENT_ENDPOINT": "10.1.2.3:5051", "MESOS_SLAVE_ID": "s",
		"MESOS_DIRECTORY": "/tmp", "MESOS_SANDBOX": "/tmp",
	}
	for name, c := range map[string]struct {
		args []string
		env  map[string]string
		err  string
		want func(settings) bool
	}{
		"nothing but the Mesos agent's environment": {want: func(s settings) bool {
			return s.address == "10.1.2.3" && s.name == "scaleio" && s.hostRoot == "/" && !s.passwordInArgs
		}},
		"an address of the operator's": {env: map[string]string{"SIO_ADDRESS": "10.9.9.9"}, want: func(s settings) bool { return s.address == "10.9.9.9" }},
		"a flag over a variable": {
			args: []string{"--name", "other"}, env: map[string]string{"SIO_NAME": "one", "SIO_SCLI_PASSWORD_IN_ARGS": "true"},
			want: func(s settings) bool { return s.name == "other" && s.passwordInArgs },
		},
		"the metadata service of EC2, unless a directory stands for the host": {want: func(s settings) bool {
			whole, err := s.metadata()
			s.hostRoot = "/srv"
			part, partErr := s.metadata()
			s.imdsEndpoint = "http://127.0.0.1:1"
			named, namedErr := s.metadata()
			return errors.Join(err, partErr, namedErr) == nil && whole != nil && part == nil && named != nil
		}},
		"no metadata service": {env: map[string]string{"SIO_IMDS_ENDPOINT": "off"}, want: func(s settings) bool {
			reader, err := s.metadata()
			return err == nil && reader == nil
		}},
		"an address that is a name":     {env: map[string]string{"SIO_ADDRESS": "node1"}, err: "not an IP address: set SIO_ADDRESS"},
		"an agent reached by its name":  {env: map[string]string{"MESOS_AGENT_ENDPOINT": "node1:5051"}, err: "set SIO_ADDRESS"},
		"a host root that is not there": {env: map[string]string{"SIO_HOST_ROOT": "/no/such"}, err: "/no/such is not a directory"},
		"neither true nor false":        {env: map[string]string{"SIO_SCLI_PASSWORD_IN_ARGS": "perhaps"}, err: "SIO_SCLI_PASSWORD_IN_ARGS"},
		"an unknown log level":          {env: map[string]string{"SIO_LOG_LEVEL": "loud"}, err: "log level"},
		"an argument":                   {args: []string{"run"}, err: "unexpected argument"},
		"an unknown flag":               {args: []string{"--nmae", "x"}, err: "nmae"},
		"no Mesos agent":                {env: map[string]string{"MESOS_AGENT_ENDPOINT": ""}, err: "MESOS_AGENT_ENDPOINT is not set"},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			s, err := parse(c.args, func(key string) string {
				if v, ok := c.env[key]; ok {
					return v
				}
				return mesos[key]
			}, &out)
			if c.err != "" {
				require.ErrorContains(t, err, c.err)
				return
			}
			require.NoError(t, err)
			require.True(t, c.want(s), "%+v", s)
		})
	}
}

func TestBadConfigurationExitsWithTwo(t *testing.T) {
	var out strings.Builder
	none := func(string) string { return "" }
	require.Equal(t, exitConfig, run(nil, none, &out))
	require.Contains(t, out.String(), "bad configuration")
	require.Equal(t, exitStopped, run([]string{"--help"}, none, &out))

	mesos := map[string]string{
		"MESOS_FRAMEWORK_ID": "f", "MESOS_EXECUTOR_ID": "e", "MESOS_AGENT_ENDPOINT": "127.0.0.1:5051", "MESOS_SLAVE_ID": "s",
		"MESOS_DIRECTORY": "/tmp", "MESOS_SANDBOX": "/tmp", "SIO_IMDS_ENDPOINT": "169.254.169.254",
	}
	require.Equal(t, exitConfig, run(nil, func(key string) string { return mesos[key] }, &out))
	require.Contains(t, out.String(), "is not an http or https URL")
}
