package storagegrowth_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/storagegrowth"
	"scaleio-framework/storagegrowth/growthtest"
)

// eager grows at the first reading, so that histories are short.
func eager() storagegrowth.Options {
	o := options()
	o.Policy.For = 0
	return o
}

// requireGrown checks the end: exactly the planned volumes, each attached once
// and a device of the pool, and nothing else left.
func requireGrown(t require.TestingT, st *stage, about string) {
	require.Len(t, st.growths(), 1, about)
	g := st.growths()[0]
	require.Equal(t, model.GrowthDone, g.State, "%s: %+v", about, g.Slots)
	var used []string
	for _, slot := range g.Slots {
		if slot.State == model.SlotRolledBack {
			continue
		}
		require.Equal(t, model.SlotDone, slot.State, about)
		v := st.site.Volumes[slot.VolumeID]
		require.NotNil(t, v, about)
		require.Equal(t, slot.InstanceID, v.Instance, about)
		require.True(t, st.site.IsDevice(v.ID), about)
		used = append(used, v.ID)
	}
	require.Len(t, used, 3, about)
	require.Len(t, st.site.Volumes, 3, "%s: nothing is doubled or leaked", about)
	require.Len(t, st.site.Pools["default/default"].Devices, 6, about)
	require.Empty(t, st.site.Violations, about)
	totals := st.view().Totals
	require.Equal(t, int64(1), totals.Pools["default/default"].Begun, "%s: it is counted once", about)
	require.Equal(t, int64(1), totals.Pools["default/default"].Finished[model.GrowthDone], about)
	require.Equal(t, int64(3), totals.Volumes[model.SlotDone], about)
}

// moment is where a leader dies: before the commit of a unit, or after it with
// some of its effects performed.
type moment struct{ unit, performed int }

const beforeCommit = -1

// slow makes EC2 take its time; stuck keeps the first device name of each
// instance in attaching for ever.
func sites() map[string]func() *growthtest.Site {
	return map[string]func() *growthtest.Site{
		"prompt": func() *growthtest.Site { return growthtest.New(3, 0.85) },
		"slow": func() *growthtest.Site {
			s := growthtest.New(3, 0.85)
			s.CreateTakes, s.AttachTakes = 5*time.Second, 4*time.Second
			return s
		},
		"stuck": func() *growthtest.Site {
			s := growthtest.New(3, 0.85)
			s.Stuck["/dev/sdf"] = true
			return s
		},
	}
}

// dieAt runs a whole growth with one death and returns the number of effects
// of each unit.
func dieAt(t require.TestingT, s *growthtest.Site, at *moment, flags func(*storagegrowth.Options)) (*stage, []int) {
	st := newStage(t, s, eager())
	st.start()
	var effects []int
	until := st.now.Add(6 * time.Minute)
	for n := 0; ; n++ {
		event, ok := st.next(until)
		if !ok {
			break
		}
		if at != nil && n == at.unit {
			if at.performed != beforeCommit {
				for i, effect := range st.apply(event) {
					if i < at.performed {
						st.perform(effect)
					}
				}
			}
			if flags != nil {
				flags(&st.options)
			}
			st.start()
			at = nil
			continue
		}
		released := st.apply(event)
		effects = append(effects, len(released))
		for _, effect := range released {
			st.perform(effect)
		}
	}
	st.run(20 * time.Minute)
	return st, effects
}

// The leader dies before and after each commit and each effect of a growth,
// with the replies that are on their way lost: the next one completes it.
func TestTheGrowthIsTheSameWhereverTheLeaderDies(t *testing.T) {
	for name, site := range sites() {
		t.Run(name, func(t *testing.T) {
			baseline, effects := dieAt(t, site(), nil, nil)
			requireGrown(t, baseline, "nobody dies")
			deaths := 0
			for unit, count := range effects {
				for performed := beforeCommit; performed <= count; performed++ {
					if deaths++; deaths%stride != 0 {
						continue
					}
					at := moment{unit, performed}
					st, _ := dieAt(t, site(), &at, nil)
					requireGrown(t, st, fmt.Sprintf("death in unit %d after %d effects", at.unit, at.performed))
					require.Equal(t, baseline.site.Made, st.site.Made, "death in unit %d after %d effects", unit, performed)
				}
			}
		})
	}
}

