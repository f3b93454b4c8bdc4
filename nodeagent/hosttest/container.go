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
// with its status. Names must not be used twice. On a machine that is off it
// fails.
func (m *Machine) Wrap(cmd *exec.Cmd, name string) *exec.Cmd {
	b := m.running()
	if b == nil {
		return exec.Command("false")
	}
	program := cmd.Path
	if !filepath.IsAbs(program) {
		program = filepath.Join(cmd.Dir, program)
	}
	if m.opt.ContainersIn != "" {
		return m.wrapIn(b, cmd, program, name)
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
	if m.opt.ContainersIn != "" {
		_, _ = m.Run(ctx, "sh", "-c", killGroup, "sh", m.opt.ContainersIn, unit(name))
		return
	}
	_, _ = m.Run(ctx, "systemctl", "kill", "--signal=SIGKILL", unit(name))
}

// group finds the control group of a container below that of a service, as $dir.
const group = `at=$(systemctl show --property=ControlGroup --value "$1")
for root in /sys/fs/cgroup/systemd /sys/fs/cgroup/unified /sys/fs/cgroup; do
	[ ! -d "$root$at" ] || break
done
dir=$root$at/$2
shift 2
`

// enterGroup becomes the program in the group, which it makes.
const enterGroup = group + `mkdir -p "$dir" && echo $$ > "$dir/cgroup.procs" && cd "$1" && shift && exec "$@"`

const killGroup = group + `while pids=$(cat "$dir/cgroup.procs") && [ -n "$pids" ]; do kill -KILL $pids; sleep 0.02; done`

// wrapIn puts a container below a service, where it has no unit of its own.
func (m *Machine) wrapIn(b *boot, cmd *exec.Cmd, program, name string) *exec.Cmd {
	argv := append([]string{"sh", "-c", enterGroup, "sh", m.opt.ContainersIn, unit(name), cmd.Dir, program}, cmd.Args[1:]...)
	wrapped := m.command(context.Background(), b, argv...)
	wrapped.Env = cmd.Env
	return wrapped
}

func unit(container string) string { return "mesos-executor-" + container + ".service" }
