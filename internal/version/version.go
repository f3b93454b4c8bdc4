// Package version names the build.
package version

// version is set by the linker.
var version = "dev"

// String returns the version of this build, for example v1.2.0-3-gabcdef.
func String() string { return version }
