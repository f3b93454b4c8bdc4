package scaleiotest

import (
	"encoding/json"
	"strconv"
	"strings"
)

// fieldsOf is a request body. Numbers and booleans may come as such or as
// strings; the real API takes both.
type fieldsOf map[string]any

func (f fieldsOf) has(key string) bool { v, ok := f[key]; return ok && v != nil }

func (f fieldsOf) text(key string) string { return plain(f[key]) }

func plain(v any) string {
	switch x := v.(type) {
	case string:
		return x
	case json.Number:
		return x.String()
	case bool:
		return strconv.FormatBool(x)
	}
	return ""
}

func (f fieldsOf) truth(key string) bool { return truth(f.text(key)) }

// number reads an integer; other when it is absent, errRange when it is none.
func (f fieldsOf) number(key string, other int64) (int64, error) {
	if !f.has(key) {
		return other, nil
	}
	n, err := strconv.ParseInt(strings.TrimSpace(f.text(key)), 10, 64)
	if err != nil {
		return 0, errRange
	}
	return n, nil
}

// list reads an array of strings; a single string is a list of one, and the
// empty string a list of none.
func (f fieldsOf) list(key string) []string {
	switch x := f[key].(type) {
	case []any:
		out := make([]string, 0, len(x))
		for _, v := range x {
			out = append(out, plain(v))
		}
		return out
	case string:
		if x != "" {
			return []string{x}
		}
	}
	return nil
}

// objects reads an array of objects.
func (f fieldsOf) objects(key string) []fieldsOf {
	items, _ := f[key].([]any)
	var out []fieldsOf
	for _, v := range items {
		if m, ok := v.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}
