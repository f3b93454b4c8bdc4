package zktest

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// TLSFiles name PEM files for an encrypted client port.
type TLSFiles struct {
	// KeyStore holds the PKCS #8 key and the certificate of the server.
	KeyStore string
	// TrustStore holds the certificates to trust; clients need none.
	TrustStore string
}

// Options describe a cluster to launch.
type Options struct {
	// Dir holds data, configuration and logs. Empty means a new temporary
	// directory that Close removes. When the program runs as root the servers
	// run as nobody, if that user can reach the directory, and else as root.
	Dir string
	// Servers is 1 or an odd number for an ensemble. Zero means 1.
	Servers int
	// TickTime is ZooKeeper's unit of time; sessions last 2 to 20 ticks and
	// expire at a multiple of it. Zero means 500 ms.
	TickTime time.Duration
	// Ports fixes the client ports, one a server; empty means free ones.
	Ports []int
	// TLS, when set, gives every server a second, encrypted client port.
	TLS *TLSFiles
	// StartTimeout bounds the start. Zero means 60 s: a busy machine is slow.
	StartTimeout time.Duration
}

func (o Options) withDefaults() Options {
	if o.Servers == 0 {
		o.Servers = 1
	}
	if o.TickTime == 0 {
		o.TickTime = 500 * time.Millisecond
	}
	if o.StartTimeout == 0 {
		o.StartTimeout = time.Minute
	}
	return o
}

func (o Options) validate() error {
	if o.Servers < 1 || o.Servers%2 == 0 {
		return fmt.Errorf("zktest: Servers is %d: want an odd number", o.Servers)
	}
	if o.TickTime < 10*time.Millisecond {
		return fmt.Errorf("zktest: TickTime %v is below 10ms", o.TickTime)
	}
	if len(o.Ports) != 0 && len(o.Ports) != o.Servers {
		return fmt.Errorf("zktest: %d Ports for %d servers", len(o.Ports), o.Servers)
	}
	return nil
}

// ticks is how many ticks last that long.
func (o Options) ticks(d time.Duration) int { return int((d + o.TickTime - 1) / o.TickTime) }

const javaDir = "/usr/share/java/"

// findJava returns the java program and the class path. The netty jars are
// missing in the manifest of Debian's jar; without them the encrypted port
// drops every connection.
func findJava() (java, classPath string, err error) {
	const remedy = "run `make setup`, or apt-get install --no-install-recommends zookeeper"
	if java, err = exec.LookPath("java"); err != nil {
		return "", "", fmt.Errorf("zktest: java is not installed: %s", remedy)
	}
	jars := []string{
		"zookeeper.jar", "slf4j-simple.jar", "netty-codec.jar", "netty-resolver.jar",
		"netty-transport-native-unix-common.jar", "netty-tcnative.jar",
	}
	for i, jar := range jars {
		jars[i] = javaDir + jar
	}
	if _, err := os.Stat(jars[0]); err != nil {
		return "", "", fmt.Errorf("zktest: %s is missing: %s", jars[0], remedy)
	}
	return java, strings.Join(jars, ":"), nil
}
