package packages_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"scaleio-framework/internal/redact"
	"scaleio-framework/nodeagent/failure"
	"scaleio-framework/nodeagent/hostfs"
	"scaleio-framework/nodeagent/packages"
	"scaleio-framework/nodeagent/runner"
)

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		unpackInChild()
		return
	}
	goleak.VerifyTestMain(m)
}

// manager gives a manager over tools that are scripts; PATH has the shell's
// own programs only.
func manager(t *testing.T, family string, scripts map[string]string) (packages.Manager, string) {
	t.Helper()
	tools, dir := t.TempDir(), t.TempDir()
	for name, script := range scripts {
		require.NoError(t, os.WriteFile(filepath.Join(tools, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755))
	}
	t.Setenv("PATH", "/nowhere")
	t.Setenv("DIR", dir)
	m, err := packages.New(family, runner.New(runner.Options{Tools: tools}), hostfs.New(""), marks{})
	require.NoError(t, err)
	return m, dir
}

// marks are kept as long as the test.
type marks map[string]string

func (m marks) Mark(name, note string) error { m[name] = note; return nil }

func (m marks) Note(name string) (note string, stands bool, err error) {
	note, stands = m[name]
	return note, stands, nil
}

func (m marks) Clear(name string) error { delete(m, name); return nil }

func read(t *testing.T, dir, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	require.NoError(t, err)
	return string(data)
}

func TestVersionsAreComparedByTheirCore(t *testing.T) {
	for name, c := range map[string]struct {
		a, b string
		same bool
	}{
		"a distribution's suffix":   {"2.0-10000.2072.el7", "2.0-10000.2072", true},
		"Ubuntu's suffix":           {"2.0-5014.0.Ubuntu.14.04", "2.0-5014.0", true},
		"another build":             {"2.0-5014.0", "2.0-5014.1", false},
		"another release":           {"2.0-5014.0", "2.5-5014.0", false},
		"versions of other scheme":  {"0.11.4", "0.11.4\n", true},
		"versions that differ":      {"0.11.4", "0.11.3", false},
		"a build that is a prefix":  {"2.0-5014.0", "2.0-5014.01", false},
		"three parts and a release": {"0.11.4-1", "0.11.4-1.x86_64", true},
	} {
		require.Equal(t, c.same, packages.SameVersion(c.a, c.b), name)
	}
}

func TestDpkgTakesOnlyCompletePackagesForInstalled(t *testing.T) {
	m, _ := manager(t, packages.Deb, map[string]string{"dpkg-query": `
case "$4" in
good) echo "install ok installed 2.0-1.1";;
waiting) echo "install ok triggers-pending 2.0-1.1";;
half) echo "install ok half-configured 2.0-1.1";;
removed) echo "install ok config-files 2.0-1.1";;
broken) echo "database is damaged" >&2; exit 2;;
*) echo "no packages found" >&2; exit 1;;
esac`})
	for name, want := range map[string]bool{"good": true, "waiting": true, "half": false, "removed": false, "unknown": false} {
		version, ok, err := m.Installed(t.Context(), name)
		require.NoError(t, err, name)
		require.Equal(t, want, ok, name)
		require.Equal(t, want, version == "2.0-1.1", name)
	}
	_, _, err := m.Installed(t.Context(), "broken")
	require.ErrorContains(t, err, "database is damaged")
}

// apt is how apt-get is told what dpkg does with edited configurations.
const apt = "-oDpkg::Options::=--force-confdef -oDpkg::Options::=--force-confold"

func TestDpkgFinishesWhatWasInterrupted(t *testing.T) {
	const audit = `
The following packages are only half configured, probably due to problems
configuring them the first time.  The configuration should be retried using
dpkg --configure <package> or the configure menu option in dselect:`
	for name, c := range map[string]struct{ found, first, again string }{
		"nothing, but perhaps dpkg's journal":                   {"", "--force-confdef --force-confold --configure -a role= token=\n", ""},
		"a package of the distribution":                         {audit + "\n libnuma1             NUMA policy\n", "--force-confdef --force-confold --configure libnuma1 role= token=\n", " libnuma1"},
		"one of ours, which needs the settings of its own step": {audit + "\n emc-scaleio-mdm      the MDM\n", "", ""},
		"both": {audit + "\n emc-scaleio-mdm      the MDM\n libnuma1             NUMA policy\n", "--force-confdef --force-confold --configure libnuma1 role= token=\n", " libnuma1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("FOUND", c.found) // the runner takes the environment as it is at its start
			m, dir := manager(t, packages.Deb, map[string]string{
				"dpkg": `[ "$1" = --audit ] && { echo "$FOUND"; exit 0; }
[ "$DEBIAN_FRONTEND $NEEDRESTART_SUSPEND $UCF_FORCE_CONFFOLD" = "noninteractive 1 1" ] || exit 9
echo "$* role=$MDM_ROLE_IS_MANAGER token=$TOKEN" >> "$DIR/log"`,
				"apt-get": `echo "$*" >> "$DIR/log"`,
			})
			require.NoError(t, m.Install(t.Context(), "/cache/sds.deb", packages.Env{
				Plain: []string{"MDM_ROLE_IS_MANAGER=1"}, Secrets: map[string]redact.Secret{"TOKEN": redact.New("T0ken")},
			}))
			require.Equal(t, c.first+"--force-confdef --force-confold -i /cache/sds.deb role=1 token=T0ken\n", read(t, dir, "log"),
				"secrets come by the environment, and never as arguments")
			require.NoError(t, m.InstallNamed(t.Context(), "numactl"))
			require.Contains(t, read(t, dir, "log"), "token=T0ken\n"+c.first+apt+" install -y --no-install-recommends --reinstall numactl"+c.again+"\n", "apt works only on a finished database")
		})
	}
}

