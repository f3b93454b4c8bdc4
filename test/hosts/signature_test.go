//go:build hosts

package hosts_test

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/model"
	"scaleio-framework/internal/sandbox"
	"scaleio-framework/nodeagent/packages/packagestest"
)

// The vendor's packages are signed. Without its public key nothing is
// installed, and the plan says what lacks; a key that does not fit is not made
// known to a host. With the right one the hosts trust it, and the installation
// goes on.
func TestSignedPackages(t *testing.T) {
	w := prepare(t, families()["rpm"])
	vendor, other := signer(t, "the vendor"), signer(t, "somebody else")
	folder := filepath.Join(w.Dir(), "packages")
	files, err := filepath.Glob(filepath.Join(folder, "*.rpm"))
	require.NoError(t, err)
	require.NoError(t, vendor.Sign(files...))
	give := func(s *packagestest.Signer, name string) {
		require.NoError(t, os.WriteFile(filepath.Join(folder, "RPM-GPG-KEY-"+name), s.Public(), 0o644))
	}
	give(other, "other")
	require.NoError(t, w.StartSchedulers())

	w.watch(w.name, "every host to refuse its first package", func(s sandbox.State) bool {
		for _, h := range w.Hosts() {
			plan := s.Plans[h.Name]
			if plan == nil {
				return false
			}
			step := plan.Steps["sds-package"]
			if step.State != model.Stuck {
				return false
			}
			require.Regexp(t, `signature of EMC-ScaleIO-sds-.*: it is signed by the key [0-9a-f]+, which this host does not have; those given do not fit: RPM-GPG-KEY-other`, step.Error)
		}
		return true
	})
	for _, h := range w.Hosts() {
		require.Empty(t, w.status(h, "EMC-ScaleIO-sds"), "nothing is installed")
		require.Empty(t, w.keys(h), "the key that does not fit is unknown to the host")
	}

	give(vendor, "ScaleIO")
	scheduler := w.Schedulers()[0]
	pid := scheduler.PID()
	require.NoError(t, scheduler.Signal(syscall.SIGTERM))
	require.Eventually(t, func() bool { return scheduler.PID() != pid && scheduler.PID() != 0 }, soon, pollPause)
	state := w.watch(w.name, "the bootstrap", func(s sandbox.State) bool {
		for _, h := range w.Hosts() {
			w.retry(h) // also what was under way and is refused only now
		}
		return complete(s)
	})
	for _, h := range w.Hosts() {
		require.Len(t, strings.Fields(w.keys(h)), 1, "the vendor's key is there once")
		params := string(state.Plans[h.Name].Steps["sds-package"].Params)
		require.Contains(t, params, "RPM-GPG-KEY-ScaleIO", "the record says which keys were given")
	}
}

// keys are the public keys that rpm knows on a host.
func (w *world) keys(h *sandbox.Host) string {
	w.t.Helper()
	return w.on(h, "rpm", "-qa", "gpg-pubkey*")
}

// retry orders every stuck step of a host to be tried again, as soon as there
// is a leader.
func (w *world) retry(h *sandbox.Host) {
	w.t.Helper()
	state, err := w.State(w.t.Context())
	require.NoError(w.t, err)
	for name, step := range state.Plans[h.Name].Steps {
		if step.State != model.Stuck {
			continue
		}
		order := []byte(`{"host":"` + h.Name + `","step":"` + name + `"}`)
		require.Eventually(w.t, func() bool {
			res, err := http.Post(w.Schedulers()[0].URL+"/v1/plan/retry", "application/json", bytes.NewReader(order))
			if err != nil {
				return false
			}
			_ = res.Body.Close()
			return res.StatusCode < http.StatusMultipleChoices
		}, soon, pollPause, "order of %s on %s", name, h.Name)
	}
}

func signer(t *testing.T, name string) *packagestest.Signer {
	t.Helper()
	home, err := os.MkdirTemp("", "gpg") // its socket's path must be short
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(home)) })
	s, err := packagestest.NewSigner(home, name)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}
