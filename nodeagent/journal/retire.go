package journal

import (
	"fmt"
	"os"
	"path/filepath"
)

// retiredMark stands once the framework has nothing left to do on the host.
const retiredMark = "retired"

// Retire notes that the framework has nothing left to do on this host. A node
// agent that starts here later begins with an empty journal: what was done
// before is undone. It keeps the epoch, by which it refuses what a leader that
// slept still sends.
func (p Pending) Retire() error { return p.Mark(retiredMark, "") }

// Retired reports whether Retire was called since the journal was opened.
func (p Pending) Retired() (bool, error) {
	_, retired, err := p.Note(retiredMark)
	return retired, err
}

// forget removes what a retired node agent knew of steps. The mark goes last.
func (j *Journal) forget() error {
	retired, err := j.Pending().Retired()
	if err != nil || !retired {
		return err
	}
	for _, dir := range []string{stepsDir, cacheDir} {
		if err := emptied(filepath.Join(j.dir, dir)); err != nil {
			return fmt.Errorf("empty the journal of a host that was left: %w", err)
		}
	}
	return emptied(filepath.Join(j.dir, pendingDir))
}

func emptied(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// Erase removes the state directory of a retired node agent, and the directory
// above it where no other framework has one. Only Close may follow.
func (j *Journal) Erase() error {
	retired, err := j.Pending().Retired()
	if err != nil || !retired {
		return err
	}
	if err := os.RemoveAll(j.dir); err != nil {
		return fmt.Errorf("remove the state directory: %w", err)
	}
	_ = os.Remove(filepath.Dir(j.dir)) // one that is not empty stays
	return nil
}
