package nodeagent_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/nodeagent"
	"scaleio-framework/scaleio/scaleiotest"
)

func TestAnAttemptRunsOnceAndIsAnsweredFromTheJournalAfterwards(t *testing.T) {
	h, l := newHost(t), newLeader(t)
	agent, stop := h.agent(l)
	agent.HandleMessage(data(slow(3, 1)))
	started := l.report(nodeproto.Started)
	require.False(t, started.update, "a start is no transition that must arrive")
	require.Equal(t, uint64(3), started.Epoch)
	h.processes(2)
	agent.HandleMessage(data(slow(3, 1)))
	require.False(t, l.report(nodeproto.Started).update, "a repeated command is a question")
	h.touch("release")
	done := l.report(nodeproto.Done)
	require.True(t, done.update)
	require.True(t, done.Report.Changed)
	agent.HandleMessage(data(slow(4, 1)))
	again := l.report(nodeproto.Done)
	require.False(t, again.update, "the answer to a question is a message")
	require.Equal(t, done.Report, again.Report)
	require.Len(t, h.processes(2), 2, "the tool ran once")

	stop()
	l = newLeader(t)
	agent, _ = h.agent(l)
	agent.HandleMessage(data(slow(4, 1)))
	require.Equal(t, done.Report, l.report(nodeproto.Done).Report, "the journal outlives the process")
	agent.HandleMessage(data(slow(4, 2)))
	second := l.wait("done", func(s sent) bool { return s.update && s.Report != nil })
	require.Equal(t, 2, second.Report.Attempt)
	require.False(t, second.Report.Changed, "what is there is found")
}

func TestCommandsThatAreRefused(t *testing.T) {
	h, l := newHost(t), newLeader(t)
	h.touch("installed-thing")
	agent, stop := h.agent(l)
	agent.HandleMessage(data(slow(7, 2)))
	l.report(nodeproto.Done)

	agent.HandleMessage(data(slow(6, 3)))
	stale := l.refusal(nodeproto.StaleEpoch)
	require.Equal(t, uint64(7), stale.Epoch, "the highest epoch seen")
	require.Equal(t, uint64(6), stale.Refusal.Epoch)
	agent.HandleMessage(data(slow(7, 1)))
	l.refusal(nodeproto.OldAttempt)
	agent.HandleMessage(data(command(7, nodeproto.StepPrerequisites, 2, nodeproto.PrerequisitesParams{Packages: []string{"other"}})))
	l.refusal(nodeproto.OtherParams)
	agent.HandleMessage([]byte(`{"v":1,"epoch":`))
	l.refusal(nodeproto.Malformed)
	wrong := slow(7, 3)
	wrong.Digest = "00"
	agent.HandleMessage(data(wrong))
	l.refusal(nodeproto.Malformed)
	for _, kind := range []nodeproto.Kind{nodeproto.Run, nodeproto.Cancel} {
		endless := command(7, strings.Repeat("x", nodeproto.MaxStep+1), 1, struct{}{})
		endless.Kind = kind
		agent.HandleMessage(data(endless))
		require.Contains(t, l.refusal(nodeproto.Malformed).Refusal.Text, "longer than", "no file could be named after it")
	}
	longest := command(7, strings.Repeat("x", nodeproto.MaxStep), 1, struct{}{})
	longest.Kind = nodeproto.Cancel
	agent.HandleMessage(data(longest))
	l.report(nodeproto.Cancelled)
	unsealable := slow(7, 3)
	unsealable.Sealed = []byte("sealed to somebody else")
	agent.HandleMessage(data(unsealable))
	l.refusal(nodeproto.Unsealable)
	require.NotEmpty(t, l.key(), "the inventory with the key follows")

	stop()
	l = newLeader(t)
	agent, _ = h.agent(l)
	agent.HandleMessage(data(slow(6, 3)))
	require.Equal(t, uint64(7), l.refusal(nodeproto.StaleEpoch).Epoch, "the epoch is on disk")
	agent.HandleMessage(data(slow(7, 3)))
	require.Equal(t, 3, l.report(nodeproto.Done).Report.Attempt, "a refused attempt was not journaled")
}

func TestAnUnknownStepAndBadParametersAreHopeless(t *testing.T) {
	h, l := newHost(t), newLeader(t)
	agent, _ := h.agent(l)
	for step, params := range map[string]any{
		"no-such-step":               struct{}{},
		nodeproto.StepPrerequisites:  map[string]any{"packages": "not a list"},
		nodeproto.StepLIAID:          map[string]any{"installation_id": "x", "what is this": 1},
		nodeproto.StepIsolator:       nodeproto.IsolatorParams{Mode: "magic"},
		nodeproto.StepSDCPackage:     nodeproto.PackageParams{Component: "sdc", Package: "p", Version: "1"},
		nodeproto.StepCreateCluster:  nodeproto.CreateClusterParams{},
		nodeproto.StepVolumeDriver:   nodeproto.VolumeDriverParams{Packages: []nodeproto.DriverPackage{{}}},
		nodeproto.StepAgentRestart:   nodeproto.AgentRestartParams{},
		nodeproto.StepRenameSystem:   nodeproto.RenameSystemParams{},
		nodeproto.StepAddStandbyMDM:  nodeproto.AddStandbyMDMParams{},
		nodeproto.StepGatewayPackage: nodeproto.PackageParams{Component: "nonsense", Package: "p", Version: "1"},
	} {
		agent.HandleMessage(data(command(1, step, 1, params)))
		failed := l.report(nodeproto.Failed).Report
		require.Equal(t, step, failed.Step)
		require.True(t, failed.Hopeless, step)
		require.Contains(t, failed.Error, step)
	}
}

