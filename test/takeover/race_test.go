//go:build race

package takeover_test

// A run is a whole installation, which the race detector makes several times
// slower.
const (
	stride    = 41
	histories = "4"
)
