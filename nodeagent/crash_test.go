package nodeagent_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/nodeagent"
)

func TestAKilledNodeAgentLeavesNothingRunning(t *testing.T) {
	h, l := newHost(t), newLeader(t)
	p := h.process(l)
	p.HandleMessage(data(slow(5, 1)))
	l.report(nodeproto.Started)
	pids := h.processes(2)
	p.kill()

	l = newLeader(t)
	agent, _ := h.agent(l)
	failed := l.report(nodeproto.Failed)
	require.True(t, failed.update)
	require.True(t, failed.Report.Interrupted)
	require.Equal(t, 1, failed.Report.Attempt)
	require.Equal(t, uint64(5), failed.Epoch)
	h.requireEnded(pids)
	require.False(t, h.exists("installed-thing"))

	h.touch("release")
	agent.HandleMessage(data(slow(5, 2)))
	require.Equal(t, 2, l.report(nodeproto.Done).Report.Attempt, "the next attempt succeeds")
}

func TestWhatAKilledNodeAgentFinishedIsDone(t *testing.T) {
	h, l := newHost(t), newLeader(t)
	p := h.process(l)
	p.HandleMessage(data(slow(5, 1)))
	h.processes(2)
	p.kill()
	h.touch("installed-thing") // as if the tool had got so far
	l = newLeader(t)
	h.agent(l)
	done := l.report(nodeproto.Done)
	require.True(t, done.update)
	require.True(t, done.Report.Changed)
}

// A tombstone that came while the attempt ran is honoured by the next process.
func TestAKilledNodeAgentStillCancels(t *testing.T) {
	h, l := newHost(t), newLeader(t)
	// The tool ignores the request to end, so the kill comes first.
	h.tool("apt-get", `trap "" TERM; echo $$ >> "$SIO_HOST_ROOT/apt-get.pids"; while :; do sleep 0.1; done`)
	p := h.process(l)
	p.HandleMessage(data(slow(5, 1)))
	pids := h.processes(1)
	cancel := slow(5, 1)
	cancel.Kind = nodeproto.Cancel
	p.HandleMessage(data(cancel))
	require.Eventually(t, func() bool {
		text, err := os.ReadFile(filepath.Join(h.state(), "steps", nodeproto.StepPrerequisites+".json"))
		return err == nil && strings.Contains(string(text), `"cancelling"`)
	}, patience, 5*time.Millisecond)
	p.kill()
	l = newLeader(t)
	h.agent(l)
	l.report(nodeproto.Cancelled)
	h.requireEnded(pids)
}

// Else the step would be "started" for ever: the journal says so, and nothing
// runs any more.
func TestANodeAgentThatCannotJournalAnOutcomeEndsAndItsSuccessorFindsOut(t *testing.T) {
	h, l := newHost(t), newLeader(t)
	a, err := nodeagent.New(options(h.root, h.tools, l))
	require.NoError(t, err)
	ended := make(chan error, 1)
	go func() { ended <- a.Run(t.Context()) }()
	a.HandleMessage(data(slow(1, 1)))
	l.report(nodeproto.Started)
	h.processes(2)
	steps := filepath.Join(h.state(), "steps")
	require.NoError(t, os.Rename(steps, steps+".away"))
	require.NoError(t, os.WriteFile(steps, nil, 0o600))
	h.touch("release")
	select {
	case err := <-ended:
		require.ErrorContains(t, err, "cannot be journaled")
	case <-time.After(patience):
		require.FailNow(t, "the node agent goes on although its journal cannot be written")
	}
	require.NoError(t, os.Remove(steps))
	require.NoError(t, os.Rename(steps+".away", steps))
	h.agent(l)
	require.Equal(t, 1, l.report(nodeproto.Done).Report.Attempt)
}

func TestAStoppedNodeAgentLeavesTheAttemptToItsSuccessor(t *testing.T) {
	h, l := newHost(t), newLeader(t)
	agent, stop := h.agent(l)
	agent.HandleMessage(data(slow(1, 1)))
	pids := h.processes(2)
	stop()
	h.requireEnded(pids)
	require.NotContains(t, l.heard(), `"state":"failed"`)
	l = newLeader(t)
	h.agent(l)
	require.True(t, l.report(nodeproto.Failed).Report.Interrupted)
}

func TestASecondNodeAgentWaitsForTheFirst(t *testing.T) {
	h, first, second := newHost(t), newLeader(t), newLeader(t)
	h.touch("installed-thing")
	_, stop := h.agent(first)
	first.key()

	var log syncBuffer
	o := options(h.root, h.tools, second)
	o.Logger = hclog.New(&hclog.LoggerOptions{Output: &log})
	agent := h.run(o)
	agent.HandleMessage(data(slow(1, 1)))
	require.Eventually(t, func() bool { return strings.Contains(log.String(), "another node agent holds") }, patience, 10*time.Millisecond)
	require.Empty(t, second.heard(), "it does nothing yet")
	stop()
	second.report(nodeproto.Done)
	require.Equal(t, 1, strings.Count(log.String(), "another node agent holds"), "said once")
}

// run runs a node agent until the end of the test.
func (h *host) run(o nodeagent.Options) *nodeagent.Agent {
	h.t.Helper()
	a, err := nodeagent.New(o)
	require.NoError(h.t, err)
	ctx, cancel := context.WithCancel(h.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	h.t.Cleanup(func() {
		cancel()
		require.NoError(h.t, <-ended)
	})
	return a
}

// cached puts a file where fetched artifacts are kept.
func cached(t *testing.T, h *host, name, content string) nodeproto.Artifact {
	t.Helper()
	raw := sha256.Sum256([]byte(content))
	sum := hex.EncodeToString(raw[:])
	dir := filepath.Join(h.state(), "cache", sum)
	require.NoError(t, os.MkdirAll(dir, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
	return nodeproto.Artifact{Path: "packages/" + name, SHA256: sum, Size: int64(len(content))}
}

type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// HandleMessage takes whatever bytes come, and the agent goes on.
func FuzzHandleMessage(f *testing.F) {
	f.Add([]byte(`{}`))
	f.Add([]byte(`{"v":1,"epoch":1,"kind":"cancel","step":"../../etc/passwd","attempt":1}`))
	f.Add([]byte(`{"v":1,"epoch":18446744073709551615,"kind":"ask","step":"x"}`))
	f.Add(data(command(1, "a/b", 1, struct{}{})))
	f.Fuzz(func(t *testing.T, message []byte) {
		l := newLeader(t)
		h := &host{t: t, root: t.TempDir(), tools: t.TempDir()}
		require.NoError(t, os.MkdirAll(filepath.Join(h.root, "etc"), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(h.root, "etc/os-release"), []byte("ID=debian\n"), 0o644))
		agent, stop := h.agent(l)
		agent.HandleMessage(message)
		agent.HandleMessage([]byte("this is answered after the message"))
		l.wait("answer to garbage", func(s sent) bool {
			return s.Refusal != nil && s.Refusal.Reason == nodeproto.Malformed && strings.Contains(s.Refusal.Text, "not valid JSON")
		})
		stop()
		entries, err := os.ReadDir(h.state())
		require.NoError(t, err)
		for _, e := range entries {
			require.Contains(t, []string{"lock", "epoch.json", "steps", "pending", "groups", "cache", "agent-restart"}, e.Name(), "nothing outside its place")
		}
	})
}
