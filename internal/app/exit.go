package app

import (
	"errors"
	"fmt"

	"scaleio-framework/internal/engine"
	"scaleio-framework/leader"
	"scaleio-framework/scheduler/mesosapi"
)

// Exit codes of a scheduler, for its supervisor and for operators.
const (
	ExitStopped    = leader.ExitStopped    // stopped on request
	ExitConfig     = leader.ExitConfig     // bad configuration
	ExitDeposed    = leader.ExitDeposed    // leadership lost
	ExitZooKeeper  = leader.ExitZooKeeper  // ZooKeeper refused us, or was out of reach too long while we led
	ExitFramework  = 5                     // the framework was removed, or its id cannot be used
	ExitUnreadable = leader.ExitUnreadable // stored state unreadable or of a newer layout
)

// ExitCode maps the end of Run to the process's exit code and the one line
// that says what happened and what to do.
func ExitCode(err error) (code int, line string) {
	var unreadable *engine.UnreadableError
	var refused *mesosapi.SubscriptionError
	switch {
	case err == nil:
		return ExitStopped, ""
	case errors.Is(err, mesosapi.ErrFrameworkRemoved), errors.Is(err, mesosapi.ErrFrameworkTaken):
		return ExitFramework, err.Error()
	case errors.Is(err, mesosapi.ErrOtherFramework):
		return ExitFramework, err.Error() + ": look whether --mesos names the right cluster, else report this with the log"
	case errors.As(err, &refused):
		return ExitFramework, err.Error()
	case errors.As(err, &unreadable):
		return ExitUnreadable, fmt.Sprintf("%s: write a good text into the znode with zkCli, mended by hand or copied from an older scaleioctl state dump; the other records are untouched", err)
	}
	code, remedy := leader.ExitCode(err)
	return code, fmt.Sprintf("%s: %s", err, remedy)
}
