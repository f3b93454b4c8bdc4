// Package parent makes the crash of a scheduler cost no session timeout.
//
// scaleio-scheduler is two processes: a parent, which does nothing but wait,
// and its child, the worker, which is the scheduler. The worker tells its
// parent, over a socket that both inherit, by what ZooKeeper knows its
// leadership (leader.Claim) before it acts as a leader. When the worker has
// ended the parent removes /leader under that claim, over an idle session of
// its own, and a standby is elected at once.
//
// # Why that is safe
//
//  1. The parent acts only after wait has returned: the kernel has ended every
//     thread of the worker. Nothing decides or sends any more. What was on its
//     way in a socket is what a paused leader could send just as well: the fence
//     and the committed intents cover it.
//  2. A stopped worker has not ended, and wait does not return for it. Nothing
//     is removed; the session timeout decides, as for a lost host.
//  3. What is removed is checked by ZooKeeper: leader.Vacate removes /leader
//     only while no one has won since. A worker that handed over, or was deposed,
//     left nothing that the claim fits.
//  4. Nothing depends on it. Without a session, an answer, or the time, the
//     session timeout decides: a log line says so, and that is all.
//
// # What happens when
//
//	worker killed, panics, out of memory   /leader removed, the standby leads at once;
//	                                       its card removed, whether it led or not
//	worker stopped                         nothing, until it is continued or killed
//	parent killed                          the worker dies with it; session timeout
//	both killed, or the host is lost       session timeout
//	SIGTERM to the parent or to the group  passed on; the worker hands over itself
//	worker exits of its own accord         nothing; it has handed over or was deposed
//	ZooKeeper out of the parent's reach    session timeout
//
// The worker dies with its parent by two means: the kernel kills it when the
// thread that started it ends, so that thread is kept; and it kills itself when
// the socket is closed at the other end.
package parent
