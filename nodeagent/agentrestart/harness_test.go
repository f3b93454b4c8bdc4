package agentrestart_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"scaleio-framework/nodeagent/agentrestart"
	"scaleio-framework/nodeagent/hostfs"
	"scaleio-framework/nodeagent/runner"
	"scaleio-framework/nodeagent/services"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// systemctl plays a systemd whose one service is an agent that does not start
// with the word "bad" in its flags, and is then started again and again. Behind
// the call whose number is in the file "stop" it hangs, once.
const systemctl = `#!/bin/sh
cd "$HOST" || exit 1
run() {
	echo $(( $(cat generation) + 1 )) > generation
	if grep -q bad etc/flags 2>/dev/null; then echo activating > state; else echo active > state; fi
}
echo $(( $(cat calls) + 1 )) > calls
case "$1" in
restart) echo restart >> restarts; run ;;
is-active) if [ "$(cat state)" = activating ]; then run; fi; cat state ;;
show) case "$2" in *Result) echo Result=success ;; *) echo "ActiveEnterTimestampMonotonic=$(cat generation)" ;; esac ;;
esac
if [ -e stop ] && [ "$(cat stop)" = "$(cat calls)" ]; then
	rm stop; touch hangs; exec sleep 60
fi
`

const journalctl = `#!/bin/sh
echo "I1126 12:00:00.0 1 main.cpp:1] Flags at startup: --credential=secret"
echo "EXIT with status 1: bad flags"
`

// bench is a host with an agent.
type bench struct {
	t     *testing.T
	dir   string // the host's
	state string
	tools string
	agent string // where it answers
	// program is what the guard is a copy of; empty makes Start do its work.
	program string
	log     bytes.Buffer
	reply   http.HandlerFunc
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, dir: t.TempDir(), state: filepath.Join(t.TempDir(), "name", "agent-restart"), tools: t.TempDir()}
	t.Setenv("HOST", b.dir)
	b.tool("systemctl", systemctl)
	b.tool("journalctl", journalctl)
	for name, text := range map[string]string{
		"generation": "1", "calls": "0", "state": "active", "etc/flags": "old\n", "proc/sys/kernel/random/boot_id": "boot1\n",
	} {
		b.put(name, text)
	}
	b.reply = func(w http.ResponseWriter, _ *http.Request) {
		if b.get("state") != "active" {
			panic(http.ErrAbortHandler)
		}
		_, _ = fmt.Fprintf(w, `{"start_time": %s.5, "flags": {"isolation": %q}}`, b.get("generation"), b.get("etc/flags"))
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { b.reply(w, r) }))
	t.Cleanup(server.Close)
	b.agent = server.Listener.Addr().String()
	return b
}

func (b *bench) tool(name, text string) {
	b.t.Helper()
	require.NoError(b.t, os.WriteFile(filepath.Join(b.tools, name), []byte(text), 0o755))
}

func (b *bench) put(name, text string) {
	b.t.Helper()
	at := filepath.Join(b.dir, name)
	require.NoError(b.t, os.MkdirAll(filepath.Dir(at), 0o755))
	require.NoError(b.t, os.WriteFile(at, []byte(text), 0o644))
}

func (b *bench) get(name string) string {
	data, _ := os.ReadFile(filepath.Join(b.dir, name)) // one that is not there is empty
	return strings.TrimSpace(string(data))
}

// restart is as a process finds it that has just started.
func (b *bench) restart() *agentrestart.Restart {
	b.t.Helper()
	// What a program wrote is lost when it cannot be read within this time.
	run := runner.New(runner.Options{Tools: b.tools, Grace: 500 * time.Millisecond})
	root := hostfs.New(b.dir)
	r, err := agentrestart.New(agentrestart.Options{
		Dir: b.state, Root: root, Services: services.New(run, root), Runner: run,
		Agent: agentrestart.Endpoint{Address: b.agent}, Program: b.program, Logger: hclog.New(&hclog.LoggerOptions{Output: &b.log}),
	})
	require.NoError(b.t, err)
	return r.Fast()
}

// change arms a restart and changes the flags.
func (b *bench) change(flags string) *agentrestart.Restart {
	b.t.Helper()
	r := b.restart()
	require.NoError(b.t, r.Arm(b.t.Context(), "mesos-slave", nil))
	for _, file := range []string{"/etc/flags", "/etc/modules.json"} {
		require.NoError(b.t, r.Keep(b.t.Context(), file))
		b.put(file, flags+"\n")
	}
	return r
}

func (b *bench) record() agentrestart.Record {
	b.t.Helper()
	rec, there, err := b.restart().Load()
	require.NoError(b.t, err)
	require.True(b.t, there)
	return rec
}

func (b *bench) restarts() int { return strings.Count(b.get("restarts"), "restart") }

// cutPower lets the host boot anew.
func (b *bench) cutPower() {
	b.put("proc/sys/kernel/random/boot_id", b.get("proc/sys/kernel/random/boot_id")+"+\n")
	b.put("generation", "100")
	state := "active"
	if strings.Contains(b.get("etc/flags"), "bad") {
		state = "activating"
	}
	b.put("state", state)
}

// killed runs a guard that is killed behind its n-th call of systemctl; false
// when it has ended before.
func (b *bench) killed(n int) bool {
	b.t.Helper()
	b.put("calls", "0")
	b.put("stop", fmt.Sprintf("%d\n", n))
	ctx, cancel := context.WithCancel(b.t.Context())
	defer cancel()
	ended := make(chan error, 1)
	r := b.restart()
	go func() { ended <- r.Guard(ctx) }()
	for {
		select {
		case err := <-ended:
			require.NoError(b.t, err)
			require.NoError(b.t, os.Remove(filepath.Join(b.dir, "stop")))
			return false
		case <-time.After(2 * time.Millisecond):
		}
		if os.Remove(filepath.Join(b.dir, "hangs")) == nil {
			cancel()
			err := <-ended
			require.True(b.t, err == nil || errors.Is(err, context.Canceled), "%v", err)
			return true
		}
	}
}