// The next leader has other flags: what was decided goes on as it was.
func TestOtherFlagsMakeNoSecondVolume(t *testing.T) {
	_, effects := dieAt(t, growthtest.New(3, 0.85), nil, nil)
	deaths := 0
	for unit, count := range effects {
		for performed := beforeCommit; performed <= count; performed++ {
			if deaths++; deaths%stride != 0 {
				continue
			}
			st, _ := dieAt(t, growthtest.New(3, 0.85), &moment{unit, performed}, func(o *storagegrowth.Options) {
				o.Policy.VolumeType, o.Policy.IOPS, o.Policy.VolumeSizeGiB = "io2", 4000, 500
				o.Policy.Tags = map[string]string{"team": "b"}
			})
			require.Len(t, st.growths(), 1)
			g := st.growths()[0]
			require.Equal(t, model.GrowthDone, g.State)
			require.Len(t, st.site.Volumes, 3)
			require.Equal(t, 3, st.site.Made)
			for _, s := range g.Slots {
				require.Equal(t, g.Slots[0].Request.Type, s.Request.Type)
				require.Equal(t, s.Request, st.site.Volumes[s.VolumeID].Request)
			}
		}
	}
}

// Each effect or its reply is lost in turn, while the leader lives on.
func TestLostEffectsAndReplies(t *testing.T) {
	for name, site := range sites() {
		t.Run(name, func(t *testing.T) {
			baseline, _ := dieAt(t, site(), nil, nil)
			count := 0
			for n := 0; n == 0 || n < count; n += stride {
				for _, done := range []bool{false, true} {
					st := newStage(t, site(), eager())
					count = 0
					st.performs = func(core.Effect) (bool, bool) {
						count++
						return count-1 != n || done, count-1 != n
					}
					st.start()
					st.run(25 * time.Minute)
					count = min(count, 60)
					requireGrown(t, st, fmt.Sprintf("effect %d, performed %t, is not answered", n, done))
					require.Equal(t, baseline.site.Made, st.site.Made, "effect %d, performed %t", n, done)
				}
			}
		})
	}
}

// A paused ex-leader performs any committed effect at any later time, as often
// as it likes (R10): the end is the same.
func TestCommittedEffectsMayBePerformedLater(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := []string{"prompt", "slow", "stuck"}
		s := sites()[names[rapid.IntRange(0, 2).Draw(t, "site")]]()
		st := newStage(t, s, eager())
		st.start()
		until := st.now.Add(20 * time.Minute)
		for {
			event, ok := st.next(until)
			if !ok {
				break
			}
			switch rapid.IntRange(0, 29).Draw(t, "what") {
			case 0:
				st.start()
				continue
			case 1:
				st.post(event) // it comes again
			case 2, 3, 4, 5:
				if len(st.released) > 0 {
					old := st.released[rapid.IntRange(0, len(st.released)-1).Draw(t, "which")]
					st.site.Perform(st.now, old)
				}
			}
			st.deliver(event)
		}
		st.run(10 * time.Minute)
		for _, old := range slices.Clone(st.released) {
			st.site.Perform(st.now, old)
		}
		st.run(10 * time.Minute)
		requireGrown(t, st, "after all")
	})
}

// Events come twice, late and in another order, replies and effects get lost,
// leaders die: in the end there are exactly the planned volumes.
func TestChaos(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := []string{"prompt", "slow", "stuck"}
		s := sites()[names[rapid.IntRange(0, 2).Draw(t, "site")]]()
		st := newStage(t, s, eager())
		st.performs = func(core.Effect) (bool, bool) {
			what := rapid.IntRange(0, 19).Draw(t, "fate")
			return what != 0, what > 1
		}
		s.Fault = func(core.CloudCall) (before, after core.CloudError) {
			switch rapid.IntRange(0, 24).Draw(t, "fault") {
			case 0:
				return core.CloudThrottled, ""
			case 1:
				return core.CloudUnknown, ""
			case 2:
				return "", core.CloudUnknown
			}
			return "", ""
		}
		st.start()
		for range rapid.IntRange(10, 150).Draw(t, "units") {
			event, ok := st.next(st.now.Add(time.Minute))
			if !ok {
				continue
			}
			if n := len(st.pending); n > 0 && rapid.IntRange(0, 4).Draw(t, "late") == 0 {
				i := rapid.IntRange(0, n-1).Draw(t, "which")
				event, st.pending[i] = st.pending[i], event
			}
			if rapid.IntRange(0, 9).Draw(t, "twice") == 0 {
				st.post(event)
			}
			if rapid.IntRange(0, 19).Draw(t, "die") == 0 {
				performed := rapid.IntRange(0, 4).Draw(t, "performed")
				for i, effect := range st.apply(event) {
					if i < performed {
						st.perform(effect)
					}
				}
				st.start()
				continue
			}
			st.deliver(event)
		}
		st.performs, s.Fault = nil, nil
		st.run(40 * time.Minute)
		requireGrown(t, st, "after chaos")
	})
}
