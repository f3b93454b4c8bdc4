package sim_test

import (
	"flag"
	"os"
	"runtime/debug"
	"testing"

	_ "pgregory.net/rapid" // declares the flag that is set below
)

// every is the stride over the positions of a run: go test -sim.every=1
// tries them all.
var every = flag.Int("sim.every", everyDefault, "try every n-th position, from an offset that is drawn and logged")

// TestMain lowers the number of random histories, each of which is a whole
// installation; go test -rapid.checks=1000 tries more.
func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", histories); err != nil {
		panic(err)
	}
	debug.SetGCPercent(gcPercent)
	os.Exit(m.Run())
}
