package hosttest

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// path is where programs are found in a machine.
const path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Enter is the command that a program of the machine is put behind to run it;
// empty while the machine is off.
func (m *Machine) Enter() string {
	if b := m.running(); b != nil {
		return "nsenter " + strings.Join(enter(b), " ")
	}
	return ""
}

func enter(b *boot) []string {
	return []string{
		"--target=" + strconv.Itoa(b.leader), "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--",
	}
}

// command runs a program beside a machine's process 1, in none of its units.
func (m *Machine) command(ctx context.Context, b *boot, argv ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "nsenter", append(enter(b), argv...)...)
	cmd.Env = []string{path, "LC_ALL=C", "HOME=/root"}
	return cmd
}

// Run runs a program in the machine and returns what it wrote to its standard
// output. A status other than 0 is an error with what it wrote to the other.
func (m *Machine) Run(ctx context.Context, argv ...string) (string, error) {
	b := m.running()
	if b == nil {
		return "", fmt.Errorf("machine %s is off", m.opt.Name)
	}
	cmd := m.command(ctx, b, argv...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("machine %s: %s: %w: %s", m.opt.Name, strings.Join(argv, " "), err, lastLines(stderr.Bytes(), 5))
	}
	return stdout.String(), nil
}

// Listen listens on an address of the machine; it belongs to this process all
// the same, and stays when the machine is off.
func (m *Machine) Listen(address string) (net.Listener, error) {
	listener, err := listenIn("/run/netns/"+m.netns(), address)
	if err != nil {
		return nil, fmt.Errorf("machine %s: listen on %s: %w", m.opt.Name, address, err)
	}
	return listener, nil
}

// listenIn enters a network with its thread, listens, and comes back. To let
// the thread end instead would be simpler, but the kernel then kills the
// children that it made and that ask for it (Pdeathsig), ZooKeeper perhaps.
func listenIn(space, address string) (listener net.Listener, err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	own, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return nil, err
	}
	defer func() { _ = own.Close() }()
	other, err := os.Open(space)
	if err != nil {
		return nil, err
	}
	defer func() { _ = other.Close() }()
	if err := unix.Setns(int(other.Fd()), unix.CLONE_NEWNET); err != nil {
		return nil, err
	}
	listener, err = net.Listen("tcp4", address)
	if back := unix.Setns(int(own.Fd()), unix.CLONE_NEWNET); back != nil {
		panic(fmt.Sprintf("this process's own network cannot be entered again: %v", back)) // by root, which nothing refuses
	}
	return listener, err
}
