//go:build hosts

package hosts_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/internal/sandbox"
	"scaleio-framework/nodeagent/journal"
)

// The Mesos agent of each host is restarted once with its new flags, whatever
// ends meanwhile: its executors with it, the node agent, the host.
func TestTheMesosAgentIsRestartedOnce(t *testing.T) {
	for name, unit := range map[string]sandbox.MesosUnit{
		"as Mesosphere's packages have it":    {},
		"the restart ends every executor too": {KillMode: "control-group", ExecutorsInside: true},
	} {
		t.Run(name, func(t *testing.T) {
			w := prepare(t, families()["deb"], func(o *sandbox.Options) { o.VolumeDriver, o.MesosUnit = true, unit })
			const stop = "agent-stop"
			killed, cut := w.Hosts()[1], w.Hosts()[2]
			for _, h := range []*sandbox.Host{killed, cut} {
				hold(t, h, stop)
				require.NoError(t, os.WriteFile(filepath.Join(h.Root, "root", stop), []byte(holdScript(stop)), 0o644))
				w.override(h, "mesos-slave", "[Service]\nExecStop=/bin/sh /root/"+stop+"\n")
			}
			require.NoError(t, w.StartSchedulers())
			crashes := map[*sandbox.Host]func(*sandbox.Host){killed: w.killNodeAgent, cut: w.cutPower}
			w.await("the restarts", func(s sandbox.State) bool {
				for h, crash := range crashes {
					// It fails, with the word, for a unit that is not active.
					if state, _ := w.try(h, "systemctl", "is-active", "mesos-slave"); state == "deactivating" {
						delete(crashes, h)
						crash(h)
						release(t, h, stop)
					}
				}
				return len(crashes) == 0
			})
			state := w.bootstrapped()
			for _, h := range w.Hosts() {
				w.restartedOnce(state, h)
			}
		})
	}
}

// override adds lines to a unit of a host.
func (w *world) override(h *sandbox.Host, unit, lines string) (undo func()) {
	w.t.Helper()
	dir := filepath.Join(h.Root, "etc/systemd/system", unit+".service.d")
	require.NoError(w.t, os.MkdirAll(dir, 0o755))
	require.NoError(w.t, os.WriteFile(filepath.Join(dir, "test.conf"), []byte(lines), 0o644))
	w.on(h, "systemctl", "daemon-reload")
	return func() {
		require.NoError(w.t, os.RemoveAll(dir))
		w.on(h, "systemctl", "daemon-reload")
	}
}

// restartedOnce looks that a host's agent runs with its new flags, in its second
// run, and that nothing of the restart is left.
func (w *world) restartedOnce(s sandbox.State, h *sandbox.Host) {
	w.t.Helper()
	runs := h.Agent().Runs()
	require.Len(w.t, runs, 2, "%s: its start and one restart", h.Name)
	require.NotContains(w.t, runs[0]["isolation"], "docker/volume", h.Name)
	require.Equal(w.t, "posix/cpu,posix/mem,filesystem/linux,docker/volume", runs[1]["isolation"], h.Name)
	require.Equal(w.t, model.Done, s.Plans[h.Name].Steps[nodeproto.StepAgentRestart].State)
	w.nothingLeft(h)
	done := 0
	for _, e := range journalOf(w.t, h, w.name) {
		if e.Step == nodeproto.StepAgentRestart && e.State == journal.Done {
			done++
		}
	}
	require.Equal(w.t, 1, done, h.Name)
}

// nothingLeft looks that the guard of the restart has taken itself away.
func (w *world) nothingLeft(h *sandbox.Host) {
	w.t.Helper()
	require.Eventually(w.t, func() bool {
		units, err := filepath.Glob(filepath.Join(h.Root, "etc/systemd/system/*/scaleio-framework-*"))
		require.NoError(w.t, err)
		more, err := filepath.Glob(filepath.Join(h.Root, "etc/systemd/system/scaleio-framework-*"))
		require.NoError(w.t, err)
		return len(units)+len(more) == 0
	}, soon, 50*time.Millisecond, "a unit of the guard is left on %s", h.Name)
	require.NoFileExists(w.t, filepath.Join(h.Root, "var/lib/scaleio-framework", w.name, "agent-restart/guard"))
}

