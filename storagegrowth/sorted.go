package storagegrowth

import (
	"cmp"
	"maps"
	"slices"
)

// sortedKeys gives the keys of a map in order: the same history gives the same
// output.
func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	return slices.Sorted(maps.Keys(m))
}
