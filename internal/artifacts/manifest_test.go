package artifacts_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/artifacts"
)

const sum = "a737f6506845977ba737f6506845977ba737f6506845977ba737f6506845977b"

// manifest is one with a single entry, of which some lines are replaced.
func manifest(replace ...string) string {
	return strings.NewReplacer(replace...).Replace(`manifest: 1
packages:
  2.6-11000.113:
    el7:
      mdm:
        url: https://files.example/EMC-ScaleIO-mdm.rpm
        size: 123
        sha256: ` + sum + "\n")
}

func TestAManifestSaysWhereEachPackageIs(t *testing.T) {
	m, err := artifacts.ParseManifest([]byte(manifest() + `
    ubuntu16.04:
      mdm: {url: sub/EMC.tar, size: 5, sha256: ` + strings.ToUpper(sum) + `}
    rpm:
      gateway: {url: http://h/download/7, file: gateway.rpm, size: 5, sha256: ` + sum + `}
    5.15.86-flatcar:
      scini: {url: scini.ko, size: 5, sha256: ` + sum + `}
  0.11.4-1:
    deb:
      rexray: {url: rexray.deb, size: 5, sha256: ` + sum + `}
  1.0.1:
    so:
      dvdi: {url: dvdi.so, size: 5, sha256: ` + sum + `}
`))
	require.NoError(t, err)
	require.Equal(t, []artifacts.Entry{
		{Name: artifacts.Name{Component: "mdm", Package: "EMC-ScaleIO-mdm", Version: "2.6-11000.113", Family: "rpm", OSID: "el", OSVersion: "7"}, URL: "https://files.example/EMC-ScaleIO-mdm.rpm", File: "EMC-ScaleIO-mdm.rpm", SHA256: sum, Size: 123, Line: 5},
		{Name: artifacts.Name{Component: "mdm", Package: "emc-scaleio-mdm", Version: "2.6-11000.113", Family: "deb", OSID: "ubuntu", OSVersion: "16.04"}, URL: "sub/EMC.tar", File: "EMC.tar", SHA256: sum, Size: 5, Line: 11},
		{Name: artifacts.Name{Component: "gateway", Package: "EMC-ScaleIO-gateway", Version: "2.6-11000.113", Family: "rpm"}, URL: "http://h/download/7", File: "gateway.rpm", SHA256: sum, Size: 5, Line: 13},
		{Name: artifacts.Name{Component: "scini", Package: "scini", Version: "2.6-11000.113", Family: "ko", OSVersion: "5.15.86-flatcar"}, URL: "scini.ko", File: "scini.ko", SHA256: sum, Size: 5, Line: 15},
		{Name: artifacts.Name{Component: "rexray", Package: "rexray", Version: "0.11.4-1", Family: "deb"}, URL: "rexray.deb", File: "rexray.deb", SHA256: sum, Size: 5, Line: 18},
		{Name: artifacts.Name{Component: "dvdi", Package: "dvdi", Version: "1.0.1", Family: "so"}, URL: "dvdi.so", File: "dvdi.so", SHA256: sum, Size: 5, Line: 21},
	}, m.Entries)
}

func TestAManifestListsPublicKeys(t *testing.T) {
	text := "manifest: 1\nkeys:\n  RPM-GPG-KEY-ScaleIO:\n    url: keys/RPM-GPG-KEY-ScaleIO\n    size: 1700\n    sha256: " + sum + "\n" +
		strings.TrimPrefix(manifest(), "manifest: 1\n")
	m, err := artifacts.ParseManifest([]byte(text))
	require.NoError(t, err)
	require.Len(t, m.Entries, 2)
	require.Equal(t, artifacts.Entry{
		Name: artifacts.Name{Component: artifacts.Key, Package: "RPM-GPG-KEY-ScaleIO", Family: "rpm"},
		URL:  "keys/RPM-GPG-KEY-ScaleIO", File: "RPM-GPG-KEY-ScaleIO", SHA256: sum, Size: 1700, Line: 3,
	}, m.Entries[0])
	written, err := m.Encode()
	require.NoError(t, err)
	require.Equal(t, text, string(written))
}

