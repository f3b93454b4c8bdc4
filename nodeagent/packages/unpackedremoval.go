package packages

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"scaleio-framework/nodeagent/runner"
)

// Remove stops the service and removes everything of the package, its settings
// among it. One that is half installed, or half removed, is removed as well.
func (u unpacked) Remove(ctx context.Context, name string) error {
	if err := u.removeAll(ctx, name); err != nil {
		return fmt.Errorf("remove package %s: %w", name, err)
	}
	return nil
}

func (u unpacked) removeAll(ctx context.Context, name string) error {
	unlock, err := u.lock()
	if err != nil {
		return err
	}
	defer unlock()
	all, err := u.found(name)
	if err != nil || len(all) == 0 {
		return err
	}
	// The last one knows of the others, and it marks the package as not installed
	// from here on.
	last := all[len(all)-1]
	if err := u.records.write(name+pendingSuffix, last); err != nil {
		return err
	}
	if last.Unit != "" {
		if err := u.stop(ctx, last.Unit); err != nil {
			return err
		}
	}
	if name == rpmPrefix+"sdc" {
		// They were placed for it.
		if err := os.RemoveAll(u.root.Path(sdcModules)); err != nil {
			return err
		}
	}
	for _, rec := range all {
		if err := u.clear(rec, nil); err != nil {
			return err
		}
	}
	if last.Unit != "" {
		if err := u.reload(ctx); err != nil {
			return err
		}
	}
	return errors.Join(u.records.remove(name), u.records.remove(name+pendingSuffix))
}

// stop stops and disables a service; one that systemd does not know is fine.
func (u unpacked) stop(ctx context.Context, unit string) error {
	if !u.root.Exists(units + unit + ".service") {
		return nil
	}
	return must(ctx, u.run, runner.Command{Argv: []string{"systemctl", "disable", "--now", unit}, Timeout: installTimeout, Outside: true})
}

// clear removes what a record names and another one does not: nil keeps
// nothing.
func (u unpacked) clear(old, keep *record) error {
	kept := map[string]bool{}
	if keep != nil {
		for _, f := range keep.Files {
			kept[f.Path] = true
		}
		for _, name := range slices.Concat(keep.Written, keep.Dirs) {
			kept[name] = true
		}
	}
	names := slices.Clone(old.Written)
	for _, f := range old.Files {
		names = append(names, f.Path)
	}
	for _, name := range names {
		if err := u.root.Remove(beside(name)); err != nil {
			return err
		}
		if kept[name] {
			continue
		}
		if err := u.root.Remove(name); err != nil {
			return err
		}
	}
	// The deepest first: behind its files, a directory that was made for them
	// goes, unless somebody else has put something there.
	dirs := slices.Clone(old.Dirs)
	slices.SortFunc(dirs, func(a, b string) int { return strings.Compare(b, a) })
	for _, dir := range dirs {
		if kept[dir] {
			continue
		}
		err := os.Remove(u.root.Path(dir))
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, unix.ENOTEMPTY) {
			return err
		}
	}
	return nil
}
