package scaleiotest

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// realDpkg calls the machine's own dpkg for the host's directory, then tells
// the System what came of it. What packages depend on is not in a directory.
func (t *tool) realDpkg(args []string) int {
	for _, dir := range []string{"info", "updates", "triggers"} {
		if err := os.MkdirAll(filepath.Join(t.root, "var/lib/dpkg", dir), 0o755); err != nil {
			_, _ = fmt.Fprintf(t.stderr, "%s: %v\n", t.name, err)
			return 2
		}
	}
	status := filepath.Join(t.root, "var/lib/dpkg/status")
	if f, err := os.OpenFile(status, os.O_CREATE|os.O_RDONLY, 0o644); err == nil {
		_ = f.Close()
	}
	if t.name == "dpkg-query" {
		return t.real("/usr/bin/dpkg-query", append([]string{"--admindir=" + filepath.Join(t.root, "var/lib/dpkg")}, args...))
	}
	exit := t.real("/usr/bin/dpkg", append([]string{
		"--root=" + t.root, "--force-not-root", "--force-script-chrootless", "--force-bad-path", "--force-depends", "--log=/dev/null",
	}, args...))
	if exit != 0 {
		return exit
	}
	return t.tell(args)
}

// real runs a program with our streams. dpkg looks for its helpers on PATH,
// where sbin may be missing.
func (t *tool) real(path string, args []string) int {
	cmd := exec.Command(path, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = t.stdin, t.stdout, t.stderr
	cmd.Env = append(append([]string(nil), t.env...), "PATH="+variable(t.env, "PATH")+":/usr/sbin:/usr/bin:/sbin:/bin")
	err := cmd.Run()
	var failed *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &failed):
		return failed.ExitCode()
	}
	_, _ = fmt.Fprintf(t.stderr, "%s: %v\n", t.name, err)
	return 127
}

// tell reports installed and removed packages to the System.
func (t *tool) tell(args []string) int {
	flags, plain := split(args)
	var events [][]string
	switch {
	case has(flags, "-i", "--install"):
		for _, path := range plain {
			out, err := exec.Command("/usr/bin/dpkg-deb", "--show", "--showformat=${Package} ${Version}", path).Output()
			if name, v, ok := strings.Cut(strings.TrimSpace(string(out)), " "); err == nil && ok {
				events = append(events, []string{"installed", name, v})
			}
		}
	case has(flags, "-r", "--remove", "-P", "--purge"):
		for _, name := range plain {
			events = append(events, []string{"removed", name})
		}
	}
	told := *t
	told.name, told.stdout = "package-event", io.Discard
	for _, e := range events {
		if exit := told.run(e); exit != 0 {
			return exit
		}
	}
	return 0
}
