package hosttest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// ownCgroups are the directories of this process's control group: in systemd's
// hierarchy and in the unified one, as far as this system has them. A machine
// gets one below each, since two systemds in one group would each take the
// other's services for their own.
func ownCgroups() ([]string, error) {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	groups, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return nil, err
	}
	var dirs []string
	for line := range strings.Lines(string(groups)) {
		_, rest, _ := strings.Cut(strings.TrimSpace(line), ":")
		controllers, path, _ := strings.Cut(rest, ":")
		if controllers != "" && controllers != "name=systemd" {
			continue
		}
		if at := hierarchy(string(mounts), controllers); at != "" {
			dirs = append(dirs, filepath.Join(at, path))
		}
	}
	if len(dirs) == 0 {
		return nil, errors.New("this system has neither systemd's nor the unified hierarchy of control groups: mount one (mount -t cgroup2 none /sys/fs/cgroup)")
	}
	return dirs, nil
}

// hierarchy is where the hierarchy of these controllers is mounted.
func hierarchy(mounts, controllers string) string {
	for line := range strings.Lines(mounts) {
		before, after, _ := strings.Cut(line, " - ")
		at, kind := strings.Fields(before), strings.Fields(after)
		if len(at) < 5 || len(kind) < 3 {
			continue
		}
		if controllers == "" && kind[0] == "cgroup2" || controllers != "" && kind[0] == "cgroup" && strings.Contains(kind[2], controllers) {
			return at[4]
		}
	}
	return ""
}

// cgroupFiles makes a machine's control groups; who writes its process id to
// the files it returns is in them.
func (r *Rack) cgroupFiles(machine string) ([]string, error) {
	var files []string
	for _, parent := range r.cgroups {
		dir := filepath.Join(parent, r.id+"-"+machine)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, fmt.Errorf("control group of machine %s: %w", machine, err)
		}
		files = append(files, filepath.Join(dir, "cgroup.procs"))
	}
	return files, nil
}
