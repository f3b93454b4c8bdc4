package packages_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"scaleio-framework/nodeagent/hostfs"
	"scaleio-framework/nodeagent/packages"
	"scaleio-framework/nodeagent/rpmfile/rpmfiletest"
	"scaleio-framework/nodeagent/runner"
)

// writable are the directories in which an unpacked package may have files.
var writable = []string{"opt/", "etc/systemd/system/", "etc/udev/rules.d/", "etc/emc/", "etc/rexray/", "var/lib/scaleio-packages/"}

// Whatever the files of a package are called and lead to, nothing is written
// elsewhere, no link leads elsewhere, and nothing has setuid.
func FuzzInstall(f *testing.F) {
	f.Add("./opt/emc/scaleio/sds/x", "", uint32(rpmfiletest.Regular|0o644), "./usr/bin/x", "../../opt/emc", uint32(rpmfiletest.Link|0o777))
	f.Add("./opt/../etc/x", "", uint32(rpmfiletest.Regular|0o4755), "opt/bin", "/etc", uint32(rpmfiletest.Link|0o777))
	f.Add("/opt/emc/a", "/opt/bin", uint32(rpmfiletest.Link|0o777), "./opt/emc/a/b", "x", uint32(rpmfiletest.Regular|0o2777))
	f.Add("./bin/emc/scaleio/../../x", "..", uint32(rpmfiletest.Link|0o777), "", "", uint32(0))
	f.Fuzz(func(t *testing.T, name1, body1 string, mode1 uint32, name2, body2 string, mode2 uint32) {
		if len(name1)+len(body1)+len(name2)+len(body2) > 2000 {
			return
		}
		p := rpmfiletest.Package{
			Name: "dvdcli", Version: "1", Release: "1", Compression: "uncompressed",
			Entries: []rpmfiletest.Entry{{Name: name1, Body: body1, Mode: mode1}, {Name: name2, Body: body2, Mode: mode2}},
		}
		dir := t.TempDir()
		file, root := filepath.Join(dir, "p.rpm"), filepath.Join(dir, "a/b/root")
		if err := p.Write(file); err != nil {
			t.Fatal(err)
		}
		m, err := packages.New(packages.Unpacked, runner.New(runner.Options{}), hostfs.New(root), marks{})
		if err != nil {
			t.Fatal(err)
		}
		installErr := m.Install(t.Context(), file, packages.Env{})
		_, installed, err := m.Installed(t.Context(), "dvdcli")
		if err != nil || installed != (installErr == nil) {
			t.Fatalf("installed %t after %v: %v", installed, installErr, err)
		}
		err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || path == file {
				return err
			}
			return allowed(t, root, path, entry)
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func allowed(t *testing.T, root, path string, entry fs.DirEntry) error {
	t.Helper()
	below := func(name string) bool {
		for _, dir := range writable {
			if rest, ok := strings.CutPrefix(name, dir); ok && rest != "" {
				return true
			}
		}
		return false
	}
	name, inRoot := strings.CutPrefix(path, root+"/")
	if !inRoot || !below(name) {
		t.Fatalf("%s was written", path)
	}
	info, err := entry.Info()
	if err != nil {
		return err
	}
	if info.Mode()&(fs.ModeSetuid|fs.ModeSetgid|fs.ModeSticky) != 0 || info.Mode().IsRegular() && info.Mode()&0o022 != 0 {
		t.Fatalf("%s has mode %s", name, info.Mode())
	}
	if info.Mode()&fs.ModeSymlink == 0 {
		return nil
	}
	target, err := os.Readlink(path)
	if err != nil {
		return err
	}
	at := target
	if !filepath.IsAbs(at) {
		at = filepath.Join("/", filepath.Dir(name), target)
	}
	if at = strings.TrimPrefix(filepath.Clean(at), "/"); !below(at) {
		t.Fatalf("%s leads to %s", name, target)
	}
	return nil
}
