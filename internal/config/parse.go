package config

import (
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"scaleio-framework/scaleio"
)

// Parse reads the configuration from arguments and environment, completes it
// and checks it. On ErrHelp the flags were printed to usage. Any other error
// names the setting, what is wrong with it and the remedy.
func Parse(program string, args, environ []string, usage io.Writer) (*Config, error) {
	c := &Config{}
	b := bind(program, environ, usage, c)
	warnings, err := b.parse(args)
	if err != nil {
		return nil, err
	}
	c.Warnings = warnings
	b.fromMarathon(c)
	c.Growth.complete(&c.AWS, b.env)
	if err := c.complete(); err != nil {
		return nil, err
	}
	wrong := append(b.errs, c.validate()...)
	if b.env["SIO_SCALEIO_PASSWORD"]+b.env["SIO_SCALEIO_PASSWORD_FILE"] != "" {
		// It is set, and why it could not be read is among the errors.
		wrong = slices.DeleteFunc(wrong, func(err error) bool { return errors.Is(err, errNoPassword) })
	}
	if err := b.mask(errors.Join(wrong...)); err != nil {
		return nil, err
	}
	return c, nil
}

var errNoPassword = errors.New("the ScaleIO password is not set: set SIO_SCALEIO_PASSWORD_FILE to the path of a file that holds it, or SIO_SCALEIO_PASSWORD")

// ParseZooKeeper reads how ZooKeeper is reached, the framework's name and how
// to log. It leaves out everything else, the other secrets above all, and does
// not check what it reads: it is for the process that runs beside one which
// does. The error is ErrHelp, or says what could not be read.
func ParseZooKeeper(program string, args, environ []string) (*Config, error) {
	var all Config
	b := bind(program, environ, io.Discard, &all)
	for name, p := range b.secrets {
		if p != &all.ZK.Password {
			b.secrets[name] = nil
		}
	}
	if _, err := b.parse(args); err != nil {
		return nil, err
	}
	return &Config{Name: all.Name, LogLevel: all.LogLevel, LogJSON: all.LogJSON, ZK: all.ZK}, b.mask(errors.Join(b.errs...))
}

// bind ties all settings to c.
func bind(program string, environ []string, usage io.Writer, c *Config) *binder {
	b := newBinder(program, environ, usage)
	bindProcess(b, c)
	bindMesos(b, c)
	bindScaleIO(b, c)
	bindGrowth(b, c)
	return b
}

func bindProcess(b *binder, c *Config) {
	b.text(&c.Name, "name", "scaleio", "name of the framework in Mesos and of the node agents' state directory")
	b.text(&c.LogLevel, "loglevel", "info", "trace, debug, info, warn or error")
	b.yes(&c.LogJSON, "log.json", false, "log as JSON lines")
	b.text(&c.ZK.URL, "zk", "", "where progress is kept: zk://host:port,host:port/path")
	b.duration(&c.ZK.Session, "zk.session", 10*time.Second, "session timeout to ask for; a standby takes over after it when the leader's host dies")
	b.text(&c.ZK.User, "zk.user", "", "user of ZooKeeper's digest authentication")
	b.secret(&c.ZK.Password, "zk.password", "password of ZooKeeper's digest authentication")
	b.yes(&c.ZK.TLS, "zk.tls", false, "speak TLS to ZooKeeper")
	b.text(&c.ZK.CAFile, "zk.tls.ca", "", "PEM file of the authorities that sign ZooKeeper's certificates; the system's when empty")
	b.text(&c.ZK.CertFile, "zk.tls.cert", "", "PEM file of the client certificate")
	b.text(&c.ZK.KeyFile, "zk.tls.key", "", "PEM file of the client certificate's key")
	b.text(&c.REST.Listen, "rest.listen", "", "address to listen on; all when empty")
	b.number(&c.REST.Port, "rest.port", 0, "port to listen on; Marathon's PORT0 when 0")
	b.text(&c.REST.Host, "rest.address", "", "host name or address that nodes and the other scheduler reach this one at; Marathon's HOST, else the host's name")
	b.text(&c.REST.Instance, "instance", "", "name of this instance; Marathon's MESOS_TASK_ID, else the host's name")
	b.text(&c.Artifacts.Dir, "artifacts.dir", "", "folder with the vendor's packages, served to the nodes; the same on every instance")
	b.text(&c.Artifacts.Packages, "packages", "", "file or URL of a manifest that says where each package is; scaleioctl artifacts scan writes one")
	b.text(&c.Artifacts.Version, "scaleio.version", "", "version of ScaleIO to install, such as 3.6-700.103; needed only when the packages are of several")
	b.alias("store.uri", "zk")
}

