package scaleiotest

import (
	"fmt"
	"path/filepath"
	"sort"
	"strings"
)

// split parts flags from other arguments.
func split(args []string) (flags, plain []string) {
	for _, a := range args {
		if strings.HasPrefix(a, "-") {
			flags = append(flags, a)
		} else {
			plain = append(plain, a)
		}
	}
	return flags, plain
}

func has(flags []string, names ...string) bool {
	for _, f := range flags {
		for _, name := range names {
			if f == name {
				return true
			}
		}
	}
	return false
}

// dpkg installs, removes and lists as dpkg does. A second installation of the
// same version is done again, and succeeds.
func (p packageRun) dpkg(args []string) ToolReply {
	flags, plain := split(args)
	switch {
	case has(flags, "--version"):
		return ToolReply{Stdout: "Debian 'dpkg' package management program version 1.21.1 (double).\n"}
	case has(flags, "--print-architecture"):
		return ToolReply{Stdout: "amd64\n"}
	case has(flags, "-i", "--install"):
		return p.dpkgInstall(plain)
	case has(flags, "-r", "--remove", "-P", "--purge"):
		return p.dpkgRemove(plain)
	case has(flags, "-s", "--status"):
		return p.dpkgStatus(plain)
	case has(flags, "-l", "--list"):
		return p.dpkgQuery([]string{"-W", "-f", "ii  ${Package} ${Version}\n"})
	case has(flags, "--configure"):
		return ToolReply{}
	}
	return ToolReply{Exit: 2, Stderr: "dpkg: error: need an action option\n"}
}

func (p packageRun) dpkgInstall(files []string) ToolReply {
	var reply ToolReply
	for _, path := range files {
		f, err := p.open(path)
		if err != nil {
			return ToolReply{Exit: 1, Stdout: reply.Stdout, Stderr: fmt.Sprintf("dpkg: error: %v\n", err)}
		}
		reply.Stdout += fmt.Sprintf("Unpacking %s (%s) ...\n", f.Name, f.Version)
		if err := p.install(f); err != nil {
			reply.Exit = 1
			reply.Stderr += fmt.Sprintf("dpkg: error processing package %s (--install):\n %v\nErrors were encountered while processing:\n %s\n", f.Name, err, f.Name)
			continue
		}
		reply.Stdout += fmt.Sprintf("Setting up %s (%s) ...\n", f.Name, f.Version)
	}
	return reply
}

func (p packageRun) dpkgRemove(names []string) ToolReply {
	var reply ToolReply
	for _, name := range names {
		if p.s.Installed(p.h.name, name) == "" {
			reply.Stderr += fmt.Sprintf("dpkg: warning: ignoring request to remove %s which isn't installed\n", name)
			continue
		}
		if err := p.remove(name); err != nil {
			reply.Exit = 1
			reply.Stderr += fmt.Sprintf("dpkg: error processing package %s (--remove):\n %v\n", name, err)
			continue
		}
		reply.Stdout += fmt.Sprintf("Removing %s ...\n", name)
	}
	return reply
}

func (p packageRun) dpkgStatus(names []string) ToolReply {
	var reply ToolReply
	for _, name := range names {
		v := p.s.Installed(p.h.name, name)
		if v == "" {
			reply.Exit = 1
			reply.Stderr += fmt.Sprintf("dpkg-query: package '%s' is not installed and no information is available\n", name)
			continue
		}
		reply.Stdout += fmt.Sprintf("Package: %s\nStatus: install ok installed\nVersion: %s\n\n", name, v)
	}
	return reply
}

// dpkgQuery answers -W with a format, for names and patterns.
func (p packageRun) dpkgQuery(args []string) ToolReply {
	format, show := "${binary:Package}\t${Version}\n", false
	var names []string
	for i := 0; i < len(args); i++ {
		switch {
		case args[i] == "-W" || args[i] == "--show":
			show = true
		case (args[i] == "-f" || args[i] == "--showformat") && i+1 < len(args):
			i++
			format = args[i]
		case strings.HasPrefix(args[i], "--showformat="):
			format = strings.TrimPrefix(args[i], "--showformat=")
		case strings.HasPrefix(args[i], "-f="):
			format = strings.TrimPrefix(args[i], "-f=")
		case strings.HasPrefix(args[i], "-f"):
			format = strings.TrimPrefix(args[i], "-f")
		case args[i] == "-s" || args[i] == "--status":
			return p.dpkgStatus(args[i+1:])
		case strings.HasPrefix(args[i], "-"):
		default:
			names = append(names, args[i])
		}
	}
	if !show {
		return ToolReply{Exit: 2, Stderr: "dpkg-query: error: need an action option\n"}
	}
	return p.show(names, format)
}

func (p packageRun) show(patterns []string, format string) ToolReply {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	all := make([]string, 0, len(p.h.packages))
	for name := range p.h.packages {
		all = append(all, name)
	}
	sort.Strings(all)
	if len(patterns) == 0 {
		patterns = []string{"*"}
	}
	var reply ToolReply
	for _, pattern := range patterns {
		found := false
		for _, name := range all {
			if ok, err := filepath.Match(pattern, name); err != nil || !ok {
				continue
			}
			found = true
			reply.Stdout += strings.NewReplacer(
				"${Package}", name, "${binary:Package}", name, "${Version}", p.h.packages[name],
				"${db:Status-Status}", "installed", "${Status}", "install ok installed",
				"${db:Status-Abbrev}", "ii ", "${Architecture}", "amd64", `\n`, "\n", `\t`, "\t",
			).Replace(format)
		}
		if !found {
			reply.Exit = 1
			reply.Stderr += fmt.Sprintf("dpkg-query: no packages found matching %s\n", pattern)
		}
	}
	return reply
}

// aptGet installs package files, and anything else by its bare name out of
// nowhere.
func (p packageRun) aptGet(args []string) ToolReply {
	_, plain := split(args)
	if len(plain) == 0 {
		return ToolReply{Exit: 1, Stderr: "E: no command\n"}
	}
	names := plain[1:]
	switch plain[0] {
	case "update", "clean", "autoremove":
		return ToolReply{Stdout: "Reading package lists...\n"}
	case "install":
		return p.installNamed(names, ".deb", func(f packageFile) string {
			return fmt.Sprintf("%s is already the newest version (%s).\n", f.Name, f.Version)
		}, "E: ")
	case "remove", "purge":
		return p.dpkgRemove(names)
	}
	return ToolReply{Exit: 100, Stderr: "E: Invalid operation " + plain[0] + "\n"}
}

// installNamed is what the tools with repositories do: files are installed
// unless that version is there, names are found in the repository.
func (p packageRun) installNamed(names []string, suffix string, already func(packageFile) string, failure string) ToolReply {
	var reply ToolReply
	for _, name := range names {
		name, _, _ = strings.Cut(name, "=")
		f := packageFile{Name: name, Version: "1.0"}
		if strings.HasSuffix(name, suffix) {
			var err error
			if f, err = p.open(name); err != nil {
				return ToolReply{Exit: 1, Stderr: failure + err.Error() + "\n"}
			}
		} else if componentOf(name) != "" {
			return ToolReply{Exit: 100, Stderr: failure + "Unable to locate package " + name + "\n"}
		}
		if p.s.Installed(p.h.name, f.Name) == f.Version {
			reply.Stdout += already(f)
			continue
		}
		if err := p.install(f); err != nil {
			return ToolReply{Exit: 1, Stdout: reply.Stdout, Stderr: failure + err.Error() + "\n"}
		}
		reply.Stdout += "Installed: " + f.Name + "\nComplete!\n"
	}
	return reply
}
