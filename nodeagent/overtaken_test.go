package nodeagent_test

import (
	"strings"
	"testing"

	"scaleio-framework/internal/nodeproto"
)

// An attempt may end at the very moment at which a higher one begins: what is
// journaled of the higher one stays, else it would be run once more, and
// nobody would be told of its end.
func TestAnAttemptThatEndsDoesNotOverwriteTheNextOne(t *testing.T) {
	h, l := newHost(t), newLeader(t)
	agent, _ := h.agent(l)
	// They fail as soon as they begin, and take their time to be written down.
	long := map[string]any{"unknown": strings.Split(strings.Repeat("x ", 5000), " ")}
	for attempt := 1; attempt < 200; attempt += 2 {
		agent.HandleMessage(data(command(1, nodeproto.StepLIAID, attempt, long)))
		agent.HandleMessage(data(command(1, nodeproto.StepLIAID, attempt+1, long)))
		l.wait("end of the higher attempt", func(s sent) bool {
			return s.update && s.Report != nil && s.Report.Attempt == attempt+1
		})
	}
}
