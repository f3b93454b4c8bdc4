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
// for the cluster and each host below the lines, redrawn in place.
type progress struct {
	out      io.Writer
	terminal bool
	width    int // of the terminal, in columns; a longer line would wrap
	now      func() time.Time
	start    time.Time
	seen     map[string]model.StepState
	epoch    uint64
	bars     []string // as they stand on the screen
}

// defaultWidth is that of a terminal that does not tell.
const defaultWidth = 80

func newProgress(out io.Writer, terminal bool, width int, now func() time.Time) *progress {
	if width <= 0 {
		width = defaultWidth
	}
	return &progress{
		out: out, terminal: terminal, width: width,
		now: now, start: now(), seen: make(map[string]model.StepState),
	}
}

// say prints a line of its own, above the bars.
func (p *progress) say(format string, args ...any) {
	p.write(fmt.Sprintf("%7.2fs  %s", p.now().Sub(p.start).Seconds(), fmt.Sprintf(format, args...)), p.bars)
}

// write puts an optional line and the bars where the bars were, in one write,
// so that nothing flickers.
func (p *progress) write(line string, bars []string) {
	var text strings.Builder
	if len(p.bars) > 0 {
		fmt.Fprintf(&text, "\x1b[%dA\x1b[J", len(p.bars))
	}
	if line != "" {
		text.WriteString(line + "\n")
	}
	for _, bar := range bars {
		text.WriteString(bar + "\n")
	}
	p.bars = bars
	_, _ = io.WriteString(p.out, text.String()) // nobody is left to tell when the terminal is gone
}

// begin forgets the last world: another one starts.
func (p *progress) begin() {
	p.seen, p.epoch = make(map[string]model.StepState), 0
	p.write("", nil)
}

// show tells what is new in a state.
func (p *progress) show(s State) {
	if s.Epoch != p.epoch {
		p.epoch = s.Epoch
		p.say("epoch %d is led by %s", s.Epoch, s.Instance)
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
			if !p.terminal {
				p.say("%-36s done", key)
			}
		case model.Failed, model.Stuck:
			p.say("%-36s %s: %s", key, step.State, step.Error)
		case model.Pending, model.Running, model.Skipped:
		}
	}
	if !p.terminal {
		return
	}
	if bars := p.draw(s); !slices.Equal(bars, p.bars) {
		p.write("", bars)
	}
}

// draw makes a bar for the cluster and one for each host.
func (p *progress) draw(s State) []string {
	var bars []string
	if s.Cluster != nil {
		bars = append(bars, p.bar("cluster", "", s.Cluster.Steps))
	}
	for _, host := range slices.Sorted(maps.Keys(s.Plans)) {
		bars = append(bars, p.bar(host, string(s.Plans[host].Persona), s.Plans[host].Steps))
	}
	return bars
}

func (p *progress) bar(name, persona string, steps map[string]model.Step) string {
	over, open := 0, []string{}
	for _, key := range slices.Sorted(maps.Keys(steps)) {
		step := steps[key]
		switch {
		case step.Over():
			over++
		case step.State == model.Running:
			open = append(open, key)
		case step.State == model.Failed, step.State == model.Stuck:
			open = append(open, key+"("+string(step.State)+")")
		}
	}
	const width = 24
	full := 0
	if len(steps) > 0 {
		full = over * width / len(steps)
	}
	line := strings.TrimRight(fmt.Sprintf("  %-8s %-11s [%s%s] %2d/%-2d %s", name, persona,
		strings.Repeat("#", full), strings.Repeat(".", width-full), over, len(steps), strings.Join(open, " ")), " ")
	if len(line) >= p.width {
		line = line[:max(p.width-4, 0)] + "..."
	}
	return line
}
