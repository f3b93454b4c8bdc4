package hosttest

import (
	"os"
	"os/exec"
	"runtime"
	"slices"
	"syscall"
)

// enterCgroups puts itself into control groups and becomes the program.
const enterCgroups = `while [ "$1" != -- ]; do echo $$ > "$1" || exit 1; shift; done; shift; exec "$@"`

// nspawn starts systemd-nspawn and returns its process id, and a channel that
// is closed when it has ended.
func (m *Machine) nspawn() (pid int, ended chan struct{}, err error) {
	groups, err := m.rack.cgroupFiles(m.opt.Name)
	if err != nil {
		return 0, nil, err
	}
	args := slices.Concat([]string{"-c", enterCgroups, "sh"}, groups, []string{
		"--", "systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit", "--settings=no",
		"--directory=" + m.root, "--machine=" + m.netns(), "--hostname=" + m.opt.Name,
		"--network-namespace-path=/run/netns/" + m.netns(),
		"--console=pipe", "--link-journal=no", "--resolv-conf=off", "--timezone=off",
	})
	if m.opt.Image {
		args = append(args, "--bind-ro="+m.root+"/usr:/usr")
	}
	for _, dir := range m.opt.Binds {
		args = append(args, "--bind="+dir)
	}
	for _, pair := range m.opt.BindsReadOnly {
		args = append(args, "--bind-ro="+pair)
	}
	console, err := os.OpenFile(m.Console(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = console.Close() }() // the child has its own
	cmd := exec.Command("/bin/sh", args...)
	cmd.Stdout, cmd.Stderr = console, console
	// The machine dies with this process, and is out of the terminal's reach.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	started, ended := make(chan error), make(chan struct{})
	go func() {
		// The kernel sends the signal when the thread ends that made the child.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		_ = cmd.Wait() // a machine ends by its reboot, or by a signal
		close(ended)
	}()
	if err := <-started; err != nil {
		return 0, nil, err
	}
	return cmd.Process.Pid, ended, nil
}
