package sandbox

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"scaleio-framework/internal/model"
)

// progress shows what happens: a line for each change, or on a terminal a bar
// for each host that is redrawn in place.
type progress struct {
	out      io.Writer
	terminal bool
	start    time.Time
	seen     map[string]model.StepState
	epoch    uint64
	drawn    int // lines of the bars on the screen
}

func newProgress(out io.Writer, terminal bool) *progress {
	return &progress{out: out, terminal: terminal, start: time.Now(), seen: make(map[string]model.StepState)}
}

// say prints a line of its own.
func (p *progress) say(format string, args ...any) {
	p.erase()
	fmt.Fprintf(p.out, "%7.2fs  %s\n", time.Since(p.start).Seconds(), fmt.Sprintf(format, args...))
}

// erase takes the bars off the screen.
func (p *progress) erase() {
	if p.drawn > 0 {
		fmt.Fprintf(p.out, "\x1b[%dA\x1b[J", p.drawn)
		p.drawn = 0
	}
}

// show tells what is new in a state.
func (p *progress) show(s State) {
	if s.Epoch != p.epoch {
		if s.Epoch < p.epoch {
			p.seen = make(map[string]model.StepState) // another world
		}
		p.epoch = s.Epoch
		p.say("epoch %d is led by %s", s.Epoch, s.Instance)
	}
	if p.terminal {
		p.draw(s)
		return
	}
	steps := s.Steps()
	for _, key := range slices.Sorted(maps.Keys(steps)) {
		step := steps[key]
		if p.seen[key] == step.State {
			continue
		}
		p.seen[key] = step.State
		switch step.State {
		case model.Done:
			p.say("%-36s done", key)
		case model.Failed, model.Stuck:
			p.say("%-36s %s: %s", key, step.State, step.Error)
		case model.Pending, model.Running, model.Skipped:
		}
	}
}

// draw redraws a bar for the cluster and for each host.
func (p *progress) draw(s State) {
	p.erase()
	if s.Cluster != nil {
		p.bar("cluster", "", s.Cluster.Steps)
	}
	for _, host := range slices.Sorted(maps.Keys(s.Plans)) {
		p.bar(host, string(s.Plans[host].Persona), s.Plans[host].Steps)
	}
}

func (p *progress) bar(name, persona string, steps map[string]model.Step) {
	over, running := 0, []string{}
	for _, key := range slices.Sorted(maps.Keys(steps)) {
		step := steps[key]
		switch {
		case step.Over():
			over++
		case step.State == model.Running, step.State == model.Failed, step.State == model.Stuck:
			running = append(running, key)
		}
	}
	const width = 24
	full := 0
	if len(steps) > 0 {
		full = over * width / len(steps)
	}
	line := fmt.Sprintf("          %-8s %-11s [%s%s] %2d/%-2d %s", name, persona,
		strings.Repeat("#", full), strings.Repeat(".", width-full), over, len(steps), strings.Join(running, " "))
	if len(line) > 110 {
		line = line[:107] + "..."
	}
	fmt.Fprintln(p.out, line)
	p.drawn++
}