func bindMesos(b *binder, c *Config) {
	b.text(&c.Mesos.Master, "mesos", "", "zk://host:port,.../mesos, or a list host:port,host:port of masters")
	b.text(&c.Mesos.Role, "role", "scaleio", "Mesos role to register with")
	b.text(&c.Mesos.User, "user", "root", "user the node agents run as; installing packages takes root")
	b.text(&c.Mesos.Principal, "mesos.principal", "", "principal of the framework")
	b.secret(&c.Mesos.Secret, "mesos.secret", "secret of the principal, where masters authenticate frameworks")
	b.duration(&c.Mesos.FailoverTimeout, "mesos.failover-timeout", 14*24*time.Hour, "how long Mesos keeps the node agents without any scheduler; at least 168h")
	b.text(&c.Executor.Program, "executor.program", "", "path of the scaleio-nodeagent program; beside this program when empty")
	b.float(&c.Executor.MDMCPUs, "executor.cpu.mdm", 1.5, "CPUs taken on hosts of the MDM cluster")
	b.float(&c.Executor.MDMMemoryMB, "executor.mem.mdm", 3072, "MiB of memory taken on hosts of the MDM cluster")
	b.float(&c.Executor.OtherCPUs, "executor.cpu.non", 0.5, "CPUs taken on other hosts")
	b.float(&c.Executor.OtherMemory, "executor.mem.non", 512, "MiB of memory taken on other hosts")
	b.yes(&c.Executor.SCLIPasswordInArgs, "scaleio.scli-password-in-args", false, "allow passwords in scli's arguments where scli does not ask for them; everyone on the host can read them")
	b.yes(&c.Executor.InstallPrerequisites, "prerequisites.install", true, "let hosts install libaio, numactl, Java and from 4.0 on Python from their distribution")
	b.text(&c.Executor.Unpack, "hosts.unpack", "", "system whose packages are unpacked on hosts with a read-only /usr (Flatcar), for example el7; nothing is done on them when empty")
	b.text(&c.Executor.WithoutSDC, "hosts.without-sdc", "data-node", "what becomes of such a host when no module is given for its kernel: data-node stores data and uses no volumes, skip leaves it out")
	b.number(&c.Placement.MDMNodes, "placement.mdm-nodes", 3, "size of the MDM cluster: 3 or 5")
	b.duration(&c.Placement.Settle, "placement.settle", 10*time.Second, "how long no new host may have appeared before the MDM hosts are chosen")
	b.text(&c.Placement.PersonaAttribute, "placement.persona-attribute", "scaleio-persona", "Mesos attribute that decides a host's part: manager, tie-breaker, storage or none")
	b.text(&c.Placement.FaultSetAttribute, "placement.fault-set-attribute", "scaleio-fault-set", "Mesos attribute that names a host's fault set, for example its rack or zone")
	for old, name := range map[string]string{
		"uri": "mesos", "executor.memory.mdm": "executor.mem.mdm", "executor.memory.non": "executor.mem.non",
		"executor.altpath": "executor.program", "hostname": "rest.address",
	} {
		b.alias(old, name)
	}
}

