// Package archtest enforces who may import whom. It has no code of its own:
// its test reads the import graph and fails on an arrow that points the wrong
// way, with the rule that it breaks.
package archtest
