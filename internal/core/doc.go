// Package core is the vocabulary between the engine, the cores and the
// performers: three closed sets of small structs.
//
// An event is a fact ("node a reported ..."), an effect is an order ("send
// ..."), a change is a record to store. A Core turns one event into changes,
// effects and events for the other cores, without clock, IO or randomness: the
// same history gives the same output. The engine stores the changes under the
// fence and releases the effects only after that.
//
// What the engine promises a core:
//   - Apply is never called concurrently;
//   - changes, effects and told events of one event are one unit: its changes
//     and those of the events it told are committed together or not at all, and
//     none of its effects is released before;
//   - after any commit that did not plainly succeed the core is thrown away, a
//     new one is loaded from what is stored, gets TermStarted and the same
//     events again.
//
// What a core must bear: events that are doubled, late or reordered.
package core
