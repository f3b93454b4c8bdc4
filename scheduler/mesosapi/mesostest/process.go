package mesostest

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"golang.org/x/sys/unix"
)

// process is a child in a session and process group of its own.
type process struct {
	cmd *exec.Cmd
	pid int
	// destroy kills what the child stands for in a container elsewhere; nil for a child that is the process itself.
	destroy func()
}

// startProcess runs an executor's command in its sandbox. The child dies when this process does.
func (e *executor) startProcess(command *mesos.CommandInfo, environment []string) (*process, error) {
	s, dir, host := e.agent.cluster.spawner, e.dir, e.agent.opts.Host
	stdout, err := os.OpenFile(filepath.Join(dir, "stdout"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return nil, err
	}
	defer stdout.Close()
	stderr, err := os.OpenFile(filepath.Join(dir, "stderr"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return nil, err
	}
	defer stderr.Close()
	var cmd *exec.Cmd
	start := func() {
		cmd = commandLine(command)
		cmd.Dir, cmd.Env = dir, environment
		if host != nil {
			cmd = host.Wrap(cmd, e.container)
		}
		cmd.Stdout, cmd.Stderr = stdout, stderr
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
		err = cmd.Start()
	}
	// Another child of this process, between its fork and its exec, may hold a freshly fetched file open for writing.
	for range 50 {
		if s.do(start); !errors.Is(err, syscall.ETXTBSY) {
			break
		}
		<-time.After(10 * time.Millisecond)
	}
	if err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, pid: cmd.Process.Pid}
	if host != nil {
		p.destroy = func() { host.Kill(e.container) }
	}
	return p, nil
}

// commandLine follows CommandInfo: with shell, the value goes to /bin/sh; without, the arguments are the whole argv.
func commandLine(command *mesos.CommandInfo) *exec.Cmd {
	if command.Shell == nil || *command.Shell {
		return &exec.Cmd{Path: "/bin/sh", Args: []string{"sh", "-c", command.GetValue()}}
	}
	args := command.Arguments
	if len(args) == 0 {
		args = []string{command.GetValue()}
	}
	return &exec.Cmd{Path: command.GetValue(), Args: args}
}

// kill sends SIGKILL to the whole process group, or to everything in the container.
func (p *process) kill() {
	if p.destroy != nil {
		p.destroy()
		return
	}
	p.signal(syscall.SIGKILL)
}

func (p *process) signal(signal syscall.Signal) {
	// The group may have ended by itself meanwhile.
	_ = syscall.Kill(-p.pid, signal)
}

// awaitExit returns when the leader has exited; it stays unreaped, so that its number belongs to nobody else.
func (p *process) awaitExit() {
	for {
		err := unix.Waitid(unix.P_PID, p.pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// reap returns the raw wait status.
func (p *process) reap() int32 {
	// The error says what the status says.
	_ = p.cmd.Wait()
	status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if !ok {
		return -1
	}
	return int32(status)
}

// killBelow kills every process that an executor below dir has left behind in another session; its environment tells.
func killBelow(dir string) error {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return err
	}
	mark := "\x00MESOS_DIRECTORY=" + dir + string(filepath.Separator)
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		// Processes come and go while the directory is read, and some are not ours to look into.
		environment, _ := os.ReadFile(filepath.Join("/proc", entry.Name(), "environ"))
		if strings.Contains("\x00"+string(environment), mark) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	return nil
}
