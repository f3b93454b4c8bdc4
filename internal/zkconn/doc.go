// Package zkconn is the only door to ZooKeeper. It wraps go-zookeeper/zk and
// hides what that client leaves to its callers.
//
// # Contract
//
//  1. A Conn is one session. When the session expires the Conn is over:
//     Expired is closed, every call fails with ErrExpired, and no request that
//     was queued before can reach a server under another session. Whoever
//     wants to go on dials anew.
//  2. Every call takes a context, waits for the session to be usable, and
//     ends within Options.CallTimeout whatever the servers do.
//  3. Reads are repeated over a lost connection until the call's time is up.
//     Writes are sent at most once. A write whose answer was lost returns an
//     error for which errors.Is(err, ErrUnknownOutcome) holds; every other
//     error of a write means that nothing was changed.
//  4. Sync returns only after every write begun before it has been settled:
//     what a read shows after Sync is the final outcome of all of them.
//  5. Watches deliver the latest state, read again on each change and on each
//     return of the session; states in between may be skipped.
//  6. Close ends the session at the server, so that ephemeral znodes vanish at
//     once, and returns when every goroutine has ended: at once when the
//     server answers, within about two seconds when it does not.
//
// # What is hidden
//
//   - The client learns of an expiry only from a server; it never expires a
//     session by its own clock. NegotiatedTimeout gives callers the figure
//     they need for a clock of their own.
//   - After an expiry the client would open a new session under the same
//     handle. The dialer refuses every connection from then on.
//   - The client's connect handshake may hang for almost seven session
//     timeouts on a server that accepts and stays silent; here it is bounded.
//   - The client's event channel drops events when full; states arrive by
//     callback and only the latest is kept.
//   - Exists of the client answers true together with an error.
//   - Host names are resolved at every dial, so a re-created ensemble is
//     followed, and TLS verifies the name of the host that was dialed.
package zkconn
