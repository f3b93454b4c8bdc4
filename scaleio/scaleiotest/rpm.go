package scaleiotest

import (
	"fmt"
	"path/filepath"
	"sort"
	"strings"
)

// rpm installs, removes and queries as rpm does. A second installation of the
// same version fails.
func (p packageRun) rpm(args []string) ToolReply {
	flags, _ := split(args)
	switch {
	case has(flags, "--version"):
		return ToolReply{Stdout: "RPM version 4.11.3 (double)\n"}
	case has(flags, "--import"):
		return ToolReply{}
	case has(flags, "-K", "-Kv", "--checksig"):
		return p.rpmCheck(args)
	case len(flags) > 0 && strings.HasPrefix(flags[0], "-qp"):
		return p.rpmQueryFile(args)
	case len(flags) > 0 && strings.HasPrefix(flags[0], "-q") || has(flags, "--query"):
		return p.rpmQuery(args)
	case has(flags, "-e", "--erase"):
		_, names := split(args)
		return p.rpmErase(names)
	case len(flags) > 0 && (strings.HasPrefix(flags[0], "-U") || strings.HasPrefix(flags[0], "-i") || strings.HasPrefix(flags[0], "-F")),
		has(flags, "--install", "--upgrade"):
		_, files := split(args)
		return p.rpmInstall(files, has(flags, "--force", "--replacepkgs"))
	}
	return ToolReply{Exit: 1, Stderr: "RPM version 4.11.3 (double): no action\n"}
}

func (p packageRun) rpmInstall(files []string, force bool) ToolReply {
	var reply ToolReply
	for _, path := range files {
		f, err := p.open(path)
		if err != nil {
			return ToolReply{Exit: 1, Stderr: fmt.Sprintf("error: open of %s failed: %v\n", path, err)}
		}
		if p.s.Installed(p.h.name, f.Name) == f.Version && !force {
			reply.Exit++
			reply.Stderr += fmt.Sprintf("\tpackage %s-%s.x86_64 is already installed\n", f.Name, f.Version)
			continue
		}
		if err := p.install(f); err != nil {
			reply.Exit++
			reply.Stderr += fmt.Sprintf("error: %%post(%s-%s) scriptlet failed: %v\n", f.Name, f.Version, err)
			continue
		}
		reply.Stdout += fmt.Sprintf("Preparing...\nUpdating / installing...\n%s-%s\nCreated symlink from /etc/systemd/system/multi-user.target.wants/%s.service to /etc/systemd/system/%s.service.\n",
			f.Name, f.Version, unitOf(f.Component), unitOf(f.Component))
	}
	return reply
}

func (p packageRun) rpmErase(names []string) ToolReply {
	var reply ToolReply
	for _, name := range names {
		if err := p.remove(name); err != nil {
			reply.Exit++
			reply.Stderr += fmt.Sprintf("error: %v\n", err)
		}
	}
	return reply
}

// rpmCheck finds no signature in any package of the double's.
func (p packageRun) rpmCheck(args []string) ToolReply {
	_, files := split(args)
	var reply ToolReply
	for _, path := range files {
		if _, err := p.open(path); err != nil {
			return ToolReply{Exit: 1, Stderr: fmt.Sprintf("error: %s: %v\n", path, err)}
		}
		reply.Stdout += path + ":\n    Header SHA256 digest: OK\n"
	}
	return reply
}

// rpmQueryFile answers -qp --qf with a format.
func (p packageRun) rpmQueryFile(args []string) ToolReply {
	if len(args) != 4 {
		return ToolReply{Exit: 1, Stderr: "rpm: no arguments given for query (double)\n"}
	}
	f, err := p.open(args[3])
	if err != nil {
		return ToolReply{Exit: 1, Stderr: fmt.Sprintf("error: open of %s failed: %v\n", args[3], err)}
	}
	return ToolReply{Stdout: formatted(args[2], f.Name, f.Version)}
}

// formatted is a query's answer for one package.
func formatted(format, name, version string) string {
	version, release, _ := strings.Cut(version, "-")
	return strings.NewReplacer(
		"%{NAME}", name, "%{VERSION}", version, "%{RELEASE}", release, "%{ARCH}", "x86_64", "%{INSTALLTID}", "1", `\n`, "\n", `\t`, "\t",
	).Replace(format)
}

// rpmQuery answers -q, -qa and -qp with a format.
func (p packageRun) rpmQuery(args []string) ToolReply {
	format := ""
	all := false
	var names []string
	for i := 0; i < len(args); i++ {
		switch {
		case (args[i] == "--qf" || args[i] == "--queryformat") && i+1 < len(args):
			i++
			format = args[i]
		case strings.HasPrefix(args[i], "--qf="), strings.HasPrefix(args[i], "--queryformat="):
			_, format, _ = strings.Cut(args[i], "=")
		case args[i] == "-a" || args[i] == "-qa":
			all = true
		case args[i] == "--tid" && i+1 < len(args):
			i++
			all = args[i] == "1" // see formatted
		case strings.HasPrefix(args[i], "-"):
		default:
			names = append(names, args[i])
		}
	}
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	if all {
		names = p.matching(names)
	}
	var reply ToolReply
	for _, name := range names {
		v := p.h.packages[name]
		if v == "" {
			reply.Exit++
			reply.Stdout += fmt.Sprintf("package %s is not installed\n", name)
			continue
		}
		if format == "" {
			reply.Stdout += fmt.Sprintf("%s-%s.x86_64\n", name, v)
			continue
		}
		reply.Stdout += formatted(format, name, v)
	}
	return reply
}

func (p packageRun) matching(patterns []string) []string {
	var out []string
	for name := range p.h.packages {
		fits := len(patterns) == 0
		for _, pattern := range patterns {
			ok, err := filepath.Match(pattern, name)
			fits = fits || err == nil && ok
		}
		if fits {
			out = append(out, name)
		}
	}
	sort.Strings(out)
	return out
}

// yum installs package files, and anything else by its bare name out of
// nowhere.
func (p packageRun) yum(args []string) ToolReply {
	_, plain := split(args)
	if len(plain) == 0 {
		return ToolReply{Exit: 1, Stderr: "You need to give some command\n"}
	}
	names := plain[1:]
	switch plain[0] {
	case "install", "localinstall", "update", "upgrade":
		reply := p.installNamed(names, ".rpm", func(packageFile) string { return "Nothing to do\n" }, "Error: ")
		reply.Exit = min(reply.Exit, 1)
		return reply
	case "remove", "erase":
		return p.rpmErase(names)
	case "makecache", "clean":
		return ToolReply{}
	}
	return ToolReply{Exit: 1, Stderr: "No such command: " + plain[0] + "\n"}
}
