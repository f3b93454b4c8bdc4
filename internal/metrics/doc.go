// Package metrics serves what monitoring wants to know, in the text format of
// Prometheus, from a registry of its own.
//
// A scrape is answered from what is committed at that moment; nothing is
// counted beside it, so that a new leader shows what the one before it did.
// A standby shows that it does not lead, and its build and runtime; sums and
// alerts use the leader's figures, which no standby has. docs/metrics.md lists
// all names. No figure and no label holds a secret: they are made from znodes,
// which hold none.
package metrics
