// Package packagestest builds real packages for tests, and a repository that
// apt takes them from.
package packagestest
