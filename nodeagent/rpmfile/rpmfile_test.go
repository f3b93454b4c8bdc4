package rpmfile_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"scaleio-framework/nodeagent/rpmfile"
	"scaleio-framework/nodeagent/rpmfile/rpmfiletest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sds is a package with a file of each kind.
func sds(compression string) rpmfiletest.Package {
	return rpmfiletest.Package{
		Name: "EMC-ScaleIO-sds", Version: "2.6", Release: "11000.113.el7", Compression: compression,
		Entries: []rpmfiletest.Entry{
			{Name: "./opt/emc/scaleio/sds", Mode: rpmfiletest.Dir | 0o755},
			{Name: "./opt/emc/scaleio/sds/bin/run_bin.sh", Mode: rpmfiletest.Regular | 0o755, Body: "#!/bin/sh\n"},
			{Name: "/opt/emc/scaleio/sds/bin/sds", Mode: rpmfiletest.Link | 0o777, Body: "sds-2.6"},
			{Name: "./opt/emc/scaleio/sds/bin/sds-2.6", Mode: rpmfiletest.Regular | 0o4755, Body: strings.Repeat("program ", 9999)},
		},
	}
}

type read struct {
	rpmfile.Entry
	content string
}

// readAll reads a package to its end.
func readAll(data []byte) (p *rpmfile.Package, files []read, err error) {
	if p, err = rpmfile.Read(bytes.NewReader(data)); err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	for {
		e, err := p.Next()
		if errors.Is(err, io.EOF) {
			return p, files, nil
		}
		if err != nil {
			return p, files, err
		}
		content, err := io.ReadAll(p)
		if err != nil {
			return p, files, err
		}
		files = append(files, read{e, string(content)})
	}
}

func TestReadsPackagesOfEachCompression(t *testing.T) {
	for _, compression := range []string{"gzip", "xz", "zstd", "uncompressed", ""} {
		t.Run(compression, func(t *testing.T) {
			p, files, err := readAll(sds(compression).File())
			require.NoError(t, err)
			require.Equal(t, "EMC-ScaleIO-sds 2.6 11000.113.el7", p.Name+" "+p.Version+" "+p.Release)
			require.Len(t, files, 4)
			require.Equal(t, fs.ModeDir|0o755, files[0].Mode)
			require.Equal(t, "/opt/emc/scaleio/sds/bin/run_bin.sh", files[1].Name)
			require.Equal(t, "#!/bin/sh\n", files[1].content)
			require.Equal(t, "sds-2.6", files[2].Target)
			require.Equal(t, fs.ModeSetuid|0o755, files[3].Mode, "what is not to be unpacked is told")
			require.Equal(t, int64(8*9999), files[3].Size)
			require.Len(t, files[3].content, 8*9999)
		})
	}
}

// A package that rpmbuild made, as far as it is on this system.
func TestReadsWhatRpmbuildMakes(t *testing.T) {
	if _, err := exec.LookPath("rpmbuild"); err != nil {
		require.NoError(t, err, "rpmbuild is Debian's package rpm: make setup installs it")
	}
	for _, compression := range []string{"w9.gzdio", "w9.bzdio", "w6.xzdio", "w6.lzdio", "w3.zstdio"} {
		t.Run(compression, func(t *testing.T) {
			dir := t.TempDir()
			spec := "Name: EMC-ScaleIO-sds\nVersion: 2.6\nRelease: 11000.113.el7\nSummary: s\nLicense: none\nAutoReqProv: no\n%description\nd\n%install\n" +
				"mkdir -p %{buildroot}/opt/emc/scaleio/sds/bin\ncd %{buildroot}/opt/emc/scaleio/sds/bin\necho program > sds\nln sds again\nln -s sds link\n" +
				"%files\n/opt/emc/scaleio/sds/bin\n"
			require.NoError(t, os.WriteFile(filepath.Join(dir, "p.spec"), []byte(spec), 0o644))
			out, err := exec.CommandContext(t.Context(), "rpmbuild", "-bb", "--quiet", "--target", "x86_64",
				"--define", "_topdir "+dir, "--define", "_rpmdir "+dir, "--define", "_rpmfilename p.rpm", "--define", "__os_install_post %{nil}",
				"--define", "debug_package %{nil}", "--define", "_build_id_links none", "--define", "_binary_payload "+compression, filepath.Join(dir, "p.spec")).CombinedOutput()
			require.NoError(t, err, "%s", out)
			data, err := os.ReadFile(filepath.Join(dir, "p.rpm"))
			require.NoError(t, err)
			p, files, err := readAll(data)
			require.NoError(t, err)
			require.Equal(t, "EMC-ScaleIO-sds-2.6-11000.113.el7", p.Name+"-"+p.Version+"-"+p.Release)
			content := ""
			for _, f := range files {
				if f.Inode != 0 {
					content += f.content
				}
			}
			require.Equal(t, "program\n", content, "one of the two names has the content")
			require.Len(t, files, 4)
		})
	}
}