func bindScaleIO(b *binder, c *Config) {
	b.text(&c.ScaleIO.ClusterName, "scaleio.clustername", "scaleio", "name of the ScaleIO system")
	b.text(&c.ScaleIO.ProtectionDomain, "scaleio.protectiondomain", "default", "protection domain to create")
	b.text(&c.ScaleIO.StoragePool, "scaleio.storagepool", "default", "storage pool to create")
	b.text(&c.ScaleIO.MediaType, "scaleio.mediatype", "", "media type of the pool, which it has from version 3 on: HDD, SSD or Transitional; a new one gets HDD when empty")
	b.yes(&c.ScaleIO.ZeroPadding, "scaleio.zeropadding", true, "zero padding of the pool; it cannot be changed once the pool has devices")
	b.text(&c.ScaleIO.User, "scaleio.user", "admin", "ScaleIO user")
	b.secret(&c.ScaleIO.Password, "scaleio.password", "password that the ScaleIO user gets: 8 to 15 characters, three of lower, upper, digit, special")
	b.secret(&c.ScaleIO.LIAToken, "scaleio.lia-token", "token of the LIA package; the ScaleIO password when not set")
	b.secret(&c.ScaleIO.GatewayPassword, "scaleio.gateway-password", "password of the gateway's own admin, with 4.x of the ScaleIO user at the management platform; the ScaleIO password when not set")
	b.secret(&c.ScaleIO.P12Password, "scaleio.p12-password", "password of the file that scli of 4.x logs in with; the ScaleIO password when not set")
	b.number(&c.ScaleIO.MaxFailures, "steps.max-failures", 5, "failed attempts after which a step is stuck")
	b.duration(&c.ScaleIO.RetryBackoff, "steps.retry-backoff", time.Second, "pause before the second attempt of a step; it doubles up to a minute")
	b.number(&c.Gateway.Port, "gateway.port", 443, "HTTPS port of the gateways")
	b.number(&c.Gateway.HTTPPort, "gateway.http-port", 80, "HTTP port of the gateways, from which they send clients to the other")
	b.text(&c.SDC.Repository, "sdc.driver-repository", "", "where SDCs fetch kernel modules that their package has not: ftp://, sftp:// or file://; the vendor's setting when empty")
	b.text(&c.SDC.User, "sdc.driver-user", "", "user of that repository")
	b.secret(&c.SDC.Password, "sdc.driver-password", "password of that user")
	b.secret(&c.SDC.Key, "sdc.driver-key", "private RSA key for that repository, by sftp")
	b.text(&c.SDC.RepositoryKeyFile, "sdc.driver-repository-key", "", "file with the public RSA key of that repository")
	b.yes(&c.SDC.CheckSignature, "sdc.module-sigcheck", false, "SDCs load only modules that the vendor signed, as Secure Boot needs")
	b.yes(&c.SDC.Build, "sdc.build-module", false, "hosts with Ubuntu build a missing kernel module by themselves, from 3.6 on; gcc, make and the kernel's headers are installed for it")
	b.text(&c.Gateway.CAFile, "gateway.ca", "", "PEM file of the authorities that sign the gateways' certificates; each gateway's own certificate is trusted besides")
	b.yes(&c.Gateway.Insecure, "gateway.insecure", false, "accept any certificate of a gateway")
	b.yes(&c.Gateway.BypassCertificateCheck, "gateway.bypass-mdm-certificate", false, "let the gateways accept any certificate of an MDM; otherwise each gateway is made to trust those that were first seen")
	b.duration(&c.Gateway.Timeout, "gateway.timeout", 30*time.Second, "time limit of one request to a gateway")
	b.text(&c.Gateway.ManagementPlatform, "gateway.management-platform", "", "https URL of the management platform of a 4.x system, which has no gateway: with it pools are read and grown, and the system is removed")
	b.text(&c.Devices.Pattern, "devices", "auto", "disks to give to ScaleIO: auto for every free one, or comma-separated patterns such as /dev/sd[b-z]")
	b.text(&c.Devices.Deny, "devices.deny", "", "disks that ScaleIO never gets, whatever --devices says: comma-separated patterns")
	b.text(&c.Devices.TestMode, "devices.test-mode", "test-and-activate", "test-and-activate or none")
	b.yes(&c.Volumes.Driver, "volumes.driver", true, "install REX-Ray and dvdcli where packages for them are given")
	b.text(&c.Volumes.Isolator, "volumes.isolator", "docker-volume", "docker-volume for Mesos 1.0 and newer, dvdi for older agents whose module is given, or none to leave the Mesos agents' flags alone")
	b.text(&c.Volumes.AgentService, "volumes.agent-service", "auto", "service of the Mesos agent, restarted when its flags changed; auto finds mesos-slave, mesos-agent or that of DC/OS")
	b.alias("scaleio.device", "devices")
}

// complete fills what follows from other settings or from the host.
func (c *Config) complete() error {
	hostname, err := os.Hostname()
	if err != nil {
		return fmt.Errorf("read the host's name: %w", err)
	}
	if c.REST.Host == "" {
		c.REST.Host = hostname
	}
	if c.REST.Instance == "" {
		c.REST.Instance = hostname
	}
	if c.ScaleIO.LIAToken.IsEmpty() {
		c.ScaleIO.LIAToken = c.ScaleIO.Password
	}
	if c.ScaleIO.GatewayPassword.IsEmpty() {
		c.ScaleIO.GatewayPassword = c.ScaleIO.Password
	}
	if c.ScaleIO.P12Password.IsEmpty() {
		c.ScaleIO.P12Password = c.ScaleIO.Password
	}
	if c.Executor.Program == "" {
		self, err := os.Executable()
		if err != nil {
			return fmt.Errorf("find scaleio-nodeagent beside this program: %w; give --executor.program", err)
		}
		c.Executor.Program = filepath.Join(filepath.Dir(self), "scaleio-nodeagent")
	}
	c.Gateway.ManagementPlatform = strings.TrimSuffix(c.Gateway.ManagementPlatform, "/")
	// The predecessor's --uri was the whole URL of the scheduler API.
	c.Mesos.Master = strings.TrimSuffix(strings.TrimPrefix(c.Mesos.Master, "http://"), "/api/v1/scheduler")
	return nil
}

