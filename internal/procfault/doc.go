// Package procfault does to a running process what its host may do: it makes
// it pause, and it sets its clock. It is for tests and for the sandbox's
// drills, and needs the right to trace the process.
package procfault
