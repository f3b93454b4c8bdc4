package scaleio

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// Detail is one of the reasons that some refusals carry.
type Detail struct {
	Symbol  string `json:"error"` // for example NO_PERMISSIONS
	Code    int64  `json:"rc"`
	Message string `json:"errorMessage"`
}

// Error is an answer of the gateway that is not a success.
type Error struct {
	// Op is what was tried, for example "create SDS node1".
	Op string
	// HTTPStatus is 500 for nearly every refusal of the MDM.
	HTTPStatus int
	// Code is the MDM's return code, 0 where none was given. Codes up to about
	// 190 mean the same in all versions; above, only the text can be trusted.
	Code int64
	// Message is the MDM's text, or the beginning of what else was answered.
	Message string
	// Details come with some refusals.
	Details []Detail
	// foreign is true for an answer that has not the shape of the MDM's
	// errors: a page of the web server or of a proxy.
	foreign bool
	// mutating is true for requests that change something.
	mutating bool
}

// Error gives the operation, the reason and the numbers to look it up with.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: ", e.Op)
	if e.Message == "" {
		b.WriteString(http.StatusText(e.HTTPStatus))
	} else {
		b.WriteString(e.Message)
	}
	for _, d := range e.Details {
		if d.Message != "" && d.Message != e.Message {
			fmt.Fprintf(&b, " (%s)", d.Message)
		}
	}
	fmt.Fprintf(&b, " (HTTP %d", e.HTTPStatus)
	if e.Code != 0 {
		fmt.Fprintf(&b, ", code %d", e.Code)
	}
	b.WriteString(")")
	return b.String()
}

// says reports whether a text of the error matches, or else its code is one of
// those that mean the same in all versions.
func (e *Error) says(pattern *regexp.Regexp, codes ...int64) bool {
	if e.foreign {
		return false
	}
	matches := func(text string, code int64) bool {
		return pattern != nil && pattern.MatchString(text) || slices.Contains(codes, code)
	}
	return matches(e.Message, e.Code) ||
		slices.ContainsFunc(e.Details, func(d Detail) bool { return matches(d.Message, d.Code) })
}

// unavailable reports that the gateway or its MDM does not serve at present.
// A gateway that starts answers 404 until its application is deployed.
func (e *Error) unavailable() bool {
	switch e.HTTPStatus {
	case http.StatusPreconditionRequired, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	case http.StatusNotFound, http.StatusInternalServerError:
		return e.foreign
	}
	return false
}

// NoReplyError says that a request got no answer that could be read.
type NoReplyError struct {
	Op string
	// Endpoint is the gateway's address.
	Endpoint string
	// Sent is true when the request may have reached the gateway, false when
	// no connection was made.
	Sent bool
	// mutating is true for requests that change something.
	mutating bool
	Err      error
}

// Error says whether the outcome is known.
func (e *NoReplyError) Error() string {
	if e.Sent && e.mutating {
		return fmt.Sprintf("%s: no reply from gateway %s, it may have been done: %v", e.Op, e.Endpoint, e.Err)
	}
	return fmt.Sprintf("%s: gateway %s does not answer: %v", e.Op, e.Endpoint, e.Err)
}

// Unwrap gives the reason, for example context.DeadlineExceeded.
func (e *NoReplyError) Unwrap() error { return e.Err }

// ReplyError says that an answer was read and does not make sense: broken JSON,
// a missing field, a text where a number belongs, too many bytes.
type ReplyError struct {
	Op       string
	mutating bool
	Err      error
}

// Error names what was asked.
func (e *ReplyError) Error() string {
	return fmt.Sprintf("%s: the gateway's answer cannot be used: %v", e.Op, e.Err)
}

// Unwrap gives the reason.
func (e *ReplyError) Unwrap() error { return e.Err }

