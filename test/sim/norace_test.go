//go:build !race

package sim_test

// A run is a whole installation and takes a tenth of a second: all of them take
// some minutes on a busy machine.
const (
	everyDefault = 9
	histories    = "12"
)
