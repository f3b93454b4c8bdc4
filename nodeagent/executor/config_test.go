package executor_test

import (
	"crypto/x509"
	"encoding/pem"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/nodeagent/executor"
)

// environment is what a real agent gave to a custom executor, shortened.
func environment(changes ...string) func(string) string {
	values := map[string]string{}
	for _, line := range append([]string{
		"MESOS_AGENT_ENDPOINT=127.0.0.1:5051", "MESOS_CHECKPOINT=1", "MESOS_EXECUTOR_ID=exec-1",
		"MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD=3secs", "MESOS_FRAMEWORK_ID=f-0016", "MESOS_RECOVERY_TIMEOUT=15mins",
		"MESOS_SANDBOX=/sandbox", "MESOS_SLAVE_ID=S0", "MESOS_SUBSCRIPTION_BACKOFF_MAX=2secs",
	}, changes...) {
		name, value, _ := strings.Cut(line, "=")
		values[name] = value
	}
	return func(name string) string { return values[name] }
}

func TestConfigFromEnv(t *testing.T) {
	got, err := executor.ConfigFromEnv(environment())
	require.NoError(t, err)
	require.Equal(t, executor.Config{
		FrameworkID: "f-0016", ExecutorID: "exec-1", AgentID: "S0", Endpoint: "127.0.0.1:5051", Sandbox: "/sandbox",
		ShutdownGrace: 3 * time.Second, Checkpoint: true, RecoveryTimeout: 15 * time.Minute, BackoffMax: 2 * time.Second,
	}, got)

	got, err = executor.ConfigFromEnv(environment("MESOS_CHECKPOINT=", "MESOS_RECOVERY_TIMEOUT=", "MESOS_SUBSCRIPTION_BACKOFF_MAX=",
		"MESOS_EXECUTOR_AUTHENTICATION_TOKEN=hunter2", "MESOS_DOMAIN_SOCKET=/run/agent.sock", "MESOS_SSL_ENABLED=true"))
	require.NoError(t, err)
	require.False(t, got.Checkpoint)
	require.Equal(t, "hunter2", got.Token.Reveal())
	require.Equal(t, "/run/agent.sock", got.Socket)
	require.NotNil(t, got.TLS)
	require.Positive(t, got.BackoffMax)

	for _, secure := range []string{"MESOS_AGENT_ENDPOINT=https://h:5051", "LIBPROCESS_SSL_ENABLED=1"} {
		got, err = executor.ConfigFromEnv(environment(secure))
		require.NoError(t, err)
		require.NotNil(t, got.TLS, secure)
		require.NotContains(t, got.Endpoint, "//")
	}
}

func TestConfigFromEnvNamesWhatIsWrong(t *testing.T) {
	for change, says := range map[string]string{
		"MESOS_FRAMEWORK_ID=":                 "MESOS_FRAMEWORK_ID is not set",
		"MESOS_EXECUTOR_ID=":                  "MESOS_EXECUTOR_ID is not set",
		"MESOS_AGENT_ENDPOINT=":               "MESOS_AGENT_ENDPOINT is not set",
		"MESOS_AGENT_ENDPOINT=host":           "host:port",
		"MESOS_RECOVERY_TIMEOUT=15 parsecs":   "MESOS_RECOVERY_TIMEOUT",
		"MESOS_RECOVERY_TIMEOUT=0secs":        "MESOS_RECOVERY_TIMEOUT",
		"MESOS_SUBSCRIPTION_BACKOFF_MAX=x":    "MESOS_SUBSCRIPTION_BACKOFF_MAX",
		"MESOS_CHECKPOINT=perhaps":            "MESOS_CHECKPOINT",
		"LIBPROCESS_SSL_CA_FILE=/nonexistent": "",
	} {
		_, err := executor.ConfigFromEnv(environment(change))
		if says == "" {
			require.NoError(t, err, "a CA is of no concern without TLS")
			continue
		}
		require.ErrorContains(t, err, says)
	}
	_, err := executor.ConfigFromEnv(environment("MESOS_SSL_ENABLED=1", "LIBPROCESS_SSL_CA_FILE=/nonexistent"))
	require.ErrorContains(t, err, "LIBPROCESS_SSL_CA_FILE")
	_, err = executor.ConfigFromEnv(func(string) string { return "" })
	require.ErrorContains(t, err, "MESOS_FRAMEWORK_ID")
	require.ErrorContains(t, err, "MESOS_EXECUTOR_ID", "one look shows all")
}

func TestConfigFromTheRecordedEnvironment(t *testing.T) {
	text, err := os.ReadFile("../../../shared/data/mesos/executor/executor-00-env.txt")
	if err != nil {
		t.Skip("the recorded data is not here")
	}
	got, err := executor.ConfigFromEnv(environment(strings.Split(string(text), "\n")...))
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:5051", got.Endpoint)
	require.Equal(t, 15*time.Minute, got.RecoveryTimeout)
}

func TestByUnixSocketAndByTLS(t *testing.T) {
	t.Run("unix socket", func(t *testing.T) {
		agent := newAgent(t, func(_ *scripted, _ int, s stream) { s.welcome(); s.hold() })
		socket := filepath.Join(t.TempDir(), "agent.sock")
		listener, err := net.Listen("unix", socket)
		require.NoError(t, err)
		require.NoError(t, agent.Listener.Close())
		agent.Listener = listener
		agent.Start()
		config := agent.config()
		config.Endpoint, config.Socket = "127.0.0.1:1", socket
		p := run(t, config, &handler{})
		require.Eventually(t, func() bool { return p.Send(t.Context(), []byte("x")) == nil }, soon, tick)
	})
	t.Run("https with the agent's CA", func(t *testing.T) {
		agent := newAgent(t, func(_ *scripted, _ int, s stream) { s.welcome(); s.hold() })
		agent.StartTLS()
		file := filepath.Join(t.TempDir(), "ca.pem")
		require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: agent.Certificate().Raw}), 0o600))
		config, err := executor.ConfigFromEnv(environment("MESOS_SSL_ENABLED=1", "LIBPROCESS_SSL_CA_FILE="+file))
		require.NoError(t, err)
		config.Endpoint = agent.config().Endpoint
		p := run(t, config, &handler{})
		require.Eventually(t, func() bool { return p.Send(t.Context(), []byte("x")) == nil }, soon, tick)

		config.TLS.RootCAs = x509.NewCertPool()
		config.RecoveryTimeout = 200 * time.Millisecond
		require.ErrorContains(t, run(t, config, &handler{}).ended(t), "certificate")
	})
}
