package runner

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

// startOutside starts a program outside of the control groups that this
// process is in, so that daemons it starts outlive them: Mesos ends an
// executor by killing everything in its groups, the freezer's above all, and a
// service that its start script forks would be among it.
//
// It does what the system lets it do. Where a hierarchy cannot be left (not
// root, an old kernel, a read-only mount) the program stays in the group, which
// is where it would be without us.
func startOutside(cmd *exec.Cmd) error {
	started := make(chan error)
	go func() { started <- startFromThread(cmd) }()
	return <-started
}

// startFromThread moves its thread to the root of each hierarchy of version 1;
// the child that it forks begins there. The thread ends with the goroutine, so
// nothing else ever runs on it; no child of a node agent asks to die with the
// thread that made it.
func startFromThread(cmd *exec.Cmd) error {
	runtime.LockOSThread()
	if syscall.Gettid() == os.Getpid() {
		// The first thread is the process's own and cannot end; let another do
		// it while this one is kept.
		defer runtime.UnlockOSThread()
		return startOutside(cmd)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return cmd.Start()
	}
	groups, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return cmd.Start()
	}
	own, unified := hierarchies(string(groups), string(mounts))
	for _, root := range own {
		_ = os.WriteFile(filepath.Join(root, "tasks"), []byte(strconv.Itoa(syscall.Gettid())), 0) // as far as it may
	}
	if unified == "" {
		return cmd.Start()
	}
	return startIn(unified, cmd)
}

// startIn starts a program in a group of version 2, or where we are when the
// kernel does not.
func startIn(root string, cmd *exec.Cmd) error {
	dir, err := os.Open(root)
	if err != nil {
		return cmd.Start()
	}
	defer func() { _ = dir.Close() }()
	again := *cmd // a command can be started once
	attr := *cmd.SysProcAttr
	attr.UseCgroupFD, attr.CgroupFD = true, int(dir.Fd())
	cmd.SysProcAttr = &attr
	if err = cmd.Start(); err == nil || cmd.Process != nil {
		return err
	}
	*cmd = again
	return cmd.Start()
}

// hierarchies lists where the roots of those hierarchies are mounted in which
// this process is not at the root: of version 1, and of version 2.
func hierarchies(groups, mounts string) (own []string, unified string) {
	for line := range strings.Lines(groups) {
		// 6:freezer:/mesos/d0b3, or 0::/system.slice for version 2.
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) < 3 || fields[2] == "/" {
			continue
		}
		root := mounted(mounts, fields[1])
		switch {
		case root == "":
		case fields[1] == "":
			unified = root
		default:
			own = append(own, root)
		}
	}
	return own, unified
}

// mounted is where the whole hierarchy of these controllers is mounted; none
// is version 2.
func mounted(mounts, controllers string) string {
	for line := range strings.Lines(mounts) {
		before, after, _ := strings.Cut(line, " - ")
		at, kind := strings.Fields(before), strings.Fields(after)
		if len(at) < 5 || len(kind) < 3 || at[3] != "/" {
			continue
		}
		options := "," + kind[2] + ","
		if controllers == "" && kind[0] == "cgroup2" || controllers != "" && kind[0] == "cgroup" && holdsAll(options, controllers) {
			return at[4]
		}
	}
	return ""
}

func holdsAll(options, controllers string) bool {
	for c := range strings.SplitSeq(controllers, ",") {
		if !strings.Contains(options, ","+c+",") {
			return false
		}
	}
	return true
}
