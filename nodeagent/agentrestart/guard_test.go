package agentrestart_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/nodeagent/agentrestart"
)

func TestAnAgentThatTakesItsFlagsIsRestartedOnce(t *testing.T) {
	b := newBench(t)
	r := b.change("new")
	require.NoError(t, r.Guard(t.Context()), "nobody ordered anything yet")
	require.Equal(t, agentrestart.Armed, b.record().Phase)
	require.Zero(t, b.restarts())
	require.NoError(t, r.Order(t.Context(), "mesos-slave"))
	require.NoError(t, r.Start(t.Context()))
	rec := b.record()
	require.Equal(t, agentrestart.Done, rec.Phase)
	require.Equal(t, "new", rec.Isolation, "as the agent says")
	require.NoError(t, rec.Outcome())
	require.NoError(t, r.Order(t.Context(), "mesos-slave"), "ordered again")
	require.NoError(t, b.restart().Start(t.Context()))
	require.Equal(t, 1, b.restarts())
	require.NoError(t, r.Forget(t.Context()))
	_, there, err := r.Load()
	require.NoError(t, err)
	require.False(t, there)
}

func TestFlagsThatTheAgentRefusesAreTakenBack(t *testing.T) {
	b := newBench(t)
	r := b.change("bad")
	require.NoError(t, r.Order(t.Context(), "mesos-slave"))
	require.NoError(t, r.Start(t.Context()))
	rec := b.record()
	require.Equal(t, agentrestart.TakenBack, rec.Phase)
	require.Equal(t, "old", b.get("etc/flags"))
	require.NoFileExists(t, filepath.Join(b.dir, "etc/modules.json"), "there was none")
	require.Equal(t, "bad", b.get("etc.flags.refused"))
	require.Equal(t, "bad", b.get("etc.modules.json.refused"))
	require.Equal(t, "active", b.get("state"))
	require.Equal(t, "EXIT with status 1: bad flags", rec.Log, "without chatter, which may hold credentials")
	require.ErrorContains(t, rec.Outcome(), "was started again and ended again")
	require.ErrorContains(t, rec.Outcome(), "EXIT with status 1: bad flags")
	require.ErrorContains(t, rec.Outcome(), "/etc.flags.refused, /etc.modules.json.refused")
	require.Equal(t, 2, b.restarts())

	b.change("new")
	require.NoError(t, r.Order(t.Context(), "mesos-slave"))
	require.NoError(t, r.Start(t.Context()))
	require.Equal(t, agentrestart.Done, b.record().Phase, "another attempt")
}

// calls are those of systemctl after which nothing new comes but more looks.
const calls = 9

// A guard may be killed, and the host may lose its power, behind any call. The next
// guard ends the same way, and an agent that was restarted is not again.
func TestAGuardMayBeKilledAtAnyMoment(t *testing.T) {
	for _, flags := range []string{"new", "bad"} {
		for _, cut := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s flags, power cut %t", flags, cut), func(t *testing.T) {
				for n, killed := 1, true; killed && n <= calls; n++ {
					b := newBench(t)
					r := b.change(flags)
					require.NoError(t, r.Order(t.Context(), "mesos-slave"))
					if killed = b.killed(n); killed && cut {
						b.cutPower()
					}
					require.NoError(t, b.restart().Guard(t.Context()))
					rec := b.record()
					require.Equal(t, "active", b.get("state"), "killed at call %d", n)
					if flags == "new" {
						require.Equal(t, agentrestart.Done, rec.Phase, "killed at call %d", n)
						require.Equal(t, "new", b.get("etc/flags"))
						require.LessOrEqual(t, b.restarts(), 1, "killed at call %d", n)
						continue
					}
					require.Equal(t, agentrestart.TakenBack, rec.Phase, "killed at call %d", n)
					require.Equal(t, "old", b.get("etc/flags"))
					require.Equal(t, "bad", b.get("etc.flags.refused"))
					require.LessOrEqual(t, b.restarts(), 2, "killed at call %d\n%s", n, &b.log)
				}
			})
		}
	}
}

// From the change of the flags on the guard starts with the host.
func TestAHostThatBootsBeforeTheRestartWasOrderedIsGuarded(t *testing.T) {
	for flags, phase := range map[string]agentrestart.Phase{"new": agentrestart.Done, "bad": agentrestart.TakenBack} {
		b := newBench(t)
		b.change(flags)
		b.cutPower()
		require.NoError(t, b.restart().Guard(t.Context()))
		require.Equal(t, phase, b.record().Phase)
		require.Equal(t, "active", b.get("state"))
		if flags == "new" {
			require.Zero(t, b.restarts(), "the boot was the restart")
		}
	}
}

