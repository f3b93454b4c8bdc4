package ui

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"scaleio-framework/internal/model"
	"scaleio-framework/scheduler/bootstrap"
)

// Matrix is the plan of the hosts.
type Matrix struct {
	Steps []string // the columns, in the order of the plan
	Rows  []Row
}

// Row is one host.
type Row struct {
	Host    string
	Persona string
	Task    model.TaskState
	Cells   []Cell // one for each of Steps
}

// Cell is one step.
type Cell struct {
	Step  string
	State model.StepState // empty: the host has no such step
	Mark  string          // for the eye; State says the same in words
	Note  string
}

// marks differ in shape, for those who see no colours.
var marks = map[model.StepState]string{
	model.Pending: "·", model.Running: "▶", model.Done: "✓", model.Failed: "!", model.Stuck: "✖", model.Skipped: "–",
}

func cellOf(s bootstrap.StepView) Cell {
	var notes []string
	if s.Attempt > 1 {
		notes = append(notes, fmt.Sprintf("attempt %d", s.Attempt))
	}
	if s.Error != "" && s.State != model.Done && s.State != model.Skipped {
		notes = append(notes, s.Error)
	}
	if s.Reason != "" {
		notes = append(notes, s.Reason)
	}
	if len(s.WaitsFor) > 0 {
		notes = append(notes, "waits for "+strings.Join(s.WaitsFor, ", "))
	}
	return Cell{Step: s.Step, State: s.State, Mark: marks[s.State], Note: strings.Join(notes, "; ")}
}

// matrixOf has a row for each host that is known, those without a plan too.
func matrixOf(steps []bootstrap.StepView, nodes map[string]*model.Node, plans map[string]*model.NodePlan) Matrix {
	var m Matrix
	cells := make(map[[2]string]Cell)
	for _, s := range steps {
		if s.Host == "" {
			continue
		}
		if !slices.Contains(m.Steps, s.Step) {
			m.Steps = append(m.Steps, s.Step)
		}
		cells[[2]string{s.Host, s.Step}] = cellOf(s)
	}
	hosts := make(map[string]bool)
	for host := range nodes {
		hosts[host] = true
	}
	for host := range plans {
		hosts[host] = true
	}
	for _, host := range slices.Sorted(maps.Keys(hosts)) {
		row := Row{Host: host}
		if n := nodes[host]; n != nil {
			row.Task = n.State
		}
		if p := plans[host]; p != nil {
			row.Persona = string(p.Persona)
		}
		for _, step := range m.Steps {
			cell := cells[[2]string{host, step}]
			cell.Step = step
			row.Cells = append(row.Cells, cell)
		}
		m.Rows = append(m.Rows, row)
	}
	return m
}
