package artifacts

import (
	"fmt"
	"os"
	"path/filepath"
)

// Clear removes every file that is not in use.
func (c *Cache) Clear() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	list, _, err := c.removable()
	if err != nil {
		return fmt.Errorf("clear downloads: %w", err)
	}
	for _, s := range list {
		if err := os.RemoveAll(filepath.Join(c.dir, s.sum)); err != nil {
			return fmt.Errorf("clear downloads: %w", err)
		}
	}
	return nil
}

// Empty reports whether no file is kept.
func (c *Cache) Empty() (bool, error) {
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return false, fmt.Errorf("list downloads: %w", err)
	}
	return len(entries) == 0, nil
}
