// Package sim proves the promise of a leader's death: the real engine with
// the real cores builds a whole site in memory, while its leader is killed,
// paused, cut off and impersonated at every commit and every effect. The end is
// the same each time, and nothing is done twice with harm.
//
// It has no code of its own. Its tests hold a small world: a Mesos master with
// agents, node agents with journals, and one ScaleIO system. The world goes on
// while nobody leads, counts what was really done, and tells its whole story
// when a rule is broken. Everything happens in a testing/synctest bubble, where
// each event has an instant of its own, so that a position names the same
// moment in each run.
package sim
