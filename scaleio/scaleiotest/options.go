package scaleiotest

import (
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Dialect is the wording of scli's cluster query.
type Dialect int

const (
	// DialectAuto takes the wording that belongs to Options.Version.
	DialectAuto Dialect = iota
	// Dialect2 is the wording of 2.x: "IPs:" and "Management IPs:", a name for
	// each member and no status for the master.
	Dialect2
	// Dialect36 is the wording of 3.6: "IP Addresses:", lines for virtual
	// addresses, a status for each member, names only where given.
	Dialect36
	// Dialect4 is that of 3.6 in the words of 4.x: primary and secondary.
	Dialect4
)

// Options describe a System. The zero value is a 2.6 system that reacts at
// once and whose gateways listen on free ports.
type Options struct {
	// Version of the packages, "2.6-11000.113" when empty. From 3.0 on, pools
	// have media types and statistics have the additional fields.
	Version string
	// Dialect of scli --query_cluster.
	Dialect Dialect
	// Now gives the time; time.Now when nil.
	Now func() time.Time
	// Seed of the identifiers; 0 means 1. Equal seeds and equal histories give
	// equal identifiers.
	Seed uint64
	// GatewayPort is where gateways listen unless catalina.properties of the
	// host says another port. 0 takes a free port per host. Their port for HTTP,
	// which is only written there, is the next one.
	GatewayPort int
	// ControlAddr is where the control API listens, 127.0.0.1:0 when empty.
	ControlAddr string
	// Listen makes the gateways of hosts that are no Machine listen;
	// nil means net.Listen. The listener says where clients reach it.
	Listen func(addr string) (net.Listener, error)
	// Ports makes the services of attached hosts listen on the vendor's ports
	// of their host's address, which nothing else may have then: see package
	// freeport. The programs of a Machine listen there whatever it says.
	Ports bool
	// GatewayStart is how long a started gateway answers 503 before it serves.
	GatewayStart time.Duration
	// TokenIdle and TokenMax end a REST session: 10 minutes without use and 8
	// hours after the login when zero.
	TokenIdle, TokenMax time.Duration
	// SessionIdle ends a scli login without use; 10 minutes when zero.
	SessionIdle time.Duration
	// DeviceTest is how long a new device stays in InitialTest.
	DeviceTest time.Duration
	// Rebalance is how long a pool takes to spread its data to a new device.
	Rebalance time.Duration
	// MaxDeviceBytes is the largest device; 8 TiB when zero.
	MaxDeviceBytes int64
	// StrictDependencies makes the package tools refuse ScaleIO packages while
	// libaio and numactl (and Java for the gateway) are missing.
	StrictDependencies bool
	// OnService is told of each start, stop and restart of a unit, after it
	// has been done and without any lock held. The sandbox restarts its Mesos
	// agents with it.
	OnService func(host, unit, verb string)
}

// version is a package version taken apart.
type version struct {
	major, minor int
	build, sub   string
}

var versionPattern = regexp.MustCompile(`^(\d+)\.(\d+)-(\d+)\.(\d+)$`)

func parseVersion(text string) (version, error) {
	m := versionPattern.FindStringSubmatch(text)
	if m == nil {
		return version{}, fmt.Errorf("version %q: want the form 2.6-11000.113", text)
	}
	major, err := strconv.Atoi(m[1])
	if err != nil {
		return version{}, fmt.Errorf("version %q: %w", text, err)
	}
	minor, err := strconv.Atoi(m[2])
	if err != nil {
		return version{}, fmt.Errorf("version %q: %w", text, err)
	}
	return version{major: major, minor: minor, build: m[3], sub: m[4]}, nil
}

// pkg is the form of package managers: 2.6-11000.113.
func (v version) pkg() string { return fmt.Sprintf("%d.%d-%s.%s", v.major, v.minor, v.build, v.sub) }

// scli is the form of scli's listings: 2.6.11000.
func (v version) scli() string { return fmt.Sprintf("%d.%d.%s", v.major, v.minor, v.build) }

// rest is the form of members in the REST API: R2_6.11000.0.
func (v version) rest() string { return fmt.Sprintf("R%d_%d.%s.0", v.major, v.minor, v.build) }

// product is the form of the System object: R2_6.11000.113.
func (v version) product() string {
	return fmt.Sprintf("R%d_%d.%s.%s", v.major, v.minor, v.build, v.sub)
}

// api is what /api/version says: 2.6.
func (v version) api() string { return fmt.Sprintf("%d.%d", v.major, v.minor) }

// certificates reports whether MDMs have certificates of an authority, and
// there is no gateway.
func (v version) certificates() bool { return v.major >= 4 }

// port is where MDMs are managed.
func (v version) port() string {
	if v.certificates() {
		return "8611"
	}
	return "6611"
}

func (o Options) withDefaults() (Options, version, error) {
	if o.Version == "" {
		o.Version = "2.6-11000.113"
	}
	v, err := parseVersion(o.Version)
	if err != nil {
		return o, v, err
	}
	if o.Dialect == DialectAuto {
		o.Dialect = Dialect2
		if v.certificates() {
			o.Dialect = Dialect4
		} else if v.major > 3 || v.major == 3 && v.minor >= 5 {
			o.Dialect = Dialect36
		}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Listen == nil {
		o.Listen = func(addr string) (net.Listener, error) { return net.Listen("tcp", addr) }
	}
	if o.Seed == 0 {
		o.Seed = 1
	}
	if o.ControlAddr == "" {
		o.ControlAddr = "127.0.0.1:0"
	}
	for _, d := range []struct {
		name  string
		value *time.Duration
		other time.Duration
	}{
		{"TokenIdle", &o.TokenIdle, 10 * time.Minute},
		{"TokenMax", &o.TokenMax, 8 * time.Hour},
		{"SessionIdle", &o.SessionIdle, 10 * time.Minute},
		{"GatewayStart", &o.GatewayStart, 0},
		{"DeviceTest", &o.DeviceTest, 0},
		{"Rebalance", &o.Rebalance, 0},
	} {
		if *d.value < 0 {
			return o, v, fmt.Errorf("option %s is negative", d.name)
		}
		if *d.value == 0 {
			*d.value = d.other
		}
	}
	if o.MaxDeviceBytes == 0 {
		o.MaxDeviceBytes = 8 << 40
	}
	return o, v, nil
}

// truth reads the boolean spellings that the API and scli accept.
func truth(text string) bool {
	switch strings.ToLower(text) {
	case "true", "1", "yes":
		return true
	}
	return false
}
