//go:build !race

package bootstrap_test

// stride is one: every death is tried.
const stride = 1
