// Package sandbox is a whole cluster on one machine: a real ZooKeeper, real
// scheduler and node agent processes, and doubles of what cannot exist here:
// the Mesos master and its agents, and the ScaleIO system.
//
// A host is a directory. The node agent that a Mesos agent starts there gets
// it as SIO_HOST_ROOT, and a directory of stand-in programs as SIO_TOOLS. A
// scheduler that exits is started again after a moment, as Marathon would.
//
// A scenario drives the cluster, measures, and fills in a report; nothing in
// the report is assumed.
package sandbox
