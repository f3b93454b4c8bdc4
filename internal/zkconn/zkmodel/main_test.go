package zkmodel_test

import (
	"flag"
	"testing"

	"go.uber.org/goleak"

	"scaleio-framework/internal/zkconn/zktest"
)

// histories is how many random histories are compared with the real server
// unless -rapid.checks says otherwise.
const histories = "200"

func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", histories); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(zktest.Exit))
}
