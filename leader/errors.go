package leader

import (
	"context"
	"errors"
	"fmt"
)

// What callers decide on.
var (
	// ErrDeposed: the fence or the session is lost; the term is over.
	ErrDeposed = errors.New("leadership lost")
	// ErrExpired: the session expired; the term is over. It is an ErrDeposed.
	ErrExpired = fmt.Errorf("%w: the ZooKeeper session expired", ErrDeposed)
	// ErrLapsed: ZooKeeper was out of reach for three sessions; the term is over.
	ErrLapsed = errors.New("the lease lapsed for too long")
	// ErrHandedOver: the term was ended by HandOver or Close.
	ErrHandedOver = errors.New("leadership handed over")
	// ErrSuspended: nothing was sent, because the lease has lapsed or an
	// earlier outcome is open; Recover first.
	ErrSuspended = errors.New("leadership suspended")
	// ErrTooLarge: the commit exceeds a limit; nothing was sent.
	ErrTooLarge = errors.New("commit too large")
	// ErrInvalid: an operation or an option that can never work.
	ErrInvalid = errors.New("invalid")
	// ErrLayout: the stored state has a layout this program does not know.
	ErrLayout = errors.New("unknown layout of the stored state")
	// ErrUnreadable: a znode without which nothing can be done is broken.
	ErrUnreadable = errors.New("unreadable znode")
	// ErrRefused: ZooKeeper does not authorise this program.
	ErrRefused = errors.New("ZooKeeper refuses this program")
)

// ConflictError says which operation of a commit failed although the fence
// held. Nothing was applied.
type ConflictError struct {
	// Path is the znode of the operation.
	Path string
	// Op is the operation.
	Op Op
	// Err is the reason, one of zkconn's sentinels.
	Err error
}

// Error names the operation and the reason.
func (e *ConflictError) Error() string {
	return fmt.Sprintf("commit: %s %s: %v", e.Op.Kind, e.Path, e.Err)
}

// Unwrap gives the reason to errors.Is.
func (e *ConflictError) Unwrap() error { return e.Err }

// Exit codes of a scheduler, as far as leadership decides on them.
const (
	ExitStopped    = 0
	ExitInternal   = 1
	ExitConfig     = 2
	ExitDeposed    = 3
	ExitZooKeeper  = 4
	ExitUnreadable = 6
)

// ExitCode maps the end of an election or a term to the exit code of the
// process and one line that says what to do.
func ExitCode(err error) (code int, remedy string) {
	switch {
	case err == nil, errors.Is(err, ErrHandedOver):
		return ExitStopped, "stopped on request: nothing to do"
	case errors.Is(err, ErrDeposed):
		return ExitDeposed, "nothing to do, the supervisor starts this scheduler again as a candidate"
	case errors.Is(err, ErrLapsed):
		return ExitZooKeeper, "ZooKeeper was out of reach: check its quorum and the network to it; the supervisor starts this scheduler again"
	case errors.Is(err, ErrRefused):
		return ExitZooKeeper, "check the digest user and password and the ACLs below the root"
	case errors.Is(err, ErrLayout):
		return ExitUnreadable, "the stored state was written by another version: start that version or a newer one"
	case errors.Is(err, ErrUnreadable):
		return ExitUnreadable, "mend the named znode with zkCli; everything else that is stored is untouched"
	case errors.Is(err, ErrInvalid):
		return ExitConfig, "correct the configuration named above"
	case errors.Is(err, context.Canceled):
		return ExitStopped, "stopped on request: nothing to do"
	default:
		return ExitInternal, "unexpected: report this with the log"
	}
}
