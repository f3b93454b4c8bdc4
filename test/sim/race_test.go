//go:build race

package sim_test

// A run is a whole installation, which the race detector makes several times
// slower.
const (
	everyDefault = 41
	histories    = "4"
	seedsDefault = 30
	repeated     = 5
	gcPercent    = 200
)
