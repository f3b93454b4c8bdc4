// Package agentrestart restarts the host's Mesos agent with new flags, and
// takes the flags back when the agent does not start with them.
//
// The restart is above the node agent: what restarts the Mesos agent may end
// the executor, and with it everything that the executor started. So it is
// the work of a guard, a process of its own: a unit of systemd's where systemd
// runs, else a session of its own outside of the executor's control groups.
// The guard and the node agent share a directory and nothing else:
//
//	record.json   the Record: what is to be done, how far it is, what came of it
//	lock          held by who changes the record; by the guard for all its life
//	guard         the program of the guard, a copy of the node agent's
//	log           what a guard outside of systemd wrote
//
// The contract, in the order of events:
//
//  1. Arm stores which service it is and which run of it is the present one,
//     before the first flag is changed. From here on the guard starts with the
//     host, by systemd or by cron: a host that loses its power comes up with
//     flags that nobody has tried.
//  2. Keep stores each file as it was, before it is changed for the first time.
//  3. Order stores that the restart is wanted. Start starts the guard, as often
//     as asked: a second one ends at once.
//  4. The guard restarts the agent unless another run of it is there already,
//     and waits until that one has answered. If the agent ends again and again,
//     or does not answer, its last words are stored, the files are put back,
//     and it is started with the old flags, for as long as it takes.
//  5. The outcome is a phase of the record, Done or TakenBack. The guard takes
//     its unit, or its table of cron's, away. Done is forgotten with Forget;
//     TakenBack stays until the next Arm.
//
// What is done is found out from facts: the boot, the unit's own time, the
// agent's own start time, the flags that the agent says it has. A guard that is
// killed, or a host without power, at any moment: the next guard goes on from
// the record, and an agent that was restarted meanwhile is not restarted again.
package agentrestart
