package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// mutant is one rule broken in one way.
type mutant struct {
	rule   string // of docs/design/safety.md, such as "R4"
	name   string
	breaks string // what the program does wrong, for the table
	edits  []edit
	judge  judge
}

// edit replaces a text that occurs exactly once in a file.
type edit struct{ file, old, new string }

// apply returns the file's text with the edit made.
func (e edit) apply(text string) (string, error) {
	if n := strings.Count(text, e.old); n != 1 {
		return "", fmt.Errorf("%s: the text to replace occurs %d times, not once: mend the mutation\n%s", e.file, n, e.old)
	}
	return strings.Replace(text, e.old, e.new, 1), nil
}

// mutated returns the text of each file that the mutant changes.
func (m mutant) mutated(root string) (map[string]string, error) {
	files := map[string]string{}
	for _, e := range m.edits {
		text, known := files[e.file]
		if !known {
			data, err := os.ReadFile(filepath.Join(root, e.file))
			if err != nil {
				return nil, fmt.Errorf("%s: %w", m.name, err)
			}
			text = string(data)
		}
		changed, err := e.apply(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.name, err)
		}
		files[e.file] = changed
	}
	return files, nil
}

// overlay writes the mutated files below dir and the file that go build takes
// them from.
func (m mutant) overlay(root, dir string) (string, error) {
	files, err := m.mutated(root)
	if err != nil {
		return "", err
	}
	replace := map[string]string{}
	for file, text := range files {
		to := filepath.Join(dir, strings.ReplaceAll(file, "/", "_"))
		if err := os.WriteFile(to, []byte(text), 0o600); err != nil {
			return "", err
		}
		replace[filepath.Join(root, file)] = to
	}
	data, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "overlay.json")
	return path, os.WriteFile(path, data, 0o600)
}
