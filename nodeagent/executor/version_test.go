package executor_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/stretchr/testify/require"

	"scaleio-framework/nodeagent/executor"
)

func TestTheAgentTellsItsVersion(t *testing.T) {
	for name, c := range map[string]struct {
		status    int
		body      string
		want, bad string
	}{
		"as Mesos does":  {http.StatusOK, `{"build_user":"root","git_sha":"c1b4","version":"1.12.0"}`, "1.12.0", ""},
		"not at all":     {http.StatusOK, `{}`, "", "its answer holds none"},
		"no JSON":        {http.StatusOK, `1.12.0`, "", "ask the Mesos agent for its version"},
		"while it is up": {http.StatusServiceUnavailable, ``, "", "it answers 503"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/version" {
				w.WriteHeader(http.StatusNotFound)
				return
			}
			w.WriteHeader(c.status)
			_, _ = w.Write([]byte(c.body))
		}))
		config, err := executor.ConfigFromEnv(environment("MESOS_AGENT_ENDPOINT=" + strings.TrimPrefix(server.URL, "http://")))
		require.NoError(t, err)
		e, err := executor.New(executor.Options{Config: config, Logger: hclog.NewNullLogger()})
		require.NoError(t, err)
		version, err := e.AgentVersion(t.Context())
		if c.bad != "" {
			require.ErrorContains(t, err, c.bad, name)
		} else {
			require.NoError(t, err, name)
		}
		require.Equal(t, c.want, version, name)
		server.Close()
	}
}
