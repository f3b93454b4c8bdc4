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

// Journal is the end of what a service wrote to systemd's journal, its last
// lines; empty where there is none. What is said of the unit counts only when
// its processes said nothing: a unit that is started again and again is told
// more about than it tells.
func (s Services) Journal(ctx context.Context, unit string, lines int) string {
	if !s.Systemd() || !s.root.IsMachine() || !s.tools.has("journalctl") {
		return ""
	}
	for _, filter := range []string{"_SYSTEMD_UNIT=" + unit + ".service", "--unit=" + unit} {
		res, err := s.tools.query(ctx, "journalctl", filter, "--lines", strconv.Itoa(lines), "--no-pager", "--quiet", "--output", "cat")
		if err != nil || res.Code != 0 {
			continue
		}
		if text := strings.TrimSpace(res.Stdout); text != "" {
			return text
		}
	}
	return ""
}
