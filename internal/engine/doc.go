// Package engine applies events to the cores, commits what they changed under
// the leader's fence, and only then releases the effects.
//
// It is the one place where the rules of safety are kept:
//
//   - intent before effect (R3) and acknowledge after commit (R4): an effect
//     leaves the engine only after the multi that holds its unit's changes was
//     applied. Nothing else writes a znode as leader, nothing else releases an
//     effect;
//   - one fence (R1): every commit begins with the check of /epoch, in
//     leader.Term;
//   - lapse is not loss (R2): while the lease has lapsed nothing is committed,
//     and lanes hold their effects.
//
// The unit of a commit is one outside event with all events that the cores told
// each other because of it: its changes are never split over two multis, and
// several units share one multi while it stays within ZooKeeper's limits.
//
// A commit has three outcomes:
//
//	applied            release the effects of its units
//	the fence failed   Run returns leader.ErrDeposed
//	anything else      nothing is released; wait for the session, verify the
//	                   fence, drop the cores, load fresh ones, give them
//	                   TermStarted and the same events once more
//
// The third is the crash path without the crash: a lost reply, a record edited
// by hand and a hiccup of the quorum go the same tested way. A record that
// conflicts twice is quarantined, the others go on. An event whose changes
// cannot be stored twice is recorded below /orders-refused and, where it is a
// status update, acknowledged.
package engine
