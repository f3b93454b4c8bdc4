//go:build !race

package sim_test

// A run is a whole installation and takes a few hundredths of a second: all of
// them take some minutes on a busy machine.
const (
	everyDefault = 9
	histories    = "12"
	seedsDefault = 300
	repeated     = 30
	// gcPercent trades memory for time: a run leaves everything behind.
	gcPercent = 400
)
