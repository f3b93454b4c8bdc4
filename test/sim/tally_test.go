package sim_test

import (
	"fmt"
	"strings"
)

// tally counts what happened, so that it can be seen what seeds contain.
type tally map[string]int

func (t tally) add(other tally) {
	for what, n := range other {
		t[what] += n
	}
}

// absent are those of the given that never happened.
func (t tally) absent(wanted []string) (missing []string) {
	for _, what := range wanted {
		if t[what] == 0 {
			missing = append(missing, what)
		}
	}
	return missing
}

func (t tally) String() string {
	var lines strings.Builder
	for _, what := range sortedKeys(t) {
		fmt.Fprintf(&lines, "\n%8d %s", t[what], what)
	}
	return lines.String()
}

// everything is what a few hundred seeds must contain, or they prove less than
// they seem to.
var everything = []string{
	"attempt fails", "attempt fails after it did its work", "attempt fails hopelessly", "attempt is interrupted", "attempt is slow",
	"attempt is cut off", "attempt is cut off and was done", "tombstone", "step is stuck", "step that was done is done again",
	"order pause is applied", "order resume is applied", "order retry is applied", "order force-complete is applied",
	"order growth-request is applied", "order growth-approve is applied", "order growth-decline is applied",
	"order is refused", "preview is answered", "leader abdicates",
}
