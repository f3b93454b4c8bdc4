// Package leader knows who may act. It elects one scheduler of several, keeps
// its lease, and lets it write its state under a fence that every other
// leader's election breaks. It knows nothing of Mesos or ScaleIO.
//
// # Contract
//
//  1. New and Elect make a process a candidate. Elect returns once, with a
//     Term, or with an error after which the process should exit.
//  2. Load the state with Term.Tree, then write it only with Term.Commit. A
//     nil error means applied. A *ConflictError means that nothing was, and
//     that the term goes on. After any other error call Recover, and after
//     its nil load again: Tree shows what became of the commit.
//  3. Before an effect on the world ask Lease.Valid, and give Lease.Deadline
//     to the request. The lease narrows the window in which a deposed leader
//     acts; it does not close it, so effects must bear repetition.
//  4. When Done is closed, or an error is ErrDeposed, ErrLapsed or
//     ErrHandedOver, the term is over for good. Exit with ExitCode. A process
//     never stands again after its term.
//  5. On SIGTERM call HandOver: the next leader starts at once.
//
// # How it works
//
// One multi creates the ephemeral /leader and sets /epoch at the version just
// read; the version that results is the fence. Every later write is a multi
// that begins with a check of it. The epoch, a number in the data of /epoch
// that grows by one with each leader, travels with every command to a node.
//
// The lease is counted by the leader's own monotonic clock, from the moment
// at which its latest answered multi was begun, for two thirds of the session
// timeout that the server granted. Reads do not renew it: a server that is
// cut off from its quorum answers them for a while. A probe, a fenced multi
// that changes nothing, goes out every sixth of a session.
//
// # What happens when
//
//	failure                               what the term does                       exit
//	leader killed                         the session expires; another is elected  -
//	leader paused beyond its session      woken, it commits nothing: the lease     3
//	                                      has lapsed, then the session is found
//	                                      expired or the fence broken
//	ZooKeeper away, less than the lease   nothing; calls wait for the server       -
//	ZooKeeper away, longer                the lease lapses: ErrSuspended; it goes  -
//	                                      on once the session is served again
//	away for three sessions more          ErrLapsed                                4
//	session expired                       ErrExpired, an ErrDeposed                3
//	another leader, or /epoch edited      ErrDeposed                               3
//	answer to a commit lost               unknown outcome; Recover settles it      -
//	answer to the electing multi lost     sync, read /leader and /epoch: won only  -
//	                                      if both are ours
//	record edited by hand                 *ConflictError with the path             -
//	/epoch or root removed by hand        ErrDeposed; candidates make it anew      3
//	                                      after two sessions, when no leader can
//	                                      take the new one for his
//	candidate's session expired           it dials anew and stands again           -
//	ZooKeeper away from a candidate       it waits, and says so once               -
//	credentials or ACLs refuse            ErrRefused                               4
//	/version of another layout            ErrLayout                                6
//	/version or /epoch unreadable         ErrUnreadable, naming the znode          6
//	SIGTERM                               HandOver                                 0
package leader
