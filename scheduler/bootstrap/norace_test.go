//go:build !race

package bootstrap_test

const (
	stride    = 1    // every death is tried
	histories = "10" // random ones, by default
	manyHosts = 200
)
