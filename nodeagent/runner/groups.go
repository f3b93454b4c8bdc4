package runner

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// markVar carries a group's token in its programs' environment.
const markVar = "SIO_NODEAGENT_GROUP"

// Groups notes the process groups that run, as files of one directory, so that
// what a killed node agent left behind can be ended. The files are not
// fsynced: a crash of the machine ends the processes too.
type Groups struct{ dir string }

// NewGroups notes groups in a directory, which must exist.
func NewGroups(dir string) *Groups { return &Groups{dir: dir} }

// noted is one group. Pid and start time together name one process of a boot,
// so a pid that was given anew is recognised. A leader that is gone leaves the
// token, which its children inherited.
type noted struct {
	PID   int    `json:"pid"`
	Start uint64 `json:"start"` // clock ticks since boot, field 22 of /proc/<pid>/stat
	Boot  string `json:"boot"`
	Token string `json:"token"`
}

// mark notes, before a program is started, the token that it will carry: a
// node agent that is killed right behind the start leaves a group without a
// pid in any note.
func (g *Groups) mark(cmd *exec.Cmd) (token string, err error) {
	if g == nil {
		return "", nil
	}
	token = rand.Text()
	cmd.Env = append(cmd.Env, markVar+"="+token)
	return token, g.write(g.start(token), noted{Boot: bootID(), Token: token})
}

// started forgets the note of mark.
func (g *Groups) started(token string) error {
	if g == nil {
		return nil
	}
	return remove(g.start(token))
}

func (g *Groups) start(token string) string { return filepath.Join(g.dir, "start-"+token) }

func (g *Groups) write(path string, n noted) error {
	data, err := json.Marshal(n)
	if err != nil {
		return fmt.Errorf("note process group: %w", err)
	}
	if err := os.WriteFile(path+".new", data, 0o600); err != nil {
		return fmt.Errorf("note process group: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("note process group: %w", err)
	}
	return nil
}

func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("forget process group: %w", err)
	}
	return nil
}

func (g *Groups) note(pid int, token string) error {
	if g == nil {
		return nil
	}
	p, err := readProcess(pid)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // ended and reaped: nothing to find again
	}
	if err != nil {
		return fmt.Errorf("note process group: %w", err)
	}
	return g.write(g.file(pid), noted{PID: pid, Start: p.start, Boot: bootID(), Token: token})
}

func (g *Groups) forget(pid int) error {
	if g == nil {
		return nil
	}
	return remove(g.file(pid))
}

func (g *Groups) file(pid int) string { return filepath.Join(g.dir, strconv.Itoa(pid)) }

// EndLeftovers kills the noted groups that still live, waits until they are
// gone, and returns how many there were. No other runner may use the directory
// at the same time.
func (g *Groups) EndLeftovers() (int, error) {
	entries, err := os.ReadDir(g.dir)
	if err != nil {
		return 0, fmt.Errorf("list process groups: %w", err)
	}
	ended := 0
	for _, entry := range entries {
		path := filepath.Join(g.dir, entry.Name())
		data, err := os.ReadFile(path)
		if err != nil {
			return ended, fmt.Errorf("read process group: %w", err)
		}
		var n noted
		// A note that a crash left half-written names no group: that of the
		// start, or the next one, does.
		if err := json.Unmarshal(data, &n); err == nil {
			group, lives := n.PID, n.lives()
			if n.PID == 0 {
				group = n.find()
				lives = group > 1
			}
			if lives {
				endGroup(group)
				ended++
			}
		}
		if err := remove(path); err != nil {
			return ended, err
		}
	}
	return ended, nil
}

// find gives the group of the program that carries the token; 0 when none does.
func (n noted) find() int {
	if n.Token == "" || n.Boot != bootID() {
		return 0
	}
	for _, p := range processes() {
		if p.carries(n.Token) && p.pgrp != syscall.Getpgrp() {
			return p.pgrp
		}
	}
	return 0
}

func (p process) carries(token string) bool {
	environ, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.pid), "environ"))
	return err == nil && token != "" && strings.Contains(string(environ), markVar+"="+token)
}

// lives reports whether the group's processes are still ours.
func (n noted) lives() bool {
	if n.PID <= 1 || n.Boot != bootID() {
		return false
	}
	for _, p := range members(n.PID) {
		if p.pid == n.PID {
			return p.start == n.Start
		}
		if p.carries(n.Token) {
			return true
		}
	}
	return false
}

// endPoll and endPatience bound the wait for a killed group; only a process in
// uninterruptible sleep outlives SIGKILL for longer.
const (
	endPoll     = 10 * time.Millisecond
	endPatience = 5 * time.Second
)

// endGroup kills a group and waits until it has no member but zombies. Its
// members may be anybody's children, of whose end no signal tells, and kernels
// before 5.3 have no file descriptor for a process: so it looks again.
func endGroup(pgid int) {
	deadline := time.Now().Add(endPatience)
	for {
		err := syscall.Kill(-pgid, syscall.SIGKILL)
		if errors.Is(err, syscall.ESRCH) || len(members(pgid)) == 0 || time.Now().After(deadline) {
			return
		}
		time.Sleep(endPoll)
	}
}

// process is what /proc tells of one.
type process struct {
	pid, pgrp int
	start     uint64
	state     string
}

// members are the processes of a group that are not zombies.
func members(pgid int) []process {
	var found []process
	for _, p := range processes() {
		if p.pgrp == pgid {
			found = append(found, p)
		}
	}
	return found
}

// processes are all that are not zombies.
func processes() []process {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var found []process
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		p, err := readProcess(pid)
		if err == nil && p.state != "Z" && p.state != "X" {
			found = append(found, p)
		}
	}
	return found
}

func readProcess(pid int) (process, error) {
	data, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return process{}, fmt.Errorf("read process %d: %w", pid, err)
	}
	return parseStat(pid, string(data))
}

// parseStat reads /proc/<pid>/stat. The second field is the program's name in
// parentheses and may hold blanks and parentheses itself.
func parseStat(pid int, text string) (process, error) {
	const (
		state = 0  // field 3
		pgrp  = 2  // field 5
		start = 19 // field 22
	)
	end := strings.LastIndexByte(text, ')')
	fields := strings.Fields(text[end+1:])
	if end < 0 || len(fields) <= start {
		return process{}, fmt.Errorf("stat of process %d is too short", pid)
	}
	group, err := strconv.Atoi(fields[pgrp])
	if err != nil {
		return process{}, fmt.Errorf("stat of process %d: %w", pid, err)
	}
	began, err := strconv.ParseUint(fields[start], 10, 64)
	if err != nil {
		return process{}, fmt.Errorf("stat of process %d: %w", pid, err)
	}
	return process{pid: pid, pgrp: group, start: began, state: fields[state]}, nil
}

// bootID tells one boot of the machine from another.
func bootID() string {
	data, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}
