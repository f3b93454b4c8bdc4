package config_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/config"
)

func TestBadInputIsNamedWithReasonAndRemedy(t *testing.T) {
	h := newHost(t)
	noPEM := h.file(t, "no.pem", "nothing")
	blank := h.file(t, "blank", " \n")
	long := h.file(t, "long", "Way-too-long-for-ScaleIO-1")
	private := h.file(t, "private", "-----BEGIN RSA PRIVATE KEY-----\n")
	for _, c := range []struct {
		name string
		env  []string
		args []string
		want string
	}{
		{"an unknown flag", nil, []string{"--zk.sesion=3s"}, "--zk.sesion is no setting: --help lists them"},
		{"a word that is no flag", nil, []string{"--log.json", "false"}, "argument 2 is not a flag: every setting is --name=value, --help lists them"},
		{"a flag without its value", nil, []string{"--role"}, "--role has no value: want a text"},
		{"a duration that is none", nil, []string{"--zk.session=10"}, `--zk.session is "10", want a duration such as 10s or 2m`},
		{"a number that is none", nil, []string{"--rest.port=http"}, `--rest.port is "http", want a whole number`},
		{"a number in a variable that is none", []string{"SIO_EXECUTOR_CPU_MDM=many"}, nil, `SIO_EXECUTOR_CPU_MDM is "many", want a number`},
		{"a yes that is none", []string{"SIO_LOG_JSON=yes"}, nil, `SIO_LOG_JSON is "yes", want true or false`},
		{"no ZooKeeper", []string{"SIO_ZK="}, nil, "--zk is not set: give zk://host:port,host:port/path"},
		{"a ZooKeeper URL of another kind", nil, []string{"--zk=http://zk1:2181/x"}, `--zk is "http://zk1:2181/x", want zk://host:port,host:port/path`},
		{"a session that is too short", nil, []string{"--zk.session=10ms"}, "--zk.session is 10ms, want at least 1s"},
		{"a ZooKeeper user without password", nil, []string{"--zk.user=me"}, "--zk.user and SIO_ZK_PASSWORD go together: set both or none"},
		{"a certificate without key", nil, []string{"--zk.tls", "--zk.tls.cert=" + noPEM}, "--zk.tls.cert and --zk.tls.key go together: set both or none"},
		{"authorities without TLS", nil, []string{"--zk.tls.ca=" + noPEM}, "--zk.tls.ca and --zk.tls.cert are for TLS: set --zk.tls too"},
		{"a platform without TLS", nil, []string{"--gateway.management-platform=http://pfmp"}, `--gateway.management-platform is "http://pfmp", want https://host or https://host:port`},
		{"a platform that is no URL", nil, []string{"--gateway.management-platform=https://pfmp:x"}, "--gateway.management-platform is no URL: want https://host"},
		{"a platform without a host", nil, []string{"--gateway.management-platform=https://:443"}, `is "https://:443", want https://host`},
		{"a platform with a path", nil, []string{"--gateway.management-platform=https://pfmp/rest"}, `is "https://pfmp/rest", want https://host or https://host:port, and nothing behind it`},
		{"a platform with a query", nil, []string{"--gateway.management-platform=https://pfmp?"}, "and nothing behind it"},
		{"a platform with a password", nil, []string{"--gateway.management-platform=https://admin:" + password + "@pfmp"}, "set --scaleio.user and SIO_SCALEIO_GATEWAY_PASSWORD_FILE instead"},
		{"authorities that are not there", nil, []string{"--gateway.ca=/no/such.pem"}, "--gateway.ca: open /no/such.pem: no such file or directory: give the path of a PEM file"},
		{"authorities that are no PEM", nil, []string{"--gateway.ca=" + noPEM}, noPEM + " holds nothing in PEM: convert it"},
		{"no Mesos", []string{"SIO_MESOS="}, nil, "--mesos is not set: give zk://host:port,.../mesos, or the masters as host:port,host:port"},
		{"a failover timeout that kills", nil, []string{"--mesos.failover-timeout=1h"}, "--mesos.failover-timeout is 1h0m0s, want at least 168h: when it ends, Mesos kills every node agent"},
		{"a Mesos secret without principal", []string{"SIO_MESOS_SECRET=x"}, nil, "SIO_MESOS_SECRET is set without --mesos.principal"},
		{"no port", []string{"SIO_REST_PORT="}, nil, "--rest.port is 0, want 1 to 65535; under Marathon it comes from PORT0"},
		{"a port of Marathon that is none", []string{"SIO_REST_PORT=", "PORT0=x"}, nil, `PORT0 is "x", which is not a number: give --rest.port`},
		{"an address that is a URL", nil, []string{"--rest.address=http://me"}, `--rest.address is "http://me", want a host name or an address`},
		{"an instance with a slash", nil, []string{"--instance=a/b"}, `--instance is "a/b", want a name without blanks and slashes`},
		{"a name with a slash", nil, []string{"--name=a/b"}, `--name is "a/b", want a name without blanks and slashes`},
		{"a name that leaves its folder", nil, []string{"--name=.."}, `--name is "..", which is no name of a folder`},
		{"four MDM nodes", nil, []string{"--placement.mdm-nodes=4"}, "--placement.mdm-nodes is 4, want 3 or 5"},
		{"a settle time below nothing", nil, []string{"--placement.settle=-1s"}, "--placement.settle is -1s, want 0 or more"},
		{"a gateway port out of range", nil, []string{"--gateway.port=70000"}, "--gateway.port is 70000, want 1 to 65535"},
		{"a gateway with one port for both", nil, []string{"--gateway.http-port=443"}, "--gateway.port and --gateway.http-port are both 443"},
		{"a gateway's HTTP port that is none", nil, []string{"--gateway.http-port=0"}, "--gateway.http-port is 0, want 1 to 65535"},
		{"a repository of another scheme", nil, []string{"--sdc.driver-repository=https://h/modules"}, `--sdc.driver-repository is "https://h/modules", want ftp://, sftp:// or file:// and the place`},
		{"a repository that is no URL", nil, []string{"--sdc.driver-repository=ftp://h/%zz"}, "want ftp://, sftp:// or file:// and the place"},
		{"a repository with a password", nil, []string{"--sdc.driver-repository=ftp://me:Secret@h/"}, "set --sdc.driver-user and SIO_SDC_DRIVER_PASSWORD or SIO_SDC_DRIVER_PASSWORD_FILE instead"},
		{"a user of no repository", nil, []string{"--sdc.driver-user=me"}, "are for a repository: set --sdc.driver-repository too"},
		{"a repository's password of two lines", []string{"SIO_SDC_DRIVER_PASSWORD=a\nb"}, []string{"--sdc.driver-repository=ftp://h/"}, "SIO_SDC_DRIVER_PASSWORD has more than one line"},
		{"a repository's key that is not there", nil, []string{"--sdc.driver-repository=sftp://h/", "--sdc.driver-repository-key=/no/key"}, "--sdc.driver-repository-key: open /no/key: no such file or directory"},
		{"a repository's key that is empty", nil, []string{"--sdc.driver-repository=sftp://h/", "--sdc.driver-repository-key=" + blank}, "want a public RSA key of at most 4096"},
		{"a private key in the wrong place", nil, []string{"--sdc.driver-repository=sftp://h/", "--sdc.driver-repository-key=" + private}, "holds a private key, want the repository's public one; yours goes into SIO_SDC_DRIVER_KEY_FILE"},
		{"a gateway that may never answer", nil, []string{"--gateway.timeout=0s"}, "--gateway.timeout is 0s, want more than 0"},
		{"no failures allowed", nil, []string{"--steps.max-failures=0"}, "--steps.max-failures is 0, want 1 or more"},
		{"no back-off", nil, []string{"--steps.retry-backoff=0s"}, "--steps.retry-backoff is 0s, want more than 0"},
		{"too little CPU", nil, []string{"--executor.cpu.non=0.1"}, "--executor.cpu.non is 0.1, want 0.2 or more"},
		{"CPUs that are no number", nil, []string{"--executor.cpu.mdm=NaN"}, "--executor.cpu.mdm is NaN, want 0.2 or more"},
		{"endless memory", nil, []string{"--executor.mem.mdm=+Inf"}, "--executor.mem.mdm is +Inf, want 96 or more"},
		{"an unknown log level", nil, []string{"--loglevel=loud"}, `--loglevel is "loud", want trace or debug or info or warn or error`},
		{"an unknown test mode", nil, []string{"--devices.test-mode=x"}, `--devices.test-mode is "x", want test-and-activate or none`},
		{"an unknown isolator", nil, []string{"--volumes.isolator=x"}, `--volumes.isolator is "x", want docker-volume or dvdi or none`},
		{"an unknown policy", nil, []string{"--hosts.without-sdc=ignore"}, `--hosts.without-sdc is "ignore", want data-node or skip`},
		{"an unknown medium", nil, []string{"--scaleio.mediatype=tape"}, `--scaleio.mediatype is "tape", want HDD or SSD or Transitional`},
		{"a tag that is ours", nil, []string{"--growth.tags=scaleio-x=1"}, `--growth.tags is "scaleio-x=1", want another: tag "scaleio-x" is reserved`},
		{"no node agent", nil, []string{"--executor.program=/no/agent"}, "--executor.program: stat /no/agent: no such file or directory: give the path of scaleio-nodeagent"},
		{"a node agent that is a folder", nil, []string{"--executor.program=" + h.dir}, "is not a file: give the path of scaleio-nodeagent"},
		{"no packages", nil, []string{"--artifacts.dir=/no/packages"}, "--artifacts.dir: stat /no/packages: no such file or directory: give the folder with the vendor's packages"},
		{"no manifest", nil, []string{"--packages=/no/manifest.yaml"}, "--packages: stat /no/manifest.yaml: no such file or directory: give the file or the URL of a manifest"},
		{"a manifest that is a folder", nil, []string{"--packages=" + h.dir}, "is not a file: give that of a manifest"},
		{"a manifest of another scheme", nil, []string{"--packages=ftp://h/m.yaml"}, `--packages is "ftp://h/m.yaml", want the name of a file`},
		{"a manifest behind a password", nil, []string{"--packages=https://u:Secret@h/m.yaml"}, `want the name of a file, or http://host/path`},
		{"packages that are a file", nil, []string{"--artifacts.dir=" + h.agent}, "is not a folder: give the one with the vendor's packages"},
		{"no password", []string{"SIO_SCALEIO_PASSWORD_FILE="}, nil, "the ScaleIO password is not set: set SIO_SCALEIO_PASSWORD_FILE to the path of a file that holds it, or SIO_SCALEIO_PASSWORD"},
		{"a password given twice", []string{"SIO_SCALEIO_PASSWORD=" + password}, nil, "SIO_SCALEIO_PASSWORD and SIO_SCALEIO_PASSWORD_FILE are both set: set one"},
		{"a password file that is not there", []string{"SIO_SCALEIO_PASSWORD_FILE=/no/password"}, nil, "SIO_SCALEIO_PASSWORD_FILE: open /no/password: no such file or directory: give the path of a file that this user can read"},
		{"an empty password file", []string{"SIO_SCALEIO_PASSWORD_FILE=" + blank}, nil, blank + " is empty: write the secret into it"},
		{"a password that is too long for ScaleIO", []string{"SIO_SCALEIO_PASSWORD_FILE=" + long}, nil, "SIO_SCALEIO_PASSWORD: the password has 26 characters: ScaleIO takes 8 to 15"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := parse(h.environ(c.env...), c.args...)
			require.ErrorContains(t, err, c.want)
			require.Nil(t, got)
		})
	}
}

