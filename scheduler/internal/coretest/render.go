package coretest

import (
	"encoding/json"
	"fmt"
	"sort"
	"strings"

	"scaleio-framework/internal/core"
)

// String tells a unit as an operator would: what the cores told each other,
// which fields of which records changed, what is done after that.
func (u Unit) String() string {
	var b strings.Builder
	for _, event := range u.Told {
		fmt.Fprintf(&b, "told %s\n", oneLine(event.String()))
	}
	for _, change := range u.Changes {
		change.render(&b)
	}
	for _, effect := range u.Effects {
		fmt.Fprintf(&b, "do %s\n", describe(effect))
	}
	return b.String()
}

func (c Change) render(b *strings.Builder) {
	before, after := flatten(c.Before), flatten(c.After)
	switch {
	case c.After == nil:
		fmt.Fprintf(b, "removed %s\n", c.Path)
		return
	case c.Before == nil:
		fmt.Fprintf(b, "created %s\n", c.Path)
	default:
		fmt.Fprintf(b, "stored %s\n", c.Path)
	}
	names := make(map[string]bool)
	for name := range before {
		names[name] = true
	}
	for name := range after {
		names[name] = true
	}
	for _, name := range sortedKeys(names) {
		old, had := before[name]
		fresh, has := after[name]
		switch {
		case had && !has:
			fmt.Fprintf(b, "  %s: %s -> nothing\n", name, old)
		case !had:
			fmt.Fprintf(b, "  %s = %s\n", name, fresh)
		case old != fresh:
			fmt.Fprintf(b, "  %s: %s -> %s\n", name, old, fresh)
		}
	}
}

// flatten turns a JSON object into its leaves by dotted name.
func flatten(data []byte) map[string]string {
	leaves := make(map[string]string)
	if data == nil {
		return leaves
	}
	var tree any
	if err := json.Unmarshal(data, &tree); err != nil {
		leaves["(not JSON)"] = oneLine(string(data))
		return leaves
	}
	flattenInto(leaves, "", tree)
	return leaves
}

func flattenInto(leaves map[string]string, name string, tree any) {
	switch v := tree.(type) {
	case map[string]any:
		for key, value := range v {
			flattenInto(leaves, strings.TrimPrefix(name+"."+key, "."), value)
		}
	case []any:
		for i, value := range v {
			flattenInto(leaves, fmt.Sprintf("%s[%d]", name, i), value)
		}
	default:
		leaves[name] = oneLine(fmt.Sprint(v))
	}
}

// describe adds to an effect's String what a story needs and a log does not.
func describe(effect core.Effect) string {
	text := effect.String()
	switch e := effect.(type) {
	case core.Decline:
		text = fmt.Sprintf("decline %s for %s", strings.Join(e.OfferIDs, " "), e.Refuse)
	case core.Accept:
		text += fmt.Sprintf(" with offer %s of agent %s", e.Launch.OfferID, e.Launch.AgentID)
	case core.Reconcile:
		if len(e.Tasks) > 0 {
			names := make([]string, 0, len(e.Tasks))
			for _, task := range e.Tasks {
				names = append(names, task.TaskID)
			}
			sort.Strings(names)
			text = "reconcile " + strings.Join(names, " ")
		}
	case core.Acknowledge:
		text += " uuid " + string(e.UUID)
	}
	return oneLine(text)
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
