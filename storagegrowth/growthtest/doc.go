// Package growthtest is a site that pools grow on, in memory and at the level
// of the core's effects and events: EC2, the disks of the nodes, and a gateway
// with its pools. It speaks no protocol; ec2test and scaleiotest do.
//
// A Site behaves: volumes go creating, available, in-use, tokens are
// idempotent, a device name is taken once, a device must exist on its host. A
// test breaks it through its fields. What must never happen, whatever a
// scheduler does, is kept in Violations.
//
// It has no clock and no goroutine: Now is what the caller sets, and calls must
// not run side by side.
//
// The package is for tests; production code never imports it.
package growthtest