// What was set and could not be read is not called missing besides.
func TestAPasswordThatCannotBeReadIsNotCalledMissing(t *testing.T) {
	for _, env := range [][]string{{"SIO_SCALEIO_PASSWORD_FILE=/no/password"}, {"SIO_SCALEIO_PASSWORD_FILE=/no/password", "SIO_SCALEIO_PASSWORD=" + password}} {
		_, err := parse(env)
		require.ErrorContains(t, err, "SIO_SCALEIO_PASSWORD")
		require.NotContains(t, err.Error(), "the ScaleIO password is not set")
	}
}

func TestEverythingThatIsWrongIsToldAtOnce(t *testing.T) {
	_, err := parse([]string{"SIO_ZK_SESSION=soon", "SIO_GATEWAY_PORT=0", "PORT0=x"},
		"--no.such", "thing", "--rest.listen=127.0.0.1", "--executor.program=/no/agent", "--scaleio.password", password, "--placement.mdm-nodes=4", "--log.json=maybe")
	require.Error(t, err)
	for _, setting := range []string{
		"--no.such", "SIO_ZK_SESSION", "--gateway.port", "PORT0", "--executor.program", "--scaleio.password", "--placement.mdm-nodes", "--log.json",
		"--zk is", "--mesos is", "the ScaleIO password is not set",
	} {
		require.ErrorContains(t, err, setting)
	}
	require.NotContains(t, err.Error(), "thing", "a word behind an unknown flag belongs to it")
	require.NotContains(t, err.Error(), "argument")
	require.NotContains(t, err.Error(), password)
}

