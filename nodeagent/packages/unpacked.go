package packages

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"scaleio-framework/nodeagent/failure"
	"scaleio-framework/nodeagent/hostfs"
	"scaleio-framework/nodeagent/runner"
	"scaleio-framework/nodeagent/services"
)

// unpacked manages packages on a host whose /usr is read-only and that has no
// package manager: the files of rpm packages are put where the host can be
// written to, what their scripts would do is done here, and a record says what
// is there.
//
// An installation first records everything that it may leave behind, then
// writes each file beside its place, then renames all of them, then makes
// settings and service, and records the package at last. So a package is
// installed or not, and what a crash leaves is either overwritten by the next
// installation or removed.
type unpacked struct {
	root     hostfs.Root
	run      *runner.Runner
	services services.Services
	records  records
}

func newUnpacked(run *runner.Runner, root hostfs.Root) unpacked {
	return unpacked{root: root, run: run, services: services.New(run, root), records: records{root}}
}

// Installed takes a package whose files are not all there for not installed.
func (u unpacked) Installed(_ context.Context, name string) (string, bool, error) {
	begun, err := u.records.read(name + pendingSuffix)
	if err != nil || begun != nil {
		return "", false, err
	}
	rec, err := u.records.read(name)
	if err != nil || rec == nil || !u.records.whole(rec) {
		return "", false, err
	}
	return rec.Version, true, nil
}

// Trust takes a package for what its checksum says: there is no keyring of
// packages on such a host.
func (u unpacked) Trust(context.Context, string, []string) error { return nil }

// Install unpacks a package over whatever there is of it, and starts its
// service as the package's own scripts would.
func (u unpacked) Install(ctx context.Context, name string, env Env) error {
	if err := u.install(ctx, name, env); err != nil {
		return fmt.Errorf("unpack %s: %w", path.Base(name), err)
	}
	return nil
}

func (u unpacked) install(ctx context.Context, name string, env Env) error {
	unlock, err := u.lock()
	if err != nil {
		return err
	}
	defer unlock()
	s, err := survey(name)
	if err != nil {
		return failure.Hopeless(err) // the file is the one that the schedulers serve
	}
	after, err := scriptsOf(s, env)
	if err != nil {
		return err
	}
	s.Unit = after.unit
	for _, w := range after.writes {
		s.Written = append(s.Written, w.path)
		for i := range s.Files {
			// What the package has under that name is only what is written upon.
			s.Files[i].Config = s.Files[i].Config || s.Files[i].Path == w.path
		}
	}
	before, err := u.found(s.Name)
	if err != nil {
		return err
	}
	if err := u.begin(s, before); err != nil {
		return err
	}
	if err := u.place(ctx, name, s); err != nil {
		return err
	}
	if err := u.settle(ctx, s, after, len(before) > 0); err != nil {
		return err
	}
	// What an older version, or an interrupted attempt, left.
	for _, old := range before {
		if err := u.clear(old, &s.record); err != nil {
			return err
		}
	}
	if err := u.records.write(s.Name, &s.record); err != nil {
		return err
	}
	return u.records.remove(s.Name + pendingSuffix)
}

// found are the records of what may be there of a package.
func (u unpacked) found(name string) ([]*record, error) {
	var all []*record
	for _, n := range []string{name, name + pendingSuffix} {
		rec, err := u.records.read(n)
		if err != nil {
			return nil, err
		}
		if rec != nil {
			all = append(all, rec)
		}
	}
	return all, nil
}

// begin records everything that may be there from here on, and makes the
// directories.
func (u unpacked) begin(s *surveyed, before []*record) error {
	names := slices.Clone(s.Written)
	for _, f := range s.Files {
		names = append(names, f.Path)
	}
	for _, name := range names {
		s.Dirs = append(s.Dirs, u.missing(path.Dir(name))...)
	}
	pending := s.record
	for _, old := range before {
		pending.Files = append(slices.Clone(pending.Files), old.Files...)
		pending.Written = append(slices.Clone(pending.Written), old.Written...)
		pending.Dirs = append(slices.Clone(pending.Dirs), old.Dirs...)
		for _, dir := range old.Dirs {
			if slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(name, dir+"/") }) {
				s.Dirs = append(s.Dirs, dir)
			}
		}
	}
	slices.Sort(s.Dirs)
	s.Dirs = slices.Compact(s.Dirs)
	pending.Dirs = append(pending.Dirs, s.Dirs...)
	if err := u.records.write(s.Name+pendingSuffix, &pending); err != nil {
		return err
	}
	for _, dir := range s.Dirs { // the parents come first
		at := u.root.Path(dir)
		if err := os.MkdirAll(at, 0o755); err != nil {
			return err
		}
		if err := hostfs.SyncDir(path.Dir(at)); err != nil {
			return err
		}
	}
	return nil
}

// missing are the directories that have to be made for a file in dir.
func (u unpacked) missing(dir string) []string {
	var list []string
	for ; dir != "/" && !u.root.Exists(dir); dir = path.Dir(dir) {
		list = append(list, dir)
	}
	return list
}

// settle does what the package's scripts would: settings, and the service.
//
// A service that ran with other files is restarted.
func (u unpacked) settle(ctx context.Context, s *surveyed, after scripts, again bool) error {
	for _, w := range after.writes {
		old, _, err := u.root.ReadIfThere(w.path)
		if err != nil {
			return err
		}
		content, err := w.content(old)
		if err != nil {
			return err
		}
		if err := u.replace(w.path, content, w.mode); err != nil {
			return fmt.Errorf("%s: %w", w.path, err)
		}
	}
	if s.Unit == "" {
		return nil
	}
	if err := u.reload(ctx); err != nil {
		return err
	}
	if err := u.services.Start(ctx, s.Unit); err != nil || !again {
		return err
	}
	return u.services.Restart(ctx, s.Unit)
}

func (u unpacked) reload(ctx context.Context) error {
	return must(ctx, u.run, runner.Command{Argv: []string{"systemctl", "daemon-reload"}, Timeout: queryTimeout})
}

// InstallNamed has nothing to take packages from.
func (u unpacked) InstallNamed(_ context.Context, names ...string) error {
	return failure.Hopelessf("install %s: this host's system comes as an image and has no package manager", strings.Join(names, ", "))
}

// lock keeps other frameworks on the host from unpacking at the same time.
func (u unpacked) lock() (unlock func(), err error) {
	dir := u.root.Path(recordDir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(failure.Interrupted(fmt.Errorf("another node agent unpacks packages on this host: lock %s/lock: %w", recordDir, err)), f.Close())
	}
	return func() { _ = f.Close() }, nil // which ends the lock
}

// Present looks for a record, of finished work or of work that was begun.
func (u unpacked) Present(_ context.Context, name string) (bool, error) {
	all, err := u.found(name)
	return len(all) > 0, err
}
