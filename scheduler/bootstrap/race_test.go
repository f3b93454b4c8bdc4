//go:build race

package bootstrap_test

// stride thins the deaths out where the race detector makes each run slow.
const stride = 5
