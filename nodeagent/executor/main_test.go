package executor_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain also serves as the executor that the agents of the double start:
// this test binary, told apart by the environment of a Mesos agent.
func TestMain(m *testing.M) {
	if os.Getenv("MESOS_EXECUTOR_ID") != "" {
		os.Exit(runProgram())
	}
	goleak.VerifyTestMain(m)
}
