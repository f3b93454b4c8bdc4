package agentflags

import (
	"fmt"
	"path"
	"strings"

	"scaleio-framework/nodeagent/hostfs"
)

const (
	// backupSuffix names the copy of a file as it was before the first change.
	backupSuffix = ".before-scaleio"
	// absentSuffix names an empty file that says that there was none.
	absentSuffix = ".absent-before-scaleio"
)

// Flags are those of one host's Mesos agent.
type Flags struct {
	root   hostfs.Root
	layout Layout
	before func(file string) error
}

// New reads and writes the flags of a layout.
func New(root hostfs.Root, layout Layout) Flags { return Flags{root: root, layout: layout} }

// Before returns the same flags, which call f with the name of each file that
// the agent reads before it is changed, and leave it alone on an error.
func (f Flags) Before(call func(file string) error) Flags {
	f.before = call
	return f
}

// write changes a file that the agent reads.
func (f Flags) write(file string, data []byte) error {
	if err := f.tell(file); err != nil {
		return err
	}
	return f.root.Write(file, data, hostfs.KeepMode)
}

// remove removes a file that the agent reads.
func (f Flags) remove(file string) error {
	if err := f.tell(file); err != nil {
		return err
	}
	return f.root.Remove(file)
}

func (f Flags) tell(file string) error {
	if f.before == nil {
		return nil
	}
	return f.before(file)
}

// place is where a flag is set.
type place struct {
	file string
	// variable is the name in a file of variables; empty for a file that is the
	// flag.
	variable string
	text     string
}

// Get reads a flag. set is false when the agent runs with its default.
func (f Flags) Get(name string) (text string, set bool, err error) {
	at, set, err := f.find(name)
	return at.text, set, err
}

// find looks where the agent would: its arguments win over variables.
func (f Flags) find(name string) (at place, set bool, err error) {
	if f.layout.flagDir != "" {
		file := path.Join(f.layout.flagDir, name)
		data, there, err := f.root.ReadIfThere(file)
		if err != nil {
			return place{}, false, err
		}
		text := strings.TrimSpace(string(data))
		if strings.ContainsAny(text, "\r\n") && name == isolationFlag {
			return place{}, false, fmt.Errorf("%s holds several lines, all of which the Mesos agent takes for one value: leave one", file)
		}
		if there && text != "" {
			return place{file: file, text: text}, true, nil
		}
	}
	for _, file := range f.layout.envFiles {
		data, _, err := f.root.ReadIfThere(file)
		if err != nil {
			return place{}, false, err
		}
		for _, variable := range f.variables(name) {
			found, ok := lookup(data, variable, f.layout.syntax)
			if !ok || found.value == "" {
				continue
			}
			if found.dynamic && f.layout.syntax == byShell {
				return place{}, false, fmt.Errorf("%s sets %s to what only a shell can work out: write the value itself", file, variable)
			}
			at, set = place{file: file, variable: variable, text: found.value}, true
		}
	}
	return at, set, nil
}

// isolationFlag is the one flag that has a second variable.
const isolationFlag = "isolation"

func (f Flags) variables(name string) []string {
	list := []string{"MESOS_" + strings.ToUpper(name)}
	if name == isolationFlag && f.layout.isolationVariable != "" {
		list = append(list, f.layout.isolationVariable)
	}
	return list
}

// Set sets a flag where it is set already, else where the layout's changes go.
// The file as it was before the first change is kept.
func (f Flags) Set(name, text string) error {
	if strings.ContainsAny(text, "'\r\n") {
		return fmt.Errorf("flag %s: %q cannot be written into a file of flags", name, text)
	}
	at, set, err := f.find(name)
	if err != nil {
		return err
	}
	switch {
	case set && at.text == text:
		return nil
	case f.layout.override != "":
		at = place{file: f.layout.override, variable: f.variables(name)[0]}
	case !set:
		at = place{file: path.Join(f.layout.flagDir, name)}
	}
	old, there, err := f.root.ReadIfThere(at.file)
	if err != nil {
		return err
	}
	data := []byte(text + "\n")
	if at.variable != "" {
		var ok bool
		if data, ok = assign(old, at.variable, text, f.layout.syntax); !ok {
			return fmt.Errorf("%s does not take %s: a quote in it may not be closed", at.file, at.variable)
		}
	}
	if err := f.keep(at, old, there); err != nil {
		return err
	}
	return f.write(at.file, data)
}

// keep writes down how a file was before the first change, once.
func (f Flags) keep(at place, old []byte, there bool) error {
	name := f.beside(at)
	if f.root.Exists(name+backupSuffix) || f.root.Exists(name+absentSuffix) {
		return nil
	}
	if !there {
		return f.root.Write(name+absentSuffix, nil, 0o600)
	}
	return f.root.Write(name+backupSuffix, old, f.root.Mode(at.file))
}

// beside is the name of a file's copy without its suffix. That of a flag lies
// outside the directory, where every file is a flag.
func (f Flags) beside(at place) string {
	if at.variable == "" {
		return path.Dir(at.file) + "." + path.Base(at.file)
	}
	return at.file
}

// KeepFile writes down how another file was that belongs to a flag, before it
// is changed or made.
func (f Flags) KeepFile(file string) error {
	old, there, err := f.root.ReadIfThere(file)
	if err != nil {
		return err
	}
	return f.keep(place{file: file, variable: "-"}, old, there)
}
