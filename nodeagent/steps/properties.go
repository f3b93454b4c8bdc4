package steps

import (
	"bytes"
	"strings"
)

// property is the value of key=value in a properties file; the last one
// counts, as in Java.
func property(data []byte, key string) string {
	value := ""
	for line := range strings.Lines(string(data)) {
		if k, v, ok := assignment(line); ok && k == key {
			value = v
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
	for line := range strings.Lines(string(data)) {
		key, _, ok := assignment(line)
		ending := lineEnd(line)
		if ending != "" {
			end = ending
		}
		value, wanted := setting(settings, key)
		if !ok || !wanted {
			out.WriteString(line)
			continue
		}
		done[key] = true
		out.WriteString(key + "=" + value + ending)
	}
	for _, s := range settings {
		if done[s[0]] {
			continue
		}
		if out.Len() > 0 && !bytes.HasSuffix(out.Bytes(), []byte("\n")) {
			out.WriteString(end)
		}
		out.WriteString(s[0] + "=" + s[1] + end)
	}
	return out.Bytes()
}

// withoutProperty leaves out the lines that set a key, and keeps all others.
func withoutProperty(data []byte, key string) []byte {
	var out bytes.Buffer
	for line := range strings.Lines(string(data)) {
		if k, _, ok := assignment(line); !ok || k != key {
			out.WriteString(line)
		}
	}
	return out.Bytes()
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

// assignment takes a line apart. Comments begin with # or !.
func assignment(line string) (key, value string, ok bool) {
	line = strings.TrimSpace(line)
	if line == "" || line[0] == '#' || line[0] == '!' {
		return "", "", false
	}
	key, value, ok = strings.Cut(line, "=")
	return strings.TrimSpace(key), strings.TrimSpace(value), ok
}
