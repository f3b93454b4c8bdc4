package bootstrap_test

import (
	"flag"
	"os"
	"testing"
)

// TestMain lowers the number of random histories, each of which is a whole
// installation; go test -rapid.checks=1000 tries more.
func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", histories); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}