// validate checks every setting and reports all that is wrong at once.
func (c *Config) validate() []error {
	var errs []error
	need := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	oneOf := func(flagName, value string, allowed ...string) {
		for _, a := range allowed {
			if value == a {
				return
			}
		}
		errs = append(errs, fmt.Errorf("--%s is %q, want %s", flagName, value, strings.TrimPrefix(strings.Join(allowed, " or "), " or ")))
	}
	need(c.ZK.URL != "", "--zk is not set: give zk://host:port,host:port/path")
	if c.ZK.URL != "" {
		need(strings.HasPrefix(c.ZK.URL, "zk://"), "--zk is %q, want zk://host:port,host:port/path", safeURL(c.ZK.URL))
	}
	need(!strings.Contains(c.Mesos.Master, "@"), "--mesos holds a password, which everyone on the host can read: Mesos' znodes need none to be read, leave it out")
	need(!strings.Contains(c.ZK.URL, "@"), "--zk holds a password, which everyone on the host can read: set --zk.user and SIO_ZK_PASSWORD or SIO_ZK_PASSWORD_FILE instead")
	need(c.ZK.Session >= time.Second, "--zk.session is %s, want at least 1s", c.ZK.Session)
	need(c.ZK.Password.IsEmpty() == (c.ZK.User == ""), "--zk.user and SIO_ZK_PASSWORD go together: set both or none")
	need((c.ZK.CertFile == "") == (c.ZK.KeyFile == ""), "--zk.tls.cert and --zk.tls.key go together: set both or none")
	need(c.ZK.TLS || c.ZK.CAFile == "" && c.ZK.CertFile == "", "--zk.tls.ca and --zk.tls.cert are for TLS: set --zk.tls too")
	need(c.Mesos.Master != "", "--mesos is not set: give zk://host:port,.../mesos, or the masters as host:port,host:port")
	need(c.Mesos.FailoverTimeout >= 7*24*time.Hour, "--mesos.failover-timeout is %s, want at least 168h: when it ends, Mesos kills every node agent", c.Mesos.FailoverTimeout)
	need(c.Mesos.Secret.IsEmpty() || c.Mesos.Principal != "", "SIO_MESOS_SECRET is set without --mesos.principal")
	need(c.REST.Port > 0 && c.REST.Port < 65536, "--rest.port is %d, want 1 to 65535; under Marathon it comes from PORT0", c.REST.Port)
	need(!strings.ContainsAny(c.REST.Host, "/@[] \t\n"), "--rest.address is %q, want a host name or an address, without scheme, port and brackets", c.REST.Host)
	need(!strings.ContainsAny(c.REST.Instance, "/ \t\n"), "--instance is %q, want a name without blanks and slashes", c.REST.Instance)
	need(c.Name != "." && c.Name != "..", "--name is %q, which is no name of a folder", c.Name)
	need(c.Name != "" && !strings.ContainsAny(c.Name, "/ \t\n"), "--name is %q, want a name without blanks and slashes", c.Name)
	need(c.Placement.MDMNodes == 3 || c.Placement.MDMNodes == 5, "--placement.mdm-nodes is %d, want 3 or 5", c.Placement.MDMNodes)
	need(c.Placement.Settle >= 0, "--placement.settle is %s, want 0 or more", c.Placement.Settle)
	need(c.Gateway.Port > 0 && c.Gateway.Port < 65536, "--gateway.port is %d, want 1 to 65535", c.Gateway.Port)
	need(c.Gateway.HTTPPort > 0 && c.Gateway.HTTPPort < 65536, "--gateway.http-port is %d, want 1 to 65535", c.Gateway.HTTPPort)
	errs = append(errs, c.SDC.complete()...)
	need(c.Gateway.HTTPPort != c.Gateway.Port, "--gateway.port and --gateway.http-port are both %d", c.Gateway.Port)
	need(c.Gateway.Timeout > 0, "--gateway.timeout is %s, want more than 0", c.Gateway.Timeout)
	errs = append(errs, c.Gateway.checkPlatform())
	need(c.ScaleIO.MaxFailures > 0, "--steps.max-failures is %d, want 1 or more", c.ScaleIO.MaxFailures)
	need(c.ScaleIO.RetryBackoff > 0, "--steps.retry-backoff is %s, want more than 0", c.ScaleIO.RetryBackoff)
	// A task's share is what is left of this after the executor's own.
	least := func(flagName string, value, min float64) {
		need(value >= min && value <= math.MaxInt32, "--%s is %v, want %v or more", flagName, value, min)
	}
	least("executor.cpu.mdm", c.Executor.MDMCPUs, 0.2)
	least("executor.cpu.non", c.Executor.OtherCPUs, 0.2)
	least("executor.mem.mdm", c.Executor.MDMMemoryMB, 96)
	least("executor.mem.non", c.Executor.OtherMemory, 96)
	oneOf("loglevel", c.LogLevel, "trace", "debug", "info", "warn", "error")
	oneOf("devices.test-mode", c.Devices.TestMode, "test-and-activate", "none")
	oneOf("volumes.isolator", c.Volumes.Isolator, "docker-volume", "dvdi", "none")
	oneOf("hosts.without-sdc", c.Executor.WithoutSDC, "data-node", "skip")
	oneOf("scaleio.mediatype", c.ScaleIO.MediaType, "", "HDD", "SSD", "Transitional")
	errs = append(errs, c.Growth.validate(c.AWS)...)
	if c.ScaleIO.Password.IsEmpty() {
		errs = append(errs, errNoPassword)
	} else if err := scaleio.CheckPassword(c.ScaleIO.Password); err != nil {
		errs = append(errs, fmt.Errorf("SIO_SCALEIO_PASSWORD: %w", err))
	} else if err := scaleio.CheckPassword(c.ScaleIO.P12Password); err != nil {
		errs = append(errs, fmt.Errorf("SIO_SCALEIO_P12_PASSWORD: %w", err))
	}
	return append(errs, c.checkFiles()...)
}