func TestRefusesWhatIsNoGoodPackage(t *testing.T) {
	entry := func(e rpmfiletest.Entry) []byte {
		p := sds("gzip")
		p.Entries = []rpmfiletest.Entry{e}
		return p.File()
	}
	good := sds("uncompressed").File()
	huge := bytes.Clone(good)
	copy(huge[96+8:], []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	outside := bytes.Clone(good)
	copy(outside[96+16+8:], []byte{0x7f, 0xff, 0xff, 0xff})
	for name, c := range map[string]struct {
		data []byte
		says string
	}{
		"nothing":                   {nil, "it is no rpm package"},
		"another file":              {[]byte(strings.Repeat("x", 200)), "it is no rpm package"},
		"a header cut off":          {good[:130], "it ends in its middle"},
		"a payload cut off":         {good[:len(good)-200], "it ends in its middle"},
		"the end cut off":           {good[:bytes.Index(good, []byte("TRAILER"))-110], "it ends in its middle"},
		"a header without an end":   {huge, "at most 65536"},
		"a value outside":           {outside, "outside of its header"},
		"a name that leads out":     {entry(rpmfiletest.Entry{Name: "./opt/../../etc/passwd"}), `"./opt/../../etc/passwd" has .. in it`},
		"a name with a zero":        {entry(rpmfiletest.Entry{Name: "./opt/a\x00b"}), "holds more than text"},
		"a name that is no text":    {entry(rpmfiletest.Entry{Name: "./opt/\x83"}), "holds more than text"},
		"a link to what is no text": {entry(rpmfiletest.Entry{Name: "./opt/a", Mode: rpmfiletest.Link | 0o777, Body: "\x83"}), "it is a symbolic link to"},
		"a device":                  {entry(rpmfiletest.Entry{Name: "./dev/sda", Mode: rpmfiletest.Char | 0o600}), "/dev/sda: it is of type 020000"},
		"an unknown compression":    {sds("snow").File(), `compressed by "snow"`},
		"another one than it says":  {bytes.Replace(sds("gzip").File(), []byte("gzip"), []byte("zstd"), 1), "its payload"},
		"a name that is no name":    {rpmfiletest.Package{Name: "../x", Version: "1", Release: "1"}.File(), `the name "../x"`},
		"a package without version": {rpmfiletest.Package{Name: "x", Release: "1"}.File(), `the version ""`},
	} {
		_, _, err := readAll(c.data)
		require.ErrorContains(t, err, c.says, name)
	}
}

// Whatever a file holds, the reader comes to an end, and names nothing outside
// of the root.
func FuzzRead(f *testing.F) {
	for _, compression := range []string{"gzip", "xz", "zstd", "uncompressed"} {
		p := sds(compression)
		p.Entries[3].Body = "short"
		f.Add(p.File())
	}
	f.Add([]byte("\xed\xab\xee\xdb"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := rpmfile.Read(bytes.NewReader(data))
		if err != nil {
			return
		}
		defer func() { _ = p.Close() }()
		for range 1000 {
			e, err := p.Next()
			if err != nil {
				return
			}
			if !filepath.IsAbs(e.Name) || filepath.Clean(e.Name) != e.Name || strings.Contains(e.Name, "..") && strings.Contains("/"+e.Name+"/", "/../") {
				t.Fatalf("name %q", e.Name)
			}
			if e.Size < 0 {
				t.Fatalf("size %d", e.Size)
			}
			n, err := io.Copy(io.Discard, io.LimitReader(p, 1<<20))
			if err == nil && n != min(e.Size, 1<<20) && !(e.Mode&fs.ModeSymlink != 0) {
				t.Fatal(fmt.Errorf("%s has %d bytes, says %d", e.Name, n, e.Size))
			}
		}
	})
}
