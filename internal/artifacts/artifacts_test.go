package artifacts_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/artifacts"
)

func TestParseName(t *testing.T) {
	for file, want := range map[string]artifacts.Name{
		"EMC-ScaleIO-mdm-2.0-10000.2072.el7.x86_64.rpm":          {Component: "mdm", Package: "EMC-ScaleIO-mdm", Version: "2.0-10000.2072", Family: "rpm", OSID: "el", OSVersion: "7"},
		"EMC-ScaleIO-gateway-2.0-10000.2072.x86_64.rpm":          {Component: "gateway", Package: "EMC-ScaleIO-gateway", Version: "2.0-10000.2072", Family: "rpm"},
		"EMC-ScaleIO-mdm-2.0-10000.2072.Ubuntu.14.04.x86_64.deb": {Component: "mdm", Package: "emc-scaleio-mdm", Version: "2.0-10000.2072", Family: "deb", OSID: "ubuntu", OSVersion: "14.04"},
		"emc-scaleio-gateway_2.0-10000.2072_amd64.deb":           {Component: "gateway", Package: "emc-scaleio-gateway", Version: "2.0-10000.2072", Family: "deb"},
		"EMC-ScaleIO-sds-4.5-0.287.sles15.3.x86_64.rpm":          {Component: "sds", Package: "EMC-ScaleIO-sds", Version: "4.5-0.287", Family: "rpm", OSID: "sles", OSVersion: "15.3"},
		"EMC-ScaleIO-activemq-4.5-2100.105.el9.x86_64.rpm":       {Component: "activemq", Package: "EMC-ScaleIO-activemq", Version: "4.5-2100.105", Family: "rpm", OSID: "el", OSVersion: "9"},
		"EMC-ScaleIO-lia-3.6-700.103.el8.x86_64.rpm":             {Component: "lia", Package: "EMC-ScaleIO-lia", Version: "3.6-700.103", Family: "rpm", OSID: "el", OSVersion: "8"},
		"EMC-ScaleIO-gateway-1.31-243.0.noarch.rpm":              {Component: "gateway", Package: "EMC-ScaleIO-gateway", Version: "1.31-243.0", Family: "rpm"},
		"rexray_0.11.4-1_amd64.deb":                              {Component: "rexray", Package: "rexray", Version: "0.11.4-1", Family: "deb"},
		"EMC-ScaleIO-sdc-4.5-0.287.Ubuntu.20.04.4.x86_64.tar":    {Component: "sdc", Package: "emc-scaleio-sdc", Version: "4.5-0.287", Family: "deb", OSID: "ubuntu", OSVersion: "20.04"},
		"RPM-GPG-KEY-ScaleIO":                                    {Component: "key", Package: "RPM-GPG-KEY-ScaleIO", Family: "rpm"},
		"RPM-GPG-KEY-powerflex_2.0.123.0":                        {Component: "key", Package: "RPM-GPG-KEY-powerflex_2.0.123.0", Family: "rpm"},
		"libmesos_dvdi_isolator-1.0.1.so":                        {Component: "dvdi", Package: "dvdi", Version: "1.0.1", Family: "so"},
		"scini-5.15.86-flatcar.ko":                               {Component: "scini", Package: "scini", Family: "ko", OSVersion: "5.15.86-flatcar"},
		"scini-3.10.0-1160.71.1.el7.x86_64.ko":                   {Component: "scini", Package: "scini", Family: "ko", OSVersion: "3.10.0-1160.71.1.el7.x86_64"},
		"dvdcli-0.2.1-1.x86_64.rpm":                              {Component: "dvdcli", Package: "dvdcli", Version: "0.2.1-1", Family: "rpm"},
	} {
		got, ok := artifacts.ParseName(file)
		require.True(t, ok, file)
		require.Equal(t, want, got, file)
	}
	for _, file := range []string{"README", "EMC-ScaleIO-gui-2.0-1.2.el7.x86_64.rpm", "EMC-ScaleIO-mdm.rpm", "scini.ko", "scini-flatcar.ko", "scini-5.15.86.ko.xz", "EMC-ScaleIO-sdc-2.0-5.6.src.zip", "EMC-ScaleIO-sdc-2.0-5.6.el7.x86_64.tar", "EMC-ScaleIO-sdc-2.0-5.6.Ubuntu.18.04.x86_64.siob"} {
		_, ok := artifacts.ParseName(file)
		require.False(t, ok, file)
	}
}