// checkFiles looks at the files that are named: a bad one is found now, not
// when this scheduler takes over.
func (c *Config) checkFiles() (errs []error) {
	if info, err := os.Stat(c.Executor.Program); err != nil {
		errs = append(errs, fmt.Errorf("--executor.program: %w: give the path of scaleio-nodeagent", err))
	} else if !info.Mode().IsRegular() {
		errs = append(errs, fmt.Errorf("--executor.program %s is not a file: give the path of scaleio-nodeagent", c.Executor.Program))
	}
	errs = append(errs, c.Artifacts.check()...)
	for flagName, file := range map[string]string{
		"zk.tls.ca": c.ZK.CAFile, "zk.tls.cert": c.ZK.CertFile, "zk.tls.key": c.ZK.KeyFile, "gateway.ca": c.Gateway.CAFile,
	} {
		if file == "" {
			continue
		}
		if text, err := os.ReadFile(file); err != nil {
			errs = append(errs, fmt.Errorf("--%s: %w: give the path of a PEM file that this user can read", flagName, err))
		} else if block, _ := pem.Decode(text); block == nil {
			errs = append(errs, fmt.Errorf("--%s: %s holds nothing in PEM: convert it", flagName, file))
		}
	}
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errs
}

func (a Artifacts) check() (errs []error) {
	if a.Dir != "" {
		if info, err := os.Stat(a.Dir); err != nil {
			errs = append(errs, fmt.Errorf("--artifacts.dir: %w: give the folder with the vendor's packages", err))
		} else if !info.IsDir() {
			errs = append(errs, fmt.Errorf("--artifacts.dir %s is not a folder: give the one with the vendor's packages", a.Dir))
		}
	}
	switch {
	case a.Packages == "":
	case strings.Contains(a.Packages, "://"):
		// The URL goes into messages, and those of its files into ZooKeeper.
		u, err := url.Parse(a.Packages)
		shown, _, _ := strings.Cut(safeURL(a.Packages), "?")
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" {
			errs = append(errs, fmt.Errorf("--packages is %q, want the name of a file, or http://host/path or https://host/path without password and query", shown))
		}
	default:
		if info, err := os.Stat(a.Packages); err != nil {
			errs = append(errs, fmt.Errorf("--packages: %w: give the file or the URL of a manifest", err))
		} else if !info.Mode().IsRegular() {
			errs = append(errs, fmt.Errorf("--packages %s is not a file: give that of a manifest, or a folder of packages as --artifacts.dir", a.Packages))
		}
	}
	return errs
}

// safeURL is a URL without what stands before its last @.
func safeURL(url string) string {
	scheme, rest, ok := strings.Cut(url, "://")
	if !ok {
		scheme, rest = "", url
	}
	if at := strings.LastIndex(rest, "@"); at >= 0 {
		rest = "..." + rest[at:]
	}
	if !ok {
		return rest
	}
	return scheme + "://" + rest
}