// What the agent answers decides, as far as it does.
func TestAnAgentThatTellsNothingCountsWhenItLasts(t *testing.T) {
	recovering := 3
	for name, reply := range map[string]http.HandlerFunc{
		"it wants to know who asks":   func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "", http.StatusUnauthorized) },
		"it has no such page":         http.NotFound,
		"it speaks another language":  func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) },
		"it closes the connection":    func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"it recovers, then serves us": nil,
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			serve := b.reply
			b.reply = reply
			if reply == nil {
				b.reply = func(w http.ResponseWriter, r *http.Request) {
					if recovering--; recovering > 0 {
						http.Error(w, "Agent has not finished recovery", http.StatusServiceUnavailable)
						return
					}
					serve(w, r)
				}
			}
			r := b.change("new")
			require.NoError(t, r.Order(t.Context(), "mesos-slave"))
			require.NoError(t, r.Start(t.Context()))
			require.Equal(t, agentrestart.Done, b.record().Phase)
			require.Equal(t, 1, b.restarts())
		})
	}
}

// The old run may answer until the new one does.
func TestTheOldRunProvesNothing(t *testing.T) {
	b := newBench(t)
	serve, looks := b.reply, 5
	b.reply = func(w http.ResponseWriter, r *http.Request) {
		if looks--; looks < 0 {
			serve(w, r)
			return
		}
		_, _ = w.Write([]byte(`{"start_time": 1.5, "flags": {"isolation": "old"}}`))
	}
	r := b.change("new")
	require.NoError(t, r.Order(t.Context(), "mesos-slave"))
	require.NoError(t, r.Start(t.Context()))
	require.Equal(t, agentrestart.Done, b.record().Phase)
	require.Equal(t, "new", b.record().Isolation)
	require.Negative(t, looks)
}

func TestAnAgentThatNeverServesIsGivenItsOldFlags(t *testing.T) {
	b := newBench(t)
	serve := b.reply
	b.reply = func(w http.ResponseWriter, r *http.Request) {
		if b.get("etc/flags") == "new" {
			http.Error(w, "Agent has not finished recovery", http.StatusServiceUnavailable)
			return
		}
		serve(w, r)
	}
	r := b.change("new").Within(time.Second)
	require.NoError(t, r.Order(t.Context(), "mesos-slave"))
	require.NoError(t, r.Start(t.Context()))
	require.Equal(t, agentrestart.TakenBack, b.record().Phase)
	require.ErrorContains(t, b.record().Outcome(), "it does not serve within 1s")
	require.Equal(t, "old", b.get("etc/flags"))
}

func TestAnotherHandOnTheFlagIsSeen(t *testing.T) {
	rec := agentrestart.Record{Phase: agentrestart.Done, Service: "mesos-slave", Isolators: []string{"docker/volume"}, Isolation: "posix/cpu, posix/mem"}
	require.ErrorContains(t, rec.Outcome(), "without docker/volume: something else sets this flag, look at systemctl cat mesos-slave")
	rec.Isolation = "posix/cpu, docker/volume"
	require.NoError(t, rec.Outcome())
}

// While somebody holds the record nobody else works.
func TestOneGuardWorks(t *testing.T) {
	b := newBench(t)
	r := b.change("new")
	require.NoError(t, r.Order(t.Context(), "mesos-slave"))
	working, err := r.Working()
	require.NoError(t, err)
	require.False(t, working)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	b.put("calls", "0")
	b.put("stop", "1\n")
	other := b.restart()
	go func() { ended <- other.Guard(ctx) }()
	require.Eventually(t, func() bool { return os.Remove(filepath.Join(b.dir, "hangs")) == nil }, time.Minute, time.Millisecond)
	working, err = r.Working()
	require.NoError(t, err)
	require.True(t, working)
	require.NoError(t, r.Guard(t.Context()), "it leaves the work to the other one")
	require.Equal(t, agentrestart.Ordered, b.record().Phase)
	cancel()
	require.Error(t, <-ended)
	require.NoError(t, r.Guard(t.Context()))
	require.Equal(t, agentrestart.Done, b.record().Phase)
}

func TestARecordThatCannotBeReadStopsEverything(t *testing.T) {
	b := newBench(t)
	r := b.change("new")
	require.NoError(t, os.WriteFile(filepath.Join(b.state, "record.json"), []byte("{"), 0o600))
	require.ErrorContains(t, r.Guard(t.Context()), "record.json cannot be read")
	require.ErrorContains(t, r.Order(t.Context(), "mesos-slave"), "restart it by hand")
	require.Zero(t, b.restarts())
	require.Equal(t, "new", b.get("etc/flags"))
}

func FuzzParseRecord(f *testing.F) {
	f.Add([]byte(`{"v":1,"phase":"ordered","service":"mesos-slave","files":[{"path":"/etc/x","there":true,"data":"eA=="}]}`))
	f.Add([]byte(`{"v":1,"phase":"done","service":"a"} {}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		rec, err := agentrestart.ParseRecord(data)
		if err != nil {
			return
		}
		require.NotEmpty(t, rec.Service)
		require.Contains(t, []agentrestart.Phase{"armed", "ordered", "reverting", "reverted", "done", "taken-back"}, rec.Phase)
		_ = rec.Outcome()
	})
}