// read reads a catalogue of a folder.
func read(t *testing.T, agent, folder string) (*artifacts.Catalog, error) {
	t.Helper()
	return artifacts.Read(t.Context(), artifacts.Options{AgentProgram: agent, Folder: folder})
}

func TestCatalogServesWhatItListsAndNothingElse(t *testing.T) {
	dir := t.TempDir()
	agent := filepath.Join(dir, "agent")
	packages := filepath.Join(dir, "packages")
	require.NoError(t, os.MkdirAll(filepath.Join(packages, "deep"), 0o755))
	require.NoError(t, os.WriteFile(agent, []byte("program"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(packages, "deep", "EMC-ScaleIO-sds-2.0-1.2.el7.x86_64.rpm"), []byte("package"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(packages, "secret.txt"), []byte("secret"), 0o644))

	catalog, err := read(t, agent, packages)
	require.NoError(t, err)
	require.Len(t, catalog.Packages, 1)
	require.Equal(t, int64(len("package")), catalog.Packages[0].Size)

	get := func(path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, "/x", nil)
		r.URL.Path = path
		catalog.ServeHTTP(w, r)
		return w
	}
	require.Equal(t, "program", get(catalog.AgentPath).Body.String())
	require.Equal(t, "package", get(catalog.Packages[0].Path).Body.String())
	for _, path := range []string{"secret.txt", "../packages/secret.txt", "packages/", "", "/etc/passwd"} {
		require.Equal(t, http.StatusNotFound, get(path).Code, path)
	}
}

func TestAFetchMayBeResumedAndAMissingFileIsTold(t *testing.T) {
	dir := t.TempDir()
	agent := filepath.Join(dir, "agent")
	require.NoError(t, os.WriteFile(agent, []byte("0123456789"), 0o755))
	catalog, err := read(t, agent, "")
	require.NoError(t, err)
	fetch := func(method, area string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(method, "/"+catalog.AgentPath, nil)
		if area != "" {
			r.Header.Set("Range", area)
		}
		catalog.ServeHTTP(w, r)
		return w
	}
	part := fetch(http.MethodGet, "bytes=7-")
	require.Equal(t, http.StatusPartialContent, part.Code)
	require.Equal(t, "789", part.Body.String())
	head := fetch(http.MethodHead, "")
	require.Equal(t, "10", head.Header().Get("Content-Length"))
	require.Equal(t, "application/octet-stream", head.Header().Get("Content-Type"))

	require.NoError(t, os.Remove(agent))
	gone := fetch(http.MethodGet, "")
	require.Equal(t, http.StatusInternalServerError, gone.Code)
	require.Contains(t, gone.Body.String(), "the artifact cannot be read: open "+agent)
}

func TestOneFolderReadTwiceIsTheSameCatalogue(t *testing.T) {
	agent := filepath.Join(t.TempDir(), "agent")
	require.NoError(t, os.WriteFile(agent, []byte("program"), 0o755))
	folder := func() string {
		dir := t.TempDir()
		for _, name := range []string{"EMC-ScaleIO-sds-2.0-1.2.el7.x86_64.rpm", "EMC-ScaleIO-lia-2.0-1.2.el7.x86_64.rpm"} {
			require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("same content"), 0o644))
		}
		require.NoError(t, os.Symlink("/etc/passwd", filepath.Join(dir, "EMC-ScaleIO-sdc-2.0-1.2.el7.x86_64.rpm")))
		return dir
	}
	first, err := read(t, agent, folder())
	require.NoError(t, err)
	second, err := read(t, agent, folder())
	require.NoError(t, err)
	require.Equal(t, first.Packages, second.Packages, "a node may fetch from either scheduler")
	require.Len(t, first.Packages, 2, "two names, though one content; a link leads out of the folder and is not served")
	require.NotEqual(t, first.Packages[0].Path, first.Packages[1].Path)

	_, err = read(t, agent, "/no/such/folder")
	require.ErrorContains(t, err, "read the folder of packages /no/such/folder")
}

func TestReadSaysWhatIsMissing(t *testing.T) {
	_, err := read(t, "/no/such/program", "")
	require.ErrorContains(t, err, "node agent program: open /no/such/program")
}

