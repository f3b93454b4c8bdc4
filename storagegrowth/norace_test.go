//go:build !race

package storagegrowth_test

const (
	stride = 1 // every death is tried
	// histories is the number of random ones, by default.
	histories   = "60"
	largeGrowth = 100
	manyNodes   = 300
)
