package main

import (
	"go/parser"
	"go/token"
	"testing"

	"github.com/stretchr/testify/require"
)

// A change of the code that moves what a mutation replaces fails here, not
// only where the mutants are played.
func TestEachMutantIsTheTreeWithOneRuleBroken(t *testing.T) {
	names := map[string]bool{}
	for _, m := range mutants {
		t.Run(m.rule+" "+m.name, func(t *testing.T) {
			require.False(t, names[m.rule+m.name], "named twice")
			names[m.rule+m.name] = true
			files, err := m.mutated("../..")
			require.NoError(t, err)
			require.NotEmpty(t, files)
			for file, text := range files {
				_, err := parser.ParseFile(token.NewFileSet(), file, text, 0)
				require.NoError(t, err)
			}
		})
	}
}

func TestAnEditWantsItsTextExactlyOnce(t *testing.T) {
	e := edit{"f.go", "old", "new"}
	got, err := e.apply("an old text")
	require.NoError(t, err)
	require.Equal(t, "an new text", got)
	for _, text := range []string{"", "none", "old and old"} {
		_, err := e.apply(text)
		require.ErrorContains(t, err, "f.go")
	}
}

func TestAJudgeIsUnderstood(t *testing.T) {
	for _, c := range []struct {
		out  string
		seed int
		says string
	}{
		{"seed 9, wide: 2 schedulers\n !!! told in it\nx.go:8: seed 12, small: a rule\nx.go:8: seed 9, wide: another rule\n", 9, "another rule"},
		{"seed 0, wide: 2 schedulers\n !!! shows without faults\n", 0, "shows without faults"},
		{"--- FAIL: TestX\n  x_test.go:3:\n    Error:  Should be empty\n", 0, "Should be empty"},
		{"--- FAIL: TestX\n  x_test.go:3:\n    Error:  Not equal: \n", 0, "TestX"},
		{"  1.0  VIOLATION: two leaders\n  Messages: seed 3: go test ./leader\n", 3, "two leaders"},
		{"panic: test timed out after 8m0s\n", 0, "test timed out after 8m0s"},
	} {
		seed, says := explain(c.out)
		require.Equal(t, c.seed, seed)
		require.Equal(t, c.says, says)
	}
}
