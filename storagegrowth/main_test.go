package storagegrowth_test

import (
	"flag"
	"os"
	"testing"
)

// TestMain chooses how many random histories are tried, unless the command
// line does.
func TestMain(m *testing.M) {
	chosen := false
	flag.Parse()
	flag.Visit(func(f *flag.Flag) { chosen = chosen || f.Name == "rapid.checks" })
	if !chosen {
		if err := flag.Set("rapid.checks", histories); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}