func TestTheCatalogueJoinsFolderAndManifest(t *testing.T) {
	agent := filepath.Join(t.TempDir(), "agent")
	require.NoError(t, os.WriteFile(agent, []byte("program"), 0o755))
	const sds, lia = "EMC-ScaleIO-sds-2.6-11000.113.el7.x86_64.rpm", "EMC-ScaleIO-lia-2.6-11000.113.el7.x86_64.rpm"
	dir := folder(t, sds, "sds", lia, "lia", "EMC-ScaleIO-lia-3.6-700.103.el7.x86_64.rpm", "newer")
	beside := func(text string) string {
		path := filepath.Join(dir, "m.yaml")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		return path
	}
	options := func(change func(*artifacts.Options)) artifacts.Options {
		o := artifacts.Options{AgentProgram: agent, Folder: dir, Version: "2.6-11000.113"}
		change(&o)
		return o
	}
	catalog, err := artifacts.Read(t.Context(), options(func(o *artifacts.Options) { o.Manifest = beside(manifest()) }))
	require.NoError(t, err)
	where := map[string]string{}
	for _, f := range catalog.Packages {
		require.Equal(t, "2.6-11000.113", f.Version)
		where[f.Component] = f.URL
	}
	require.Equal(t, map[string]string{"mdm": "https://files.example/EMC-ScaleIO-mdm.rpm", "sds": "", "lia": ""}, where)

	for name, c := range map[string]struct {
		change func(*artifacts.Options)
		says   string
	}{
		"two versions":       {func(o *artifacts.Options) { o.Version = "" }, "of several versions of ScaleIO (2.6-11000.113, 3.6-700.103): choose one with --scaleio.version"},
		"no such version":    {func(o *artifacts.Options) { o.Version = "4.5-0.287" }, "--scaleio.version is 4.5-0.287, but the packages are of 2.6-11000.113, 3.6-700.103"},
		"no packages at all": {func(o *artifacts.Options) { o.Folder = "" }, "but the packages are of none: give --artifacts.dir or --packages"},
		"a release with other objects": {func(o *artifacts.Options) {
			o.Folder, o.Version = folder(t, "EMC-ScaleIO-sds-5.0-1.2.el9.x86_64.rpm", "sds"), ""
		}, "PowerFlex 5 has other storage objects and is not supported"},
		"a release with other commands": {func(o *artifacts.Options) {
			o.Folder, o.Version = folder(t, "EMC-ScaleIO-sds-1.32-402.1.el7.x86_64.rpm", "sds"), ""
		}, "the packages are of version 1.32-402.1: the cluster commands of ScaleIO 1.x are others and not supported, give packages of 2.0 to 4.x"},
		"a contradiction": {func(o *artifacts.Options) { o.Manifest = beside(manifest("mdm:", "sds:")) }, "--artifacts.dir and --packages: sds 2.6-11000.113 for el7 is there twice"},
		"a file that is not there": {func(o *artifacts.Options) {
			o.Manifest = beside(manifest("https://files.example/EMC-ScaleIO-mdm", "mdm"))
		}, "line 5: open " + dir + "/mdm.rpm: no such file"},
		"a file that is another": {func(o *artifacts.Options) {
			o.Manifest = beside(manifest("https://files.example/EMC-ScaleIO-mdm.rpm", sds, "size: 123", "size: 3"))
		}, "line 5: " + dir + "/" + sds + " has SHA-256"},
	} {
		_, err := artifacts.Read(t.Context(), options(c.change))
		require.ErrorContains(t, err, c.says, name)
	}
}

func FuzzParseName(f *testing.F) {
	f.Add("EMC-ScaleIO-mdm-2.0-10000.2072.Ubuntu.14.04.x86_64.deb")
	f.Add("RPM-GPG-KEY-ScaleIO")
	f.Add("scini-5.15.86-flatcar.ko")
	f.Fuzz(func(t *testing.T, file string) {
		if n, ok := artifacts.ParseName(file); ok {
			require.NotEmpty(t, n.Component)
			require.Equal(t, n.Component == artifacts.Key || n.Component == "scini", n.Version == "")
			require.Contains(t, []string{"deb", "rpm", "so", "ko"}, n.Family)
		}
	})
}
