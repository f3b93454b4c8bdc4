package agentrestart

import (
	"fmt"
	"strings"
)

// cronDir is where a host without systemd has the tables of packages. Whatever
// starts its services, cron is among them.
const cronDir = "/etc/cron.d"

// cronFile is the guard's table. Debian's cron passes over names with a dot.
func (r *Restart) cronFile() string {
	return cronDir + "/scaleio-framework-agent-restart-" + escape(r.framework(), "-", "_%02x")
}

// cronText starts the guard with the host. It needs the tools of administrators,
// which are not in cron's own PATH.
func (r *Restart) cronText() string {
	quote := func(s string) string {
		return "'" + strings.NewReplacer("'", `'\''`, "%", `\%`).Replace(s) + "'"
	}
	return "# Written by the ScaleIO framework, which takes it away when the Mesos agent runs.\n" +
		"SHELL=/bin/sh\nPATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\nMAILTO=\"\"\n" +
		fmt.Sprintf("@reboot root %s %s %s %s\n", quote(r.path(programFile)), Command, Background, quote(r.opt.Dir))
}

// escape writes every character but letters, digits and some others by a format.
func escape(name, others, format string) string {
	var escaped strings.Builder
	for _, c := range []byte(name) {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte(others, c) >= 0 {
			escaped.WriteByte(c)
		} else {
			fmt.Fprintf(&escaped, format, c)
		}
	}
	return escaped.String()
}
