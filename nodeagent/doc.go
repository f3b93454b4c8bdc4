// Package nodeagent does the work on one host: it takes the leader's commands,
// runs their steps, and reports what became of them.
//
// # Contract
//
//  1. A command whose epoch is below the highest one seen is refused; a higher
//     one is stored, durably, before the command is looked at further. So a
//     leader that lost its term cannot start anything here.
//  2. An attempt is journaled before its step begins and after it ended. The
//     same (step, attempt) again is a question and is answered from the
//     journal, by message; an attempt below the journaled one, and the same
//     attempt with other parameters, are refused.
//  3. The outcome of an attempt goes up once, as a status update, which Mesos
//     delivers until it is acknowledged. If this process dies before, the
//     leader's question finds it in the journal.
//  4. A cancelled attempt has a tombstone in the journal before the answer
//     leaves; it never runs later. One that had ended keeps its outcome.
//  5. A higher attempt of a step ends a running lower one first.
//  6. Taking commands never waits for a step: steps run beside each other,
//     except those that need the same tool of the host.
//  7. At start, what a killed predecessor left running is ended, then each
//     open attempt is detected: satisfied is done, anything else is a failure
//     marked interrupted, which the leader answers with a new attempt.
//
// Secrets come sealed to a key that lives as long as this process. They are
// opened for one attempt, and masked in everything that it says.
package nodeagent
