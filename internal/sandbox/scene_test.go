package sandbox

import (
	"context"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/model"
)

func TestDrillsAreRefused(t *testing.T) {
	for want, drill := range map[string]DrillOptions{
		`no drill "earthquake": want kill, crash`:       {Name: "earthquake", During: DuringIdle},
		`no drill during "lunch": want bootstrap, grow`: {Name: "kill", During: "lunch"},
	} {
		report, err := RunDrill(t.Context(), drill, testOptions(t))
		require.ErrorContains(t, err, want)
		require.Nil(t, report, "nothing was begun, so there is nothing to report")
	}
}

func TestLostProgress(t *testing.T) {
	state := func(step model.Step) State {
		return State{Plans: map[string]*model.NodePlan{"host1": {Steps: map[string]model.Step{"sds-package": step}}}}
	}
	for name, c := range map[string]struct {
		before, after model.Step
		lost          bool
	}{
		"still done":                 {model.Step{State: model.Done, Attempt: 1}, model.Step{State: model.Done, Attempt: 1}, false},
		"ran, and is done since":     {model.Step{State: model.Running, Attempt: 1}, model.Step{State: model.Done, Attempt: 2}, false},
		"was done and runs":          {model.Step{State: model.Done, Attempt: 1}, model.Step{State: model.Running, Attempt: 1}, true},
		"was done and is done again": {model.Step{State: model.Done, Attempt: 1}, model.Step{State: model.Done, Attempt: 2}, true},
		"was done and is forgotten":  {model.Step{State: model.Done, Attempt: 1}, model.Step{}, true},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.lost, len(lostProgress(state(c.before), state(c.after))) > 0)
		})
	}
}

// Only those schedulers may end that have to, once, and with their code.
func TestExitsAreChecked(t *testing.T) {
	for name, c := range map[string]struct {
		codes []int // that the struck one may end with
		ends  []int // how it ended
		other []int // how another one ended
		want  string
	}{
		"as it has to":          {codes: []int{3}, ends: []int{3}},
		"nobody":                {},
		"with another code":     {codes: []int{3}, ends: []int{4}, want: "struck ended with 4, want [3]"},
		"twice":                 {codes: []int{3}, ends: []int{3, 2}, want: "struck ended 2 times"},
		"not at all":            {codes: []int{3}, want: "struck ended 0 times"},
		"another one":           {codes: []int{3}, ends: []int{3}, other: []int{1}, want: "other ended with 1, and nothing was done to it"},
		"one that was left be":  {ends: []int{-1}, want: "struck ended with -1, and nothing was done to it"},
		"before it was struck":  {codes: []int{0}, ends: []int{0}},
		"when asked or deposed": {codes: []int{0, 3}, ends: []int{3}},
	} {
		t.Run(name, func(t *testing.T) {
			scheduler := func(name string, codes []int) *Scheduler {
				s := &Scheduler{Name: name, exits: []Exit{{Code: 7}}} // before the drill
				for _, code := range codes {
					s.exits = append(s.exits, Exit{Code: code})
				}
				return s
			}
			struck, other := scheduler("struck", c.ends), scheduler("other", c.other)
			scene := &scene{
				stage: &stage{report: newReport()}, w: &World{schedulers: []*Scheduler{struck, other}},
				exits: map[*Scheduler]int{struck: 1, other: 1}, codes: map[*Scheduler][]int{},
			}
			if c.codes != nil {
				scene.codes[struck] = c.codes
			}
			scene.checkExits()
			require.Len(t, scene.result.Exits, len(c.ends)+len(c.other))
			err := scene.report.conclude()
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.want)
		})
	}
}

// A drill that measures more than its bound fails, and so does one after which
// there are more terms than promised, or a process too many.
func TestABrokenPromiseFailsTheDrill(t *testing.T) {
	opts := testOptions(t)
	opts.Schedulers = 1
	w := newWorld(t.Context(), t, opts)
	_, err := w.await(t.Context(), "the bootstrap", time.Minute, nil, func(st State) bool { return st.Complete(3) })
	require.NoError(t, err)
	play := func(bound time.Duration, terminated func(context.Context, *scene) error) error {
		c := &scene{
			stage: &stage{opts: w.opts, dir: opts.Dir, report: newReport(), progress: newProgress(opts.Out, false, 0, time.Now)},
			w:     w, drill: Drill{Bound: fixed(bound), strike: terminated}, result: DrillReport{BoundS: bound.Seconds()},
		}
		require.NoError(t, c.strike(t.Context()))
		require.NoError(t, c.check(t.Context()))
		err := c.report.conclude()
		require.Equal(t, err == nil, c.result.OK)
		return err
	}
	terminated := strikeLeader(Term, 0)
	nothingToEnd := func(ctx context.Context, c *scene) error {
		err := terminated(ctx, c)
		delete(c.codes, c.victim)
		return err
	}
	noTerm := func(ctx context.Context, c *scene) error {
		err := terminated(ctx, c)
		c.terms = []uint64{0}
		return err
	}
	require.NoError(t, play(time.Minute, terminated))
	require.ErrorContains(t, play(time.Nanosecond, terminated), "the bound is 0.00 s; the load of this machine is ")
	require.ErrorContains(t, play(time.Minute, nothingToEnd), "ended with 0, and nothing was done to it")
	require.ErrorContains(t, play(time.Minute, noTerm), "1 terms followed epoch 4, want [0]")

	second := exec.Command("sleep", "60")
	second.Args[0] = "scaleio-nodeagent"
	second.Env = []string{"SIO_HOST_ROOT=" + w.hosts[0].Root}
	require.NoError(t, second.Start())
	defer func() {
		_ = second.Process.Kill()
		_ = second.Wait() // killed
	}()
	require.ErrorContains(t, w.account(t.Context()), "2 node agents on host1")
}
