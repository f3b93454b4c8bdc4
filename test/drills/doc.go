// Package drills plays the sandbox's drills as tests: a real ZooKeeper
// ensemble, real schedulers and node agents, one fault each.
//
//	go test ./test/drills                            what takes no time to measure
//	go test ./test/drills -args -drills.set=ci       one drill of each kind
//	go test ./test/drills -args -drills.set=all      every drill, as make drills does
//
// The bounds of the drills are for a machine that does nothing else: the sets
// with bounds are not played beside other tests. After the last drill a table
// shows what was measured.
package drills
