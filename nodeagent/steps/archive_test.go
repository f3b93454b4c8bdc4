package steps_test

import (
	"archive/tar"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/scaleio/scaleiotest"
)

// A package for Ubuntu comes as an archive that holds it and the program that
// opens it.
func TestAComponentIsInstalledFromTheVendorsArchive(t *testing.T) {
	w := newWorld(t, scaleiotest.Options{})
	n := w.node("host1", w.ip(1), scaleiotest.Ubuntu)
	params := w.component("sds", scaleiotest.Ubuntu)
	deb, err := os.ReadFile(filepath.Join(w.files, params.Artifact.Path))
	require.NoError(t, err)
	name := strings.TrimSuffix(filepath.Base(params.Artifact.Path), ".deb")

	path := filepath.Join("packages", name+".tar")
	out, err := os.Create(filepath.Join(w.files, path))
	require.NoError(t, err)
	archive := tar.NewWriter(out)
	for _, f := range []struct{ name, text string }{
		{name + ".siob", string(deb)},
		{"siob_extract", "#!/bin/sh\nexec cp \"$1\" \"${1%.siob}.deb\"\n"},
	} {
		require.NoError(t, archive.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: f.name, Size: int64(len(f.text))}))
		_, err := archive.Write([]byte(f.text))
		require.NoError(t, err)
	}
	require.NoError(t, archive.Close())
	require.NoError(t, out.Close())

	params.Artifact = w.artifact(path)
	n.twice(nodeproto.StepPrerequisites, nodeproto.PrerequisitesParams{Packages: []string{"libaio1", "numactl"}})
	n.twice(nodeproto.StepSDSPackage, params)
	require.Equal(t, 1, w.Count(scaleiotest.OpInstall, "host1:emc-scaleio-sds"))
}
