package steps

import (
	"bytes"
	"strings"
)

// property is the value of a key in a properties file; the last one counts, as
// in Java.
func property(data []byte, key string) string {
	value := ""
	for _, e := range entries(data) {
		if e.ok && e.key == key {
			value = e.value
		}
	}
	return value
}

// setProperties sets keys of a properties file and keeps everything else:
// comments, order, line ends, and keys that are not named. A key that stands
// several times is set in each place; a new one is appended.
func setProperties(data []byte, settings [][2]string) []byte {
	var out bytes.Buffer
	done := map[string]bool{}
	end := "\n"
	all := entries(data)
	for _, e := range all {
		ending := lineEnd(e.text)
		if ending != "" {
			end = ending
		}
		value, wanted := setting(settings, e.key)
		if !e.ok || !wanted {
			out.WriteString(e.text)
			continue
		}
		done[e.key] = true
		out.WriteString(e.key + "=" + value + ending)
	}
	for _, s := range settings {
		if done[s[0]] {
			continue
		}
		if out.Len() > 0 && !bytes.HasSuffix(out.Bytes(), []byte("\n")) {
			out.WriteString(end)
		}
		if continued(out.Bytes()) {
			out.WriteString(end) // else the new line would belong to the last one
		}
		out.WriteString(s[0] + "=" + s[1] + end)
	}
	return out.Bytes()
}

// withoutProperty leaves out what sets a key, and keeps all other lines.
func withoutProperty(data []byte, key string) []byte {
	var out bytes.Buffer
	for _, e := range entries(data) {
		if !e.ok || e.key != key {
			out.WriteString(e.text)
		}
	}
	return out.Bytes()
}

// entry is a line of a properties file, with the lines that continue it. It is
// ok when it sets a key.
type entry struct {
	text       string
	key, value string
	ok         bool
}

// entries takes a file apart, as Java does: a backslash at the end of a line
// continues it, except for comments, which begin with # or !.
func entries(data []byte) []entry {
	var all []entry
	open := false // the last entry goes on
	for line := range strings.Lines(string(data)) {
		bare := strings.TrimLeft(strings.TrimRight(line, "\r\n"), blanks)
		goesOn := odd(bare)
		if !open {
			comment := bare == "" || bare[0] == '#' || bare[0] == '!'
			all = append(all, entry{ok: !comment})
			goesOn = goesOn && !comment
		}
		e := &all[len(all)-1]
		e.text += line
		if goesOn {
			bare = bare[:len(bare)-1]
		}
		e.value += bare
		open = goesOn
	}
	for i := range all {
		if all[i].ok {
			all[i].key, all[i].value = assignment(all[i].value)
		}
	}
	return all
}

// blanks are what may stand around keys and values.
const blanks = " \t\f"

// odd reports whether a line ends in a backslash that is not escaped itself.
func odd(line string) bool {
	return (len(line)-len(strings.TrimRight(line, `\`)))%2 == 1
}

// continued reports whether what follows a file belongs to its last line.
func continued(data []byte) bool {
	all := entries(data)
	if len(all) == 0 || !all[len(all)-1].ok {
		return false
	}
	text := strings.TrimRight(all[len(all)-1].text, "\r\n")
	last := text[strings.LastIndexByte(text, '\n')+1:]
	return odd(last) && strings.HasSuffix(all[len(all)-1].text, "\n")
}

// lineEnd is how a line ends; empty for a last line without an end.
func lineEnd(line string) string {
	for _, end := range []string{"\r\n", "\n"} {
		if strings.HasSuffix(line, end) {
			return end
		}
	}
	return ""
}

func setting(settings [][2]string, key string) (string, bool) {
	for _, s := range settings {
		if s[0] == key {
			return s[1], true
		}
	}
	return "", false
}

// assignment takes a line apart: the key ends at the first =, : or blank that
// has no backslash before it.
func assignment(line string) (key, value string) {
	end := len(line)
	for i := 0; i < len(line); i++ {
		if line[i] == '\\' {
			i++
			continue
		}
		if strings.IndexByte("=:"+blanks, line[i]) >= 0 {
			end = i
			break
		}
	}
	key, value = line[:end], strings.TrimLeft(line[end:], blanks)
	if value != "" && (value[0] == '=' || value[0] == ':') {
		value = value[1:]
	}
	return key, strings.Trim(value, blanks)
}
