package packages_test

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/redact"
	"scaleio-framework/nodeagent/failure"
	"scaleio-framework/nodeagent/hostfs"
	"scaleio-framework/nodeagent/packages"
	"scaleio-framework/nodeagent/rpmfile/rpmfiletest"
	"scaleio-framework/nodeagent/runner"
)

// image is a host whose /usr is read-only: systemctl writes down what it is
// told, and fails while the file "broken" is there.
type image struct {
	t                *testing.T
	root, dir, tools string
	packages.Manager
}

func newImage(t *testing.T) *image {
	t.Helper()
	h := &image{t: t, root: t.TempDir(), dir: t.TempDir(), tools: t.TempDir()}
	require.NoError(t, os.WriteFile(filepath.Join(h.tools, "systemctl"), []byte("#!/bin/sh\n"+
		`[ -e "$DIR/broken" ] && { echo "Job failed" >&2; exit 1; }
echo "$*" >> "$DIR/systemctl"`+"\n"), 0o755))
	t.Setenv("PATH", "/nowhere")
	t.Setenv("DIR", h.dir)
	var err error
	h.Manager, err = packages.New(packages.Unpacked, runner.New(runner.Options{Tools: h.tools}), hostfs.New(h.root), marks{})
	require.NoError(t, err)
	return h
}

// files lists everything below the host's root but for directories and the
// record of packages.
func (h *image) files() []string {
	h.t.Helper()
	var list []string
	require.NoError(h.t, filepath.WalkDir(h.root, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			list = append(list, strings.TrimPrefix(path, h.root))
		}
		return err
	}))
	return slices.DeleteFunc(list, func(name string) bool { return strings.HasPrefix(name, "/var/lib/scaleio-packages/") })
}

func (h *image) read(name string) string {
	h.t.Helper()
	return read(h.t, h.root, name)
}

func (h *image) write(name, text string) {
	h.t.Helper()
	at := filepath.Join(h.root, name)
	require.NoError(h.t, os.MkdirAll(filepath.Dir(at), 0o755))
	require.NoError(h.t, os.WriteFile(at, []byte(text), 0o644))
}

// commands are what systemctl was told since the last call.
func (h *image) commands() []string {
	h.t.Helper()
	data, err := os.ReadFile(filepath.Join(h.dir, "systemctl"))
	if !errors.Is(err, fs.ErrNotExist) {
		require.NoError(h.t, err)
		require.NoError(h.t, os.Remove(filepath.Join(h.dir, "systemctl")))
	}
	return strings.Split(strings.TrimSpace(string(data)), "\n")
}

func (h *image) version(name string) string {
	h.t.Helper()
	version, ok, err := h.Installed(h.t.Context(), name)
	require.NoError(h.t, err)
	require.Equal(h.t, ok, version != "")
	return version
}

// pack writes a package of these files: the text of a path that ends in a
// program's directory is a program, and "-> x" is a link to x.
func pack(t *testing.T, name, version string, files map[string]string) string {
	t.Helper()
	v, release, _ := strings.Cut(version, "-")
	p := rpmfiletest.Package{Name: name, Version: v, Release: release, Compression: "xz"}
	for _, file := range slices.Sorted(maps.Keys(files)) {
		e := rpmfiletest.Entry{Name: "." + file, Mode: rpmfiletest.Regular | 0o644, Body: files[file]}
		if strings.Contains(file, "bin/") {
			e.Mode = rpmfiletest.Regular | 0o755
		}
		if target, link := strings.CutPrefix(files[file], "-> "); link {
			e.Mode, e.Body = rpmfiletest.Link|0o777, target
		}
		p.Entries = append(p.Entries, e)
	}
	at := filepath.Join(t.TempDir(), name+".rpm")
	require.NoError(t, p.Write(at))
	return at
}

const (
	oldVersion = "2.6-11000.113.el7"
	newVersion = "3.0-200.104.el7"
)

