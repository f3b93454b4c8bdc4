// Package marathon holds the Marathon app of the scheduler pair, and the test
// that it is one: two instances on two hosts, never both stopped by an
// upgrade, restarted at once when one exits.
package marathon
