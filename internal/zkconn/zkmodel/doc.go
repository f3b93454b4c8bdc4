// Package zkmodel is ZooKeeper in memory, as seen through zkconn: an Ensemble
// of servers, and Conns that keep the contract of zkconn.Conn with the same
// errors. It is made for simulations in a testing/synctest bubble: time is the
// package time's, every event has an instant of its own, and the history
// depends on the seed and on what the simulation does, on nothing else.
//
// # What is modelled
//
//   - Sessions: the timeout is negotiated, the countdown ends at a tick, only
//     the leader of the ensemble ends a session, and it counts all of them anew
//     after its election. A follower tells the leader every half tick whom it
//     has heard from. The client learns of an expiry when a server answers it.
//   - Znodes: versions, ephemeral owners, sequence numbers, multi with the
//     failing operation, in the server's order of checks.
//   - Replicas: a client reads from its server, which trails the leader;
//     Sync catches up. A client never goes back behind what it has seen. A
//     server cut off from the others answers reads until it notices.
//   - Connections: requests and answers keep their order; a request may be
//     carried out after its caller has given up, as long as its session lives
//     and has not moved to another connection.
//   - The client of zkconn: its dial rhythm, pings, the silence after which it
//     gives a server up, reads that are repeated, writes that are not.
//
// # What is not
//
// ACLs, credentials and TLS; limits of size; TTL and container znodes.
//
// # Faults
//
// Options.Fate loses or delays single requests and answers. A Client, which is
// one process, is cut off, frozen or killed; a server is killed or isolated.
package zkmodel
