package executor

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

var (
	// ErrAgentLost ends Run: the agent went away, and did not come back in the
	// time it had given or cannot know us when it does.
	ErrAgentLost = errors.New("mesos agent lost")
	// ErrUnknown ends Run: the agent knows this executor or its framework no
	// more, for example because it was wiped.
	ErrUnknown = errors.New("the mesos agent does not know this executor: it must end so that a new one can be launched")
	// ErrNotSubscribed is returned by Send while there is no agent.
	ErrNotSubscribed = errors.New("not subscribed to the mesos agent")
	// ErrEnded is returned by Update and Send when Run has returned.
	ErrEnded = errors.New("the executor has ended")
)

// AgentError is an ERROR event or an answer to SUBSCRIBE that will not change.
type AgentError struct{ Text string }

// Error tells what the agent said.
func (e *AgentError) Error() string { return "the mesos agent refuses this executor: " + e.Text }

// statusError is an answer of the agent that is no success.
type statusError struct {
	call   string
	status int
	text   string
}

func (e *statusError) Error() string {
	return strings.TrimSuffix(fmt.Sprintf("%s was answered %d %s: %s", e.call, e.status, http.StatusText(e.status), e.text), ": ")
}

// unknown tells whether the agent knows us no more. The texts are Mesos' own
// and recorded.
func (e *statusError) unknown() bool {
	return e.status == http.StatusBadRequest &&
		(strings.HasPrefix(e.text, "Executor cannot be found") || strings.HasPrefix(e.text, "Framework cannot be found"))
}

// refused tells whether sending the same again is of no use.
func (e *statusError) refused() bool {
	return e.status >= 400 && e.status < 500 && e.status != http.StatusForbidden &&
		e.status != http.StatusNotFound && e.status != http.StatusTooManyRequests && !e.unknown()
}

// ofSubscribe classifies the answer to a SUBSCRIBE: what passes stays a
// statusError. A starting agent answers 404 and 503.
func ofSubscribe(e *statusError) error {
	switch {
	case e.unknown():
		return fmt.Errorf("%w: %w", ErrUnknown, e)
	case e.refused(), e.status == http.StatusForbidden:
		return &AgentError{Text: e.Error()}
	}
	return e
}
