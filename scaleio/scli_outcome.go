package scaleio

import (
	"fmt"
	"regexp"
	"strings"
)

// Outcome is what a run of scli came to.
type Outcome int

// The outcomes.
const (
	// OutcomeOK is a success.
	OutcomeOK Outcome = iota
	// OutcomeAlreadyDone is a refusal because it is so already: query to see
	// whether it is so in the right way.
	OutcomeAlreadyDone
	// OutcomeNoCluster is a refusal because the MDM belongs to no cluster. A
	// query before the creation gives it; so does a second creation.
	OutcomeNoCluster
	// OutcomeNotLoggedIn is a refusal for want of a session.
	OutcomeNotLoggedIn
	// OutcomeWrongPassword is a refused user name or password. It is what the
	// default password gives once it was changed.
	OutcomeWrongPassword
	// OutcomeRefused is any other refusal of the MDM.
	OutcomeRefused
	// OutcomeNoConnection means that no MDM answered, or not the master.
	OutcomeNoConnection
	// OutcomeUsage means that scli did not understand its options. It may come
	// with exit status 0 and its text is on stdout, where results are.
	OutcomeUsage
	// OutcomeFailed is anything else, an end by a signal among them.
	OutcomeFailed
)

// String names the outcome.
func (o Outcome) String() string {
	names := [...]string{
		"ok", "already done", "no cluster", "not logged in", "wrong password",
		"refused", "no connection", "wrong usage", "failed",
	}
	if o < 0 || int(o) >= len(names) {
		return fmt.Sprintf("outcome %d", int(o))
	}
	return names[o]
}

// Result is a run of scli, understood.
type Result struct {
	Outcome  Outcome
	ExitCode int
	// Status is the MDM's text, or the last line of what else was printed; at
	// most 300 bytes. It may need masking before it is logged.
	Status string
}

// SCLIError is a result other than OutcomeOK.
type SCLIError struct {
	Command string
	Result
}

// Error gives the command, the outcome and the MDM's words.
func (e *SCLIError) Error() string {
	text := fmt.Sprintf("%s: %s", e.Command, e.Outcome)
	if e.Status != "" {
		text += ": " + e.Status
	}
	return fmt.Sprintf("%s (exit status %d)", text, e.ExitCode)
}

// Err is nil for OutcomeOK and an *SCLIError for every other.
func (r Result) Err(c Command) error {
	if r.Outcome == OutcomeOK {
		return nil
	}
	return &SCLIError{Command: c.String(), Result: r}
}

// exitRefused is scli's exit status for "the MDM refused the command".
const exitRefused = 7

var (
	statusPattern     = regexp.MustCompile(`(?m)Error: MDM failed command\.\s+Status: *([^\r\n]*)`)
	errorPattern      = regexp.MustCompile(`(?m)^Error: *([^\r\n]*)`)
	usagePattern      = regexp.MustCompile(`(?m)^\s*Usage: *scli\b`)
	connectionPattern = regexp.MustCompile(`(?i)failed to connect to MDM|connection (refused|timed out|reset)`)
	noClusterPattern  = regexp.MustCompile(`(?i)MDM cluster state is incorrect|not attached to a system`)
	loginPattern      = regexp.MustCompile(`(?i)invalid session|please login`)
	deniedPattern     = regexp.MustCompile(`(?i)permission denied`)
)

// Classify understands a run of scli by its exit status and output. The MDM's
// refusals are told by exit status 7 and a text on stderr; on a pseudo-terminal
// both streams are one, which is given as stdout then. exitCode is below zero
// when the program did not end by itself.
func Classify(exitCode int, stdout, stderr string) Result {
	r := Result{ExitCode: exitCode}
	text := stderr + "\n" + stdout
	if m := statusPattern.FindStringSubmatch(text); m != nil {
		r.Status = clip(strings.TrimSpace(m[1]))
	} else if m := errorPattern.FindStringSubmatch(text); m != nil {
		r.Status = clip(strings.TrimSpace(m[1]))
	} else if exitCode != 0 {
		r.Status = clip(lastLine(text))
	}
	switch {
	case usagePattern.MatchString(text):
		r.Outcome = OutcomeUsage
	case exitCode == 0:
		r.Outcome, r.Status = OutcomeOK, ""
	case exitCode == exitRefused || statusPattern.MatchString(text):
		r.Outcome = refusedOutcome(r.Status)
	case connectionPattern.MatchString(text):
		r.Outcome = OutcomeNoConnection
	default:
		r.Outcome = OutcomeFailed
	}
	return r
}

func refusedOutcome(status string) Outcome {
	switch {
	case loginPattern.MatchString(status):
		return OutcomeNotLoggedIn
	case deniedPattern.MatchString(status):
		return OutcomeWrongPassword
	case noClusterPattern.MatchString(status):
		return OutcomeNoCluster
	case existsPattern.MatchString(status):
		return OutcomeAlreadyDone
	}
	return OutcomeRefused
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return strings.TrimSpace(text[strings.LastIndexAny(text, "\r\n")+1:])
}
