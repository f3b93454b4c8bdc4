// Package events tells what changes: it turns a view of what is committed into
// facts that an operator would notice, and two sets of facts into the events
// between them.
//
// An event is a fact in its new state, so that the same struct serves for both,
// and whoever applies events to the facts that he has, has the facts that are.
// Nothing is told twice: facts that are equal give no event. What changed and
// changed back between two looks is not told; a listener is given the latest
// state, not a history.
package events