func packSDS(t *testing.T, version string) string {
	t.Helper()
	return pack(t, "EMC-ScaleIO-sds", version, map[string]string{
		"/opt/emc/scaleio/sds/bin/run_bin.sh":  "#!/bin/sh\n",
		"/opt/emc/scaleio/sds/bin/sds-2":       "program of " + version,
		"/opt/emc/scaleio/sds/bin/sds":         "-> sds-2",
		"/opt/emc/scaleio/sds/VERSION":         version,
		"/opt/emc/scaleio/sds/cfg/conf.txt":    "tuned=no\n",
		"/opt/emc/scaleio/sds/" + version:      "",
		"/usr/share/doc/sds/README":            "nobody reads it here",
		"/etc/init.d/sds":                      "of another time",
		"/usr/lib/udev/rules.d/60-sds.rules":   `RUN+="/bin/emc/scaleio/tool"` + "\n",
		"/usr/bin/sds-tool":                    "-> /opt/emc/scaleio/sds/bin/sds",
		"/usr/lib/systemd/system/sds2.service": "ExecStart=-/usr/bin/sds-tool --like=/usr/bin/sds-tool2\n",
	})
}

func TestAPackageIsUnpackedToWhereTheHostCanBeWritten(t *testing.T) {
	h := newImage(t)
	require.Empty(t, h.version("EMC-ScaleIO-sds"))
	require.NoError(t, h.Install(t.Context(), packSDS(t, oldVersion), packages.Env{}))
	require.Equal(t, []string{
		"/etc/systemd/system/sds.service", "/etc/systemd/system/sds2.service", "/etc/udev/rules.d/60-sds.rules",
		"/opt/bin/sds-tool",
		"/opt/emc/scaleio/sds/" + oldVersion, "/opt/emc/scaleio/sds/VERSION", "/opt/emc/scaleio/sds/bin/run_bin.sh",
		"/opt/emc/scaleio/sds/bin/sds", "/opt/emc/scaleio/sds/bin/sds-2", "/opt/emc/scaleio/sds/cfg/conf.txt",
	}, h.files())
	require.Equal(t, oldVersion, h.version("EMC-ScaleIO-sds"))
	require.Contains(t, h.read("/etc/systemd/system/sds.service"), "ExecStart=/opt/emc/scaleio/sds/bin/run_bin.sh\n")
	require.Equal(t, "ExecStart=-/opt/bin/sds-tool --like=/usr/bin/sds-tool2\n", h.read("/etc/systemd/system/sds2.service"))
	require.Equal(t, `RUN+="/opt/emc/scaleio/sdc/tool"`+"\n", h.read("/etc/udev/rules.d/60-sds.rules"))
	target, err := os.Readlink(filepath.Join(h.root, "/opt/bin/sds-tool"))
	require.NoError(t, err)
	require.Equal(t, "/opt/emc/scaleio/sds/bin/sds", target)
	require.Equal(t, []string{"daemon-reload", "enable sds", "start sds"}, h.commands())

	t.Run("another version takes its place, and settings stay", func(t *testing.T) {
		h.write("/opt/emc/scaleio/sds/cfg/conf.txt", "tuned=yes\n")
		require.NoError(t, h.Install(t.Context(), packSDS(t, newVersion), packages.Env{}))
		require.Equal(t, newVersion, h.version("EMC-ScaleIO-sds"))
		require.Equal(t, "tuned=yes\n", h.read("/opt/emc/scaleio/sds/cfg/conf.txt"))
		require.Equal(t, "program of "+newVersion, h.read("/opt/emc/scaleio/sds/bin/sds-2"))
		require.NotContains(t, h.files(), "/opt/emc/scaleio/sds/"+oldVersion)
		require.Contains(t, h.commands(), "restart sds", "the old program must not run on")
	})
	t.Run("a package that lost a file is not installed", func(t *testing.T) {
		require.NoError(t, os.Remove(filepath.Join(h.root, "/opt/emc/scaleio/sds/bin/sds-2")))
		require.Empty(t, h.version("EMC-ScaleIO-sds"))
		present, err := h.Present(t.Context(), "EMC-ScaleIO-sds")
		require.NoError(t, err)
		require.True(t, present)
		require.NoError(t, h.Install(t.Context(), packSDS(t, newVersion), packages.Env{}))
		require.Equal(t, newVersion, h.version("EMC-ScaleIO-sds"))
	})
	t.Run("a removal leaves nothing but what is not the package's", func(t *testing.T) {
		h.write("/opt/emc/scaleio/operators", "own")
		h.commands()
		require.NoError(t, h.Remove(t.Context(), "EMC-ScaleIO-sds"))
		require.Equal(t, []string{"/opt/emc/scaleio/operators"}, h.files())
		require.NoDirExists(t, filepath.Join(h.root, "/opt/emc/scaleio/sds"))
		require.NoDirExists(t, filepath.Join(h.root, "/opt/bin"))
		require.Equal(t, []string{"disable --now sds", "daemon-reload"}, h.commands())
		require.Empty(t, h.version("EMC-ScaleIO-sds"))
		present, err := h.Present(t.Context(), "EMC-ScaleIO-sds")
		require.NoError(t, err)
		require.False(t, present)
		require.NoError(t, h.Remove(t.Context(), "EMC-ScaleIO-sds"), "what is not there need not be removed")
	})
}

