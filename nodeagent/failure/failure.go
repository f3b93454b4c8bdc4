// Package failure says what kind of failure ended an attempt of a step.
//
// The leader treats the kinds differently: an interruption does not count
// towards stuck, a hopeless failure makes the step stuck at once, and any other
// error is retried with back-off until the attempts are used up.
package failure

import (
	"errors"
	"fmt"
)

// Kind is how the leader should treat a failure.
type Kind int

const (
	// Plain is a failure that a later attempt may not meet again.
	Plain Kind = iota
	// Interruption is nobody's fault: it does not count towards stuck.
	Interruption
	// Hopelessness cannot be mended by a retry.
	Hopelessness
	// Misplacement is an interruption that another host may not meet: the MDM
	// of this one is not the primary.
	Misplacement
)

// String names the kind as reports and logs show it.
func (k Kind) String() string {
	switch k {
	case Interruption:
		return "interrupted"
	case Hopelessness:
		return "hopeless"
	case Misplacement:
		return "misplaced"
	default:
		return "failed"
	}
}

type classified struct {
	kind Kind
	err  error
}

func (c *classified) Error() string { return c.err.Error() }

func (c *classified) Unwrap() error { return c.err }

// Interrupted marks an error as an interruption. A nil error stays nil.
func Interrupted(err error) error { return wrap(Interruption, err) }

// Misplaced marks an error as an interruption that another host may not meet. A
// nil error stays nil.
func Misplaced(err error) error { return wrap(Misplacement, err) }

// Hopeless marks an error as one that a retry cannot mend. A nil error stays
// nil.
func Hopeless(err error) error { return wrap(Hopelessness, err) }

// Hopelessf is Hopeless of a new error.
func Hopelessf(format string, args ...any) error { return Hopeless(fmt.Errorf(format, args...)) }

func wrap(kind Kind, err error) error {
	if err == nil {
		return nil
	}
	return &classified{kind: kind, err: err}
}

// KindOf tells the kind of an error: the outermost mark counts.
func KindOf(err error) Kind {
	var c *classified
	if errors.As(err, &c) {
		return c.kind
	}
	return Plain
}
