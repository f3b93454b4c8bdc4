// Package mesostest is a double of an Apache Mesos master and its agents, complete enough to run real executors under real
// schedulers on one machine. Its behaviour follows recorded traffic of Mesos 1.12: the same status codes, error texts,
// event shapes and orders, in both content types (application/json and application/x-protobuf).
//
// A Cluster is one leading master, any number of followers and any number of agents, all in this process:
//
//	cluster, err := mesostest.New(mesostest.Options{Dir: dir, Logger: logger})
//	err = cluster.Start(ctx)
//	defer cluster.Close()
//	agent, err := cluster.AddAgent(mesostest.AgentOptions{Hostname: "node1", IP: "127.0.1.11"})
//	// a scheduler subscribes at cluster.MasterURL() + "/api/v1/scheduler"
//
// What is real: the sockets, the RecordIO streams, the executors (processes in their own session and sandbox directory, with
// the environment of a Mesos agent, fetched over HTTP), their exit statuses and their deaths. What is not: isolation,
// containers, checkpoint files (an agent's memory survives Stop, as its checkpoints would), reservations and volumes, quota,
// maintenance, authorization. Offers come at once when they become possible; a real master batches them once a second.
//
// Faults are methods: Agent.Stop, Start, Restart, Lose, Return, Reboot, MarkGone and KillExecutor; Cluster.KillMaster,
// ElectMaster, FailoverMaster and ForgetLeader. They return when the double has changed its state, and the events that
// follow from it are already in the streams unless a configured interval lies between.
//
// One mutex guards the whole cluster. Nothing blocks under it: processes start and files are fetched outside of it, and a
// stream's events go into an unbounded queue that its HTTP handler drains.
//
// Tests and cmd/sandbox may import it; production code must not.
package mesostest
