// Package steps holds what a node agent can do to its host: one Step for each
// name in package nodeproto.
//
// A step detects, applies and verifies. Detect changes nothing and is asked
// first, so a step that is satisfied already changes nothing, whoever satisfied
// it; it is also all that is asked after an interruption. Verify queries the
// result on the host: success is never read from an installer's words.
//
// Work in two parts (a file is written, its service restarted) leaves a mark
// before the first part and takes it away after the second, and Detect is not
// satisfied while the mark stands. So an interruption between the two cannot
// pass for success.
package steps
