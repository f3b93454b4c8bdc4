package scaleioctl

import (
	"fmt"
	"strings"
	"text/tabwriter"
)

// table prints aligned columns.
type table struct{ w *tabwriter.Writer }

func (p *program) table(columns ...string) table {
	t := table{tabwriter.NewWriter(p.Out, 0, 4, 2, ' ', 0)}
	if len(columns) > 0 {
		t.row(columns...)
	}
	return t
}

func (t table) row(cells ...string) {
	for i, cell := range cells {
		// A line break in an error text would end the row.
		cells[i] = strings.Join(strings.Fields(cell), " ")
	}
	fmt.Fprintln(t.w, strings.TrimRight(strings.Join(cells, "\t"), "\t"))
}

func (t table) flush() error { return t.w.Flush() }
