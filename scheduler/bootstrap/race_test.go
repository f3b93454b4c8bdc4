//go:build race

package bootstrap_test

// The core has no goroutines, and the race detector makes it ten times slower:
// under it only a few of the deaths and histories are tried.
const (
	stride    = 97
	histories = "2"
	manyHosts = 24
)
