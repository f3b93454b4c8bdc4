package sandbox

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/model"
)

var update = flag.Bool("update", false, "rewrite the files in testdata")

// tell plays one short history into a progress view.
func tell(out *output, terminal bool, width int) {
	now := time.Unix(0, 0)
	p := newProgress(out, terminal, width, func() time.Time { return now })
	step := func(state model.StepState, text string) model.Step { return model.Step{State: state, Error: text} }
	state := func(epoch uint64, host1, host2 map[string]model.Step) State {
		return State{
			Epoch: epoch, Instance: "scheduler1-abcd",
			Cluster: &model.Cluster{Steps: map[string]model.Step{"create-cluster": step(model.Running, "")}},
			Plans: map[string]*model.NodePlan{
				"host1": {Persona: model.Manager, Steps: host1},
				"host2": {Persona: model.TieBreaker, Steps: host2},
			},
		}
	}
	p.say("starting 2 schedulers")
	first := state(1, map[string]model.Step{"prerequisites": step(model.Done, ""), "mdm-package": step(model.Running, "")},
		map[string]model.Step{"prerequisites": step(model.Pending, "")})
	p.show(first)
	now = now.Add(500 * time.Millisecond)
	p.show(first) // nothing new: nothing is written
	now = now.Add(500 * time.Millisecond)
	p.say("kill -9 of the leader")
	now = now.Add(time.Second)
	p.show(state(2, map[string]model.Step{"prerequisites": step(model.Done, ""), "mdm-package": step(model.Failed, "no space left on device")},
		map[string]model.Step{"prerequisites": step(model.Done, "")}))
	p.begin()
	p.say("another world")
	p.show(state(1, map[string]model.Step{"prerequisites": step(model.Done, "")}, nil))
}

// The files show what a person sees; escape codes are written as ESC.
func TestProgress(t *testing.T) {
	for name, c := range map[string]struct {
		terminal bool
		width    int
	}{
		"plain":           {},
		"terminal":        {terminal: true},
		"narrow-terminal": {terminal: true, width: 48},
	} {
		t.Run(name, func(t *testing.T) {
			var out output
			tell(&out, c.terminal, c.width)
			text := strings.ReplaceAll(out.String(), "\x1b", "ESC")
			file := filepath.Join("testdata", "progress-"+name+".txt")
			if *update {
				require.NoError(t, os.MkdirAll("testdata", 0o755))
				require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			require.Equal(t, string(want), text, "run go test -update and read the difference")
			if c.width > 0 {
				for line := range strings.SplitSeq(out.String(), "\n") {
					if _, drawn, erased := strings.Cut(line, "\x1b[J"); erased {
						line = drawn
					}
					if strings.Contains(line, "[") { // a bar
						require.Less(t, len(line), c.width, "a wrapped line cannot be redrawn")
					}
				}
			}
		})
	}
}
