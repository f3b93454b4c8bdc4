//go:build hosts

package hosts_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/model"
	"scaleio-framework/internal/sandbox"
	"scaleio-framework/nodeagent/packages/packagestest"
	"scaleio-framework/scheduler/bootstrap"
)

// Whatever a host or a package folder is like, the plan says what is wrong, in
// words that lead to the cause; nothing is half written; and when the cause is
// gone, the installation goes on by itself.
func TestBadInput(t *testing.T) { eachFamily(t, refusesBadInput) }

func refusesBadInput(t *testing.T, f family) {
	w := prepare(t, f, func(o *sandbox.Options) {
		o.Agents = 4
		o.Settings = []string{"SIO_STEPS_MAX_FAILURES=100"} // what is spoilt stays so for as long as the test takes
	})
	locked, full, strange := w.Hosts()[0], w.Hosts()[1], w.Hosts()[3]
	require.NoError(t, os.WriteFile(filepath.Join(strange.Root, "etc/os-release"), []byte("ID=plan9\nVERSION_ID=4\n"), 0o644))
	w.without("numactl")
	unlock := w.lockPackages(locked)
	makeRoom := w.fillDisk(full)
	require.NoError(t, w.StartSchedulers())

	w.awaitError(locked, "prerequisites", model.Pending, "another package manager works on this host")
	w.awaitError(full, "prerequisites", model.Failed, f.unknown)
	unlock()
	w.awaitError(locked, "prerequisites", model.Failed, f.unknown)

	// The schedulers know their packages by now, and no host has one.
	mend := w.spoil("mdm", func(data []byte) []byte { return data[:len(data)/2] })
	w.without("")
	w.awaitError(locked, "mdm-package", model.Failed, "it has", "bytes, expected are")
	w.nothingCached(locked)
	mend()
	mend = w.spoil("mdm", func(data []byte) []byte {
		return bytes.Replace(data, []byte("actor_role"), []byte("actor_ROLE"), 1)
	})
	w.awaitError(locked, "mdm-package", model.Failed, "SHA-256")
	w.nothingCached(locked)
	mend()

	w.awaitError(full, "sds-package", model.Failed, f.full)
	makeRoom()
	state := w.watch(w.name, "the bootstrap of the others", func(s sandbox.State) bool {
		delete(s.Plans, strange.Name)
		return complete(s)
	})
	for _, h := range w.Hosts()[:3] {
		require.Empty(t, w.unfinished(h), h.Name)
		for _, unit := range units(state, h.Name) {
			require.Equal(t, "active", w.on(h, "systemctl", "is-active", unit))
		}
	}
	var plan bootstrap.View
	w.get("/v1/plan", &plan)
	require.Len(t, plan.Problems, 1)
	require.Regexp(t, `^step prerequisites on host4 is stuck: the host cannot be used: .*operating system "plan9"`, plan.Problems[0])
	require.Empty(t, journalOf(t, strange, w.name), "nothing was done on a host of an unknown system")
}

// awaitError waits until a step of a host stands in a state, with an error
// that has all these words. Other steps may be stuck.
func (w *world) awaitError(h *sandbox.Host, step string, state model.StepState, words ...string) {
	w.t.Helper()
	w.watch(w.name, step+" of "+h.Name+" with the error "+strings.Join(words, " ... "), func(s sandbox.State) bool {
		plan := s.Plans[h.Name]
		if plan == nil || plan.Steps[step].State != state {
			return false
		}
		return !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(plan.Steps[step].Error, word) })
	})
}

// get asks the scheduler.
func (w *world) get(path string, answer any) {
	w.t.Helper()
	res, err := http.Get(w.Schedulers()[0].URL + path)
	require.NoError(w.t, err)
	require.NoError(w.t, json.NewDecoder(res.Body).Decode(answer))
	require.NoError(w.t, res.Body.Close())
}

// without makes the repository of the hosts' distribution lack a package.
func (w *world) without(name string) {
	w.t.Helper()
	left := slices.DeleteFunc(w.DistributionPackages(), func(p packagestest.Package) bool { return p.Name == name })
	require.NoError(w.t, w.FillRepository(left...))
}

// lockPackages lets an operator's dpkg or rpm work on a host until unlock is
// called.
func (w *world) lockPackages(h *sandbox.Host) (unlock func()) {
	w.t.Helper()
	const name = "operators-tool"
	hold(w.t, h, name)
	tool := packagestest.Package{Name: name, Version: "1.0-1", Description: "takes its time"}
	tool.Prepend(packagestest.Configuring, holdScript(name))
	require.NoError(w.t, tool.Build(filepath.Join(h.Root, "root", name+w.extension)))
	w.on(h, slices.Concat([]string{"systemd-run", "--quiet"}, w.install, []string{"/root/" + name + w.extension})...)
	w.awaitHeld(h, name)
	return func() { release(w.t, h, name) }
}

// fillDisk gives a host a file system for the SDS that is full, until makeRoom
// is called.
func (w *world) fillDisk(h *sandbox.Host) (makeRoom func()) {
	w.t.Helper()
	const home = "/opt/emc/scaleio/sds"
	w.on(h, "mkdir", "-p", home)
	w.on(h, "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", home)
	w.on(h, "fallocate", "-l", "1m", home+"/filler")
	return func() { w.on(h, "rm", home+"/filler") }
}

// spoil changes a package file under the schedulers' feet.
func (w *world) spoil(component string, change func([]byte) []byte) (mend func()) {
	w.t.Helper()
	file := w.packageFile(component)
	whole, err := os.ReadFile(file)
	require.NoError(w.t, err)
	spoilt := change(bytes.Clone(whole))
	require.NotEqual(w.t, whole, spoilt)
	write := func(data []byte) {
		next := file + ".next"
		require.NoError(w.t, os.WriteFile(next, data, 0o644))
		require.NoError(w.t, os.Rename(next, file))
	}
	write(spoilt)
	return func() { write(whole) }
}

// nothingCached looks that no part of the MDM package passes for the whole one.
func (w *world) nothingCached(h *sandbox.Host) {
	w.t.Helper()
	found, err := filepath.Glob(filepath.Join(h.Root, "var/lib/scaleio-framework", w.name, "cache/*/*-mdm-*"+w.extension))
	require.NoError(w.t, err)
	require.Empty(w.t, found)
	require.Empty(w.t, w.status(h, w.prefix+"mdm"))
}
