// Package executor is the Mesos side of the node agent: it speaks the v1 HTTP
// executor API of the agent that started this process.
//
// # The contract
//
//  1. Run keeps a subscription to the agent. An agent that restarts is waited
//     for, as long as it said (MESOS_RECOVERY_TIMEOUT), provided that the
//     framework checkpoints; without checkpoints a lost agent ends Run,
//     because a restarted one knows nothing of us.
//  2. Update queues a status update under a new uuid. Updates go out in the
//     order of the calls, and each is kept until the agent has acknowledged it,
//     over any number of the agent's restarts: what was not acknowledged is part
//     of each SUBSCRIBE. An acknowledgement means that the agent has the update
//     safely on its disk, not that the scheduler has seen it.
//  3. Send passes a message on and forgets it: it may be lost.
//  4. Events are read whatever the handler does. Its methods are called one at
//     a time, in the order of the events, from a goroutine of Run. Shutdown is
//     called at once, beside the one that runs, whose context ends then.
//  5. After SHUTDOWN, updates are still sent and acknowledged, until none is
//     left or the agent's grace period is nearly over; then Run returns nil.
//
// What ends Run otherwise: its context (nil), ErrAgentLost, ErrUnknown, and an
// ERROR event (*AgentError).
package executor
