package mesostest_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain runs the tests, or, as the child of an agent, the executor that the tests launch.
func TestMain(m *testing.M) {
	if os.Getenv("MESOSTEST_EXECUTOR") != "" {
		os.Exit(executorMain())
	}
	goleak.VerifyTestMain(m)
}
