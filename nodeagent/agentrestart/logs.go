package agentrestart

import (
	"context"
	"regexp"
	"strings"
)

const (
	lastLines    = 8
	maxLine      = 300 // bytes
	linesToQuery = 60
)

// chatter are the lines of glog's level INFO. The agent lists its flags among
// them, credentials too, and they say nothing about its end.
var chatter = regexp.MustCompile(`^I\d{4,8} `)

// lastWords are the last lines that the agent wrote before it ended.
func (r *Restart) lastWords(ctx context.Context, service string) string {
	if text := r.opt.Services.Journal(ctx, service, linesToQuery, essence); text != "" {
		return text
	}
	for _, file := range []string{"/var/log/upstart/" + service + ".log", "/var/log/mesos/" + service + ".ERROR", "/var/log/mesos/" + service + ".WARNING"} {
		data, there, err := r.opt.Root.ReadIfThere(file)
		if err != nil || !there {
			continue
		}
		if text := essence(string(data[max(0, len(data)-64<<10):])); text != "" {
			return text
		}
	}
	return "none were found, look at the agent's log"
}

// essence is the end of a log without chatter and repetition.
func essence(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || chatter.MatchString(line) {
			continue
		}
		if len(line) > maxLine {
			line = strings.ToValidUTF8(line[:maxLine], "") + "..."
		}
		if len(lines) == 0 || lines[len(lines)-1] != line {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines[max(0, len(lines)-lastLines):], "\n")
}
