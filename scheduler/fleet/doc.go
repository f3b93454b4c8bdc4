// Package fleet is the core that keeps one node agent running on every wanted
// agent host of a Mesos cluster.
//
// It owns /framework and /nodes/<host>: the framework id, which hosts were
// ever offered, the last launch on each as a complete intent, and what its
// node agent says of the host. It decides on offers, launches, reconciliation,
// revival and acknowledgements, and tells the other cores which hosts there
// are (HostSeen), which node agents can be spoken to (NodeUp, NodeDown) and
// what they say (NodeReported, NodeRefused). Which hosts get a node agent is
// told to it (HostWanted).
//
// Hosts are known by name: one that reboots may come back with another agent
// id. A launch is named <host>-<number>; a number is never used twice, and the
// next one is used only after the last task is known to be dead:
//
//	what Mesos says of the last task        what happens
//	staging, starting, running              running; offers of the host are declined
//	lost, unreachable                       wait: it may come back alive
//	nothing                                 ask again, with back-off, for ever
//	failed, finished, killed, error,        ended: the next offer of the host,
//	dropped, gone, unknown                  after a back-off, launches the next
//
// Dropped, gone and unknown tasks may yet turn up alive when an agent returns:
// before the next launch that takes the end back, after it the older task is
// killed. A host that keeps two agents under one name gets one node agent, and
// a note in its record.
//
// Every update that carries a uuid is acknowledged in the effects of its own
// event, whatever is wrong with it; only what could be used and is new is
// stored. The core reads no clock, does no IO and walks no map unsorted.
package fleet
