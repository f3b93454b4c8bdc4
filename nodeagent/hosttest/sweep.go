package hosttest

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// sweep removes what racks left whose process has died.
func sweep() error {
	entries, err := os.ReadDir(registry)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, entry := range entries {
		err = errors.Join(err, sweepOne(entry.Name()))
	}
	return err
}

func sweepOne(id string) error {
	name := filepath.Join(registry, id)
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if os.IsNotExist(err) {
		return nil // its own process was faster
	}
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
		return nil // it lives
	}
	var b belongings
	if err := json.NewDecoder(f).Decode(&b); err == nil {
		if err := remove(id, b); err != nil {
			return fmt.Errorf("rack %s: %w", id, err)
		}
	} // else it died before it had anything
	return os.Remove(name)
}

// endTime bounds the wait for killed processes and for what they kept busy.
const endTime = 10 * time.Second

// remove takes everything of a rack off this system, in the order in which one
// thing holds the other: processes, their control groups, mounts, loop
// devices, network.
func remove(id string, b belongings) error {
	ctx, cancel := context.WithTimeoutCause(context.Background(), endTime, errors.New("it is still in use"))
	defer cancel()
	var errs []error
	for _, parent := range b.Cgroups {
		groups, err := filepath.Glob(filepath.Join(parent, id+"-*"))
		errs = append(errs, err)
		for _, group := range groups {
			errs = append(errs, poll(ctx, func() error { return endCgroup(group) }))
		}
	}
	mounts, err := mountsBelow(b.Dir)
	errs = append(errs, err)
	for _, at := range slices.Backward(mounts) {
		if err := syscall.Unmount(at, syscall.MNT_DETACH); err != nil {
			errs = append(errs, fmt.Errorf("unmount %s: %w", at, err))
		}
	}
	errs = append(errs, detachLoops(b.Dir))
	spaces, err := filepath.Glob("/run/netns/" + id + "-*")
	errs = append(errs, err)
	for _, space := range spaces {
		errs = append(errs, ip("netns", "delete", filepath.Base(space)))
	}
	if _, err := os.Stat("/sys/class/net/" + id); err == nil {
		errs = append(errs, ip("link", "delete", id))
	}
	return errors.Join(errs...)
}

// endCgroup kills what is in a control group and removes it, with those below.
func endCgroup(group string) error {
	var below []string
	err := filepath.WalkDir(group, func(path string, entry os.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			below = append(below, path)
		}
		return nil // it may be going away
	})
	for _, dir := range slices.Backward(below) {
		pids, readErr := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
		if readErr != nil {
			continue
		}
		for pid := range strings.FieldsSeq(string(pids)) {
			if n, err := strconv.Atoi(pid); err == nil && n > 1 {
				_ = syscall.Kill(n, syscall.SIGKILL) // it may have ended
			}
		}
		if rmErr := syscall.Rmdir(dir); rmErr != nil && !errors.Is(rmErr, syscall.ENOENT) {
			err = fmt.Errorf("control group %s: %w", dir, rmErr)
		}
	}
	return err
}

// mountsBelow lists the mounts in a directory, in the order they were made.
func mountsBelow(dir string) ([]string, error) {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	var found []string
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) > 4 && strings.HasPrefix(fields[4], dir+"/") {
			found = append(found, fields[4])
		}
	}
	return found, nil
}

// detachLoops detaches the loop devices of files in a directory.
func detachLoops(dir string) error {
	backing, err := filepath.Glob("/sys/block/loop*/loop/backing_file")
	for _, name := range backing {
		file, readErr := os.ReadFile(name)
		if readErr != nil || !strings.HasPrefix(string(file), dir+"/") {
			continue
		}
		device := "/dev/" + strings.Split(name, "/")[3]
		if out, detachErr := exec.Command("losetup", "--detach", device).CombinedOutput(); detachErr != nil {
			err = errors.Join(err, fmt.Errorf("losetup --detach %s: %w: %s", device, detachErr, lastLines(out, 1)))
		}
	}
	return err
}
