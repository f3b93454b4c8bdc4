package sandbox

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"

	"scaleio-framework/nodeagent/hosttest"
)

// Options describe a sandbox.
type Options struct {
	// Dir holds hosts, logs and ZooKeeper's data. Empty means a new temporary
	// directory, which Close removes.
	Dir string
	// Bin is where scaleio-scheduler, scaleio-nodeagent and standin are;
	// beside the running program when empty.
	Bin string
	// Agents is the number of hosts at the start, Schedulers that of scheduler
	// processes.
	Agents, Schedulers int
	// SessionTimeout is what schedulers ask of ZooKeeper.
	SessionTimeout time.Duration
	// StandInPackages uses package files and package tools that cost nothing,
	// instead of real .deb files and the machine's dpkg.
	StandInPackages bool
	// Release is the one that the doubles play, as in Releases; DefaultRelease
	// when empty.
	Release string
	// Machines makes the hosts machines of systemd-nspawn with a real systemd
	// and real package tools, instead of directories. It needs root.
	Machines bool
	// System is that of the machines; Ubuntu when empty.
	System hosttest.System
	// MesosUnit is what the Mesos agent is on hosts that are machines.
	MesosUnit MesosUnit
	// VolumeDriver gives packages of REX-Ray and dvdcli, so that the plan has the
	// steps of the volume driver.
	VolumeDriver bool
	// Growth makes the hosts instances of EC2, whose volumes pools grow by.
	Growth bool
	// Platform gives a release without gateway a management platform. Growth
	// brings it along.
	Platform bool
	// Disks is the number of free disks of each host.
	Disks int
	// Attributes are further Mesos attributes, by host name.
	Attributes map[string]map[string]string
	// Settings are further environment of the schedulers, "NAME=value"; they
	// win over the sandbox's own.
	Settings []string
	// Mesos is the address of an external master, or empty for the double.
	Mesos string
	// Out gets progress and results; Terminal says that it can be redrawn, and
	// Width is the number of its columns, 80 when 0.
	Out      io.Writer
	Terminal bool
	Width    int
	Logger   hclog.Logger

	// heartbeat is the interval of the master's, that of a real one when 0.
	heartbeat time.Duration
}

// Defaults of Options.
const (
	DefaultAgents         = 3
	DefaultSchedulers     = 2
	DefaultSessionTimeout = 4 * time.Second
	// diskBytes is the size of a host's disks: 110 GiB, above the minimum of
	// 100 GB. They are sparse files.
	diskBytes = 110 << 30
)

// releases are those that the doubles can play, with their packages' versions.
var releases = map[string]string{DefaultRelease: "2.6-11000.113", "4.5": "4.5-2100.105"}

// DefaultRelease has gateways.
const DefaultRelease = "2.6"

// Releases are the values of Options.Release.
func Releases() []string { return slices.Sorted(maps.Keys(releases)) }

// gatewayless reports whether the release has no gateway.
func (o *Options) gatewayless() bool { return o.Release != DefaultRelease }

func (o *Options) complete() error {
	if o.Agents == 0 {
		o.Agents = DefaultAgents
	}
	if o.Schedulers == 0 {
		o.Schedulers = DefaultSchedulers
	}
	if o.SessionTimeout == 0 {
		o.SessionTimeout = DefaultSessionTimeout
	}
	if o.Disks == 0 {
		o.Disks = 1
	}
	if o.Release == "" {
		o.Release = DefaultRelease
	}
	if o.Out == nil {
		o.Out = io.Discard
	}
	if o.Logger == nil {
		o.Logger = hclog.NewNullLogger()
	}
	if o.Agents < 0 || o.Schedulers < 1 || o.Disks < 0 {
		return errors.New("sandbox: agents, schedulers and disks must not be negative, and there is at least one scheduler")
	}
	if o.SessionTimeout < time.Second || o.SessionTimeout > time.Minute {
		return fmt.Errorf("sandbox: session timeout %s: want 1s to 1m", o.SessionTimeout)
	}
	switch {
	case releases[o.Release] == "":
		return fmt.Errorf("sandbox: release %q is none of %s", o.Release, strings.Join(Releases(), ", "))
	case o.Platform && !o.gatewayless():
		return fmt.Errorf("sandbox: release %s has gateways and no management platform: leave out --platform, or choose another --product", o.Release)
	case o.Machines && o.gatewayless():
		return fmt.Errorf("sandbox: release %s is not made for the Debian of the machines: leave out --hosts nspawn", o.Release)
	}
	o.Platform = o.Platform || o.Growth && o.gatewayless()
	if o.Machines {
		if err := o.withMachines(); err != nil {
			return fmt.Errorf("sandbox: %w", err)
		}
	}
	if o.Bin == "" {
		self, err := os.Executable()
		if err != nil {
			return fmt.Errorf("sandbox: find the programs: %w", err)
		}
		o.Bin = filepath.Dir(self)
	}
	for _, program := range []string{"scaleio-scheduler", "scaleio-nodeagent", "standin"} {
		if _, err := os.Stat(filepath.Join(o.Bin, program)); err != nil {
			return fmt.Errorf("sandbox: %w: run make build", err)
		}
	}
	if !o.StandInPackages {
		if _, err := exec.LookPath("dpkg-deb"); err != nil {
			return fmt.Errorf("sandbox: dpkg-deb is missing: install dpkg, or choose --packages stand-in")
		}
	}
	return nil
}
