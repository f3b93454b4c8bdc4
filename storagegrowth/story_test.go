package storagegrowth_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/storagegrowth/growthtest"
)

var update = flag.Bool("update", false, "rewrite the stories in testdata")

// tell writes down what an operator would see: events, how growths and their
// volumes go on, and what is asked of the world.
func (st *stage) tell(b *strings.Builder, d time.Duration) {
	until := st.now.Add(d)
	start := st.now
	for {
		event, ok := st.next(until)
		if !ok {
			st.now = until
			return
		}
		before := st.states()
		effects := st.apply(event)
		after := st.states()
		var lines []string
		for _, key := range slices.Sorted(slices.Values(keysOf(after))) {
			if before[key] != after[key] {
				lines = append(lines, fmt.Sprintf("  stored %s: %s", key, after[key]))
			}
		}
		for _, e := range effects {
			if _, timer := e.(core.Timer); !timer {
				lines = append(lines, "  do "+e.String())
			}
			st.perform(e)
		}
		if len(lines) > 0 {
			fmt.Fprintf(b, "%s %s\n%s\n", st.now.Sub(start), event, strings.Join(lines, "\n"))
		}
	}
}

func keysOf(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	return keys
}

func (st *stage) states() map[string]string {
	states := make(map[string]string)
	for _, g := range st.growths() {
		states[g.ID] = fmt.Sprintf("%s, %s", g.State, g.Reason)
		for _, s := range g.Slots {
			text := fmt.Sprintf("%s %s %s %s", s.State, s.VolumeID, s.Device, s.Path)
			if s.Detaching {
				text += " detaching"
			}
			if s.Error != "" {
				text += " (" + s.Error + ")"
			}
			states[fmt.Sprintf("%s/%d", g.ID, s.Index)] = strings.Join(strings.Fields(text), " ")
		}
	}
	for _, p := range st.view().Pools {
		states["pool "+p.Pool] = p.Decision
	}
	return states
}

// The stories are the first thing to read about how a growth goes.
func TestStories(t *testing.T) {
	for name, prepare := range map[string]func() *growthtest.Site{
		"growth": func() *growthtest.Site {
			s := growthtest.New(3, 0.85)
			s.CreateTakes, s.AttachTakes = 3*time.Second, 2*time.Second
			return s
		},
		"stuck": func() *growthtest.Site {
			s := growthtest.New(3, 0.85)
			stuck := false
			s.Fault = func(c core.CloudCall) (core.CloudError, core.CloudError) {
				if c.Op == core.CloudAttach && c.Slot == 0 && !stuck {
					stuck = true
					s.StuckVolume = c.VolumeID
				}
				return "", ""
			}
			return s
		},
		"refused": func() *growthtest.Site {
			s := growthtest.New(3, 0.85)
			s.Fault = always(core.CloudCreate, 2, core.CloudNoCapacity)
			return s
		},
	} {
		t.Run(name, func(t *testing.T) {
			st := newStage(t, prepare(), eager())
			var b strings.Builder
			st.start()
			st.tell(&b, 5*time.Minute)
			require.Contains(t, []model.GrowthState{model.GrowthDone, model.GrowthPartial}, st.growths()[0].State)
			path := filepath.Join("testdata", name+".txt")
			if *update {
				require.NoError(t, os.MkdirAll("testdata", 0o755))
				require.NoError(t, os.WriteFile(path, []byte(b.String()), 0o644))
			}
			want, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, string(want), b.String())
		})
	}
}
