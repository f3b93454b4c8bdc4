package main

import (
	"context"
	"fmt"
	"io"

	"scaleio-framework/nodeagent/agentrestart"
)

// guard is what this program does as the guard of the Mesos agent's restart: a
// process that the restart does not end.
func guard(ctx context.Context, args []string, stderr io.Writer) int {
	err := runGuard(ctx, args, stderr)
	if err != nil && ctx.Err() == nil {
		fmt.Fprintf(stderr, "scaleio-nodeagent: guard of the Mesos agent's restart: %s\n", err)
		return exitFailed
	}
	return exitStopped
}

func runGuard(ctx context.Context, args []string, stderr io.Writer) error {
	detach := len(args) > 0 && args[0] == agentrestart.Background
	if detach {
		args = args[1:]
	}
	if len(args) != 1 {
		return fmt.Errorf("want the directory of the record, got %q", args)
	}
	if detach {
		return agentrestart.Detach(args[0])
	}
	r, err := agentrestart.Open(args[0], newLogger("info", stderr))
	if err != nil {
		return err
	}
	return r.Guard(ctx)
}
