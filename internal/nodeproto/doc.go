// Package nodeproto is the language between the leader and the node agents.
//
// Down go Commands, as Mesos framework messages. They may be lost, doubled or
// reordered, so the leader repeats one until a report answers it. The pair
// (step, attempt) is a command's identity: a repeated one is a question and is
// answered with the present state; one below the highest journaled attempt is
// answered and never run; the same pair with another digest is refused.
//
// Up go Envelopes. Transitions (a step done or failed, a new inventory) travel
// as the data of TASK_RUNNING status updates, which Mesos delivers until they
// are acknowledged; progress, liveness, refusals and answers to repeated
// questions travel as executor messages, which may be lost.
//
// Secrets are not parameters. A command carries them sealed to the public key
// that the node agent drew at its start and sent with its inventory; they are
// opened in memory and never journaled.
package nodeproto
