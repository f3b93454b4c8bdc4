// Package mesosapi speaks the v1 HTTP scheduler API of Mesos: it keeps one
// subscription alive, turns the events of the stream into core events, and
// makes the calls that effects ask for.
//
// Its types and encoding come from mesos-go; the connection logic is our own,
// because mesos-go's state machine holds one lock over a whole SUBSCRIBE,
// ends the subscription when any single call fails, retries a 401 in silence
// and watches no heartbeats.
//
// # The contract
//
//  1. Run owns the subscription. It calls Options.Fence immediately before
//     each SUBSCRIBE: Mesos lets the last subscriber win, so a leader that has
//     lost its term must not subscribe again.
//  2. The framework id is the caller's and committed before. It goes into both
//     places of the call, and a master that answers with another id is an
//     error that ends Run.
//  3. Each subscription is told as one MesosSubscribed and one
//     MesosDisconnected (unless Run's context has ended), with its events between
//     them, all from Run's goroutine and in the order of the stream.
//  4. Nothing is acknowledged here: the core acknowledges what is committed.
//  5. A stream that stays silent for three heartbeat intervals is given up.
//     Only the waiting for the master counts, not the time that the posting of
//     an event takes.
//  6. A call that fails leaves the subscription alone, but for the answer that
//     there is none (403). Calls need a subscription, honour their context and
//     end within Options.CallTimeout.
//
// # What ends Run, and what does not
//
//	the context ends                             nil
//	Fence fails                                  its error
//	"Framework has been removed"                 ErrFrameworkRemoved
//	"Framework failed over", Fence holds         subscribe again after a second
//	... three times within a minute              ErrFrameworkTaken
//	any other ERROR event                        *SubscriptionError
//	SUBSCRIBE answered 400, 401, 403, 406, 415   *SubscriptionError
//	another framework id in SUBSCRIBED           ErrOtherFramework
//	307, 503, 404, 5xx, refused connections,
//	broken, silent or malformed streams          retried for ever, with back-off
package mesosapi
