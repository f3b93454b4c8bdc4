// Package storagegrowth is the core that keeps storage pools from filling up:
// it watches them, decides when one grows, and sees each new volume from its
// request to a device of the pool.
//
// It owns /growth/<id> and /growth-status, and removes the orders with a
// growth verb. It reads /cluster and /nodes/<host> when it is loaded, and is
// told later changes (ClusterKnown, NodeUp, NodeDown). It asks through effects:
// ReadPools, CloudCall, the question "locate" of node agents, and the gateway
// step add-devices.
//
// # The contract
//
//   - Decide is a pure function of readings, policy, history and limits. Nothing
//     is decided on figures that contradict each other or were not read (R8).
//   - A growth is equal volumes over all fault units of its pool, or none.
//   - Every call repeats what a committed slot says: its whole request, its
//     volume, its device name. Token and tags derive from the cluster's UUID,
//     the growth and the slot's index, and are stored before they are used.
//   - After TermStarted, and after any lost answer, the world is asked before
//     anything is repeated. One look answers for all volumes and instances.
//   - A volume with a detach intent is never attached again: another slot, with
//     an index and so an identity of its own, stands in for it, and it is removed
//     once it is proven unused (not attached, no device of any pool).
//   - Nothing that is not proven unused is ever deleted, and an orphan only by
//     an operator's order.
//
// A growth of more than 20 volumes has several records "<id>.<part>", committed
// together, so that each stays below 64 KiB; one decision adds at most 150
// volumes, which with ScaleIO's 300 devices in a pool is always a full round.
//
// # The life of a volume
//
//	            look: none        available        attached         found         taken        normal
//	planned ─── CloudCreate ──► created ──► CloudAttach ► attached ─► located ─► added ─► done
//	   │                           │  └ 90 s in attaching ─► CloudDetach ─┐
//	   │ creation fails            │ attempts used up                      │
//	   ▼                           ▼                                       ▼
//	 failed                   rolling-back ◄───────────────────────────────┘ + a new slot
//	                               │ proven unused, CloudDelete
//	                               ▼
//	                          rolled-back
//
//	any ── node lost for 30 minutes, or another instance under its name ──► parked
//	any later one ── attempts or time used up ──► failed
//
// A growth is awaiting-approval, open, and then done; partial when a slot is
// parked, failed or rolled back without another in its place; or declined.
// The order growth-retry opens a partial one again.
//
// # Failures
//
//	what happens                            what follows
//	the leader dies anywhere                the next one looks by tags, then repeats
//	an answer is lost                       the same question after a while
//	throttled, or an unknown outcome        back-off, look by tags, same token; not
//	                                        counted, and told when it lasts
//	token mismatch                          look by tags for a minute, then the next suffix
//	account limit                           look by tags, then counted
//	two volumes for one intent              failed, named; nothing is done with them
//	device name in use                      remembered as bad, the next one
//	90 s in attaching                       detached, removed, another slot
//	a detachment does not happen            failed after ten minutes
//	taken elsewhere during its removal      failed, left as it is
//	block device does not appear            failed after ten minutes
//	ScaleIO refuses the device              counted; failed after five
//	provider does not answer (credentials)  nothing is decided; /growth-status says it
//	a growth's record is unreadable         it is left alone, the others go on
package storagegrowth
