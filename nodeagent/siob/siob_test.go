package siob_test

import (
	"archive/tar"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"scaleio-framework/nodeagent/failure"
	"scaleio-framework/nodeagent/runner"
	"scaleio-framework/nodeagent/siob"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// opener behaves as the vendor's program: it works in its own directory.
const opener = "#!/bin/sh\n[ -e \"$(basename \"$1\" .siob).sig\" ] || { echo 'signature is missing' >&2; exit 3; }\ncp \"$1\" \"${1%.siob}.deb\"\n"

// archive writes an archive of files, name and content in turn.
func archive(t *testing.T, files ...string) string {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for i := 0; i < len(files); i += 2 {
		require.NoError(t, w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: files[i], Mode: 0o644, Size: int64(len(files[i+1]))}))
		_, err := w.Write([]byte(files[i+1]))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return write(t, "mdm.tar", out.String())
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// open opens a file and tells the package's name and content.
func open(t *testing.T, file string) (name, text string, err error) {
	t.Helper()
	err = siob.Open(t.Context(), runner.New(runner.Options{}), file, func(file string) error {
		name = filepath.Base(file)
		data, err := os.ReadFile(file)
		text = string(data)
		return err
	})
	return name, text, err
}

// beside lists what lies in the directory of a file.
func beside(t *testing.T, file string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(file))
	require.NoError(t, err)
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

func TestThePackageIsTakenOutOfItsArchive(t *testing.T) {
	file := archive(t, "./EMC/mdm.siob", "package", "./EMC/mdm.sig", "signature", "./siob_extract", opener)
	left := filepath.Join(filepath.Dir(file), ".unpacked")
	require.NoError(t, os.Mkdir(left, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(left, "mdm.siob"), []byte("half"), 0o600))
	name, text, err := open(t, file)
	require.NoError(t, err, "what an interrupted step left does not matter")
	require.Equal(t, "mdm.deb", name)
	require.Equal(t, "package", text)
	require.Equal(t, []string{"mdm.tar"}, beside(t, file))

	name, text, err = open(t, write(t, "mdm.deb", "as it is"))
	require.NoError(t, err)
	require.Equal(t, "mdm.deb", name)
	require.Equal(t, "as it is", text)
}

func TestArchivesThatCannotBeOpened(t *testing.T) {
	var many []string
	for i := range 65 {
		many = append(many, fmt.Sprint(i), "x")
	}
	whole, err := os.ReadFile(archive(t, "mdm.siob", string(make([]byte, 600))))
	require.NoError(t, err)
	for name, c := range map[string]struct {
		file, says string
		kind       failure.Kind
	}{
		"no archive":           {write(t, "mdm.tar", "this is no archive, though it is long enough to be looked at"), "it is no archive that can be read", failure.Hopelessness},
		"an archive cut short": {write(t, "mdm.tar", string(whole[:515])), "its files are larger than itself", failure.Hopelessness},
		"no program":           {archive(t, "mdm.siob", "package"), "it holds no siob_extract", failure.Hopelessness},
		"no package":           {archive(t, "siob_extract", opener), "it holds no .siob", failure.Hopelessness},
		"two packages":         {archive(t, "siob_extract", opener, "a.siob", "a", "b.siob", "b"), "it holds several packages: a.siob, b.siob", failure.Hopelessness},
		"two of one name":      {archive(t, "x/a.siob", "a", "../../a.siob", "b"), "file exists", failure.Plain},
		"too many files":       {archive(t, many...), "more than 64 files", failure.Hopelessness},
		"a bad signature":      {archive(t, "siob_extract", opener, "a.siob", "a"), "signature is missing", failure.Plain},
		"a program that lies":  {archive(t, "siob_extract", "#!/bin/sh\nexit 0\n", "a.siob", "a"), "reported success and wrote no a.deb", failure.Plain},
	} {
		_, _, err := open(t, c.file)
		require.ErrorContains(t, err, c.says, name)
		require.ErrorContains(t, err, "open mdm.tar", name)
		require.Equal(t, c.kind, failure.KindOf(err), name)
		require.Equal(t, []string{"mdm.tar"}, beside(t, c.file), name)
	}
}

func FuzzOpen(f *testing.F) {
	f.Add([]byte("siob"))
	f.Add(bytes.Repeat([]byte{0}, 1024))
	f.Fuzz(func(t *testing.T, data []byte) {
		file := write(t, "mdm.tar", string(data))
		_, _, err := open(t, file)
		require.Error(t, err, "nothing that a fuzzer finds is the vendor's")
		require.Equal(t, []string{"mdm.tar"}, beside(t, file))
	})
}
