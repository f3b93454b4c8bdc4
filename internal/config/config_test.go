package config_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/config"
)

const password = "Very-Secret7"

// host is a place with the files that a good configuration names.
type host struct {
	dir, agent, secret string
}

func newHost(t testing.TB) host {
	t.Helper()
	dir := t.TempDir()
	h := host{dir: dir, agent: filepath.Join(dir, "scaleio-nodeagent"), secret: filepath.Join(dir, "password")}
	h.file(t, "scaleio-nodeagent", "program")
	h.file(t, "password", password+"\n")
	return h
}

func (h host) file(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(h.dir, name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// environ is a good configuration; more replaces or adds variables.
func (h host) environ(more ...string) []string {
	env := []string{
		"SIO_ZK=zk://zk1:2181/scaleio-framework/a",
		"SIO_MESOS=zk://zk1:2181/mesos",
		"SIO_EXECUTOR_PROGRAM=" + h.agent,
		"SIO_SCALEIO_PASSWORD_FILE=" + h.secret,
		"SIO_REST_PORT=8080",
	}
	return append(env, more...)
}

func parse(env []string, args ...string) (*config.Config, error) {
	return config.Parse("scaleio-scheduler", args, env, &bytes.Buffer{})
}

func TestDefaultsAreThoseOfTheDocumentation(t *testing.T) {
	h := newHost(t)
	c, err := parse(h.environ())
	require.NoError(t, err)
	hostname, err := os.Hostname()
	require.NoError(t, err)
	require.Equal(t, "scaleio", c.Name)
	require.Equal(t, 10*time.Second, c.ZK.Session)
	require.Equal(t, 14*24*time.Hour, c.Mesos.FailoverTimeout)
	require.Equal(t, hostname, c.REST.Host)
	require.Equal(t, hostname, c.REST.Instance)
	require.Equal(t, 1.5, c.Executor.MDMCPUs)
	require.Equal(t, 3072.0, c.Executor.MDMMemoryMB)
	require.Equal(t, 0.5, c.Executor.OtherCPUs)
	require.Equal(t, 512.0, c.Executor.OtherMemory)
	require.Equal(t, 10*time.Second, c.Placement.Settle)
	require.Equal(t, "scaleio-persona", c.Placement.PersonaAttribute)
	require.Equal(t, "auto", c.Devices.Pattern)
	require.False(t, c.Executor.SCLIPasswordInArgs)
	require.Equal(t, password, c.ScaleIO.Password.Reveal(), "the line break at the end of a file is no part of it")
	require.Equal(t, password, c.ScaleIO.LIAToken.Reveal())
	require.Equal(t, password, c.ScaleIO.GatewayPassword.Reveal())
	require.Empty(t, c.Warnings)
}

func TestWhichSourceOfASettingWins(t *testing.T) {
	h := newHost(t)
	own := h.file(t, "lia", "Lia-Token-1\r\n")
	for _, c := range []struct {
		name  string
		env   []string
		args  []string
		check func(*testing.T, *config.Config)
	}{
		{"a flag wins over its variable", []string{"SIO_ROLE=env"}, []string{"--role", "flag"}, func(t *testing.T, c *config.Config) { require.Equal(t, "flag", c.Mesos.Role) }},
		{"a variable wins over the default", []string{"SIO_ROLE=env"}, nil, func(t *testing.T, c *config.Config) { require.Equal(t, "env", c.Mesos.Role) }},
		{"an empty variable is not set", []string{"SIO_ROLE=", "SIO_ZK_SESSION="}, nil, func(t *testing.T, c *config.Config) {
			require.Equal(t, "scaleio", c.Mesos.Role)
			require.Equal(t, 10*time.Second, c.ZK.Session)
		}},
		{"a flag may be empty", nil, []string{"--volumes.isolator=none", "--rest.listen="}, func(t *testing.T, c *config.Config) { require.Empty(t, c.REST.Listen) }},
		{"a yes-or-no flag needs no value", nil, []string{"-gateway.insecure", "--log.json=true"}, func(t *testing.T, c *config.Config) {
			require.True(t, c.Gateway.Insecure)
			require.True(t, c.LogJSON)
		}},
		{"a yes-or-no flag does not eat the next one", nil, []string{"--log.json", "--role", "x"}, func(t *testing.T, c *config.Config) {
			require.True(t, c.LogJSON)
			require.Equal(t, "x", c.Mesos.Role)
		}},
		{"the last flag counts", nil, []string{"--role=a", "--role=b"}, func(t *testing.T, c *config.Config) { require.Equal(t, "b", c.Mesos.Role) }},
		{"a value may begin with a dash or hold an equals sign", nil, []string{"--mesos.principal", "-a=b"}, func(t *testing.T, c *config.Config) { require.Equal(t, "-a=b", c.Mesos.Principal) }},
		{"a secret comes from a variable", []string{"SIO_SCALEIO_LIA_TOKEN=Direct-1"}, nil, func(t *testing.T, c *config.Config) { require.Equal(t, "Direct-1", c.ScaleIO.LIAToken.Reveal()) }},
		{"a secret comes from a file", []string{"SIO_SCALEIO_LIA_TOKEN_FILE=" + own}, nil, func(t *testing.T, c *config.Config) {
			require.Equal(t, "Lia-Token-1", c.ScaleIO.LIAToken.Reveal())
		}},
		{"Marathon gives port, host and name", []string{"SIO_REST_PORT=", "PORT0=31005", "HOST=agent7", "MESOS_TASK_ID=sio.1234"}, nil, func(t *testing.T, c *config.Config) {
			require.Equal(t, config.REST{Port: 31005, Host: "agent7", Instance: "sio.1234"}, c.REST)
		}},
		{"what is given wins over Marathon", []string{"PORT0=garbage", "HOST=agent7", "MESOS_TASK_ID=sio.1234"}, []string{"--rest.port=9", "--rest.address=h", "--instance=i"}, func(t *testing.T, c *config.Config) {
			require.Equal(t, config.REST{Port: 9, Host: "h", Instance: "i"}, c.REST)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := parse(h.environ(c.env...), c.args...)
			require.NoError(t, err)
			require.Empty(t, got.Warnings)
			c.check(t, got)
		})
	}
}

func TestOldNamesAreTakenWithAWarning(t *testing.T) {
	h := newHost(t)
	c, err := parse(h.environ(), "--uri", "http://m1:5050/api/v1/scheduler", "--store.uri=zk://old:1/p",
		"--executor.memory.mdm=4096", "-executor.memory.non", "600", "--hostname=me", "--scaleio.device=/dev/xvdf")
	require.NoError(t, err)
	require.Equal(t, "m1:5050", c.Mesos.Master)
	require.Equal(t, "zk://old:1/p", c.ZK.URL)
	require.Equal(t, 4096.0, c.Executor.MDMMemoryMB)
	require.Equal(t, 600.0, c.Executor.OtherMemory)
	require.Equal(t, "me", c.REST.Host)
	require.Equal(t, "/dev/xvdf", c.Devices.Pattern)
	require.Equal(t, []string{
		"--uri is an old name, use --mesos",
		"--store.uri is an old name, use --zk",
		"--executor.memory.mdm is an old name, use --executor.mem.mdm",
		"--executor.memory.non is an old name, use --executor.mem.non",
		"--hostname is an old name, use --rest.address",
		"--scaleio.device is an old name, use --devices",
	}, c.Warnings)

	c, err = parse(h.environ(), "--role", "--uri")
	require.NoError(t, err)
	require.Equal(t, "--uri", c.Mesos.Role, "a value that looks like an old name is a value")
}

func TestAMisspeltVariableIsWarnedOf(t *testing.T) {
	c, err := parse(newHost(t).environ("SIO_ZK_SESION=3s", "SIO_TOOLS=/x", "SIO_ROLE_FILE=x", "OTHER=1"))
	require.NoError(t, err)
	require.Equal(t, []string{"SIO_ROLE_FILE is no setting, --help lists them", "SIO_ZK_SESION is no setting, --help lists them"}, c.Warnings)
}

// An entry of --help is "  --flag, SIO_VARIABLE" or "  SIO_X, SIO_X_FILE" with
// what it means on the line below.
func TestHelpListsEverySettingWithItsVariable(t *testing.T) {
	entry := regexp.MustCompile(`(?m)^  (\S+), (SIO_[A-Z0-9_]+)(?: \(old: .*\))?\n {8}\S.{8,}$`)
	for _, flagName := range []string{"--help", "-h", "-help"} {
		var out bytes.Buffer
		_, err := config.Parse("scaleio-scheduler", []string{"--role=x", flagName}, nil, &out)
		require.ErrorIs(t, err, config.ErrHelp)
		text := out.String()
		listed := make(map[string]string)
		for _, m := range entry.FindAllStringSubmatch(text, -1) {
			listed[m[1]] = m[2]
			if name, isFlag := strings.CutPrefix(m[1], "--"); isFlag {
				require.Equal(t, "SIO_"+strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(name)), m[2])
			} else {
				require.Equal(t, m[1]+"_FILE", m[2])
			}
		}
		require.Len(t, listed, strings.Count(text, "\n  ")-strings.Count(text, "\n        "), "each entry has a meaning")
		for _, want := range []string{
			"--zk", "--zk.session", "--mesos", "--rest.port", "--rest.address", "--executor.mem.mdm", "--scaleio.clustername",
			"--devices", "--gateway.ca", "--steps.max-failures", "--volumes.isolator", "SIO_SCALEIO_PASSWORD", "SIO_ZK_PASSWORD", "SIO_MESOS_SECRET",
		} {
			require.Contains(t, listed, want)
		}
		require.NotContains(t, text, "--scaleio.password,", "a secret is shown as a variable")
		require.Contains(t, text, "--zk.session, SIO_ZK_SESSION\n        session timeout to ask for; a standby takes over after it when the leader's host dies (default 10s)\n")
		require.Contains(t, text, "--zk, SIO_ZK (old: --store.uri)\n")
	}
}
