package agentflags

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strings"
)

// Module is a library of one module of the Mesos agent.
type Module struct {
	Library string // its path
	Name    string
	// Parameters of the module, each a key with its value.
	Parameters [][2]string
	// File is where the module is described when nothing says otherwise.
	File string
}

// AddModule makes the agent load a module, beside those it loads already. Where
// the agent has a directory of descriptions, which excludes the flag, a file is
// put there.
func (f Flags) AddModule(m Module) error {
	at, err := f.described(m)
	if err != nil {
		return err
	}
	merged, err := m.merge(at.text)
	switch {
	case err != nil && at.file == "":
		return fmt.Errorf("the Mesos agent's flag modules: %w", err)
	case err != nil:
		return fmt.Errorf("%s: %w", at.file, err)
	case at.file == "":
		return f.Set("modules", merged)
	}
	if at.text != merged {
		if err := f.KeepFile(at.file); err != nil {
			return err
		}
	}
	if at.text != merged {
		if err := f.write(at.file, []byte(merged)); err != nil {
			return err
		}
	}
	if at.variable == "" {
		return nil
	}
	return f.Set(at.variable, "file://"+at.file)
}

// HasModule reports whether the agent's flags load the module from its library.
func (f Flags) HasModule(m Module) (bool, error) {
	at, err := f.described(m)
	if err != nil || at.text == "" || at.variable != "" {
		return false, err
	}
	merged, err := m.merge(at.text)
	return err == nil && merged == at.text, err
}

// described finds where modules are described: a file, with the flag that must
// name it in variable where none does yet, or the flag itself.
func (f Flags) described(m Module) (place, error) {
	dir, set, err := f.Get("modules_dir")
	if err != nil {
		return place{}, err
	}
	if set {
		return f.inFile(place{file: path.Join(strings.TrimPrefix(dir, "file://"), path.Base(m.File))})
	}
	value, set, err := f.Get("modules")
	switch {
	case err != nil:
		return place{}, err
	case !set:
		return f.inFile(place{file: m.File, variable: "modules"})
	case strings.HasPrefix(value, "{"):
		return place{text: value}, nil
	default:
		return f.inFile(place{file: strings.TrimPrefix(value, "file://")})
	}
}

func (f Flags) inFile(at place) (place, error) {
	data, _, err := f.root.ReadIfThere(at.file)
	at.text = string(data)
	return at, err
}

// library is one entry of a description; what is not known is kept.
type library struct {
	File    string   `json:"file"`
	Modules []module `json:"modules"`
}

type module struct {
	Name       string      `json:"name"`
	Parameters []parameter `json:"parameters,omitempty"`
}

type parameter struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// merge puts the module's library into a description. One that holds the module
// in the same library stays as it is, whatever its spacing.
func (m Module) merge(old string) (string, error) {
	all := map[string]json.RawMessage{}
	var libraries []json.RawMessage
	if strings.TrimSpace(old) != "" {
		if err := json.Unmarshal([]byte(old), &all); err != nil {
			return "", fmt.Errorf("the description of modules is no JSON object: %w", err)
		}
		if all == nil { // the text "null"
			return "", errors.New("the description of modules is no JSON object")
		}
		if raw, has := all["libraries"]; has {
			if err := json.Unmarshal(raw, &libraries); err != nil {
				return "", fmt.Errorf("the description's libraries are no list: %w", err)
			}
		}
	}
	var kept []json.RawMessage
	for _, raw := range libraries {
		var l library
		if err := json.Unmarshal(raw, &l); err != nil {
			return "", fmt.Errorf("a library of the description cannot be read: %w", err)
		}
		switch {
		case !l.has(m.Name):
			kept = append(kept, raw)
		case l.File == m.Library:
			return old, nil
		case len(l.Modules) > 1:
			return "", fmt.Errorf("library %s has module %s among others: take it out by hand", l.File, m.Name)
		}
	}
	own := module{Name: m.Name}
	for _, p := range m.Parameters {
		own.Parameters = append(own.Parameters, parameter{p[0], p[1]})
	}
	raw, err := json.Marshal(library{File: m.Library, Modules: []module{own}})
	if err != nil {
		return "", err
	}
	if all["libraries"], err = json.Marshal(append(kept, raw)); err != nil {
		return "", err
	}
	if strings.HasPrefix(old, "{") && !strings.Contains(old, "\n") {
		text, err := json.Marshal(all) // a flag is one line
		return string(text), err
	}
	text, err := json.MarshalIndent(all, "", "  ")
	return string(text) + "\n", err
}

func (l library) has(name string) bool {
	for _, m := range l.Modules {
		if m.Name == name {
			return true
		}
	}
	return false
}