// What the vendor's scripts make of their environment.
func TestTheScriptsOfPackagesAreRepeated(t *testing.T) {
	token := packages.Env{Secrets: map[string]redact.Secret{"TOKEN": redact.New("T0ken")}}
	for name, c := range map[string]struct {
		component string
		env       packages.Env
		file      string
		says      string
		mode      fs.FileMode
	}{
		"a manager":     {"mdm", packages.Env{Plain: []string{"MDM_ROLE_IS_MANAGER=1"}}, "/opt/emc/scaleio/mdm/cfg/conf.txt", "^a=1\nactor_role_is_manager=1\n$", 0o644},
		"a tie-breaker": {"mdm", packages.Env{Plain: []string{"MDM_ROLE_IS_MANAGER=0"}}, "/opt/emc/scaleio/mdm/cfg/conf.txt", "^a=1\nactor_role_is_manager=0\n$", 0o644},
		"the token":     {"lia", token, "/opt/emc/scaleio/lia/cfg/conf.txt", "^a=1\nlia_token=T0ken\n$", 0o600},
		"the SDC":       {"sdc", packages.Env{Plain: []string{"MDM_IP=10.0.0.1,10.0.0.2"}}, packages.DrvCfg, "^ini_guid [0-9A-F]{8}-[0-9A-F-]{27}\nmdm 10.0.0.1,10.0.0.2\n$", 0o644},
	} {
		t.Run(name, func(t *testing.T) {
			h := newImage(t)
			home := "/opt/emc/scaleio/" + c.component
			files := map[string]string{home + "/bin/run_bin.sh": "#!/bin/sh\n", home + "/cfg/conf.txt": "a=1\nactor_role_is_manager=\nlia_token=none\n"}
			if c.component == "mdm" {
				files[home+"/cfg/conf.txt"] = "a=1\nactor_role_is_manager=\n"
			}
			if c.component == "lia" {
				files[home+"/cfg/conf.txt"] = "a=1\nlia_token=none\n"
			}
			file := pack(t, "EMC-ScaleIO-"+c.component, oldVersion, files)
			require.NoError(t, h.Install(t.Context(), file, c.env))
			text := h.read(c.file)
			require.Regexp(t, c.says, text)
			info, err := os.Stat(filepath.Join(h.root, c.file))
			require.NoError(t, err)
			require.Equal(t, c.mode, info.Mode().Perm())
			require.Equal(t, oldVersion, h.version("EMC-ScaleIO-"+c.component))
			require.NoError(t, h.Install(t.Context(), file, c.env))
			require.Equal(t, text, h.read(c.file), "another time changes nothing, the SDC's identity above all")
			require.NotContains(t, h.read("/var/lib/scaleio-packages/EMC-ScaleIO-"+c.component+".json"), "T0ken")
			if c.component == "sdc" {
				h.write(packages.ModuleFile("5.15.86-flatcar"), "module")
			}
			require.NoError(t, h.Remove(t.Context(), "EMC-ScaleIO-"+c.component))
			require.Empty(t, h.files())
		})
	}
}

