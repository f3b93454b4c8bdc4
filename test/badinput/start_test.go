package badinput

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/zkconn"
	"scaleio-framework/internal/zkconn/zktest"
)

// soon is when a program must have refused to start.
const soon = 20 * time.Second

// Everything that is wrong is said at once, with exit code 2.
func TestWrongFlags(t *testing.T) {
	env, _ := scheduler(t, "zk://127.0.0.1:1/x")
	p := start(t, "scaleio-scheduler", []string{
		"--zk=http://127.0.0.1", "--placement.mdm-nodes=4", "--loglevel=loud", "--mesos.failover-timeout=1h", "--gateway.port=0",
	}, env)
	require.Equal(t, 2, p.exit(t, soon), "%s", p.output())
	for _, flag := range []string{"--zk", "--placement.mdm-nodes", "--loglevel", "--mesos.failover-timeout", "--gateway.port"} {
		require.Contains(t, p.output(), flag+" is ")
	}
}

func TestUnknownFlagsAndNoSettings(t *testing.T) {
	for program, args := range map[string][]string{"scaleio-scheduler": {"--no-such-flag"}, "scaleio-nodeagent": {"--no-such-flag"}} {
		p := start(t, program, args, nil)
		require.Equal(t, 2, p.exit(t, soon), "%s", p.output())
		require.Contains(t, p.output(), "no-such-flag")
	}
	p := start(t, "scaleio-nodeagent", nil, nil)
	require.Equal(t, 2, p.exit(t, soon), "%s", p.output())
	require.Contains(t, p.output(), "MESOS_", "a node agent is started by Mesos")
}

// A password that ScaleIO would refuse is refused at the start, and not shown.
func TestRefusedPassword(t *testing.T) {
	for _, bad := range []string{"short1A", "alllowercase", "Much2long4scaleio"} {
		env, _ := scheduler(t, "zk://127.0.0.1:1/x")
		file := filepath.Join(t.TempDir(), "password")
		require.NoError(t, os.WriteFile(file, []byte(bad+"\n"), 0o600))
		p := start(t, "scaleio-scheduler", nil, append(env, "SIO_SCALEIO_PASSWORD_FILE="+file))
		require.Equal(t, 2, p.exit(t, soon), "%s", p.output())
		require.Contains(t, strings.ToLower(p.output()), "password")
		require.NotContains(t, p.output(), bad)
	}
}

// A candidate waits for ZooKeeper for as long as it takes, and says so once.
func TestZooKeeperOutOfReach(t *testing.T) {
	env, url := scheduler(t, "zk://127.0.0.1:1/x")
	p := start(t, "scaleio-scheduler", nil, env)
	require.Eventually(t, func() bool { return get(url+"/healthz") == http.StatusOK }, soon, 20*time.Millisecond)
	require.Equal(t, http.StatusServiceUnavailable, get(url+"/readyz"))
	waits := func() int {
		n := 0
		for line := range strings.SplitSeq(p.output(), "\n") {
			if strings.Contains(line, "[WARN]") && strings.Contains(line, "zookeeper out of reach") {
				n++
			}
		}
		return n
	}
	require.Eventually(t, func() bool { return waits() > 0 }, soon, 20*time.Millisecond)
	time.Sleep(3 * time.Second) // several connection attempts
	require.Equal(t, 1, waits(), "%s", p.output())
	require.Equal(t, http.StatusOK, get(url+"/healthz"))
	asked := time.Now()
	p.signal(t, syscall.SIGTERM)
	require.Zero(t, p.exit(t, soon), "%s", p.output())
	require.Less(t, time.Since(asked), 3*time.Second)
}

func get(url string) int {
	client := http.Client{Timeout: 2 * time.Second}
	defer client.CloseIdleConnections()
	resp, err := client.Get(url)
	if err != nil {
		return 0
	}
	_ = resp.Body.Close() // only the status counts
	return resp.StatusCode
}

// Records without which nothing can be done stop the scheduler, with their
// name; they are left as they are.
func TestBrokenStore(t *testing.T) {
	zk := zktest.Start(t)
	for _, c := range []struct{ path, data, want string }{
		{"/framework", `{"id": "abc`, "/framework"},
		{"/framework", `{"id": ""}`, "id is empty"},
		{"/cluster", "not JSON", "/cluster"},
		{"/version", `{"layout": 99}`, "/version"},
		{"/version", "99", "/version"},
		{"/epoch", `{"epoch": "seven"}`, "/epoch"},
	} {
		t.Run(strings.TrimPrefix(c.path, "/")+" "+c.data, func(t *testing.T) {
			root := zktest.Root(t)
			put(t, zkconn.Options{Servers: []string{zk.Addr(0)}, Root: root}, c.path, c.data)
			env, _ := scheduler(t, "zk://"+zk.Addr(0)+root)
			p := start(t, "scaleio-scheduler", nil, env)
			require.Equal(t, 6, p.exit(t, soon), "%s", p.output())
			lines := strings.Split(strings.TrimSpace(p.output()), "\n")
			require.Contains(t, lines[len(lines)-1], "exit 6: ")
			require.Contains(t, lines[len(lines)-1], c.want)
			require.Equal(t, c.data, read(t, zkconn.Options{Servers: []string{zk.Addr(0)}, Root: root}, c.path))
		})
	}
}

// put writes a znode as an operator with zkCli would.
func put(t *testing.T, opts zkconn.Options, path, data string) {
	t.Helper()
	conn, err := zkconn.Dial(t.Context(), opts)
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.EnsurePath(t.Context(), path))
	_, stat, err := conn.Get(t.Context(), path)
	require.NoError(t, err)
	_, err = conn.Set(t.Context(), path, []byte(data), stat.Version)
	require.NoError(t, err)
}

func read(t *testing.T, opts zkconn.Options, path string) string {
	t.Helper()
	conn, err := zkconn.Dial(t.Context(), opts)
	require.NoError(t, err)
	defer conn.Close()
	data, _, err := conn.Get(t.Context(), path)
	require.NoError(t, err)
	return string(data)
}
