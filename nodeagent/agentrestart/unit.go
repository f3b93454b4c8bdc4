package agentrestart

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"scaleio-framework/nodeagent/runner"
)

// Command is the argument that makes the node agent's program a guard; the
// record's directory follows, and Background before it.
const (
	Command    = "guard-agent-restart"
	Background = "--background"
)

const (
	unitDir     = "/etc/systemd/system"
	unitTimeout = time.Minute
	programFile = "guard"
	logFile     = "log"
)

// unit is the name of the guard's unit. Frameworks on one host have one each.
func (r *Restart) unit() string {
	return "scaleio-framework-agent-restart-" + escape(r.framework(), "_.-", `\x%02x`) + ".service"
}

// framework is the name of the one that the node agent belongs to.
func (r *Restart) framework() string { return filepath.Base(filepath.Dir(filepath.Clean(r.opt.Dir))) }

// text is the guard's unit. A shell starts the program: where SELinux confines
// systemd, it may not execute what lies below /var/lib itself. "After" lets a
// guard at boot find an agent that was started already.
func (r *Restart) text(service string) string {
	quote := func(s string) string {
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `%`, `%%`, `$`, `$$`).Replace(s) + `"`
	}
	return "# Written by the ScaleIO framework, which takes it away when the Mesos agent runs.\n" +
		"[Unit]\nDescription=Restart of the Mesos agent with new flags, and the way back\nAfter=" + service + ".service\n\n" +
		"[Service]\nExecStart=/bin/sh -c 'exec \"$$0\" \"$$@\"' " + quote(r.path(programFile)) + " " + Command + " " + quote(r.opt.Dir) + "\n" +
		"Restart=on-failure\nRestartSec=5\n\n[Install]\nWantedBy=multi-user.target\n"
}

func (r *Restart) path(name string) string { return filepath.Join(r.opt.Dir, name) }

// install places the guard's program, and what starts it with the host: a unit,
// or without systemd a table of cron's.
func (r *Restart) install(ctx context.Context, service string) error {
	if r.opt.Program == "" {
		return nil
	}
	if err := copyProgram(r.opt.Program, r.path(programFile)); err != nil {
		return fmt.Errorf("place the guard of the agent's restart: %w", err)
	}
	if !r.opt.Services.Systemd() {
		if !r.opt.Root.IsDir(cronDir) {
			r.log.Warn("nothing starts the guard of the Mesos agent's restart if the host boots in its midst: there is neither systemd nor a directory of cron's", "directory", cronDir)
			return nil
		}
		_, err := r.opt.Root.WriteIfDifferent(r.cronFile(), []byte(r.cronText()), 0o644)
		return err
	}
	if _, err := r.opt.Root.WriteIfDifferent(unitDir+"/"+r.unit(), []byte(r.text(service)), 0o644); err != nil {
		return err
	}
	return r.systemctl(ctx, "enable", r.unit()) // reloads, too
}

// remove takes away what install placed.
func (r *Restart) remove(ctx context.Context) error {
	if r.opt.Program == "" {
		return nil
	}
	err := errors.Join(r.state.Remove("/"+programFile), r.state.Remove("/"+logFile))
	if r.opt.Root.IsDir(cronDir) {
		err = errors.Join(err, r.opt.Root.Remove(r.cronFile()))
	}
	if !r.opt.Services.Systemd() || !r.opt.Root.Exists(unitDir+"/"+r.unit()) {
		return err
	}
	return errors.Join(err,
		r.systemctl(ctx, "disable", r.unit()), r.opt.Root.Remove(unitDir+"/"+r.unit()), r.systemctl(ctx, "daemon-reload"))
}

// Start makes a guard work, unless one does. It does not wait for it, but on a
// host that is a directory.
func (r *Restart) Start(ctx context.Context) error {
	switch {
	case r.opt.Program == "":
		return r.Guard(ctx)
	case r.opt.Services.Systemd():
		return r.systemctl(ctx, "start", "--no-block", r.unit())
	}
	res, err := r.opt.Runner.Run(ctx, runner.Command{
		Argv: []string{r.path(programFile), Command, Background, r.opt.Dir}, Timeout: unitTimeout, Outside: true,
	})
	if err == nil {
		err = res.Err()
	}
	return err
}

func (r *Restart) systemctl(ctx context.Context, args ...string) error {
	res, err := r.opt.Runner.Run(ctx, runner.Command{Argv: append([]string{"systemctl"}, args...), Timeout: unitTimeout})
	if err == nil {
		err = res.Err()
	}
	return err
}

// Detach starts the guard again in a session of its own, with nothing of this
// process's environment but its PATH: what ends a node agent's programs finds
// them by the rest.
func Detach(dir string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	log, err := os.OpenFile(filepath.Join(dir, logFile), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }() // the child has its own
	cmd := exec.Command(self, Command, dir)
	cmd.Dir, cmd.Env = "/", []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"}
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	return cmd.Process.Release()
}

// copyProgram writes a copy beside the target and renames it: what runs from
// the target is never written to.
func copyProgram(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := os.CreateTemp(filepath.Dir(to), "."+filepath.Base(to)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(out.Name()))
		}
	}()
	_, err = io.Copy(out, in)
	if err == nil {
		err = out.Chmod(0o700)
	}
	if err == nil {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close()); err != nil {
		return err
	}
	return os.Rename(out.Name(), to)
}