func TestREXRayRunsFromOptBin(t *testing.T) {
	h := newImage(t)
	require.NoError(t, h.Install(t.Context(), pack(t, "rexray", "0.11.4-1", map[string]string{"/usr/bin/rexray": "program"}), packages.Env{}))
	require.NoError(t, h.Install(t.Context(), pack(t, "dvdcli", "0.2.1-1", map[string]string{"/usr/bin/dvdcli": "program"}), packages.Env{}))
	require.Equal(t, []string{"/etc/systemd/system/rexray.service", "/opt/bin/dvdcli", "/opt/bin/rexray"}, h.files())
	require.Contains(t, h.read("/etc/systemd/system/rexray.service"), "ExecStart=/opt/bin/rexray start -f\n")
	require.Equal(t, "0.2.1-1", h.version("dvdcli"))
}

// Nothing of a package that must not be unpacked is unpacked.
func TestPackagesThatAreRefused(t *testing.T) {
	sds := func(more ...rpmfiletest.Entry) rpmfiletest.Package {
		return rpmfiletest.Package{
			Name: "EMC-ScaleIO-sds", Version: "2.6", Release: "11000.113.el7", Compression: "gzip",
			Entries: append([]rpmfiletest.Entry{{Name: "./opt/emc/scaleio/sds/bin/run_bin.sh"}}, more...),
		}
	}
	link := func(name, target string) rpmfiletest.Entry {
		return rpmfiletest.Entry{Name: name, Mode: rpmfiletest.Link | 0o777, Body: target}
	}
	for name, c := range map[string]struct {
		pkg  rpmfiletest.Package
		says string
	}{
		"a name that leads out":       {sds(rpmfiletest.Entry{Name: "./opt/../etc/passwd"}), "which leads out of the package"},
		"a file of the system":        {sds(rpmfiletest.Entry{Name: "./etc/passwd"}), "/etc/passwd has no place on a host whose /usr is read-only"},
		"a library of the system":     {sds(rpmfiletest.Entry{Name: "./usr/lib64/libc.so.6"}), "has no place"},
		"setuid":                      {sds(rpmfiletest.Entry{Name: "./opt/emc/su", Mode: rpmfiletest.Regular | 0o4755}), "nothing with setuid, setgid or sticky is unpacked"},
		"setgid":                      {sds(rpmfiletest.Entry{Name: "./opt/emc/su", Mode: rpmfiletest.Regular | 0o2755}), "nothing with setuid"},
		"a sticky directory":          {sds(rpmfiletest.Entry{Name: "./opt/emc/tmp", Mode: rpmfiletest.Dir | 0o1777}), "nothing with setuid"},
		"a device":                    {sds(rpmfiletest.Entry{Name: "./opt/emc/sda", Mode: rpmfiletest.Char | 0o600}), "neither a file, a directory nor a symbolic link"},
		"an absolute link out":        {sds(link("./opt/emc/x", "/etc")), "the symbolic link /opt/emc/x leads out of the package, to /etc"},
		"a relative link out":         {sds(link("./opt/emc/x", "../../root/.ssh")), "leads out of the package"},
		"a link to the root":          {sds(link("./opt/emc/x", "/")), "leads out of the package"},
		"a file below a link":         {sds(link("./opt/emc/x", "/opt/bin"), rpmfiletest.Entry{Name: "./opt/emc/x/sh"}), "/opt/emc/x/sh is below /opt/emc/x, which is a symbolic link"},
		"two files for one place":     {sds(rpmfiletest.Entry{Name: "./bin/x"}, rpmfiletest.Entry{Name: "./usr/bin/x"}), "would both be /opt/bin/x"},
		"a package of somebody else":  {rpmfiletest.Package{Name: "bash", Version: "5", Release: "1", Entries: []rpmfiletest.Entry{{Name: "./opt/sh"}}}, "nobody knows what the scripts of package bash would do"},
		"the gateway":                 {rpmfiletest.Package{Name: "EMC-ScaleIO-gateway", Version: "2.6", Release: "1.1"}, "needs a Java"},
		"a daemon that cannot start":  {rpmfiletest.Package{Name: "EMC-ScaleIO-lia", Version: "2.6", Release: "1.1"}, "the LIA needs a token"},
		"an SDS without its program":  {rpmfiletest.Package{Name: "EMC-ScaleIO-sds", Version: "2.6", Release: "1.1"}, "neither a unit nor /opt/emc/scaleio/sds/bin/run_bin.sh"},
		"an SDC without MDMs":         {rpmfiletest.Package{Name: "EMC-ScaleIO-sdc", Version: "2.6", Release: "1.1"}, "MDM_IP"},
		"a compression of the future": {rpmfiletest.Package{Name: "EMC-ScaleIO-sds", Version: "2.6", Release: "1.1", Compression: "snow"}, `"snow"`},
	} {
		t.Run(name, func(t *testing.T) {
			h := newImage(t)
			file := filepath.Join(t.TempDir(), "p.rpm")
			require.NoError(t, c.pkg.Write(file))
			err := h.Install(t.Context(), file, packages.Env{})
			require.ErrorContains(t, err, c.says)
			require.Empty(t, h.files())
			present, err := h.Present(t.Context(), c.pkg.Name)
			require.NoError(t, err)
			require.False(t, present)
		})
	}
}

