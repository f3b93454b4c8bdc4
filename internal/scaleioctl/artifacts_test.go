package scaleioctl_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/scaleioctl"
)

// vendorFolder is a folder as an operator fills it.
func vendorFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, component := range []string{"mdm", "sds", "sdc", "lia"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "EMC-ScaleIO-"+component+"-2.6-11000.113.el7.x86_64.rpm"), []byte(component), 0o644))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "EMC-ScaleIO-gui-2.6-11000.113.msi"), []byte("gui"), 0o644))
	return dir
}

func TestAFolderIsScannedAndItsManifestVerified(t *testing.T) {
	dir := vendorFolder(t)
	shown := run(t, nil, "artifacts", "scan", dir)
	require.Equal(t, scaleioctl.ExitOK, shown.code, shown.err)
	require.Equal(t, "scaleioctl: EMC-ScaleIO-gui-2.6-11000.113.msi is left out: file \"EMC-ScaleIO-gui-2.6-11000.113.msi\" is neither a .deb nor the vendor's .tar\n", shown.err)

	place := filepath.Join(dir, "packages.yaml")
	written := run(t, nil, "artifacts", "scan", "--output", place, dir)
	require.Equal(t, scaleioctl.ExitOK, written.code, written.err)
	require.Empty(t, written.out)
	text, err := os.ReadFile(place)
	require.NoError(t, err)
	require.Equal(t, shown.out, string(text))

	verified := run(t, nil, "artifacts", "verify", "--fetch", place)
	require.Equal(t, scaleioctl.ExitOK, verified.code, verified.err)
	require.Contains(t, verified.out, "2.6-11000.113  el7     lia        3      5     good\n")
	require.Contains(t, verified.out, "gap: 2.6-11000.113 for el7 lacks gateway\n")

	require.NoError(t, os.WriteFile(filepath.Join(dir, "EMC-ScaleIO-lia-2.6-11000.113.el7.x86_64.rpm"), []byte("LIA"), 0o644))
	require.Equal(t, scaleioctl.ExitOK, run(t, nil, "artifacts", "verify", place).code, "without --fetch only the manifest is read")
	wrong := run(t, nil, "artifacts", "verify", "--fetch", "--json", place)
	require.Equal(t, scaleioctl.ExitFailed, wrong.code)
	require.Equal(t, "scaleioctl: 1 of 4 files are not what the manifest says\n", wrong.err)
	var report struct {
		Files []struct{ Component, Verdict string }
		Gaps  []string
	}
	require.NoError(t, json.Unmarshal([]byte(wrong.out), &report))
	require.Len(t, report.Files, 4)
	require.Contains(t, report.Files[0].Verdict, "SHA-256")
	require.Equal(t, "good", report.Files[1].Verdict)
}

func TestAManifestMayNameAServer(t *testing.T) {
	dir := vendorFolder(t)
	server := httptest.NewServer(http.FileServer(http.Dir(dir)))
	defer server.Close()
	place := filepath.Join(t.TempDir(), "packages.yaml")
	require.Equal(t, scaleioctl.ExitOK, run(t, nil, "artifacts", "scan", "--base", server.URL, "--output", place, dir).code)
	verified := run(t, nil, "artifacts", "verify", "--fetch", place)
	require.Equal(t, scaleioctl.ExitOK, verified.code, verified.err+verified.out)
}

func TestArtifactsThatAreNoneAreRefused(t *testing.T) {
	broken := filepath.Join(t.TempDir(), "m.yaml")
	require.NoError(t, os.WriteFile(broken, []byte("manifest: 1\npackage: {}\n"), 0o644))
	for name, c := range map[string]struct {
		args []string
		code int
		says string
	}{
		"an empty folder":        {[]string{"artifacts", "scan", t.TempDir()}, scaleioctl.ExitFailed, "holds no package whose name is known"},
		"no folder":              {[]string{"artifacts", "scan", "/no/such"}, scaleioctl.ExitFailed, "read the folder of packages /no/such"},
		"a base with a password": {[]string{"artifacts", "scan", "--base", "http://u:p@h/", vendorFolder(t)}, scaleioctl.ExitMisused, "--base: want http://host/path"},
		"a place that is none":   {[]string{"artifacts", "scan", "--output", "/no/such/m.yaml", vendorFolder(t)}, scaleioctl.ExitFailed, "no such file"},
		"a broken manifest":      {[]string{"artifacts", "verify", broken}, scaleioctl.ExitFailed, "line 2: package: no such key"},
		"a flag of the other":    {[]string{"artifacts", "scan", "--fetch", "x"}, scaleioctl.ExitMisused, "--fetch does not go with artifacts scan"},
		"another command's flag": {[]string{"artifacts", "verify", "--base", "http://h", "x"}, scaleioctl.ExitMisused, "--output and --base do not go with artifacts verify"},
	} {
		got := run(t, nil, c.args...)
		require.Equal(t, c.code, got.code, name)
		require.Contains(t, got.err, c.says, name)
	}
}
