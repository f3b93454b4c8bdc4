package agentflags

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestVariablesAreReadAsTheirReadersDo(t *testing.T) {
	for text, want := range map[string]struct{ systemd, shell string }{
		"A=b":                       {"b", "b"},
		" A = b \n":                 {"b", "b"},
		"A=b\nA=c":                  {"c", "c"},
		"#A=b":                      {"", ""},
		"A='b c'\"d\"e":             {"b cde", "b cde"},
		"A=b \\\n c":                {"b  c", "b"},
		"A=b\\\nc":                  {"bc", "bc"},
		"A=\"b\\\"c\"":              {"b\"c", "b\"c"},
		"A=b # c":                   {"b # c", "b"},
		"A=b;export A":              {"b;export A", "b"},
		"# note \\\nA=b":            {"", "b"},
		"A='b\nc'\nB=d":             {"b\nc", "b\nc"},
		"no assignment\nA=b\nA b=c": {"b", "b"},
		"AA=b\nBA=c":                {"", ""},
	} {
		a, _ := lookup([]byte(text), "A", bySystemd)
		require.Equal(t, want.systemd, a.value, "systemd: %q", text)
		a, _ = lookup([]byte(text), "A", byShell)
		require.Equal(t, want.shell, a.value, "shell: %q", text)
	}
}

func FuzzAssign(f *testing.F) {
	for _, text := range []string{"# a\nMESOS_ISOLATION=a,b\n", "export A='b'\nB=\"c\\\n", "A=b \\", "MESOS_ISOLATION='x'y ;z\n# \\\n", "=\n'"} {
		f.Add([]byte(text), true)
		f.Add([]byte(text), false)
	}
	f.Fuzz(func(t *testing.T, data []byte, shell bool) {
		const name, value = "MESOS_ISOLATION", "a/b,c/d"
		by := syntax(shell)
		before := string(data)
		out, ok := assign(data, name, value, by)
		require.Equal(t, before, string(data), "the old content is not touched")
		if !ok {
			return
		}
		found, has := lookup(out, name, by)
		require.True(t, has)
		require.Equal(t, value, found.value)
		again, ok := assign(out, name, value, by)
		require.True(t, ok)
		require.Equal(t, string(out), string(again), "setting twice changes nothing more")
		var old, now []string
		for _, a := range assignments(data, by) {
			if a.name != name {
				old = append(old, a.name+"="+a.value)
			}
		}
		for _, a := range assignments(out, by) {
			if a.name != name {
				now = append(now, a.name+"="+a.value)
			}
		}
		require.Equal(t, old, now, "all others are kept")
		require.GreaterOrEqual(t, strings.Count(string(out), "#"), strings.Count(before, "#")-strings.Count(values(data, name, by), "#"), "comments too")
	})
}

// values is the text of a variable's assignments.
func values(data []byte, name string, by syntax) string {
	var all strings.Builder
	for _, a := range assignments(data, by) {
		if a.name == name {
			all.Write(data[a.start:a.end])
		}
	}
	return all.String()
}
