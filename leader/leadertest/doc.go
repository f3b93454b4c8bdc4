// Package leadertest is the leader's store in memory: a Store holds the
// znodes, and each Term elected on it commits under a fence as leader.Term
// does on ZooKeeper, with the same errors. It starts no goroutine, and only the
// lease that a nil stands for looks at the clock, so that a simulation gives the
// same history each time.
//
// Electing a second Term deposes the first, which is how a simulation kills or
// pauses a leader. Inject makes chosen commits lose their answer, before or
// after they were applied, or lapse. Put and Remove are an operator's hand.
package leadertest
