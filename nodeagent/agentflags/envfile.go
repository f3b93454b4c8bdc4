package agentflags

import (
	"bytes"
	"strings"
)

// assignment is one NAME=value of an environment file.
type assignment struct {
	name, value string
	// start and end bound it in the file, without the line's end.
	start, end int
	// dynamic says that a shell would put something else in the value's place.
	dynamic bool
}

// syntax is who reads a file of assignments.
type syntax bool

const (
	bySystemd syntax = false
	// byShell ends a value at a blank, a semicolon or a comment.
	byShell syntax = true
)

// scanner reads a file of assignments as systemd and shells do: comments begin
// with # or ;, values may be quoted in parts, a backslash joins lines. What is
// no assignment is passed over.
type scanner struct {
	data   []byte
	at     int
	syntax syntax
}

// assignments lists those of a file in their order.
func assignments(data []byte, by syntax) []assignment {
	s := &scanner{data: data, syntax: by}
	var list []assignment
	for {
		s.skip(" \t\r\n")
		switch {
		case s.at >= len(data):
			return list
		case data[s.at] == '#' || data[s.at] == ';':
			s.comment()
		default:
			if a, ok := s.assignment(); ok {
				list = append(list, a)
			}
		}
	}
}

func (s *scanner) skip(set string) {
	for s.at < len(s.data) && strings.IndexByte(set, s.data[s.at]) >= 0 {
		s.at++
	}
}

// comment passes over a comment. Older versions of systemd go on with it behind
// a backslash at its end; what would be an assignment there is left alone.
func (s *scanner) comment() {
	for ; s.at < len(s.data) && s.data[s.at] != '\n'; s.at++ {
		if s.syntax == bySystemd && s.data[s.at] == '\\' && s.at+1 < len(s.data) {
			s.at++
		}
	}
}

func (s *scanner) assignment() (assignment, bool) {
	a := assignment{start: s.at}
	line := s.data[s.at:]
	if end := bytes.IndexByte(line, '\n'); end >= 0 {
		line = line[:end]
	}
	name, _, ok := bytes.Cut(line, []byte("="))
	if !ok {
		s.at += len(line)
		return a, false
	}
	s.at += len(name) + 1
	a.name = strings.TrimSpace(strings.TrimPrefix(string(name), "export "))
	s.skip(" \t")
	s.value(&a)
	return a, true
}

// value reads up to the end of the line.
func (s *scanner) value(a *assignment) {
	var value []byte
	kept := 0 // what is quoted or escaped is not trimmed
	a.end = s.at
	for s.at < len(s.data) && s.data[s.at] != '\n' {
		if s.syntax == byShell && (isBlank(s.data[s.at]) || s.data[s.at] == ';') {
			s.comment() // whatever the rest of the line is
			break
		}
		switch c := s.data[s.at]; {
		case c == '\'' || c == '"':
			value = s.quoted(value, c, a)
			kept = len(value)
		case c == '\\':
			value = s.escaped(value)
			kept = len(value)
		default:
			a.dynamic = a.dynamic || c == '$' || c == '`'
			value = append(value, c)
			s.at++
			if !isBlank(c) {
				kept = len(value)
			}
		}
		if kept == len(value) {
			a.end = s.at
		}
	}
	a.value = string(value[:kept])
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' }

// quoted reads a part in quotes, which may hold line breaks.
func (s *scanner) quoted(value []byte, quote byte, a *assignment) []byte {
	for s.at++; s.at < len(s.data) && s.data[s.at] != quote; {
		switch c := s.data[s.at]; {
		case c == '\\' && quote == '"':
			value = s.escaped(value)
		default:
			a.dynamic = a.dynamic || quote == '"' && (c == '$' || c == '`')
			value = append(value, c)
			s.at++
		}
	}
	s.at = min(s.at+1, len(s.data))
	return value
}

// escaped reads a backslash and what follows it; a line break is nothing.
func (s *scanner) escaped(value []byte) []byte {
	s.at++
	if s.at >= len(s.data) {
		return value
	}
	if c := s.data[s.at]; c != '\n' {
		value = append(value, c)
	}
	s.at++
	return value
}

// lookup finds a variable; the last assignment counts.
func lookup(data []byte, name string, by syntax) (found assignment, ok bool) {
	for _, a := range assignments(data, by) {
		if a.name == name {
			found, ok = a, true
		}
	}
	return found, ok
}

// assign sets a variable and keeps everything else as it is. One that stands
// several times is set in each place; a new one is appended. ok is false when
// the file's end would swallow it, as an open quote does.
func assign(data []byte, name, value string, by syntax) (out []byte, ok bool) {
	found, from := false, 0
	for _, a := range assignments(data, by) {
		if a.name != name {
			continue
		}
		head, _, _ := bytes.Cut(data[a.start:a.end], []byte("="))
		out = append(out, data[from:a.start]...)
		out = append(out, head...)
		out = append(out, "="+quote(value)...)
		from, found = a.end, true
	}
	out = append(out, data[from:]...)
	if !found {
		for _, end := range []string{"\n", "\\\n"} {
			// A line that ends in a backslash goes on in the next one: an empty
			// one ends it.
			if len(out) > 0 && (end == "\n") != bytes.HasSuffix(out, []byte(end)) {
				out = append(out, '\n')
			}
		}
		out = append(out, name+"="+quote(value)+"\n"...)
	}
	a, ok := lookup(out, name, by)
	return out, ok && a.value == value && !a.dynamic
}

// quote writes a value as it is, or in single quotes where it must be.
func quote(value string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-+.,:/@=", r)
	}
	if strings.IndexFunc(value, func(r rune) bool { return !plain(r) }) < 0 {
		return value
	}
	return "'" + value + "'"
}