// An agent that does not start with its new flags runs with the old ones again,
// also when its host loses its power in the midst of that; an operator reads
// why, and no other host's agent is restarted. When the cause is gone and the
// steps are ordered again, all is well.
func TestAnAgentThatRefusesItsFlagsGetsTheOldOnesBack(t *testing.T) {
	for name, c := range map[string]struct {
		unit sandbox.MesosUnit
		cut  bool
	}{
		"and nothing else happens":    {sandbox.MesosUnit{}, false},
		"and everything ends with it": {sandbox.MesosUnit{KillMode: "control-group", ExecutorsInside: true}, false},
		"and the power is cut":        {sandbox.MesosUnit{}, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := prepare(t, families()["deb"], func(o *sandbox.Options) { o.VolumeDriver, o.MesosUnit = true, c.unit })
			var mend []func()
			for _, h := range w.Hosts() {
				mend = append(mend, w.hideDVDCLI(h))
				if c.cut {
					hold(t, h, refusal)
				}
			}
			require.NoError(t, w.StartSchedulers())
			var first *sandbox.Host
			require.Eventually(t, func() bool {
				first = w.refused()
				return first != nil
			}, soon, pollPause, "no agent refuses its flags")
			if c.cut {
				for _, h := range w.Hosts() {
					release(t, h, refusal)
				}
				w.cutPower(first)
			}
			w.awaitStuckRestart(first)
			for i, h := range w.Hosts() {
				require.Equal(t, "active", w.on(h, "systemctl", "is-active", "mesos-slave"))
				runs := h.Agent().Runs()
				require.Equal(t, "posix/cpu,posix/mem", runs[len(runs)-1]["isolation"], h.Name)
				require.Equal(t, h == first, len(runs) > 1, h.Name)
				mend[i]()
			}
			for _, step := range []string{nodeproto.StepIsolator, nodeproto.StepAgentRestart} {
				w.again(step, first)
				w.awaitStuck(step+" of "+first.Name, func(s sandbox.State) bool { return s.Plans[first.Name].Steps[step].State == model.Done })
			}
			w.bootstrapped()
			for _, h := range w.Hosts() {
				runs := h.Agent().Runs()
				require.Equal(t, "posix/cpu,posix/mem,filesystem/linux,docker/volume", runs[len(runs)-1]["isolation"], h.Name)
				w.nothingLeft(h)
			}
		})
	}
}

// refusal is the name under which the unit of an agent waits, when the agent has
// ended by itself.
const refusal = "refusal"

// refusalScript notes that an agent has ended by itself, and waits as long as its
// host is held there.
const refusalScript = "PATH=/usr/bin:/bin\n[ \"$SERVICE_RESULT\" != success ] || exit 0\ntouch " + refusedOnce + "\n"

// refusedOnce is there once an agent has ended by itself.
const refusedOnce = "/var/lib/agent-refused"

// refused finds a host whose agent has ended by itself; nil when none has.
func (w *world) refused() *sandbox.Host {
	for _, h := range w.Hosts() {
		if _, err := os.Stat(filepath.Join(h.Root, refusedOnce)); err == nil {
			return h
		}
	}
	return nil
}

// awaitStuckRestart waits until the restart of a host's agent is stuck, and
// looks that its flags are as they were.
func (w *world) awaitStuckRestart(h *sandbox.Host) {
	w.t.Helper()
	state := w.awaitStuck("the restart of "+h.Name+" to be stuck", func(s sandbox.State) bool {
		return s.Plans[h.Name] != nil && s.Plans[h.Name].Steps[nodeproto.StepAgentRestart].State == model.Stuck
	})
	text := state.Plans[h.Name].Steps[nodeproto.StepAgentRestart].Error
	require.Contains(w.t, text, "so they were taken back, and it runs with the old ones")
	require.Contains(w.t, text, "dvdcli is not in PATH", "the agent's own words")
	require.NotContains(w.t, text, "Flags at startup", "credentials may be among them")
	require.NoFileExists(w.t, filepath.Join(h.Root, "etc/mesos-slave/isolation"))
	refused, err := os.ReadFile(filepath.Join(h.Root, "etc/mesos-slave.isolation.refused"))
	require.NoError(w.t, err)
	require.Equal(w.t, "posix/cpu,posix/mem,filesystem/linux,docker/volume\n", string(refused))
	w.nothingLeft(h)
}