func TestMistakesInAManifestAreToldByLineAndField(t *testing.T) {
	const mdm = "packages/2.6-11000.113/el7/mdm"
	for name, c := range map[string]struct{ text, says string }{
		"nothing":                    {"", "it is empty"},
		"only remarks":               {"# later\n", "it is empty"},
		"no YAML":                    {"a: [", "it is not valid YAML: yaml: line 1"},
		"a list":                     {"- a\n", "line 1: want keys with values"},
		"no layout":                  {"packages: {}\n", "line 1: manifest: it is missing"},
		"another layout":             {manifest("manifest: 1", "manifest: 2"), `line 1: manifest: layout "2" is not known`},
		"an unknown key":             {manifest() + "package: {}\n", "line 9: package: no such key"},
		"a key of another name":      {manifest() + "keys:\n  PUBLIC: {url: PUBLIC, size: 5, sha256: " + sum + "}\n", "line 10: keys/PUBLIC: it is not named like RPM-GPG-KEY-"},
		"a key without a checksum":   {manifest() + "keys:\n  RPM-GPG-KEY-a: {url: k, size: 5}\n", "line 10: keys/RPM-GPG-KEY-a/sha256: it is missing"},
		"a key among the packages":   {manifest("mdm.rpm", "mdm.rpm\n        file: RPM-GPG-KEY-a"), "is a public key and belongs below keys"},
		"a version twice":            {manifest() + "  2.6-11000.113: {}\n", "line 9: packages/2.6-11000.113: it stands twice"},
		"a version of another form":  {manifest("2.6-11000.113", "2.6"), `line 5: packages/2.6/el7/mdm: version "2.6" of ScaleIO is not like`},
		"a driver of another form":   {manifest("2.6-11000.113", "next", "mdm:", "rexray:"), `line 5: packages/next/el7/rexray: version "next" of a driver is not like`},
		"an unknown system":          {manifest("el7", "beos5"), `line 4: packages/2.6-11000.113/beos5: system "beos5" is not known`},
		"a library as a package":     {manifest("2.6-11000.113", "1.0.1", "mdm:", "dvdi:"), `dvdi is for the system "so", and nothing else is`},
		"a package as a library":     {manifest("2.6-11000.113", "1.0.1", "el7", "so", "mdm:", "rexray:"), `dvdi is for the system "so", and nothing else is`},
		"a module for a family":      {manifest("mdm:", "scini:", "el7", "rpm"), "scini is for a kernel's release"},
		"a package for a kernel":     {manifest("el7", "5.15.86-flatcar"), "scini is for a kernel's release"},
		"a module that is none":      {manifest("mdm:", "scini:", "el7", "5.15.86-flatcar"), `file "EMC-ScaleIO-mdm.rpm" is no .ko`},
		"an unknown component":       {manifest("mdm:", "mdx:"), `line 5: packages/2.6-11000.113/el7/mdx: component "mdx" is not known`},
		"a misspelt field":           {manifest("sha256:", "sha265:"), "line 8: " + mdm + "/sha265: no such key"},
		"a missing field":            {manifest("        size: 123\n", ""), "line 5: " + mdm + "/size: it is missing"},
		"a field twice":              {manifest("size: 123", "size: 123\n        size: 124"), "line 8: " + mdm + "/size: it stands twice"},
		"a size that is none":        {manifest("123", "12 MB"), "line 7: " + mdm + `/size: "12 MB" is no number of bytes`},
		"a size of nothing":          {manifest("123", "0"), "line 7: " + mdm + `/size: "0" is no number of bytes`},
		"a checksum that is cut":     {manifest(sum, sum[1:]), "line 8: " + mdm + "/sha256: "},
		"a list for a field":         {manifest("123", "[123]"), "line 7: " + mdm + "/size: want a single value"},
		"an alias":                   {manifest("manifest: 1", "manifest: &a 1", "size: 123", "size: *a"), "line 7: " + mdm + "/size: want a single value"},
		"a URL with a password":      {manifest("https://", "https://u:Secret@"), "line 6: " + mdm + "/url: it holds a user or a password"},
		"a signed URL":               {manifest("mdm.rpm", "mdm.rpm?Signature=Secret"), "line 6: " + mdm + "/url: it holds a query"},
		"a URL of another kind":      {manifest("https://", "ftp://"), "line 6: " + mdm + "/url: "},
		"a URL without a file":       {manifest("EMC-ScaleIO-mdm.rpm", ""), "line 6: " + mdm + "/url: "},
		"a path out of the folder":   {manifest("https://files.example", ".."), "leads out of the manifest's folder"},
		"an absolute path":           {manifest("https://files.example", ""), "leads out of the manifest's folder"},
		"another kind of package":    {manifest(".rpm", ".deb"), "line 5: " + mdm + `: file "EMC-ScaleIO-mdm.deb" is no .rpm`},
		"a file that is a path":      {manifest("size: 123", "size: 123\n        file: a/b.rpm"), "line 8: " + mdm + `/file: "a/b.rpm" is no plain file name`},
		"a siob without its program": {manifest("el7", "ubuntu16.04", ".rpm", ".siob"), "siob_extract: give the .tar that holds both"},
		"a second document":          {manifest() + "---\na: 1\n", "more follows behind the first document"},
		"too much":                   {strings.Repeat("#", 1<<20+1), "it is larger than 1048576 bytes"},
	} {
		_, err := artifacts.ParseManifest([]byte(c.text))
		require.ErrorContains(t, err, c.says, name)
		require.NotContains(t, err.Error(), "Secret", name)
	}
	_, err := artifacts.ParseManifest([]byte(manifest("123", "x", sum, "y")))
	require.ErrorContains(t, err, "line 7")
	require.ErrorContains(t, err, "line 8", "all mistakes are told at once")
}