var (
	absentPattern    = regexp.MustCompile(`(?i)could not find|not found`)
	existsPattern    = regexp.MustCompile(`(?i)already (in use|exists?|mapped|in this cluster mode|in cluster mode)|same (name|IP address) already exists`)
	notMappedPattern = regexp.MustCompile(`(?i)not mapped`)
	timeoutPattern   = regexp.MustCompile(`(?i)^a timeout occurred`)
	sessionPattern   = regexp.MustCompile(`(?i)^invalid session`)
	notEmptyPattern  = regexp.MustCompile(`(?i)only allowed when there are no devices`)
)

// IsNotFound reports that the MDM knows no such object.
func IsNotFound(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.says(absentPattern, 3, 78, 79, 80, 126, 142, 171)
}

// IsAlreadyExists reports that the MDM has such an object, or that the name,
// the address or the mapping is taken already.
func IsAlreadyExists(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.says(existsPattern, 7, 81, 93, 98, 99, 141, 170, 173)
}

// IsUnauthorized reports that the user name or the password was refused.
func IsUnauthorized(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.HTTPStatus == http.StatusUnauthorized
}

// IsForbidden reports that the user may not do this.
func IsForbidden(err error) bool {
	var e *Error
	return errors.As(err, &e) && (e.HTTPStatus == http.StatusForbidden || e.says(nil, 168))
}

// IsUnreachable reports that the gateway, or the MDM behind it, did not serve
// the request. Another gateway may; ask IsAmbiguous before repeating.
func IsUnreachable(err error) bool {
	var lost *NoReplyError
	if errors.As(err, &lost) {
		return true
	}
	var e *Error
	return errors.As(err, &e) && e.unavailable()
}

// IsNonsense reports that an answer was read and makes no sense, as that of
// something else at the gateway's address. Another gateway may do better; ask
// IsAmbiguous before repeating.
func IsNonsense(err error) bool {
	var garbled *ReplyError
	return errors.As(err, &garbled)
}

// IsAmbiguous reports that the request may have had its effect all the same:
// its reply was lost, unreadable, or a timeout of the MDM.
func IsAmbiguous(err error) bool {
	var lost *NoReplyError
	if errors.As(err, &lost) {
		return lost.Sent && lost.mutating
	}
	var garbled *ReplyError
	if errors.As(err, &garbled) {
		return garbled.mutating
	}
	var e *Error
	if !errors.As(err, &e) || !e.mutating {
		return false
	}
	return e.says(timeoutPattern, 68) || e.unavailable() || e.foreign && e.HTTPStatus >= http.StatusInternalServerError
}

// isNotMapped reports that a volume is not mapped to the SDC named.
func isNotMapped(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.says(notMappedPattern, 84)
}

// Difference is one parameter of an object that is not as asked for.
type Difference struct {
	Field string
	Want  string
	Have  string
}

// MismatchError says that an object of the right name is there but is not the
// one asked for. Nothing was changed.
type MismatchError struct {
	// Object is its type and name, for example `SDS "node1"`.
	Object      string
	ID          string
	Differences []Difference
	// Remedy is what an operator can do.
	Remedy string
}

// Error lists the differences and the remedy.
func (e *MismatchError) Error() string {
	parts := make([]string, 0, len(e.Differences))
	for _, d := range e.Differences {
		parts = append(parts, fmt.Sprintf("%s is %q instead of %q", d.Field, d.Have, d.Want))
	}
	return fmt.Sprintf("%s (%s) is there already and differs: %s; %s", e.Object, e.ID, strings.Join(parts, ", "), e.Remedy)
}

// mismatch collects differences; its error method is nil when there are none.
type mismatch []Difference

func (m *mismatch) compare(field, want, have string) {
	if want != have {
		*m = append(*m, Difference{Field: field, Want: want, Have: have})
	}
}

func (m mismatch) err(object, id, remedy string) error {
	if len(m) == 0 {
		return nil
	}
	return &MismatchError{Object: object, ID: id, Differences: m, Remedy: remedy}
}
