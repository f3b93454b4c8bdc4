package hosttest

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// killTime bounds the order to kill a container.
const killTime = 10 * time.Second

// Wrap lets a command run in the machine, in a control group of its own as a
// Mesos agent's containerizer would put it: it ends when the command ends, and
// with its status. Names must not be used twice. On a
// machine that is off it fails.
func (m *Machine) Wrap(cmd *exec.Cmd, name string) *exec.Cmd {
	b := m.running()
	if b == nil {
		return exec.Command("false")
	}
	argv := []string{
		"systemd-run", "--quiet", "--pipe", "--wait", "--collect", "--unit=" + unit(name), "--slice=mesos_executors.slice",
		"--working-directory=" + cmd.Dir,
		// As Mesos ends a container: everything in it, by SIGKILL.
		"--property=KillMode=control-group", "--property=KillSignal=SIGKILL",
	}
	for _, variable := range cmd.Env {
		// Only the name is an argument, which everybody could read.
		key, _, _ := strings.Cut(variable, "=")
		argv = append(argv, "--setenv="+key)
	}
	program := cmd.Path
	if !filepath.IsAbs(program) {
		program = filepath.Join(cmd.Dir, program)
	}
	argv = append(append(argv, "--", program), cmd.Args[1:]...)
	wrapped := m.command(context.Background(), b, argv...)
	wrapped.Env = cmd.Env
	return wrapped
}

// Kill sends SIGKILL to every process of a container.
func (m *Machine) Kill(name string) {
	ctx, cancel := context.WithTimeout(context.Background(), killTime)
	defer cancel()
	// It fails when the container has ended, or the machine is off.
	_, _ = m.Run(ctx, "systemctl", "kill", "--signal=SIGKILL", unit(name))
}

func unit(container string) string { return "mesos-executor-" + container + ".service" }
