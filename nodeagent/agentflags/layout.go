package agentflags

import (
	"errors"

	"scaleio-framework/nodeagent/hostfs"
)

// Layout is how one kind of installation starts its Mesos agent.
type Layout struct {
	// Services are the names that the agent's service may have.
	Services []string
	// Path is where the agent finds programs.
	Path []string
	// Driver is the volume driver that the installation brings along; empty for
	// none.
	Driver Driver

	flagDir string // one file for each flag; empty for none
	// envFiles are read in this order: the last assignment counts.
	envFiles []string
	syntax   syntax
	// override is the file of variables that changes go to; empty when they go
	// to where the variable stands, or to flagDir.
	override string
	// isolationVariable is a second name of MESOS_ISOLATION; empty for none.
	isolationVariable string
}

// Driver is a REX-Ray that is part of an installation, whose service puts the
// installation's own configuration in place whenever it starts.
type Driver struct {
	Programs []string // by their paths
	Service  string
}

// dcos is what DC/OS generates; its directory is replaced by upgrades, so
// changes go to a file that is read later and kept.
var dcos = Layout{
	Services: []string{"dcos-mesos-slave", "dcos-mesos-slave-public"},
	Path:     []string{"/opt/mesosphere/bin"},
	Driver: Driver{
		Programs: []string{"/opt/mesosphere/bin/rexray", "/opt/mesosphere/bin/dvdcli"},
		Service:  "dcos-rexray",
	},
	envFiles: []string{
		"/opt/mesosphere/etc/mesos-slave-common", "/opt/mesosphere/etc/mesos-slave",
		"/opt/mesosphere/etc/mesos-slave-public", "/var/lib/dcos/mesos-slave-common",
	},
	syntax:   bySystemd,
	override: "/var/lib/dcos/mesos-slave-common",
}

// classic is a package of Mesosphere's, or of those that took over its wrapper,
// which makes a flag of each file in a directory.
func classic(name string) Layout {
	return Layout{
		Services:          []string{name},
		Path:              []string{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"},
		flagDir:           "/etc/" + name,
		envFiles:          []string{"/etc/default/mesos", "/etc/default/" + name},
		syntax:            byShell,
		isolationVariable: "ISOLATION",
	}
}

// ErrUnknown says that nothing tells how the Mesos agent gets its flags.
var ErrUnknown = errors.New("this host has none of /etc/mesos-slave, /etc/mesos-agent and /opt/mesosphere/etc/mesos-slave-common, so where the Mesos agent's flags are is not known: set them by hand and --volumes.isolator=none")

// Find tells the layout of a host.
func Find(root hostfs.Root) (Layout, error) {
	switch {
	case root.Exists(dcos.envFiles[0]):
		return dcos, nil
	case root.Exists("/etc/mesos-slave"):
		return classic("mesos-slave"), nil
	case root.Exists("/etc/mesos-agent"):
		return classic("mesos-agent"), nil
	}
	return Layout{}, ErrUnknown
}
