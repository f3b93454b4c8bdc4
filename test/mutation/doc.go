// Mutation breaks the rules that make the pair of schedulers safe, one at a
// time, and wants the simulations to notice each of them:
//
//	go run ./test/mutation            all mutants, with a table of what was noticed
//	go run ./test/mutation -only R4   those of one rule
//
// A mutant is the tree with a few lines replaced by way of a build overlay: no
// file of the tree is touched. Each is judged by a simulation, seed by seed up to
// a bound. A mutant that survives is a failure; so is one whose original
// text is not found exactly once, which says that a change of the code has to
// mend the mutation, too.
package main