func TestCancelStopsWhatRunsAndLeavesATombstone(t *testing.T) {
	h, l := newHost(t), newLeader(t)
	agent, stop := h.agent(l)
	agent.HandleMessage(data(slow(1, 1)))
	pids := h.processes(2)
	cancel := slow(1, 1)
	cancel.Kind = nodeproto.Cancel
	agent.HandleMessage(data(cancel))
	l.report(nodeproto.Cancelled)
	h.requireEnded(pids)
	require.False(t, h.exists("installed-thing"))
	agent.HandleMessage(data(slow(1, 1)))
	l.report(nodeproto.Cancelled)

	// A cancelled attempt that never came does not run when it comes late,
	// not even for the next process.
	cancel.Attempt = 2
	agent.HandleMessage(data(cancel))
	require.Equal(t, 2, l.report(nodeproto.Cancelled).Report.Attempt)
	stop()
	l = newLeader(t)
	agent, _ = h.agent(l)
	h.touch("release")
	agent.HandleMessage(data(slow(1, 2)))
	l.report(nodeproto.Cancelled)
	require.False(t, h.exists("installed-thing"))

	// One that has ended keeps its outcome.
	agent.HandleMessage(data(slow(1, 3)))
	l.report(nodeproto.Done)
	cancel.Attempt = 3
	agent.HandleMessage(data(cancel))
	require.Equal(t, 3, l.report(nodeproto.Done).Report.Attempt)
}

func TestTheTombstoneIsOnDiskBeforeTheAnswer(t *testing.T) {
	h, l := newHost(t), newLeader(t)
	p := h.process(l)
	cancel := slow(1, 1)
	cancel.Kind = nodeproto.Cancel
	p.HandleMessage(data(cancel))
	l.report(nodeproto.Cancelled)
	p.kill()
	h.touch("release")
	l = newLeader(t)
	agent, _ := h.agent(l)
	agent.HandleMessage(data(slow(1, 1)))
	l.report(nodeproto.Cancelled)
	require.False(t, h.exists("installed-thing"))
}

func TestAHigherAttemptEndsTheRunningOne(t *testing.T) {
	h, l := newHost(t), newLeader(t)
	agent, _ := h.agent(l)
	agent.HandleMessage(data(slow(1, 1)))
	pids := h.processes(2)
	agent.HandleMessage(data(slow(1, 2)))
	h.requireEnded(pids)
	h.processes(4)
	h.touch("release")
	require.Equal(t, 2, l.report(nodeproto.Done).Report.Attempt)
	require.NotContains(t, l.heard(), `"state":"failed"`, "the first attempt gave way without a word")
}

func TestStepsThatShareThePackageManagerWaitForEachOther(t *testing.T) {
	h, l := newHost(t), newLeader(t)
	h.tool("dpkg-query", `for p; do :; done
[ "$p" != absent ] || [ -e "$SIO_HOST_ROOT/installed-thing" ] || : > "$SIO_HOST_ROOT/asked-too-early"
[ -e "$SIO_HOST_ROOT/installed-$p" ] && echo "install ok installed 1.0" || exit 1`)
	agent, _ := h.agent(l)
	agent.HandleMessage(data(slow(1, 1)))
	h.processes(2)
	agent.HandleMessage(data(command(1, nodeproto.StepMDMRemove, 1, nodeproto.MDMRemoveParams{Package: "absent"})))
	agent.HandleMessage(data(command(1, nodeproto.StepAgentRestart, 1, nodeproto.AgentRestartParams{Service: "mesos-slave"})))
	require.Equal(t, nodeproto.StepAgentRestart, l.report(nodeproto.Done).Report.Step, "other steps run beside a slow one")
	h.touch("release")
	// The second may overtake the first on the way to the leader.
	require.ElementsMatch(t, []string{nodeproto.StepPrerequisites, nodeproto.StepMDMRemove},
		[]string{l.report(nodeproto.Done).Report.Step, l.report(nodeproto.Done).Report.Step})
	require.False(t, h.exists("asked-too-early"), "mdm-remove did not wait for prerequisites")
}