// hideDVDCLI gives the agent of a host a PATH that dvdcli is not in, and a unit
// that notes when the agent ends by itself.
func (w *world) hideDVDCLI(h *sandbox.Host) (undo func()) {
	w.t.Helper()
	dir := filepath.Join(h.Root, "opt/agent")
	require.NoError(w.t, os.MkdirAll(dir, 0o755))
	for name, target := range map[string]string{"cat": "/usr/bin/cat", "mesos-slave": "/usr/sbin/mesos-slave"} {
		require.NoError(w.t, os.Symlink(target, filepath.Join(dir, name)))
	}
	script := filepath.Join(h.Root, "root", refusal)
	require.NoError(w.t, os.WriteFile(script, []byte(refusalScript+holdScript(refusal)), 0o644))
	return w.override(h, "mesos-slave", "[Service]\nEnvironment=PATH=/opt/agent\nExecStopPost=/bin/sh /root/"+refusal+"\n")
}

// again orders a step to be tried again.
func (w *world) again(step string, h *sandbox.Host) {
	w.t.Helper()
	body, err := json.Marshal(map[string]string{"step": step, "host": h.Name})
	require.NoError(w.t, err)
	res, err := http.Post(w.Schedulers()[0].URL+"/v1/plan/retry", "application/json", bytes.NewReader(body))
	require.NoError(w.t, err)
	require.NoError(w.t, res.Body.Close())
	require.Equal(w.t, http.StatusOK, res.StatusCode, "retry of %s on %s", step, h.Name)
}

// A host that boots in the midst of the bootstrap goes on, with all its services.
func TestAHostThatBootsInTheMiddleGoesOn(t *testing.T) {
	w := prepare(t, families()["deb"], func(o *sandbox.Options) { o.VolumeDriver = true })
	require.NoError(t, w.StartSchedulers())
	created := w.await("the cluster", func(s sandbox.State) bool { return s.Steps()["cluster/create-cluster"].State == model.Done })
	h := w.Hosts()[0]
	boot := w.on(h, "cat", "/proc/sys/kernel/random/boot_id")
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	require.NoError(t, h.Machine.Reboot(ctx))
	require.NotEqual(t, boot, w.on(h, "cat", "/proc/sys/kernel/random/boot_id"))
	state := w.bootstrapped()
	require.Greater(t, state.Nodes[h.Name].Launch.Number, created.Nodes[h.Name].Launch.Number, "the node agent was launched anew")
	for _, host := range w.Hosts() {
		for _, unit := range append(units(state, host.Name), "rexray", "mesos-slave") {
			require.Equal(t, "active", w.on(host, "systemctl", "is-active", unit), "%s on %s", unit, host.Name)
		}
		runs := host.Agent().Runs()
		require.Contains(t, runs[len(runs)-1]["isolation"], "docker/volume", host.Name)
		w.nothingLeft(host)
	}
	// Once more, when all is done: the driver starts behind the SDC.
	require.NoError(t, h.Machine.Reboot(ctx))
	for _, unit := range append(units(state, h.Name), "rexray", "mesos-slave") {
		require.Equal(t, "active", w.on(h, "systemctl", "is-active", unit), unit)
	}
	require.Contains(t, strings.Fields(w.on(h, "systemctl", "show", "--property=After", "--value", "rexray")), "scini.service")
	require.Equal(t, "600", w.on(h, "stat", "--format=%a", "/etc/rexray/config.yml"))
}
