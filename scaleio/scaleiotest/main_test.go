package scaleiotest_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"

	"scaleio-framework/scaleio/scaleiotest"
)

// TestMain lets the test binary stand in for the tools: a link to it under a
// tool's name, run with a host in its environment, is that tool.
func TestMain(m *testing.M) {
	if exit, handled := scaleiotest.Tool(os.Args[0], os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Environ()); handled {
		os.Exit(exit)
	}
	goleak.VerifyTestMain(m)
}