func TestAServiceThatDoesNotStart(t *testing.T) {
	h := newImage(t)
	require.NoError(t, os.WriteFile(filepath.Join(h.dir, "broken"), nil, 0o644))
	require.ErrorContains(t, h.Install(t.Context(), packSDS(t, oldVersion), packages.Env{}), "Job failed")
	require.Empty(t, h.version("EMC-ScaleIO-sds"), "as with any package whose scripts fail")
	require.NoError(t, os.Remove(filepath.Join(h.dir, "broken")))
	require.NoError(t, h.Install(t.Context(), packSDS(t, oldVersion), packages.Env{}))
	require.Equal(t, oldVersion, h.version("EMC-ScaleIO-sds"))
}

func TestTwoNodeAgentsDoNotUnpackAtTheSameTime(t *testing.T) {
	h := newImage(t)
	h.write("/var/lib/scaleio-packages/lock", "")
	f, err := os.Open(filepath.Join(h.root, "/var/lib/scaleio-packages/lock"))
	require.NoError(t, err)
	require.NoError(t, syscall.Flock(int(f.Fd()), syscall.LOCK_EX))
	err = h.Install(t.Context(), packSDS(t, oldVersion), packages.Env{})
	require.Equal(t, failure.Interruption, failure.KindOf(err), "%v", err)
	require.NoError(t, f.Close())
	require.NoError(t, h.Install(t.Context(), packSDS(t, oldVersion), packages.Env{}))
}

func TestARecordThatCannotBeReadIsNoEmptyOne(t *testing.T) {
	h := newImage(t)
	require.NoError(t, h.Install(t.Context(), packSDS(t, oldVersion), packages.Env{}))
	h.write("/var/lib/scaleio-packages/EMC-ScaleIO-sds.json", "{")
	_, _, err := h.Installed(t.Context(), "EMC-ScaleIO-sds")
	require.ErrorContains(t, err, "cannot be read")
	require.ErrorContains(t, h.Install(t.Context(), packSDS(t, oldVersion), packages.Env{}), "cannot be read")
	require.ErrorContains(t, h.Remove(t.Context(), "EMC-ScaleIO-sds"), "cannot be read")
	_, _, err = h.Installed(t.Context(), "../../etc/passwd")
	require.ErrorContains(t, err, "no name of a package")
}

func TestAnImageHasNoPackagesOfADistribution(t *testing.T) {
	h := newImage(t)
	err := h.InstallNamed(context.Background(), "libaio")
	require.ErrorContains(t, err, "has no package manager")
	require.Equal(t, failure.Hopelessness, failure.KindOf(err))
}
