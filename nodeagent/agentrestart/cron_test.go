package agentrestart_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/nodeagent/agentrestart"
)

// service plays a SysV script of an agent; it finds no other tools.
const service = `#!/bin/sh
case "$2" in
restart) echo restart >> "$HOST/restarts"; echo 2 > "$HOST/generation" ;;
esac
`

// withoutSystemd makes the bench a host of SysV scripts, with a program that
// writes its arguments down for the guard's.
func (b *bench) withoutSystemd() {
	b.t.Helper()
	b.t.Setenv("PATH", "/nowhere")
	require.NoError(b.t, os.Remove(filepath.Join(b.tools, "systemctl")))
	b.tool("service", service)
	b.tool("guard", "#!/bin/sh\nprintf '%s\\n' \"$@\" > \"$HOST/arguments\"\n")
	b.program = filepath.Join(b.tools, "guard")
	b.state = filepath.Join(b.t.TempDir(), "it's 100%, or 1.5_", "agent-restart")
	b.put("etc/init.d/mesos-slave", "")
}

// Without systemd, cron starts the guard with the host, until nothing is left
// for it to do.
func TestCronStartsTheGuardWithoutSystemd(t *testing.T) {
	b := newBench(t)
	b.withoutSystemd()
	b.put("etc/cron.d/other", "")
	r := b.change("new")
	tables, err := filepath.Glob(filepath.Join(b.dir, "etc/cron.d/scaleio*"))
	require.NoError(t, err)
	require.Len(t, tables, 1)
	require.Regexp(t, regexp.MustCompile(`^[a-zA-Z0-9_-]+$`), filepath.Base(tables[0]), "Debian's cron reads no others")
	info, err := os.Stat(tables[0])
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o644), info.Mode())

	table, err := os.ReadFile(tables[0])
	require.NoError(t, err)
	_, line, found := strings.Cut(string(table), "\n@reboot root ")
	require.True(t, found, "%s", table)
	// To cron, a % that is not escaped ends the command.
	require.Regexp(t, regexp.MustCompile(`^([^%]|\\%)*\n$`), line)
	require.NoError(t, exec.Command("/bin/sh", "-c", strings.ReplaceAll(line, `\%`, "%")).Run())
	require.Equal(t, strings.Join([]string{agentrestart.Command, agentrestart.Background, b.state}, "\n"), b.get("arguments"))

	require.NoError(t, r.Order(t.Context(), "mesos-slave"))
	require.NoError(t, r.Guard(t.Context()))
	require.Equal(t, agentrestart.Done, b.record().Phase)
	require.Equal(t, 1, b.restarts())
	require.NoFileExists(t, tables[0])
	require.FileExists(t, filepath.Join(b.dir, "etc/cron.d/other"))
}

func TestAHostWithoutSystemdAndCronIsToldOf(t *testing.T) {
	b := newBench(t)
	b.withoutSystemd()
	r := b.change("new")
	require.Contains(t, b.log.String(), "nothing starts the guard of the Mesos agent's restart if the host boots in its midst")
	require.NoDirExists(t, filepath.Join(b.dir, "etc/cron.d"))
	require.NoError(t, r.Order(t.Context(), "mesos-slave"))
	require.NoError(t, r.Guard(t.Context()))
	require.Equal(t, agentrestart.Done, b.record().Phase)
}
