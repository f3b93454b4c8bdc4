package bootstrap_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/scheduler/internal/coretest"
)

// uninstallDyingAt removes a system with one crash.
func uninstallDyingAt(st *stage, at *moment) (*stage, []int) {
	st.Check = nil
	st.install()
	if !st.site.noGateway {
		st.site.primary = "b" // elsewhere nothing waits for a back-off, so that deaths reach the end
	}
	st.World.Put("/orders/1", []byte(orderUninstall))
	st.Post(core.OrderReceived{Path: "/orders/1", Raw: []byte(orderUninstall)})
	var effects []int
	for n := 0; len(st.Pending) > 0; n++ {
		event := st.Pending[0]
		st.Pending = st.Pending[1:]
		st.World.Now = st.World.Now.Add(time.Millisecond)
		if at != nil && n == at.unit {
			if at.performed != beforeCommit {
				st.Deliver(event, at.performed)
			}
			st.Start()
			if _, waits := st.World.Stored()["/orders/1"]; waits {
				st.Post(core.OrderReceived{Path: "/orders/1", Raw: []byte(orderUninstall)})
			}
			continue
		}
		unit := st.World.Apply(event)
		effects = append(effects, len(unit.Effects))
		for _, effect := range unit.Effects {
			st.Post(st.site.Perform(st.World.Now, effect)...)
		}
	}
	st.Settle(time.Hour)
	return st, effects
}

// The leader is killed before and after each commit and each effect of a
// removal: the end is the same, and no step is done twice.
func TestARemovalEndsTheSameWhereverTheLeaderDies(t *testing.T) {
	for name, make := range both() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			removalEndsTheSame(t, func() *stage { return make(t, "a", "b", "c") })
		})
	}
}

func removalEndsTheSame(t *testing.T, fresh func() *stage) {
	baseline, effects := uninstallDyingAt(fresh(), nil)
	baseline.removed(t)
	require.Greater(t, len(effects), 40)
	ran := func(st *stage) map[string][]string {
		all := map[string][]string{}
		for _, name := range st.site.names() {
			all[name] = slices.Sorted(slices.Values(st.site.hosts[name].ran))
		}
		return all
	}
	want := ran(baseline)
	deaths, offset := 0, rand.IntN(stride)
	t.Logf("every death whose number is %d modulo %d", offset, stride)
	for unit, count := range effects {
		for performed := beforeCommit; performed <= count; performed++ {
			if deaths++; deaths%stride != offset {
				continue
			}
			st, _ := uninstallDyingAt(fresh(), &moment{unit, performed})
			st.removed(t)
			require.Equal(t, want, ran(st), "death in unit %d after %d effects", unit, performed)
			require.Equal(t, baseline.site.released, st.site.released)
		}
	}
}

// A paused ex-leader may perform what was committed, of the installation too,
// at any later time: nothing comes back, and nothing is lost that must stay.
func TestCommittedEffectsBringNothingBack(t *testing.T) {
	for name, make := range both() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			nothingComesBack(t, func(t coretest.T) *stage { return make(t, "a", "b", "c") })
		})
	}
}

func nothingComesBack(t *testing.T, fresh func(coretest.T) *stage) {
	rapid.Check(t, func(t *rapid.T) {
		st := fresh(t)
		w := &witness{site: st.site}
		st.Outside = w
		st.Check = nil
		st.install()
		st.order("1", orderUninstall)
		for range rapid.IntRange(0, 200).Draw(t, "units") {
			if len(st.Pending) == 0 {
				break
			}
			event := st.Pending[0]
			st.Pending = st.Pending[1:]
			st.World.Now = st.World.Now.Add(time.Millisecond)
			st.Deliver(event, -1)
			if rapid.IntRange(0, 4).Draw(t, "wakes") == 0 {
				old := w.released[rapid.IntRange(0, len(w.released)-1).Draw(t, "which")]
				if call, ok := old.(core.GatewayCall); ok && !st.site.takes(call) {
					continue // the MDM refuses it
				}
				st.Post(st.site.Perform(st.World.Now, old)...)
			}
		}
		st.Settle(time.Hour)
		require.True(t, st.view().Complete, "%v", st.view().Steps)
		require.Empty(t, st.site.anywhere(
			nodeproto.StepMDMPackage, nodeproto.StepSDSPackage, nodeproto.StepSDCPackage, nodeproto.StepLIAPackage, nodeproto.StepGatewayPackage, nodeproto.StepActiveMQPackage))
		require.Empty(t, st.site.violations)
	})
}

// takes reports whether the system behind the gateways is still such that a
// call of a leader that slept can have any effect.
func (s *site) takes(e core.GatewayCall) bool {
	if !s.noGateway && s.anywhere(nodeproto.StepGatewayPackage) == "" {
		return false
	}
	switch nodeproto.Name(e.Step) {
	case core.StepProtectionDomains:
		return true
	case core.StepFaultSets, core.StepStoragePools:
		return len(s.domains) > 0
	case core.StepSparePolicy:
		return len(s.pools) > 0
	case core.StepAddSDS:
		return len(s.domains) > 0 && s.hosts[e.Host].packages[nodeproto.StepSDSPackage]
	case core.StepAddDevices:
		_, there := s.sds[e.Host]
		return there && len(s.pools) > 0 && s.hosts[e.Host].packages[nodeproto.StepSDSPackage]
	case core.StepVerifyVolume, core.StepVerify:
		return len(s.devices) >= 3
	}
	return e.Step == core.StepManagementPlatform || strings.HasPrefix(e.Step, "remove-") || e.Step == core.StepRemovalCheck
}
