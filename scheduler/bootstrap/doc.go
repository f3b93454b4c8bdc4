// Package bootstrap is the core that turns bare Mesos agents into a ScaleIO
// system: it decides which host gets which part, and runs the install plan.
//
// It owns /cluster and /nodes/<host>/plan, and removes /orders/<seq>; an order
// that cannot be applied is kept below /orders-refused. It is told which hosts
// there are and what node agents say (HostSeen, NodeUp, NodeDown, NodeReported,
// NodeRefused), hears gateways (GatewayAnswered) and operators (OrderReceived),
// and tells fleet which hosts shall run a node agent (HostWanted).
//
// # The contract
//
//   - A step is started only in the unit that commits it as running, with its
//     attempt, runner, parameters and their digest. A later leader repeats just
//     that, which is a question: journals and names answer it.
//   - A running attempt ends by its own report only. Reports of other attempts
//     are ignored; a new attempt begins only after the old one's end is known,
//     or known to be impossible. An operator who forces a running step complete
//     gets a tombstone first; one who retries a step that is done gets a new
//     attempt, and what was done after it stays done.
//   - What is named to ScaleIO is frozen before: addresses, device names, the
//     part of a host, its fault set. Options that change later change only what
//     was not begun.
//   - A count or disk that could not be read holds back what depends on it.
//   - Work per event follows from what it touches: a step that ends looks at
//     its dependents. Where these are many, they go in several units.
//
// # The graph
//
// Every step starts as soon as what is left of it is over; there are no
// barriers. Graph tells each edge with its reason.
//
//	prerequisites ─┬─ mdm-package ── (all members) ── create-cluster ─┬─ add-standby-mdm/<name> ── (all)
//	               ├─ sds-package ───────────────────────────┐        │             │
//	               ├─ lia-package ──────────────── lia-id ◄──┼────────┤     switch-cluster-mode
//	               ├─ gateway-package ──┐                    │        │             │
//	               └─ sdc-package ◄─────┼────────────────────┼────────┘       rename-system
//	                    │               └── gateway-configure ◄──────────────────────┘
//	                    │                            │ (any)
//	                    │              protection-domains/<pd>
//	                    │               ├─ fault-sets/<pd>/<fs> ────┐
//	                    │               └─ storage-pools/<pd>/<pool>│
//	                    │                    │   └─ spare-policy ─┐ │
//	             volume-driver               │                    │ │
//	              ├─ volume-driver-endpoint ◄┘     sds-package ── add-sds ── add-devices
//	              └─ isolator ── agent-restart                                  │ (three fault units)
//	                             (one unit at a time)      sdc-package (any) ── verify-volume ── verify
//
// # Failures
//
//	what happens                           what follows
//	a command or its answer is lost        repeated, 250 ms doubling to 10 s
//	an attempt fails                       failed; the next after a back-off; stuck after five
//	an attempt is interrupted              the next after a back-off, not counted
//	an attempt fails hopelessly            stuck at once
//	the node knows a higher attempt        the next attempt at once (ZooKeeper was restored)
//	a member is lost before create-cluster another host takes its place; mdm-remove on the old one
//	a member is lost later                 a problem in /cluster, with the remedy
//	a package is missing                   stuck without an attempt; looked at again in the next term
//	a plan is unreadable                   its host is left alone, the others go on
//	/cluster is unreadable                 Load fails (exit 6)
package bootstrap
