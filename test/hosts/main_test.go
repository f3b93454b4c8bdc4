//go:build hosts

package hosts_test

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"scaleio-framework/internal/zkconn/zktest"
	"scaleio-framework/nodeagent/hosttest"
	"scaleio-framework/test/programs"
)

func TestMain(m *testing.M) {
	if err := hosttest.Missing(hosttest.Ubuntu, hosttest.Rocky); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		programs.Remove()
		zktest.Exit(code)
	}))
}
