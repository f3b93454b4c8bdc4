package packages_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/nodeagent/failure"
	"scaleio-framework/nodeagent/packages"
)

// The command lines of each resolver of the rpm family, and what its exit
// statuses mean.
func TestResolvers(t *testing.T) {
	const (
		dnf    = "-y --setopt=exit_on_lock=True --setopt=install_weak_deps=False install libaio numactl\n"
		yum    = "-y --setopt=exit_on_lock=1 install libaio numactl\n"
		zypper = "--non-interactive install --no-recommends libaio numactl\n"
	)
	for name, c := range map[string]struct {
		tool, status, says string
		line               string
		kind               failure.Kind
		fails              string // empty when it succeeds
	}{
		"dnf":                          {tool: "dnf", line: dnf},
		"dnf is locked":                {"dnf", "200", "", dnf, failure.Interruption, "another package manager"},
		"dnf knows no such package":    {"dnf", "1", "Error: Unable to find a match: numactl", dnf, failure.Plain, "Unable to find a match: numactl"},
		"yum":                          {tool: "yum", line: yum},
		"yum is locked":                {"yum", "200", "Existing lock /var/run/yum.pid: another copy is running as pid 7.", yum, failure.Interruption, "running as pid 7"},
		"an old yum is locked":         {"yum", "1", "Another app is currently holding the yum lock; waiting for it to exit...", yum, failure.Interruption, "yum lock"},
		"zypper":                       {tool: "zypper", line: zypper},
		"zypper is locked":             {"zypper", "7", "System management is locked by the application with pid 7 (zypper).", zypper, failure.Interruption, "pid 7"},
		"zypper asks for a reboot":     {tool: "zypper", status: "102", line: zypper},
		"zypper asks for a restart":    {tool: "zypper", status: "103", line: zypper},
		"zypper skipped a repository":  {tool: "zypper", status: "106", line: zypper},
		"zypper knows no such package": {"zypper", "104", "No provider of 'numactl' found.", zypper, failure.Plain, "No provider"},
		"a script failed":              {"dnf", "0", "warning: %post(numactl-2.0-1.x86_64) scriptlet failed, exit status 1", dnf, failure.Plain, "scriptlet failed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("STATUS", "0"+c.status)
			t.Setenv("SAYS", c.says)
			m, dir := manager(t, packages.RPM, map[string]string{
				"rpm": `[ "$1" != --eval ]`, // no lock, no packages
				c.tool: `echo "$*" >> "$DIR/log"
echo "$SAYS" >&2; exit "$STATUS"`,
			})
			err := m.InstallNamed(t.Context(), "libaio", "numactl")
			require.Equal(t, c.line, read(t, dir, "log"))
			if c.fails == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.fails)
			require.Equal(t, c.kind, failure.KindOf(err))
		})
	}
	m, _ := manager(t, packages.RPM, nil)
	require.ErrorContains(t, m.InstallNamed(t.Context(), "libaio"), "none of dnf, yum, zypper")
}

// A database that an old rpm left locked is built anew, once.
func TestStaleDatabase(t *testing.T) {
	m, dir := manager(t, packages.RPM, map[string]string{"rpm": `
case "$1" in
--eval) exit 1;;
--rebuilddb) echo rebuilt >> "$DIR/log"; [ -z "$HOPELESS" ] && : > "$DIR/mended"; exit 0;;
esac
[ -e "$DIR/mended" ] && { echo 2.0-1.1; exit 0; }
echo "error: db5 error(-30973) from dbenv->open: BDB0087 DB_RUNRECOVERY: Fatal error, run database recovery" >&2
exit 1`})
	version, ok, err := m.Installed(t.Context(), "sds")
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, "2.0-1.1", version)
	require.Equal(t, "rebuilt\n", read(t, dir, "log"))

	require.NoError(t, os.Remove(filepath.Join(dir, "mended")))
	t.Setenv("HOPELESS", "1")
	m, dir = manager(t, packages.RPM, map[string]string{"rpm": `
[ "$1" = --rebuilddb ] && { echo rebuilt >> "$DIR/log"; exit 0; }
echo "error: cannot open Packages database in /var/lib/rpm" >&2; exit 1`})
	_, _, err = m.Installed(t.Context(), "sds")
	require.ErrorContains(t, err, "cannot open Packages")
	require.Equal(t, "rebuilt\n", read(t, dir, "log"), "not again and again")
}