func TestASecretOnTheCommandLineIsRefusedUnseen(t *testing.T) {
	h := newHost(t)
	for _, args := range [][]string{
		{"--scaleio.password=" + password},
		{"--scaleio.password", password},
		{"-scaleio.password=" + password},
		{"--zk.password", password, "--role=" + password},
		{"--mesos.secret=" + password},
		{"---scaleio.password=" + password},
		{"--=" + password},
		{"scaleio.password=" + password},
		{"--scaleio.password"},
		{"--zk.session=" + password},
		{"--" + password},
		{password},
	} {
		c, err := parse(h.environ(), args...)
		require.Error(t, err, args)
		require.Nil(t, c)
		require.NotContains(t, err.Error(), password)
	}
	_, err := parse(h.environ(), "--scaleio.password="+password)
	require.EqualError(t, err, "--scaleio.password: a secret is not taken from the command line, where everyone on the host can read it: set SIO_SCALEIO_PASSWORD_FILE to the path of a file, or SIO_SCALEIO_PASSWORD")
	_, err = parse(h.environ(), "--scaleio.password", "--role=x")
	require.EqualError(t, err, "--scaleio.password: a secret is not taken from the command line, where everyone on the host can read it: set SIO_SCALEIO_PASSWORD_FILE to the path of a file, or SIO_SCALEIO_PASSWORD")
}

