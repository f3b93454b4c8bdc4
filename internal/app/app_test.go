package app

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/config"
	"scaleio-framework/internal/freeport"
)

const password = "Very-Secret7"

// freePort is a port that nobody listens on.
func freePort(t *testing.T) int {
	t.Helper()
	port, err := freeport.Find("127.0.0.1")
	require.NoError(t, err)
	return port
}

// configured reads a configuration as the program does; ZooKeeper and Mesos
// are where nobody answers.
func configured(t *testing.T, env ...string) *config.Config {
	t.Helper()
	agent := filepath.Join(t.TempDir(), "scaleio-nodeagent")
	require.NoError(t, os.WriteFile(agent, []byte("program"), 0o755))
	c, err := config.Parse("scaleio-scheduler", nil, append([]string{
		"SIO_ZK=zk://127.0.0.1:1/scaleio-framework/a", "SIO_MESOS=127.0.0.1:1", "SIO_EXECUTOR_PROGRAM=" + agent,
		"SIO_SCALEIO_PASSWORD=" + password, "SIO_REST_LISTEN=127.0.0.1", "SIO_REST_ADDRESS=127.0.0.1", "SIO_REST_PORT=" + strconv.Itoa(freePort(t)),
	}, env...), io.Discard)
	require.NoError(t, err)
	return c
}

func TestNewRefusesWhatATermCouldNotUse(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, taken.Close()) }()
	for _, c := range []struct {
		name   string
		change func(*config.Config)
		want   string
	}{
		{"a port that is taken", func(c *config.Config) { c.REST.Port = taken.Addr().(*net.TCPAddr).Port }, "address already in use: free the port or give another"},
		{"a ZooKeeper URL without a path", func(c *config.Config) { c.ZK.URL = "zk://127.0.0.1:1" }, "--zk: the URL has no path: add one of the framework's own, for example /scaleio-framework/scaleio"},
		{"a ZooKeeper URL without a host", func(c *config.Config) { c.ZK.URL = "zk:///x" }, "--zk: zookeeper URL names an empty host"},
		{"authorities that are not there", func(c *config.Config) { c.ZK.TLS, c.ZK.CAFile = true, "/no/ca.pem" }, "--zk.tls.ca: open /no/ca.pem"},
		{"authorities that are none", func(c *config.Config) { c.ZK.TLS, c.ZK.CAFile = true, c.Executor.Program }, "holds no certificate in PEM"},
		{"a client certificate that is none", func(c *config.Config) {
			c.ZK.TLS, c.ZK.CertFile, c.ZK.KeyFile = true, c.Executor.Program, c.Executor.Program
		}, "--zk.tls.cert and --zk.tls.key: "},
		{"a Mesos address that is none", func(c *config.Config) { c.Mesos.Master = "http://" }, "--mesos: "},
		{"no node agent", func(c *config.Config) { c.Executor.Program = "/no/agent" }, "node agent program: open /no/agent"},
		{"a name that ScaleIO refuses", func(c *config.Config) { c.ScaleIO.StoragePool = strings.Repeat("x", 32) }, "--scaleio.storagepool is "},
		{"a pattern of devices that is none", func(c *config.Config) { c.Devices.Pattern = "/dev/sd[" }, `--devices: pattern "/dev/sd["`},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := configured(t)
			c.change(cfg)
			_, err := New(cfg, nil, nil, hclog.NewNullLogger())
			require.ErrorContains(t, err, c.want)
			require.NotContains(t, err.Error(), password)
			if cfg.REST.Port != taken.Addr().(*net.TCPAddr).Port {
				ln, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(cfg.REST.Port)))
				require.NoError(t, err, "the port is free again")
				require.NoError(t, ln.Close())
			}
		})
	}
}

// closing is a request that leaves no connection behind.
func closing(t *testing.T, url string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	require.NoError(t, err)
	req.Close = true
	return req
}

func get(t *testing.T, url string) (code int, body map[string]any) {
	t.Helper()
	resp, err := http.DefaultTransport.RoundTrip(closing(t, url))
	require.NoError(t, err)
	defer func() { require.NoError(t, resp.Body.Close()) }()
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&body))
	return resp.StatusCode, body
}

// lines are what an instance logged.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *lines) logger() hclog.Logger {
	return hclog.New(&hclog.LoggerOptions{Output: l, Level: hclog.Debug})
}

// cutOff is logged when the end of an HTTP request was waited for in vain.
const cutOff = "HTTP requests cut off"

// running starts an instance; the function returned stops it and gives what
// Run returned.
func running(t *testing.T, cfg *config.Config, logger hclog.Logger) (base string, stop func() error) {
	t.Helper()
	a, err := New(cfg, nil, nil, logger)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	return "http://" + a.Addr(), func() error {
		cancel()
		select {
		case err := <-ended:
			return err
		case <-time.After(patience):
			require.FailNow(t, "it does not stop")
			return nil
		}
	}
}