// What was begun and is not known to have ended well is done again, by the
// same command line or another, however the tool ended.
func TestWhatWasInterruptedIsDoneAgain(t *testing.T) {
	const kill = "kill -9 $$"
	for name, c := range map[string]struct{ ending, number string }{
		"it was killed":   {kill, "8"},
		"a script failed": {"echo 'warning: %post(sds-2.0-1.1.x86_64) scriptlet failed, exit status 1' >&2; exit 0", "8"},
		"it was killed in the second of the last transaction": {kill, "7"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("ENDING", c.ending)
			t.Setenv("NUMBER", c.number)
			const tools = `echo "${0##*/} $*" >> "$DIR/log"
[ -e "$DIR/mended" ] || eval "$ENDING"`
			m, dir := manager(t, packages.RPM, map[string]string{
				"rpm": `case "$1 $2 $4" in
--eval*) exit 1;;
"-qp "*) echo sds; exit 0;;
"-ql "*) [ "$2" = sds ] && printf '/opt/sds/bin\n/opt/sds/VERSION\n'; exit 0;;
*"--qf sds") echo 2.0-1.1; exit 0;;
*"--qf numactl") echo 2.0-1; exit 0;;
"-qa "*) echo 7; echo 6; [ ! -e "$DIR/began" ] || echo $NUMBER; exit 0;;
"-q "*"--tid")
	case $5 in
	6) echo libnuma;;
	7) echo glibc;;
	esac
	[ ! -e "$DIR/began" ] || [ $5 != $NUMBER ] || printf 'numactl\nlibnuma\ngpg-pubkey\n'
	exit 0;;
"-q --qf libnuma") printf "6 libnuma-1-1.x86_64\n$NUMBER libnuma-2-1.x86_64\n"; exit 0;;
esac
` + tools,
				"dnf": `: > "$DIR/began"
` + tools,
				"find": `[ "$*" = "/opt/sds -maxdepth 1 -name *;*" ] && printf '/opt/sds/bin;6b084f45\n/opt/sds/mine;6b084f45\n/opt/sds/bin;mine\n'`,
				"rm":   `echo "${0##*/} $*" >> "$DIR/log"`,
			})
			install := map[string]func() error{
				"sds":     func() error { return m.Install(t.Context(), "/cache/sds.rpm", packages.Env{}) },
				"numactl": func() error { return m.InstallNamed(t.Context(), "numactl") },
			}
			for pkg, again := range install {
				require.Error(t, again())
				_, ok, err := m.Installed(t.Context(), pkg)
				require.NoError(t, err)
				require.False(t, ok, "rpm has %s, but perhaps half of it", pkg)
			}
			require.NoError(t, os.Remove(filepath.Join(dir, "log")))
			require.NoError(t, os.WriteFile(filepath.Join(dir, "mended"), nil, 0o644))
			require.NoError(t, install["sds"]())
			require.NoError(t, install["numactl"]())
			require.Equal(t, `rpm -Uvh --replacepkgs /cache/sds.rpm
rm -f -- /opt/sds/bin;6b084f45
rpm -e --nodeps libnuma-1-1.x86_64
dnf -y --setopt=exit_on_lock=True --setopt=install_weak_deps=False reinstall libnuma numactl
dnf -y --setopt=exit_on_lock=True --setopt=install_weak_deps=False install numactl
`, read(t, dir, "log"))
			for pkg := range install {
				_, ok, err := m.Installed(t.Context(), pkg)
				require.NoError(t, err)
				require.True(t, ok, pkg)
			}
		})
	}
}
