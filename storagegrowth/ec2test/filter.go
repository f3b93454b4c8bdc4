package ec2test

import (
	"fmt"
	"strings"
)

// filter is one filter of a describe: a name and the values any of which fits.
type filter struct {
	name   string
	values []string
}

func (q query) filters() ([]filter, *Refusal) {
	var all []filter
	for _, n := range q.indices("Filter") {
		prefix := fmt.Sprintf("Filter.%d", n)
		f := filter{name: q.get(prefix + ".Name"), values: q.list(prefix + ".Value")}
		if f.name == "" || len(f.values) == 0 {
			return nil, invalid("InvalidParameterValue", "The filter '%s' has no name or no values", f.name)
		}
		if len(f.values) > 200 {
			return nil, invalid("FilterLimitExceeded", "The maximum number of filter values specified on a single call is 200.")
		}
		all = append(all, f)
	}
	return all, nil
}

// fields gives the values that a filter is held against, and false for a
// filter that does not exist.
type fields func(name string) ([]string, bool)

// fits reports whether all filters fit.
func fits(filters []filter, of fields) (bool, *Refusal) {
	fit := true
	for _, f := range filters {
		have, known := of(f.name)
		if !known {
			return false, invalid("InvalidParameterValue", "The filter '%s' is invalid", f.name)
		}
		fit = fit && f.anyFits(have)
	}
	return fit, nil
}

func (f filter) anyFits(have []string) bool {
	for _, pattern := range f.values {
		for _, text := range have {
			if like(pattern, text) {
				return true
			}
		}
	}
	return false
}

// like matches with EC2's wildcards: * for any text, ? for one character, and
// a backslash before what is meant literally.
func like(pattern, text string) bool {
	p, t := 0, 0
	star, mark := -1, 0
	for t < len(text) {
		if p < len(pattern) && pattern[p] == '*' {
			star, mark = p, t
			p++
			continue
		}
		if width, ok := oneFits(pattern[p:], text[t]); ok {
			p += width
			t++
			continue
		}
		if star < 0 {
			return false
		}
		mark++
		p, t = star+1, mark
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// oneFits matches one character and returns how much pattern it used.
func oneFits(pattern string, b byte) (int, bool) {
	switch {
	case pattern == "":
		return 0, false
	case pattern[0] == '?':
		return 1, true
	case pattern[0] == '\\' && len(pattern) > 1:
		return 2, pattern[1] == b
	default:
		return 1, pattern[0] == b
	}
}

// tagFields answers the filters tag:KEY and tag-key.
func tagFields(tags map[string]string, name string) ([]string, bool) {
	if key, ok := strings.CutPrefix(name, "tag:"); ok {
		if value, has := tags[key]; has {
			return []string{value}, true
		}
		return nil, true
	}
	if name == "tag-key" {
		return sorted(tags), true
	}
	return nil, false
}
