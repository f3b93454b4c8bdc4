// Package packagestest builds real packages for tests, and repositories that apt,
// dnf, yum and zypper take them from.
package packagestest
