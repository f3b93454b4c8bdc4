package mesosapi

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

var (
	// ErrNotSubscribed is returned by calls while there is no event stream.
	// Nothing was sent, or the master said that it took nothing.
	ErrNotSubscribed = errors.New("mesos: not subscribed to a master")
	// ErrFrameworkRemoved ends Run: the master tore the framework down or its
	// failover timeout passed, and it will never take this id again.
	ErrFrameworkRemoved = errors.New("mesos: the framework has been removed from Mesos and its id can never be used again: `scaleioctl framework reset` keeps the nodes and draws a new id")
	// ErrFrameworkTaken ends Run: another program subscribes with our id again
	// and again although the fence is ours.
	ErrFrameworkTaken = errors.New("mesos: another program that does not use our ZooKeeper path subscribes with this framework id: find it by the framework's hostname and web UI address in Mesos, and stop it")
	// ErrOtherFramework ends Run: the master answered with another id.
	ErrOtherFramework = errors.New("mesos: the master subscribed us under another framework id")
)

// SubscriptionError ends Run: the master refuses us for a reason that a retry
// does not mend.
type SubscriptionError struct {
	// Status is the HTTP status, or 0 when the reason came in an ERROR event.
	Status int
	// Text is what the master said.
	Text string
	// Remedy is what an operator can do.
	Remedy string
}

// Error says what was refused, why, and what to do.
func (e *SubscriptionError) Error() string {
	said := e.Text
	if e.Status != 0 {
		said = strings.TrimSuffix(fmt.Sprintf("%d %s: %s", e.Status, http.StatusText(e.Status), e.Text), ": ")
	}
	return fmt.Sprintf("mesos: the master refuses the subscription: %s: %s", said, e.Remedy)
}

// CallError is a call that the master answered with an error.
type CallError struct {
	Call   string // ACCEPT ...
	Status int    // of HTTP
	Text   string // the answer's body, shortened
}

// Error names the call and the answer.
func (e *CallError) Error() string {
	return strings.TrimSuffix(fmt.Sprintf("mesos: %s was answered %d %s: %s", e.Call, e.Status, http.StatusText(e.Status), e.Text), ": ")
}

// lost tells whether the answer is about the subscription, not about the call.
// The texts are Mesos' own and recorded.
func (e *CallError) lost() bool {
	return e.Status == http.StatusForbidden || e.Status == http.StatusBadRequest &&
		(strings.HasPrefix(e.Text, "The stream ID") || strings.HasPrefix(e.Text, "Framework cannot be found"))
}

// Refused tells whether a call was refused for what it said, so that making
// it again is of no use.
func Refused(err error) bool {
	var call *CallError
	return errors.As(err, &call) && call.Status >= 400 && call.Status < 500 && !call.lost()
}

// redirectError is a 307 of a master that does not lead.
type redirectError struct{ to string }

func (e *redirectError) Error() string { return "the master does not lead, it names " + e.to }

// failedOverError is the ERROR event for the loser of two subscriptions.
type failedOverError struct{}

func (failedOverError) Error() string { return "another scheduler subscribed with this framework id" }

// fencedError carries an error of Options.Fence out of the loop.
type fencedError struct{ err error }

func (e *fencedError) Error() string { return e.err.Error() }
func (e *fencedError) Unwrap() error { return e.err }

// ofErrorEvent classifies the text of an ERROR event. The texts are Mesos' own
// and recorded.
func ofErrorEvent(text string) error {
	switch {
	case strings.Contains(text, "Framework has been removed"):
		return ErrFrameworkRemoved
	case strings.Contains(text, "Framework failed over"):
		return failedOverError{}
	}
	remedy := "correct the framework's settings"
	switch lower := strings.ToLower(text); {
	case strings.Contains(lower, "principal"):
		remedy = "a framework keeps its principal for life: give the one it was first registered with"
	case strings.Contains(lower, "not authorized"):
		remedy = "let the master's ACLs register_frameworks and run_tasks allow this principal, role and user"
	case strings.Contains(lower, "role"):
		remedy = "give a role that Mesos takes"
	case strings.Contains(lower, "invalid characters"):
		remedy = "the stored framework id was edited: restore /framework"
	}
	return &SubscriptionError{Text: text, Remedy: remedy}
}

// ofSubscribeStatus classifies the answer to a SUBSCRIBE that is no stream.
// Final is what is wrong with us; the rest is wrong with the master and passes.
func ofSubscribeStatus(status int, text string) error {
	remedy := ""
	switch status {
	case http.StatusBadRequest:
		remedy = "correct the framework's settings; the principal must be the one we authenticate as"
	case http.StatusUnauthorized:
		remedy = "give the principal and secret that the master's credentials file holds"
	case http.StatusForbidden:
		remedy = "let the master's ACLs allow this principal to register frameworks"
	case http.StatusMethodNotAllowed, http.StatusNotAcceptable, http.StatusUnsupportedMediaType:
		remedy = "this is no Mesos master with the v1 API, or something stands before it"
	default:
		return &CallError{Call: "SUBSCRIBE", Status: status, Text: text}
	}
	return &SubscriptionError{Status: status, Text: text, Remedy: remedy}
}