func TestFailuresOfInstallersAreClassified(t *testing.T) {
	for name, c := range map[string]struct {
		family, tool, says string
		kind               failure.Kind
	}{
		"dpkg's lock":        {packages.Deb, "dpkg", "dpkg: error: dpkg frontend lock was locked by another process with pid 7", failure.Interruption},
		"dpkg's older words": {packages.Deb, "dpkg", "dpkg: error: unable to lock the administration directory", failure.Interruption},
		"rpm's lock":         {packages.RPM, "rpm", "error: can't create transaction lock on /var/lib/rpm/.rpm.lock", failure.Interruption},
		"a broken package":   {packages.Deb, "dpkg", "dpkg-deb: error: not a Debian format archive", failure.Plain},
		"a broken rpm":       {packages.RPM, "rpm", "error: mdm.rpm: not an rpm package", failure.Plain},
	} {
		t.Run(name, func(t *testing.T) {
			m, _ := manager(t, c.family, map[string]string{c.tool: `case "$1" in --audit|--eval) exit 0;; esac
echo "` + c.says + `" >&2; exit 2`})
			err := m.Install(t.Context(), "/cache/file", packages.Env{})
			require.ErrorContains(t, err, c.says)
			require.Equal(t, c.kind, failure.KindOf(err))
		})
	}
	m, _ := manager(t, packages.RPM, nil)
	err := m.Install(t.Context(), "/cache/file", packages.Env{})
	require.Equal(t, failure.Hopelessness, failure.KindOf(err), "a host without the tool is of no use")
	require.ErrorIs(t, err, runner.ErrNotFound)
}

func TestRPMQueries(t *testing.T) {
	m, dir := manager(t, packages.RPM, map[string]string{"rpm": `
[ "$1" = -e ] && { echo "$* $I_AM_SURE" > "$DIR/log"; exit 0; }
case "$4" in
two) printf '2.0-1.1.el7\n2.0-2.2.el7\n';;
one) echo 2.0-1.1.el7;;
silent) ;;
broken) echo "cannot open Packages database" >&2; exit 1;;
--whatprovides) [ "$5" = python3 ] && { echo 3.6-1.1; exit 0; }; echo "no package provides $5"; exit 1;;
*) echo "package $4 is not installed"; exit 1;;
esac`})
	version, ok, err := m.Installed(t.Context(), "two")
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, "2.0-2.2.el7", version)
	version, ok, err = m.Installed(t.Context(), "python3")
	require.NoError(t, err)
	require.True(t, ok, "another package provides it")
	require.Equal(t, "3.6-1.1", version)
	there, err := m.Present(t.Context(), "python3")
	require.NoError(t, err)
	require.False(t, there, "there is no package of that name to remove")
	_, ok, err = m.Installed(t.Context(), "absent")
	require.NoError(t, err)
	require.False(t, ok)
	for _, name := range []string{"broken", "silent"} {
		_, _, err = m.Installed(t.Context(), name)
		require.Error(t, err, name)
	}
	require.NoError(t, m.Remove(t.Context(), "absent"), "what is not there need not be removed")
	require.NoFileExists(t, filepath.Join(dir, "log"))
	require.NoError(t, m.Remove(t.Context(), "one"))
	require.Equal(t, "-e --allmatches one 1\n", read(t, dir, "log"))
	for name, want := range map[string]bool{"one": true, "two": true, "absent": false} {
		there, err := m.Present(t.Context(), name)
		require.NoError(t, err)
		require.Equal(t, want, there, name)
	}
	_, err = m.Present(t.Context(), "broken")
	require.Error(t, err, "what cannot be read is not gone")
}

func TestDpkgPurgesWithTheVendorsWord(t *testing.T) {
	m, dir := manager(t, packages.Deb, map[string]string{
		"dpkg-query": `case "$4" in
half) echo "install reinstreq half-installed 1.0";;
rest) echo "deinstall ok config-files 1.0";;
*) exit 1;;
esac`,
		"dpkg": `echo "$* $I_AM_SURE" > "$DIR/log"`,
	})
	require.NoError(t, m.Remove(t.Context(), "absent"))
	require.NoFileExists(t, filepath.Join(dir, "log"))
	require.NoError(t, m.Remove(t.Context(), "half"))
	require.Equal(t, "--force-remove-reinstreq -P half 1\n", read(t, dir, "log"))
	for name, want := range map[string]bool{"half": true, "rest": true, "absent": false} {
		there, err := m.Present(t.Context(), name)
		require.NoError(t, err)
		require.Equal(t, want, there, name)
	}
}

func TestDistributionPackages(t *testing.T) {
	m, dir := manager(t, packages.Deb, map[string]string{"dpkg": "exit 0", "apt-get": `
echo "$*" >> "$DIR/log"
[ "$1" = update ] && { : > "$DIR/updated"; exit 0; }
[ -e "$DIR/updated" ] || { echo "E: Unable to locate package libaio1" >&2; exit 100; }`})
	require.NoError(t, m.InstallNamed(t.Context(), "libaio1", "numactl"))
	const install = apt + " install -y --no-install-recommends --reinstall libaio1 numactl\n"
	require.Equal(t, install+"update\n"+install, read(t, dir, "log"), "lists are fetched when the ones there do not do")

	_, err := packages.New("ebuild", runner.New(runner.Options{}), hostfs.New(""), marks{})
	require.Error(t, err)
}
