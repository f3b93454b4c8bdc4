package agentflags

import (
	"slices"
	"strings"
)

// defaultIsolation is what Mesos uses without the flag, so what must stay.
const defaultIsolation = "posix/cpu,posix/mem"

// AddIsolators adds isolators and keeps the rest in its order; an empty list
// stands for the default.
func (f Flags) AddIsolators(names ...string) error {
	have, wanted, err := f.isolation(names)
	if err != nil || have == wanted {
		return err
	}
	return f.Set(isolationFlag, wanted)
}

// HasIsolators reports whether the agent's flag has isolators already.
func (f Flags) HasIsolators(names ...string) (bool, error) {
	have, wanted, err := f.isolation(names)
	return err == nil && have == wanted, err
}

func (f Flags) isolation(names []string) (have, wanted string, err error) {
	have, set, err := f.Get(isolationFlag)
	if err != nil {
		return "", "", err
	}
	old := have
	if !set {
		old = defaultIsolation
	}
	return have, mergeIsolation(old, names), nil
}

// mergeIsolation adds isolators. Mesos takes one for the file system only, so
// the Linux one takes the place of the other.
func mergeIsolation(old string, names []string) string {
	var list []string
	for name := range strings.SplitSeq(old, ",") {
		name = strings.TrimSpace(name)
		if name == "filesystem/posix" && slices.Contains(names, "filesystem/linux") {
			name = "filesystem/linux"
		}
		if name != "" && !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	for _, name := range names {
		if !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	return strings.Join(list, ",")
}
