package drills_test

import (
	"testing"

	"go.uber.org/goleak"

	"scaleio-framework/internal/zkconn/zktest"
	"scaleio-framework/test/programs"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		programs.Remove()
		zktest.Exit(code)
	}))
}
