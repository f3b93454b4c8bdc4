package scaleioctl

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// table prints aligned columns, without blanks at the ends of lines.
type table struct {
	out  io.Writer
	text *strings.Builder
	w    *tabwriter.Writer
}

func (p *program) table(columns ...string) table {
	text := &strings.Builder{}
	t := table{p.Out, text, tabwriter.NewWriter(text, 0, 4, 2, ' ', 0)}
	if len(columns) > 0 {
		t.row(columns...)
	}
	return t
}

func (t table) row(cells ...string) {
	for i, cell := range cells {
		cells[i] = oneLine(cell)
	}
	fmt.Fprintln(t.w, strings.Join(cells, "\t"))
}

func (t table) flush() error {
	if err := t.w.Flush(); err != nil {
		return err
	}
	for line := range strings.Lines(t.text.String()) {
		if _, err := fmt.Fprintln(t.out, strings.TrimRight(line, " \n")); err != nil {
			return err
		}
	}
	return nil
}

// oneLine joins the lines of a text: a line break in an error would end a row.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
