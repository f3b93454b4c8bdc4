// Package config reads the scheduler's configuration.
//
// Every setting is a dotted flag and an environment variable: --zk.session is
// SIO_ZK_SESSION. A flag wins over the environment. A secret is never a flag,
// since anyone on the host reads process arguments: it is SIO_... with the
// text or SIO_..._FILE with the path of a file that holds it. Under Marathon
// the port, the advertised host and the instance's name come from PORT0, HOST
// and MESOS_TASK_ID.
package config

import (
	"time"

	"scaleio-framework/internal/redact"
)

// Config is the resolved configuration of a scheduler.
type Config struct {
	Name     string // of the framework; part of the node agents' state directory
	LogLevel string
	LogJSON  bool

	ZK        ZK
	Mesos     Mesos
	REST      REST
	Executor  Executor
	Placement Placement
	ScaleIO   ScaleIO
	Gateway   Gateway
	SDC       SDC
	Devices   Devices
	Volumes   Volumes
	Growth    Growth
	AWS       AWS

	Artifacts Artifacts
	// Warnings are about settings that were accepted under an old name.
	Warnings []string
}

// ZK is how ZooKeeper is reached.
type ZK struct {
	URL      string // zk://host:port,.../path
	Session  time.Duration
	User     string // digest authentication
	Password redact.Secret
	TLS      bool
	CAFile   string
	CertFile string
	KeyFile  string
}

// Mesos is how the framework registers.
type Mesos struct {
	Master          string // zk://.../mesos, or host:port,...
	Role            string
	User            string
	Principal       string
	Secret          redact.Secret
	FailoverTimeout time.Duration
}

// REST is the scheduler's own HTTP server.
type REST struct {
	Listen   string // address to listen on
	Port     int
	Host     string // advertised host name or address
	Instance string // name of this instance; a random suffix is added
}

// Artifacts are the packages that the nodes get.
type Artifacts struct {
	Dir      string // folder that is served to the nodes
	Packages string // file name or URL of a manifest
	Version  string // of ScaleIO; needed when the packages are of several
}

// Executor is the node agent and what it takes from a host.
type Executor struct {
	Program                string // path of scaleio-nodeagent
	MDMCPUs, MDMMemoryMB   float64
	OtherCPUs, OtherMemory float64 // CPUs and MiB of hosts without MDM
	SCLIPasswordInArgs     bool
	// InstallPrerequisites lets hosts install libaio and the like from their
	// distribution.
	InstallPrerequisites bool
	// Unpack is the system whose packages are unpacked on hosts with a read-only
	// /usr; WithoutSDC is data-node or skip.
	Unpack, WithoutSDC string
}

// Placement is the choice of the MDM hosts.
type Placement struct {
	MDMNodes          int
	Settle            time.Duration
	PersonaAttribute  string
	FaultSetAttribute string
}

// ScaleIO is the system to be built.
type ScaleIO struct {
	ClusterName      string
	ProtectionDomain string
	StoragePool      string
	MediaType        string
	ZeroPadding      bool
	User             string
	Password         redact.Secret
	LIAToken         redact.Secret
	GatewayPassword  redact.Secret
	P12Password      redact.Secret
	MaxFailures      int
	RetryBackoff     time.Duration
}

// Gateway is how the ScaleIO gateways are reached and trusted.
type Gateway struct {
	Port, HTTPPort         int
	CAFile                 string
	Insecure               bool
	BypassCertificateCheck bool
	Timeout                time.Duration
	// ManagementPlatform is the URL of the one that a 4.x system has, without
	// path; empty for none.
	ManagementPlatform string
}

// SDC is where kernel modules come from that its package has not.
type SDC struct {
	Repository        string // of modules: ftp://, sftp:// or file://
	User              string
	Password          redact.Secret
	Key               redact.Secret // private RSA key for the repository
	RepositoryKeyFile string        // the repository's public RSA key
	RepositoryKey     string        // the text of that file
	CheckSignature    bool
	Build             bool
}

// Devices chooses the disks that ScaleIO gets.
type Devices struct {
	Pattern  string // auto, or comma-separated globs of device paths
	Deny     string // comma-separated globs of disks that are never taken
	TestMode string // none or test-and-activate
}

// Volumes is how apps get at volumes.
type Volumes struct {
	Driver       bool   // REX-Ray and dvdcli
	Isolator     string // docker-volume, dvdi or none
	AgentService string // the Mesos agent's service, or auto
}
