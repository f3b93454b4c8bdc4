package bootstrap_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/model"
	"scaleio-framework/scheduler/bootstrap"
)

const planDoc = "../../docs/design/plan.md"

// The page that repeats the plan says what the graph says: its tables, of
// steps and of edges, are compared row by row. go test -update rewrites them.
func TestThePageOfThePlanIsTrue(t *testing.T) {
	data, err := os.ReadFile(planDoc)
	require.NoError(t, err)
	page := string(data)
	var steps, edges []string
	for _, s := range bootstrap.Graph() {
		steps = append(steps, stepRow(s))
		for _, n := range s.Needs {
			edges = append(edges, fmt.Sprintf("| `%s` | `%s` | %s | %s |", s.Name, n.Step, n.Relation, n.Reason))
		}
	}
	var removals, backEdges []string
	for _, s := range bootstrap.RemovalGraph() {
		removals = append(removals, stepRow(s))
		for _, n := range s.Needs {
			backEdges = append(backEdges, fmt.Sprintf("| `%s` | `%s` | %s | %s |", s.Name, n.Step, n.Relation, n.Reason))
		}
	}
	for _, table := range []struct {
		head string
		rows []string
	}{
		{"| Step of the removal | Phase | Where | Runner | Secrets | What it does |\n|---|---|---|---|---|---|\n", removals},
		{"| Step of the removal | Waits for | Relation | Reason |\n|---|---|---|---|\n", backEdges},
		{"| Step | Phase | Where | Runner | Secrets | What it does |\n|---|---|---|---|---|---|\n", steps},
		{"| Step | Waits for | Relation | Reason |\n|---|---|---|---|\n", edges},
	} {
		before, rest, found := strings.Cut(page, table.head)
		require.True(t, found, "%s has no table %q", planDoc, table.head)
		rows, after, _ := strings.Cut(rest, "\n\n")
		if updating() {
			page = before + table.head + strings.Join(table.rows, "\n") + "\n\n" + after
			continue
		}
		require.Equal(t, table.rows, strings.Split(rows, "\n"), "%s: run go test -update and read the difference", planDoc)
	}
	if page != string(data) {
		require.NoError(t, os.WriteFile(planDoc, []byte(page), 0o600))
	}
}

// updating reads the flag that package coretest defines for its stories.
func updating() bool { return flag.Lookup("update").Value.String() == "true" }

func stepRow(s bootstrap.StepInfo) string {
	where := map[bootstrap.Scope]string{
		bootstrap.PerNode: "every host", bootstrap.PerCluster: "once", bootstrap.PerObject: "once for each object",
	}[s.Scope]
	if len(s.Personas) > 0 {
		where = list(s.Personas)
	}
	return fmt.Sprintf("| `%s` | %s | %s | %s | %s | %s |", s.Name, s.Phase, where, strings.ReplaceAll(string(s.Runner), "-", " "), list(s.Secrets), s.Text)
}

// list is a cell with several words, or a dash.
func list[T string | model.Persona](words []T) string {
	if len(words) == 0 {
		return "-"
	}
	var all []string
	for _, w := range words {
		all = append(all, string(w))
	}
	return strings.Join(all, ", ")
}
