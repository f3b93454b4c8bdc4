package agentflags

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
)

// kept is a file that was changed or made, with what it was before.
type kept struct {
	file string
	// note is where that is written down.
	note   string
	absent bool
	flag   bool // the file is one flag
}

// IsNote reports whether a file tells how another one was before the first change.
func IsNote(file string) bool {
	return strings.HasSuffix(file, backupSuffix) || strings.HasSuffix(file, absentSuffix)
}

// Refused is where a file is kept that the agent did not start with: outside of
// its directory, where every file may be a flag.
func Refused(file string) string {
	return path.Dir(file) + "." + path.Base(file) + ".refused"
}

// Restored reports whether nothing is left to restore.
func (f Flags) Restored() (bool, error) {
	list, err := f.kept()
	return err == nil && len(list) == 0, err
}

// Restore makes the files that were changed what they were, byte by byte, and
// removes what the agent refused. In a file that somebody else has changed since,
// only our settings are taken back. module is the name of the module that may
// have been added to a description.
func (f Flags) Restore(module string) error {
	list, err := f.kept()
	if err != nil {
		return err
	}
	for _, k := range list {
		if err := f.restore(k, module); err != nil {
			return err
		}
		if err := f.root.Remove(Refused(k.file)); err != nil {
			return err
		}
		// The note goes last: it leads here again. Where the change is taken back
		// it must be there again, too.
		if err := f.remove(k.note); err != nil {
			return err
		}
	}
	return nil
}

// kept looks for notes in every directory where one can be.
func (f Flags) kept() ([]kept, error) {
	dirs := []string{"/usr/lib"}
	if f.layout.flagDir != "" {
		dirs = append(dirs, path.Dir(f.layout.flagDir))
	}
	for _, file := range append(slices.Clone(f.layout.envFiles), f.layout.override) {
		if file != "" {
			dirs = append(dirs, path.Dir(file))
		}
	}
	for _, flag := range []string{"modules_dir", "modules"} {
		value, set, err := f.Get(flag)
		if err != nil {
			return nil, err
		}
		if file, named := strings.CutPrefix(value, "file://"); set && (named || strings.HasPrefix(value, "/")) {
			dirs = append(dirs, path.Dir(file), file)
		}
	}
	slices.Sort(dirs)
	var list []kept
	for _, dir := range slices.Compact(dirs) {
		if !f.root.IsDir(dir) {
			continue
		}
		entries, err := f.root.ReadDir(dir)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if k, ok := f.keptAs(dir, e.Name()); ok {
				list = append(list, k)
			}
		}
	}
	return list, nil
}

// keptAs tells which file a note is about.
func (f Flags) keptAs(dir, name string) (kept, bool) {
	k := kept{note: path.Join(dir, name)}
	original, ok := strings.CutSuffix(name, backupSuffix)
	if !ok {
		if original, ok = strings.CutSuffix(name, absentSuffix); !ok {
			return k, false
		}
		k.absent = true
	}
	if flags := f.layout.flagDir; flags != "" && dir == path.Dir(flags) {
		if flag, ok := strings.CutPrefix(original, path.Base(flags)+"."); ok {
			k.file, k.flag = path.Join(flags, flag), true
			return k, true
		}
	}
	k.file = path.Join(dir, original)
	return k, true
}

func (f Flags) restore(k kept, module string) error {
	now, there, err := f.root.ReadIfThere(k.file)
	if err != nil {
		return err
	}
	var before []byte
	if !k.absent {
		if before, err = f.root.ReadFile(k.note); err != nil {
			return err
		}
	}
	wanted, err := f.wanted(k, before, now, there, module)
	switch {
	case err != nil:
		return fmt.Errorf("%s was changed since the framework changed it: %w; how it was is in %s: mend the file, remove that one, and retry", k.file, err, k.note)
	case k.absent && wanted == nil:
		return f.remove(k.file)
	case there && bytes.Equal(wanted, now):
		return nil
	}
	return f.write(k.file, wanted)
}

// wanted is what a file shall be; nil where there was none.
func (f Flags) wanted(k kept, before, now []byte, there bool, module string) ([]byte, error) {
	switch {
	case k.flag || !there || strings.HasSuffix(k.file, ".so"):
		return before, nil
	case strings.HasSuffix(k.file, ".json"):
		return withoutModule(before, now, module)
	default:
		return f.withoutSettings(before, now)
	}
}

// ours are the variables that are set in files of variables.
func (f Flags) ours() []string {
	return slices.Concat(f.variables(isolationFlag), f.variables("modules"))
}

// withoutSettings takes our variables back. Where nothing else has changed the
// file is what it was.
func (f Flags) withoutSettings(before, now []byte) ([]byte, error) {
	redone, mixed := before, now
	for _, variable := range f.ours() {
		is, set := lookup(now, variable, f.layout.syntax)
		was, had := lookup(before, variable, f.layout.syntax)
		if !set || had && is.value == was.value {
			continue
		}
		redone, _ = assign(redone, variable, is.value, f.layout.syntax)
		if had {
			mixed, _ = assign(mixed, variable, was.value, f.layout.syntax)
		} else {
			mixed = nil // an added line cannot be told from what follows it
		}
	}
	switch {
	case bytes.Equal(redone, now):
		return before, nil
	case mixed == nil:
		return nil, fmt.Errorf("the added %s cannot be taken out safely", strings.Join(f.ours(), " or "))
	}
	return mixed, nil
}

// withoutModule takes a module out of a description.
func withoutModule(before, now []byte, module string) ([]byte, error) {
	var have, had map[string]json.RawMessage
	if err := json.Unmarshal(now, &have); err != nil {
		return nil, fmt.Errorf("it is no description of modules: %w", err)
	}
	if len(bytes.TrimSpace(before)) > 0 {
		if err := json.Unmarshal(before, &had); err != nil {
			return nil, fmt.Errorf("the copy is no description of modules: %w", err)
		}
	}
	is, err := librariesBut(have, module)
	if err != nil {
		return nil, err
	}
	was, err := librariesBut(had, module)
	if err != nil {
		return nil, err
	}
	if !slices.Equal(is, was) {
		return nil, fmt.Errorf("it describes other modules now")
	}
	return before, nil
}

// librariesBut lists the libraries of a description, compacted, without those
// of a module.
func librariesBut(description map[string]json.RawMessage, module string) ([]string, error) {
	var raws []json.RawMessage
	if raw, has := description["libraries"]; has {
		if err := json.Unmarshal(raw, &raws); err != nil {
			return nil, fmt.Errorf("its libraries are no list: %w", err)
		}
	}
	var list []string
	for _, raw := range raws {
		var l library
		if err := json.Unmarshal(raw, &l); err != nil {
			return nil, fmt.Errorf("a library cannot be read: %w", err)
		}
		if l.has(module) {
			continue
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, raw); err != nil {
			return nil, err
		}
		list = append(list, compact.String())
	}
	return list, nil
}
