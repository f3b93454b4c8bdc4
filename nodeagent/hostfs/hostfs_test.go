package hostfs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/nodeagent/hostfs"
)

func TestWritesReplaceWholeFilesAndKeepTheirMode(t *testing.T) {
	dir := t.TempDir()
	root := hostfs.New(dir)
	require.NoError(t, root.Write("/etc/a/b.conf", []byte("one"), hostfs.KeepMode))
	require.Equal(t, fs.FileMode(0o644), root.Mode("/etc/a/b.conf"), "a new file's mode")
	require.NoError(t, os.Chmod(filepath.Join(dir, "etc/a/b.conf"), 0o600))
	require.NoError(t, root.Write("/etc/a/b.conf", []byte("two"), hostfs.KeepMode))
	require.Equal(t, fs.FileMode(0o600), root.Mode("/etc/a/b.conf"), "an old file's mode is kept")
	require.NoError(t, root.Write("/etc/a/b.conf", []byte("two"), 0o640))
	require.Equal(t, fs.FileMode(0o640), root.Mode("/etc/a/b.conf"))
	data, err := root.ReadFile("/etc/a/b.conf")
	require.NoError(t, err)
	require.Equal(t, "two", string(data))
	entries, err := root.ReadDir("/etc/a")
	require.NoError(t, err)
	require.Len(t, entries, 1, "no temporary file is left")

	wrote, err := root.WriteIfDifferent("/etc/a/b.conf", []byte("two"), hostfs.KeepMode)
	require.NoError(t, err)
	require.False(t, wrote)
	wrote, err = root.WriteIfDifferent("/etc/a/b.conf", []byte("two"), 0o600)
	require.NoError(t, err)
	require.True(t, wrote, "another mode is a difference")
	require.Error(t, root.Write("/etc/a/b.conf/c", nil, 0), "below a file nothing can be written")
}

func TestNothingEscapesTheRoot(t *testing.T) {
	dir := t.TempDir()
	root := hostfs.New(dir)
	require.Equal(t, filepath.Join(dir, "etc/passwd"), root.Path("/../../etc/passwd"))
	require.Equal(t, filepath.Join(dir, "etc/passwd"), root.Path("etc/passwd"))
	require.Equal(t, "/etc/passwd", hostfs.New("").Path("/etc/../etc/passwd"))
	require.True(t, hostfs.New("/").IsMachine())
	require.True(t, hostfs.Root{}.IsMachine())
}

func TestLinksAreFollowedAsTheHostWould(t *testing.T) {
	dir := t.TempDir()
	root := hostfs.New(dir)
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "dev/disk/by-id"), 0o755))
	require.NoError(t, os.Symlink("../../sdb", filepath.Join(dir, "dev/disk/by-id/one")))
	require.NoError(t, os.Symlink("/dev/disk/by-id/one", filepath.Join(dir, "dev/two")))
	require.NoError(t, os.Symlink("/dev/loop", filepath.Join(dir, "dev/loop")))
	require.Equal(t, "/dev/sdb", root.Resolve("/dev/two"))
	require.Equal(t, "/dev/loop", root.Resolve("/dev/loop"), "a circle ends")
	require.Equal(t, "/dev/absent", root.Resolve("/dev/absent"))

	// A write through a link changes the file, not the link.
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "etc"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "etc/real"), []byte("old"), 0o644))
	require.NoError(t, os.Symlink("/etc/real", filepath.Join(dir, "etc/link")))
	require.NoError(t, root.Write("/etc/link", []byte("new"), hostfs.KeepMode))
	data, err := root.ReadFile("/etc/real")
	require.NoError(t, err)
	require.Equal(t, "new", string(data))
}

func TestAMissingFileIsToldApartFromAnUnreadableOne(t *testing.T) {
	root := hostfs.New(t.TempDir())
	_, there, err := root.ReadIfThere("/absent")
	require.NoError(t, err)
	require.False(t, there)
	require.NoError(t, root.Remove("/absent"))
	require.NoError(t, root.Write("/dir/file", nil, 0))
	_, _, err = root.ReadIfThere("/dir")
	require.ErrorContains(t, err, "read /dir: ", "errors name the host's path")
	require.True(t, root.Exists("/dir/file"))
	require.NoError(t, root.Remove("/dir/file"))
	require.False(t, root.Exists("/dir/file"))
}