func TestSecretsStayOutOfReportsAndTheJournal(t *testing.T) {
	const token = "Lia-Token-9"
	h, l := newHost(t), newLeader(t)
	h.tool("dpkg", `case " $* " in *" -i "*) ;; *) exit 0 ;; esac
tr '\0' '\n' < /proc/$$/cmdline > "$SIO_HOST_ROOT/argv"
echo "installing with $TOKEN"; echo "error near $TOKEN" >&2; exit 1`)
	agent, _ := h.agent(l)
	key := l.key()
	c := command(1, nodeproto.StepLIAPackage, 1, nodeproto.PackageParams{
		Component: "lia", Package: "emc-scaleio-lia", Version: "2.6-1.1",
		Artifact: nodeproto.Artifact{Path: "packages/lia.deb", SHA256: strings.Repeat("0", 64), Size: 1},
	})
	c.Sources = []string{"http://127.0.3.9:1"}
	agent.HandleMessage(data(sealed(t, key, c, map[string]string{nodeproto.SecretLIAToken: token})))
	failed := l.report(nodeproto.Failed).Report
	require.True(t, failed.Interrupted, "an artifact that cannot be fetched is nobody's fault: %s", failed.Error)

	// The same with a file that is in the cache already.
	artifact := cached(t, h, "lia.deb", "not a package")
	c = command(1, nodeproto.StepLIAPackage, 2, nodeproto.PackageParams{
		Component: "lia", Package: "emc-scaleio-lia", Version: "2.6-1.1", Artifact: artifact,
	})
	agent.HandleMessage(data(sealed(t, key, c, map[string]string{nodeproto.SecretLIAToken: token})))
	failed = l.report(nodeproto.Failed).Report
	require.Contains(t, failed.Error, "error near [redacted]")
	require.NotContains(t, l.heard(), token)
	require.NoError(t, filepath.WalkDir(h.root, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || strings.HasPrefix(path, filepath.Join(h.root, "dev")) {
			return err
		}
		text, err := os.ReadFile(path)
		require.NotContains(t, string(text), token, path)
		return err
	}))
	require.True(t, h.exists("argv"))
}

func TestTheInventoryIsSentAtTheStartAndWhenItChanges(t *testing.T) {
	h, l := newHost(t), newLeader(t)
	h.touch("installed-thing")
	agent, _ := h.agent(l)
	first := l.wait("inventory", func(s sent) bool { return s.Inventory != nil })
	require.True(t, first.update)
	require.Equal(t, "a", first.Inventory.Hostname)
	require.Equal(t, "127.0.3.9", first.Inventory.Address)
	require.Equal(t, "deb", first.Inventory.OS.Family)
	require.Empty(t, first.Inventory.Disks)

	require.NoError(t, scaleiotest.AddDisk(h.root, scaleiotest.Disk{Name: "xvdf", SizeBytes: 200 << 30, Serial: "vol-0abc"}))
	agent.HandleMessage(data(slow(1, 1))) // after a step the agent looks again
	second := l.wait("inventory", func(s sent) bool { return s.Inventory != nil })
	require.Len(t, second.Inventory.Disks, 1)

	question := command(1, nodeproto.QuestionLocate, 0, nodeproto.LocateParams{Serial: "vol-0abc"})
	question.Kind = nodeproto.Ask
	agent.HandleMessage(data(question))
	found := l.wait("answer", func(s sent) bool { return s.Report != nil && s.Report.Step == nodeproto.QuestionLocate })
	require.False(t, found.update)
	var disk model.Disk
	require.NoError(t, json.Unmarshal(found.Report.Result, &disk))
	require.Equal(t, "/dev/xvdf", disk.Device)
	require.Equal(t, "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0abc", disk.Path)
	entries, err := os.ReadDir(filepath.Join(h.state(), "steps"))
	require.NoError(t, err)
	require.Len(t, entries, 1, "a question is not journaled")

	agent.Announce()
	require.Equal(t, second.Inventory, l.wait("inventory", func(s sent) bool { return s.Inventory != nil }).Inventory)
}

func TestASignOfLifeNamesWhatRuns(t *testing.T) {
	h, l := newHost(t), newLeader(t)
	o := options(h.root, h.tools, l)
	o.AliveEvery = 20 * time.Millisecond
	agent := h.run(o)
	agent.HandleMessage(data(slow(1, 1)))
	l.wait("alive", func(s sent) bool {
		return s.Alive != nil && len(s.Alive.Running) == 1 && s.Alive.Running[0] == nodeproto.StepPrerequisites
	})
	h.touch("release")
	l.wait("alive and idle", func(s sent) bool { return s.Alive != nil && len(s.Alive.Running) == 0 })
}

func TestOptionsAreChecked(t *testing.T) {
	for name, spoil := range map[string]func(*nodeagent.Options){
		"a name that is a path":  func(o *nodeagent.Options) { o.Name = "../x" },
		"no name":                func(o *nodeagent.Options) { o.Name = "" },
		"no address":             func(o *nodeagent.Options) { o.Address = "" },
		"no transport":           func(o *nodeagent.Options) { o.Transport = nil },
		"no logger":              func(o *nodeagent.Options) { o.Logger = nil },
		"a pause below zero":     func(o *nodeagent.Options) { o.AliveEvery = -1 },
		"another below zero too": func(o *nodeagent.Options) { o.InventoryEvery = -1 },
	} {
		o := options(t.TempDir(), "", newLeader(t))
		spoil(&o)
		_, err := nodeagent.New(o)
		require.Error(t, err, name)
	}
}
