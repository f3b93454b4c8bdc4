//go:build hosts

package hosts_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/sandbox"
)

// passing are directories whose content comes and goes by itself, or is the
// node agent's own, and a file by which those who read rpm's database agree.
var passing = []string{
	"dev", "proc", "run", "sys", "tmp", "var/tmp", "var/log", "var/lib/systemd", "var/lib/scaleio-framework",
	"var/lib/rpm/rpmdb.sqlite-shm",
}

// tree describes every file of a host: type, mode, owner, time and content.
// The database of packages is among them.
func (w *world) tree(h *sandbox.Host) map[string]string {
	w.t.Helper()
	return treeWith(w.t, h.Root, w.database)
}

// treeWith describes every file below a directory, one of which must be there.
func treeWith(t *testing.T, root, there string) map[string]string {
	t.Helper()
	found := map[string]string{}
	require.NoError(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(path, root+"/")
		switch {
		case !slices.Contains(passing, name):
		case entry.IsDir():
			return fs.SkipDir
		default:
			return nil
		}
		text, err := describeFile(path, entry)
		if err == nil && text != "" {
			found[name] = text
		}
		return err
	}))
	require.Contains(t, found, there)
	return found
}

func describeFile(path string, entry fs.DirEntry) (string, error) {
	info, err := entry.Info()
	if err != nil {
		return "", err
	}
	st := info.Sys().(*syscall.Stat_t)
	text := fmt.Sprintf("%s %d:%d", info.Mode(), st.Uid, st.Gid)
	switch {
	case info.IsDir():
		return text, nil
	case info.Mode()&fs.ModeSymlink != 0:
		target, err := os.Readlink(path)
		return text + " -> " + target, err
	case !info.Mode().IsRegular():
		return text, nil
	}
	data, err := os.ReadFile(path)
	return fmt.Sprintf("%s %s %x", text, info.ModTime().Format("15:04:05.000000000"), sha256.Sum256(data)), err
}

// differences of two trees, as lines to read.
func differences(before, after map[string]string) []string {
	var lines []string
	for name, text := range before {
		if after[name] != text {
			lines = append(lines, fmt.Sprintf("%s was %q and is %q", name, text, after[name]))
		}
	}
	for name, text := range after {
		if _, there := before[name]; !there {
			lines = append(lines, fmt.Sprintf("%s is new: %s", name, text))
		}
	}
	slices.Sort(lines)
	return lines
}
