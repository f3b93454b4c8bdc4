//go:build race

package storagegrowth_test

const (
	stride      = 17
	histories   = "8"
	largeGrowth = 40
	manyNodes   = 60
)
