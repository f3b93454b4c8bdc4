// Package journal keeps what a node agent must not forget: the state of each
// step, tombstones, the highest epoch, and which services still need a restart.
//
// Everything lies in one directory of mode 0700, held under an flock: a second
// node agent on the host waits for the first to end. Layout:
//
//	lock              the flock
//	epoch.json        the highest epoch seen
//	steps/<key>.json  one Entry for each step, the highest attempt of it
//	pending/<name>    work that was begun and must be finished: a restart
//	groups/<pid>      process groups that run now (package runner)
//	cache/            artifacts (package artifacts)
//	agent-restart/    the Mesos agent's restart (package agentrestart)
//
// Every write replaces a whole file: temporary file, fsync, rename, fsync of
// the directory. A crash at any instruction leaves the old entry or the new
// one, and what a crash left half-written is a temporary file, swept away when
// the journal is opened. An entry that cannot be read all the same (a disk
// error, an editor) is never overwritten: Open names the file and the remedy.
//
// Secrets never come here: an entry holds a command's parameters, and secrets
// are not parameters.
package journal
