package scaleioctl

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"scaleio-framework/internal/httpapi"
	"scaleio-framework/leader"
)

func (p *program) leaderCommand(ctx context.Context, _ []string) error {
	var l httpapi.Leader
	if _, err := p.ask(ctx, http.MethodGet, "/v1/leader", nil, &l); err != nil {
		return err
	}
	if p.json {
		return p.printJSON(l)
	}
	t := p.table("", "INSTANCE", "URL", "SINCE", "VERSION")
	row := func(role string, c leader.Card) {
		t.row(role, c.Instance, c.URL, c.Since.Local().Format(time.DateTime), c.Version)
	}
	role := fmt.Sprintf("leader (epoch %d)", l.Epoch)
	present := slices.IndexFunc(l.Candidates, func(c leader.Card) bool { return c.Instance == l.Instance })
	if present < 0 {
		row(role, leader.Card{Instance: l.Instance, URL: l.URL, Since: l.Since})
	}
	for i, c := range l.Candidates {
		if i == present {
			// Since when it leads counts, not since when it runs.
			c.Since = l.Since
			row(role, c)
		}
	}
	for i, c := range l.Candidates {
		if i != present {
			row("standby", c)
		}
	}
	if err := t.flush(); err != nil {
		return err
	}
	if len(l.Candidates) < 2 {
		fmt.Fprintln(p.Out, noStandby)
	}
	return nil
}

// noStandby is said where a second scheduler is missing.
const noStandby = "no standby: nobody takes over if this scheduler dies; look at the Marathon app's instances"

func (p *program) abdicateCommand(ctx context.Context, _ []string) error {
	var answer map[string]string
	if _, err := p.ask(ctx, http.MethodDelete, "/v1/leader", nil, &answer); err != nil {
		return err
	}
	if p.json {
		return p.printJSON(answer)
	}
	fmt.Fprintln(p.Out, "the leader hands over; scaleioctl leader shows the next one")
	return nil
}

// dumped is one znode in a dump.
type dumped struct {
	Version int32           `json:"version"`
	Data    json.RawMessage `json:"data,omitempty"`
	// Text stands in for data that is not JSON.
	Text string `json:"text,omitempty"`
}

// dumpCommand prints all znodes, to read and to copy from.
func (p *program) dumpCommand(ctx context.Context, _ []string) error {
	client, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	tree, err := client.Tree(ctx)
	if err != nil {
		return err
	}
	out := make(map[string]dumped, len(tree))
	for path, entry := range tree {
		d := dumped{Version: entry.Version}
		if json.Valid(entry.Data) {
			d.Data = entry.Data
		} else {
			d.Text = string(entry.Data)
		}
		out[path] = d
	}
	return p.printJSON(out)
}
