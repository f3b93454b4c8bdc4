package services

import (
	"context"
	"strconv"
	"strings"
)

// State is a word for an operator: what systemd calls the state of a service
// ("activating", "failed"), else whether it is active.
func (s Services) State(ctx context.Context, unit string) string {
	if s.Systemd() {
		res, err := s.tools.query(ctx, "systemctl", "is-active", unit)
		if word := strings.TrimSpace(res.Stdout); err == nil && word != "" {
			return word
		}
	}
	switch active, err := s.IsActive(ctx, unit); {
	case err != nil:
		return "unknown: " + err.Error()
	case active:
		return "active"
	}
	return "not active"
}

// Journal is the end of what a service wrote to systemd's journal, looked for
// in its last lines; empty where there is none. essence picks what is worth
// telling. What is said of the unit counts only when its processes said nothing
// worth telling: a unit that is started again and again is told more about than
// it tells, and one that writes by a logger has lost it when the journal asks.
func (s Services) Journal(ctx context.Context, unit string, lines int, essence func(string) string) string {
	if !s.Systemd() || !s.tools.has("journalctl") {
		return ""
	}
	for _, filter := range []string{"_SYSTEMD_UNIT=" + unit + ".service", "--unit=" + unit} {
		res, err := s.tools.query(ctx, "journalctl", filter, "--lines", strconv.Itoa(lines), "--no-pager", "--quiet", "--output", "cat")
		if err != nil || res.Code != 0 {
			continue
		}
		if text := essence(res.Stdout); text != "" {
			return text
		}
	}
	return ""
}