func FuzzParseManifest(f *testing.F) {
	f.Add([]byte(manifest()))
	f.Add([]byte(manifest("el7", "deb", "rpm", "tar")))
	f.Add([]byte("manifest: &a 1\npackages: {*a : *a}\n"))
	f.Add([]byte("? [a]\n: b\n"))
	f.Add([]byte(manifest() + "keys:\n  RPM-GPG-KEY-a: {url: k, size: 5, sha256: " + sum + "}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := artifacts.ParseManifest(data)
		if err != nil {
			return
		}
		text, err := m.Encode()
		require.NoError(t, err)
		again, err := artifacts.ParseManifest(text)
		require.NoError(t, err, "what is written can be read:\n%s", text)
		require.Len(t, again.Entries, len(m.Entries))
		second, err := again.Encode()
		require.NoError(t, err)
		require.Equal(t, string(text), string(second))
	})
}

// folder writes files, name and content in turn.
func folder(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i := 0; i < len(files); i += 2 {
		path := filepath.Join(dir, files[i])
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(files[i+1]), 0o644))
	}
	return dir
}

func TestAScannedFolderIsItsOwnManifest(t *testing.T) {
	dir := folder(
		t, "a b/EMC-ScaleIO-sds-2.0-1.2.el7.x86_64.rpm", "sds", "copy/EMC-ScaleIO-sds-2.0-1.2.el7.x86_64.rpm", "sds",
		"EMC-ScaleIO-sds-2.0-1.2.Ubuntu.18.04.x86_64.tar", "tar", "rexray-0.11.4-1.x86_64.rpm", "rexray",
		"EMC-ScaleIO-sdc-2.0-1.2.Ubuntu.18.04.x86_64.siob", "siob", "EMC-ScaleIO-gui-2.0-1.2.x86_64.rpm", "gui", "notes.txt", "notes",
	)
	m, ignored, err := artifacts.Scan(dir)
	require.NoError(t, err)
	require.Equal(t, []artifacts.Ignored{
		{File: "EMC-ScaleIO-gui-2.0-1.2.x86_64.rpm", Reason: "its name is none of those in docs/packages.md"},
		{File: "EMC-ScaleIO-sdc-2.0-1.2.Ubuntu.18.04.x86_64.siob", Reason: `file "EMC-ScaleIO-sdc-2.0-1.2.Ubuntu.18.04.x86_64.siob" can be opened only beside the vendor's siob_extract: give the .tar that holds both`},
	}, ignored)
	text, err := m.Encode()
	require.NoError(t, err)
	place := filepath.Join(dir, "packages.yaml")
	require.NoError(t, os.WriteFile(place, text, 0o644))

	files, err := artifacts.Load(t.Context(), place)
	require.NoError(t, err)
	require.Len(t, files, 3)
	server := httptest.NewServer(http.FileServer(http.Dir(dir)))
	defer server.Close()
	remote, err := artifacts.Load(t.Context(), server.URL+"/packages.yaml")
	require.NoError(t, err)
	for i, f := range files {
		require.NoError(t, f.Check(t.Context()), f.URL)
		require.NoError(t, remote[i].Check(t.Context()), "what is relative lies beside the manifest: %s", f.URL)
	}

	require.NoError(t, os.WriteFile(filepath.Join(dir, "rexray-0.11.4-1.x86_64.rpm"), []byte("rexraz"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a b", "EMC-ScaleIO-sds-2.0-1.2.el7.x86_64.rpm"), []byte("longer"), 0o644))
	require.NoError(t, os.Remove(filepath.Join(dir, "EMC-ScaleIO-sds-2.0-1.2.Ubuntu.18.04.x86_64.tar")))
	for _, list := range [][]artifacts.Located{files, remote} {
		for component, says := range map[string]string{"rexray rpm": "SHA-256", "sds el7": "longer than", "sds ubuntu18.04": ""} {
			for _, f := range list {
				if f.Component+" "+f.System() == component {
					require.ErrorContains(t, f.Check(t.Context()), says)
				}
			}
		}
	}
}

// A module's name says for which kernel it is, but not of which version.
func TestAModuleHasTheVersionOfThePackagesBesideIt(t *testing.T) {
	const sdc, module = "EMC-ScaleIO-sdc-2.6-11000.113.el7.x86_64.rpm", "scini-5.15.86-flatcar.ko"
	m, ignored, err := artifacts.Scan(folder(t, sdc, "sdc", module, "module"))
	require.NoError(t, err)
	require.Empty(t, ignored)
	require.Len(t, m.Entries, 2)
	require.Equal(t, "scini 2.6-11000.113 for 5.15.86-flatcar", m.Entries[0].String())

	for _, files := range [][]string{{module, "module"}, {module, "module", sdc, "sdc", "EMC-ScaleIO-sdc-3.6-700.103.el7.x86_64.rpm", "sdc3"}} {
		m, ignored, err = artifacts.Scan(folder(t, files...))
		require.NoError(t, err)
		require.Len(t, ignored, 1)
		require.Contains(t, ignored[0].Reason, "its name does not say of which version of ScaleIO it is")
		require.Len(t, m.Entries, len(files)/2-1)
	}
}

func TestAModuleOfNoKernelIsLeftOut(t *testing.T) {
	_, ignored, err := artifacts.Scan(folder(t, "scini-5.ko", "module"))
	require.NoError(t, err)
	require.Equal(t, []artifacts.Ignored{{File: "scini-5.ko", Reason: "a kernel module's name is scini-<kernel release>.ko, the release as uname -r prints it; a compressed one is not taken"}}, ignored)
}

func TestAFolderThatContradictsItselfIsRefused(t *testing.T) {
	_, _, err := artifacts.Scan(folder(t, "a/rexray-0.11.4-1.x86_64.rpm", "one", "b/rexray-0.11.4-1.x86_64.rpm", "two"))
	require.ErrorContains(t, err, "rexray 0.11.4-1 for rpm is there twice, as a/rexray-0.11.4-1.x86_64.rpm and as b/rexray-0.11.4-1.x86_64.rpm")
	_, _, err = artifacts.Scan(folder(t, "rexray-0.11.4-1.x86_64.rpm", ""))
	require.ErrorContains(t, err, "is empty: copy it again")
}

func TestManifestsThatCannotBeFetched(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	for location, says := range map[string]string{
		server.URL + "/m.yaml":       "the server answers 404",
		"http://127.0.0.1:1/m.yaml":  "refused",
		t.TempDir() + "/absent.yaml": "no such file",
	} {
		_, err := artifacts.Load(t.Context(), location)
		require.ErrorContains(t, err, says)
		require.ErrorContains(t, err, "manifest "+location)
	}
}

func TestGapsNameWhatAHostWouldMiss(t *testing.T) {
	located := func(system string, components ...string) (files []artifacts.Located) {
		for _, component := range components {
			text := manifest("el7", system, "mdm:", component+":")
			if system == "ubuntu16.04" || system == "deb" {
				text = strings.ReplaceAll(text, ".rpm", ".deb")
			}
			m, err := artifacts.ParseManifest([]byte(text))
			require.NoError(t, err)
			files = append(files, artifacts.Located{Entry: m.Entries[0]})
		}
		return files
	}
	whole := located("el7", "mdm", "sds", "sdc", "lia")
	require.Empty(t, artifacts.Gaps(append(whole, located("rpm", "gateway")...)), "a package for the family fills the gap")
	require.Equal(t, []string{"2.6-11000.113 for el7 lacks gateway", "2.6-11000.113 for ubuntu16.04 lacks mdm, sds, sdc, lia, gateway"},
		artifacts.Gaps(append(whole, located("ubuntu16.04", "tb")...)))
	four := located("el7", "mdm", "sds", "lia")
	for i := range four {
		four[i].Version = "4.5-2100.105"
	}
	require.Equal(t, []string{"4.5-2100.105 for el7 lacks sdc"}, artifacts.Gaps(four), "4.x has no gateway")
	require.Equal(t, []string{"2.6-11000.113 for rpm lacks mdm, sds, sdc, lia"}, artifacts.Gaps(located("rpm", "gateway")))
}
