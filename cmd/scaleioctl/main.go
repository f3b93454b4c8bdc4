// Command scaleioctl is the operator's command line.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/term"

	"scaleio-framework/internal/scaleioctl"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	code := scaleioctl.Run(ctx, os.Args[1:], scaleioctl.World{
		Out: os.Stdout, Err: os.Stderr, Environ: os.Environ(), Terminal: term.IsTerminal(int(os.Stdout.Fd())),
	})
	stop()
	os.Exit(code)
}
