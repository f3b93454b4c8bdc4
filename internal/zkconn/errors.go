package zkconn

import (
	"errors"
	"fmt"

	"github.com/go-zookeeper/zk"
)

// What callers decide on. Every error of a call wraps at least one of these
// or an error of the context.
var (
	// ErrNoNode: the znode, or the parent of a znode to create, is absent.
	ErrNoNode = errors.New("znode does not exist")
	// ErrNodeExists: the znode to create is there already.
	ErrNodeExists = errors.New("znode exists already")
	// ErrBadVersion: the znode has another version than the one given.
	ErrBadVersion = errors.New("znode has another version")
	// ErrNotEmpty: the znode to delete has children.
	ErrNotEmpty = errors.New("znode has children")
	// ErrNoAuth: the ACL refuses the access, or the credentials were refused.
	ErrNoAuth = errors.New("not authorised by ZooKeeper")
	// ErrRejected: the server refused the request for another reason.
	ErrRejected = errors.New("refused by ZooKeeper")
	// ErrDisconnected: no server answered in time; nothing was changed.
	ErrDisconnected = errors.New("no ZooKeeper server answers")
	// ErrUnknownOutcome: a write was sent, or may be, and its answer is lost.
	ErrUnknownOutcome = errors.New("outcome unknown")
	// ErrExpired: the session has expired; the Conn is over.
	ErrExpired = errors.New("ZooKeeper session expired")
	// ErrClosed: the Conn was closed by its owner.
	ErrClosed = errors.New("ZooKeeper connection closed")
)

// CallError says which call failed on which znode and why.
type CallError struct {
	// Op is the call, such as "set".
	Op string
	// Path is relative to the root of the Conn; empty for calls without one.
	Path string
	// Err is one of this package's sentinels.
	Err error
	// Cause, if any, is the finer reason.
	Cause error
}

// Error names the call, the znode and the reasons.
func (e *CallError) Error() string {
	text := "zookeeper: " + e.Op
	if e.Path != "" {
		text += " " + e.Path
	}
	text += ": " + e.Err.Error()
	if e.Cause != nil {
		text += ": " + e.Cause.Error()
	}
	return text
}

// Unwrap gives both the sentinel and the finer reason to errors.Is.
func (e *CallError) Unwrap() []error {
	if e.Cause == nil {
		return []error{e.Err}
	}
	return []error{e.Err, e.Cause}
}

// answer translates an error code that a server sent. known is false when the
// error did not come from a server: the request may or may not have been
// carried out.
func answer(err error) (sentinel error, known bool) {
	switch {
	case errors.Is(err, zk.ErrNoNode):
		return ErrNoNode, true
	case errors.Is(err, zk.ErrNodeExists):
		return ErrNodeExists, true
	case errors.Is(err, zk.ErrBadVersion):
		return ErrBadVersion, true
	case errors.Is(err, zk.ErrNotEmpty):
		return ErrNotEmpty, true
	case errors.Is(err, zk.ErrNoAuth), errors.Is(err, zk.ErrAuthFailed):
		return ErrNoAuth, true
	case errors.Is(err, zk.ErrNoChildrenForEphemerals), errors.Is(err, zk.ErrInvalidACL),
		errors.Is(err, zk.ErrBadArguments), errors.Is(err, zk.ErrInvalidPath),
		errors.Is(err, zk.ErrInvalidFlags), errors.Is(err, zk.ErrShortBuffer):
		return fmt.Errorf("%w: %w", ErrRejected, err), true
	case errors.As(err, new(*rejection)):
		return fmt.Errorf("%w: %w", ErrRejected, err), true
	default:
		return nil, false
	}
}

// rejection marks an error that a server sent, whatever its code is.
type rejection struct{ error }

// Unwrap gives the client's error.
func (r *rejection) Unwrap() error { return r.error }