func TestAStandbyWithoutZooKeeperIsAliveNotReadyAndStopsAtOnce(t *testing.T) {
	var log lines
	base, stop := running(t, configured(t), log.logger())
	code, _ := get(t, base+"/healthz")
	require.Equal(t, http.StatusOK, code)
	code, body := get(t, base+"/readyz")
	require.Equal(t, http.StatusServiceUnavailable, code)
	require.Equal(t, "ZooKeeper cannot be reached; waiting for it", body["error"])
	code, body = get(t, base+"/v1/status")
	require.Equal(t, http.StatusServiceUnavailable, code)
	require.Contains(t, body["error"], "ZooKeeper cannot be reached, so no leader is known")

	resp, err := http.DefaultClient.Do(closing(t, base+"/metrics"))
	require.NoError(t, err)
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Contains(t, string(text), "\nscaleio_framework_leading 0\n", "a standby answers for itself")

	// From then on it is dialled for half a minute at a time.
	require.Eventually(t, func() bool { return strings.Contains(log.String(), "zookeeper out of reach, waiting") }, patience, 20*time.Millisecond)
	require.NoError(t, stop(), "a stop on request is no error")
}

func TestAnAbdicatedLeaderEndsWithoutAnErrorCodeAndTheStandbyLeads(t *testing.T) {
	r := newRoot(t)
	require.NoError(t, r.term.HandOver(t.Context()))
	zk := "SIO_ZK=zk://" + strings.Join(r.zk.Servers, ",") + r.zk.Root
	first, err := New(configured(t, zk, "SIO_INSTANCE=a"), nil, nil, hclog.NewNullLogger())
	require.NoError(t, err)
	ended := make(chan error, 1)
	go func() { ended <- first.Run(t.Context()) }()
	leads := func(base, prefix string) func() bool {
		return func() bool {
			code, body := get(t, base+"/v1/leader")
			instance, _ := body["instance"].(string)
			return code == http.StatusOK && strings.HasPrefix(instance, prefix)
		}
	}
	require.Eventually(t, leads("http://"+first.Addr(), "a-"), patience, 20*time.Millisecond)
	base, stop := running(t, configured(t, zk, "SIO_INSTANCE=b"), hclog.NewNullLogger())
	require.Eventually(t, leads(base, "a-"), patience, 20*time.Millisecond, "the standby passes on")
	code, body := get(t, base+"/v1/status")
	require.Equal(t, http.StatusOK, code)
	require.Equal(t, false, body["subscribed"])
	require.NotContains(t, body, "password")

	req, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, base+"/v1/leader", http.NoBody)
	require.NoError(t, err)
	req.Close = true
	resp, err := http.DefaultTransport.RoundTrip(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusAccepted, resp.StatusCode)
	exit, _ := ExitCode(<-ended)
	require.Equal(t, ExitStopped, exit)
	require.Eventually(t, leads(base, "b-"), patience, 20*time.Millisecond)
	require.NoError(t, stop())
}

// Streams last for ever, so they must not hold up the hand-over or the end.
func TestStreamsEndWithTheTermAndTheProcess(t *testing.T) {
	r := newRoot(t)
	require.NoError(t, r.term.HandOver(t.Context()))
	zk := "SIO_ZK=zk://" + strings.Join(r.zk.Servers, ",") + r.zk.Root
	var log lines
	first, err := New(configured(t, zk, "SIO_INSTANCE=a"), nil, nil, log.logger())
	require.NoError(t, err)
	ended := make(chan error, 1)
	go func() { ended <- first.Run(t.Context()) }()
	require.Eventually(t, func() bool { return first.leading() != nil }, patience, 20*time.Millisecond)
	base, stop := running(t, configured(t, zk, "SIO_INSTANCE=b"), log.logger())
	direct, passed := stream(t, "http://"+first.Addr()), stream(t, base)

	first.leading().Abdicate()
	exit, _ := ExitCode(<-ended)
	require.Equal(t, ExitStopped, exit)
	require.NotContains(t, log.String(), cutOff, "nobody waited for the streams")
	for _, s := range []io.ReadCloser{direct, passed} {
		rest, err := io.ReadAll(s)
		require.NoError(t, err)
		require.Contains(t, string(rest), "event: end\n")
		require.NoError(t, s.Close())
	}

	require.Eventually(t, func() bool { code, _ := get(t, base+"/v1/leader"); return code == http.StatusOK }, patience, 20*time.Millisecond)
	last := stream(t, base)
	require.NoError(t, stop())
	require.NotContains(t, log.String(), cutOff, "nobody waited for the stream")
	_, _ = io.ReadAll(last) // told or cut off, it is over
	require.NoError(t, last.Close())
}

// stream opens a stream of events and reads its first line.
func stream(t *testing.T, base string) io.ReadCloser {
	t.Helper()
	resp, err := http.DefaultTransport.RoundTrip(closing(t, base+"/v1/events"))
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, resp.StatusCode)
	line := make([]byte, len("id: "))
	_, err = io.ReadFull(resp.Body, line)
	require.NoError(t, err)
	require.Equal(t, "id: ", string(line))
	return resp.Body
}
