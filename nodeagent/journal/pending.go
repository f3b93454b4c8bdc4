package journal

import (
	"fmt"
	"path"
)

// Pending remembers work that a step has begun and that must be finished even
// when the step is interrupted between: a file was changed, and the service
// that reads it has not been restarted yet. Without the mark a second attempt
// would find the file as it should be and take the step for done.
type Pending struct{ journal *Journal }

// Pending returns the marks of this state directory.
func (j *Journal) Pending() Pending { return Pending{journal: j} }

// Mark notes, durably, that the named thing is pending, with a text of the
// caller's. A mark that stands is replaced.
func (p Pending) Mark(name, note string) error {
	if err := p.journal.root.Write(p.file(name), []byte(note), 0o600); err != nil {
		return fmt.Errorf("mark %s pending: %w", name, err)
	}
	return nil
}

// Note returns the text of a mark, and whether it stands.
func (p Pending) Note(name string) (note string, pending bool, err error) {
	data, there, err := p.journal.root.ReadIfThere(p.file(name))
	if err != nil {
		return "", false, fmt.Errorf("read mark of %s: %w", name, err)
	}
	return string(data), there, nil
}

// Clear takes a mark away, durably.
func (p Pending) Clear(name string) error {
	if err := p.journal.root.Remove(p.file(name)); err != nil {
		return fmt.Errorf("clear mark of %s: %w", name, err)
	}
	return nil
}

func (p Pending) file(name string) string { return path.Join("/", pendingDir, path.Base(name)) }
