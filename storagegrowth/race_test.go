//go:build race

package storagegrowth_test

const (
	stride    = 17
	histories = "8"
)