func TestCredentialsInAURLAreRefusedUnseen(t *testing.T) {
	h := newHost(t)
	for _, args := range [][]string{
		{"--zk=zk://user:hidden7word@zk1:2181/x"},
		{"--zk=zk://user:hid@hidden7word@zk1:2181/x"},
		{"--zk=http://user:hidden7word@zk1:2181/x"},
		{"--zk=user:hidden7word@zk1"},
		{"--mesos=zk://user:hidden7word@zk1:2181/mesos"},
	} {
		_, err := parse(h.environ(), args...)
		require.ErrorContains(t, err, "holds a password, which everyone on the host can read", args)
		require.NotContains(t, err.Error(), "hidden7word")
	}
}

// FuzzParse gives arbitrary arguments and variables around a known secret: the
// secret must show nowhere, and what is accepted must be a configuration.
func FuzzParse(f *testing.F) {
	const secret = "q9Z-unguessable"
	h := newHost(f)
	for _, seed := range [][2]string{
		{"--zk=zk://h/p\n--role\nx", "SIO_ROLE=y\nPORT0=1"},
		{"--scaleio.password\n" + secret, "SIO_SCALEIO_PASSWORD=" + secret},
		{"---x=" + secret + "\n--\n-\n", "SIO_ZK_PASSWORD=" + secret + "\nSIO_ZK_SESSION=" + secret},
		{"--name=\n--executor.cpu.mdm=1e309\n--help", "=\nSIO_\nHOST=[::1]"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, args, env string) {
		var usage bytes.Buffer
		environ := h.environ("SIO_SCALEIO_PASSWORD_FILE=", "SIO_SCALEIO_PASSWORD="+secret)
		// Only variables that name no files: a fuzzed path is not to be read.
		for _, pair := range strings.Split(env, "\n") {
			if name, _, _ := strings.Cut(pair, "="); !strings.HasSuffix(name, "_FILE") && name != "SIO_SCALEIO_PASSWORD" {
				environ = append(environ, pair)
			}
		}
		c, err := config.Parse("p", strings.Split(args, "\n"), environ, &usage)
		require.NotContains(t, usage.String(), secret)
		if err != nil {
			require.Nil(t, c)
			require.False(t, !errors.Is(err, config.ErrHelp) && strings.Contains(err.Error(), secret), "the secret is shown")
			return
		}
		require.Equal(t, secret, c.ScaleIO.Password.Reveal())
		require.NotContains(t, strings.Join(c.Warnings, "\n"), secret)
		require.NotEmpty(t, c.Name)
		require.Positive(t, c.REST.Port)
	})
}
