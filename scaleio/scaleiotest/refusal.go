package scaleiotest

import (
	"errors"
	"fmt"
)

// Refusal is the MDM's answer to a command it will not do.
type Refusal struct {
	// Code is the position in the MDM's table of return codes, 0 where the
	// number is not known.
	Code int
	// Text is what the operator reads.
	Text string
	// Status is the HTTP status of the REST API, 500 when 0.
	Status int
}

// Error returns the text that scli and the gateway show.
func (r *Refusal) Error() string { return r.Text }

// httpStatus is the status the gateway answers with.
func (r *Refusal) httpStatus() int {
	if r.Status != 0 {
		return r.Status
	}
	return 500
}

func refuse(code int, text string) error { return &Refusal{Code: code, Text: text} }

func refusef(code int, format string, args ...any) error {
	return &Refusal{Code: code, Text: fmt.Sprintf(format, args...)}
}

// The refusals that more than one place gives. Numbers above about 190 drift
// between versions of the real system; clients should match the texts there.
var (
	errClusterState   = refuse(105, "The MDM cluster state is incorrect")
	errPermission     = refuse(247, "Permission denied. Please check the user name and password and try again.")
	errSession        = refuse(248, "Invalid session. Please login and try again.")
	errMustChange     = refuse(168, "You do not have permission to perform this operation. The default password must be changed first.")
	errDiversity      = refuse(255, "This password lacks character diversity, use 8 to 15 characters of at least three of these types: upper case, lower case, digits, special characters.")
	errNoPD           = refuse(142, "Could not find Protection Domain")
	errNoPool         = refuse(171, "Could not find Storage Pool")
	errNoFaultSet     = refuse(265, "Could not find the Fault Set")
	errNoSDS          = refuse(78, "Could not find SDS")
	errNoDevice       = refuse(126, "Could not find the SDS device")
	errNoVolume       = refuse(79, "Could not find the volume")
	errNoSDC          = refuse(80, "Could not find the SDC")
	errNoMDM          = refuse(548, "Could not find the MDM")
	errRange          = refuse(64, "Parameter out of range")
	errMDMCount       = refuse(556, "Wrong number of MDMs for this transition")
	errSpareViolation = refuse(61, "This operation violates spare policy")
)

// errNoReply means that the connection broke before an answer came; the effect
// may or may not be there.
var errNoReply = errors.New("connection reset")

// errUnauthorized is an injected 401.
var errUnauthorized = errors.New("unauthorized")
