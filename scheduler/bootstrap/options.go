package bootstrap

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
)

// The modes of Options.Isolator.
const (
	// IsolatorNone leaves the flags of the Mesos agents alone.
	IsolatorNone = "none"
	// IsolatorDockerVolume makes agents mount volumes by dvdcli.
	IsolatorDockerVolume = "docker-volume"
	// IsolatorDVDI makes agents mount volumes by mesos-module-dvdi.
	IsolatorDVDI = "dvdi"
)

// DevicesAuto is the DevicePattern that takes every free disk.
const DevicesAuto = "auto"

// maxName is the longest name of a ScaleIO object, in bytes.
const maxName = 31

// Resources are what a node agent takes from its Mesos agent.
type Resources struct {
	CPUs     float64
	MemoryMB float64 // MiB
}

// Options configure a Bootstrap. What the plan froze into records stays as it
// is when options change later.
type Options struct {
	// MDMNodes is the size of the MDM cluster: 3 or 5.
	MDMNodes int
	// Settle is how long no new host may have been seen before the members are
	// chosen; 0 chooses at once.
	Settle time.Duration
	// ReplaceAfter is how long a member may be out of reach before another
	// host takes its place, as long as the cluster was not begun.
	ReplaceAfter time.Duration
	// MDM and Storage are what node agents take on hosts of the MDM cluster
	// and on the others.
	MDM, Storage Resources

	SystemName       string
	AdminUsername    string
	ProtectionDomain string
	StoragePool      string
	// MediaType is HDD, SSD, Transitional or empty (systems before 3.0).
	MediaType   string
	ZeroPadding bool

	// FaultSetAttribute and PersonaAttribute are names of Mesos attributes.
	FaultSetAttribute string
	PersonaAttribute  string

	// DevicePattern is DevicesAuto or comma-separated patterns as of
	// path.Match, applied to a disk's path and kernel name.
	DevicePattern string
	// DeviceDeny are patterns of disks that are never taken, whatever
	// DevicePattern says; empty for none.
	DeviceDeny string
	// MinDeviceBytes is the smallest disk that is taken.
	MinDeviceBytes int64
	// DeviceTestMode is none or test-and-activate.
	DeviceTestMode string

	// GatewayPort and GatewayHTTPPort are where gateways listen.
	GatewayPort, GatewayHTTPPort int
	// BypassCertificateCheck lets gateways accept any certificate of an MDM;
	// otherwise each is pinned as it is first seen.
	BypassCertificateCheck bool

	// ManagementPlatform is the URL of the management platform of a 4.x system,
	// through which it is read, grown and removed; empty for none.
	ManagementPlatform string

	// Driver is where SDCs find kernel modules that their package has not; nil
	// leaves the vendor's settings.
	Driver *nodeproto.DriverSource

	// Isolator is IsolatorNone, IsolatorDockerVolume or IsolatorDVDI.
	Isolator string
	// AgentService is the Mesos agent's service, restarted when its flags
	// changed, or nodeproto.AgentServiceAuto; required with an isolator.
	AgentService string
	// SchedulerHost is the name or the address of the host on which this
	// scheduler runs: its Mesos agent restarts last, after a hand-over. Empty
	// when it is none of the Mesos agents.
	SchedulerHost string
	// VolumeDriver installs REX-Ray and dvdcli where packages are given;
	// without it the isolator is left out, too.
	VolumeDriver bool
	// InstallPrerequisites lets the hosts install what ScaleIO's packages need
	// (libaio, numactl, Java) from their distribution; otherwise they only
	// check themselves.
	InstallPrerequisites bool
	// Unpack is the system whose packages are unpacked on hosts whose /usr is
	// read-only, as el7; empty leaves such hosts alone.
	Unpack string
	// WithoutSDC is what becomes of a host that has no SDC, for want of a kernel
	// module: WithoutSDCDataNode or WithoutSDCSkip.
	WithoutSDC string
	// Packages are the packages that the schedulers serve.
	Packages []Package

	// MaxFailures is how many counted failures make a step stuck.
	MaxFailures int
	// RetryBackoff delays the next attempt; it doubles with each failure up
	// to RetryBackoffMax.
	RetryBackoff, RetryBackoffMax time.Duration
	// ResendAfter delays the repetition of a command that no report answered;
	// it doubles up to ResendAfterMax.
	ResendAfter, ResendAfterMax time.Duration
	// GatewayTimeout is how long a gateway call may stay unanswered before it
	// is asked again. It is longer than the performer's own limit: a device
	// that is tested answers late.
	GatewayTimeout time.Duration
	// VerifySizeGiB is the size of the test volume, a multiple of 8.
	VerifySizeGiB int
}

// DefaultOptions are the options without packages.
func DefaultOptions() Options {
	return Options{
		MDMNodes:             3,
		Settle:               10 * time.Second,
		ReplaceAfter:         2 * time.Minute,
		MDM:                  Resources{CPUs: 1.5, MemoryMB: 3072},
		Storage:              Resources{CPUs: 0.5, MemoryMB: 512},
		SystemName:           "scaleio",
		AdminUsername:        "admin",
		ProtectionDomain:     "default",
		StoragePool:          "default",
		ZeroPadding:          true,
		FaultSetAttribute:    "scaleio-fault-set",
		PersonaAttribute:     "scaleio-persona",
		DevicePattern:        DevicesAuto,
		MinDeviceBytes:       100_000_000_000, // 100 GB, the smallest that ScaleIO takes
		DeviceTestMode:       "test-and-activate",
		GatewayPort:          443,
		GatewayHTTPPort:      80,
		Isolator:             IsolatorDockerVolume,
		AgentService:         nodeproto.AgentServiceAuto,
		VolumeDriver:         true,
		InstallPrerequisites: true,
		WithoutSDC:           WithoutSDCDataNode,
		MaxFailures:          5,
		RetryBackoff:         time.Second,
		RetryBackoffMax:      time.Minute,
		ResendAfter:          250 * time.Millisecond,
		ResendAfterMax:       10 * time.Second,
		GatewayTimeout:       2 * time.Minute,
		VerifySizeGiB:        8,
	}
}

// resources are what the node agent of a persona takes.
func (o *Options) resources(persona model.Persona) Resources {
	if persona == model.Storage {
		return o.Storage
	}
	return o.MDM
}

func (o *Options) validate() error {
	var errs []error
	need := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	need(o.MDMNodes == 3 || o.MDMNodes == 5, "--placement.mdm-nodes is %d, want 3 or 5", o.MDMNodes)
	need(o.Settle >= 0, "--placement.settle is %s, want 0 or more", o.Settle)
	need(o.ReplaceAfter > 0, "--placement.replace-after is %s, want more than 0", o.ReplaceAfter)
	need(o.MDM.CPUs > 0 && o.MDM.MemoryMB > 0, "--executor.cpu.mdm and --executor.mem.mdm must be more than 0")
	need(o.Storage.CPUs > 0 && o.Storage.MemoryMB > 0, "--executor.cpu.non and --executor.mem.non must be more than 0")
	for _, name := range []struct{ flag, value string }{
		{"scaleio.clustername", o.SystemName},
		{"scaleio.user", o.AdminUsername},
		{"scaleio.protectiondomain", o.ProtectionDomain},
		{"scaleio.storagepool", o.StoragePool},
	} {
		why := badName(name.value)
		need(why == "", "--%s is %q: %s", name.flag, name.value, why)
	}
	need(slices.Contains([]string{"", "HDD", "SSD", "Transitional"}, o.MediaType), "--scaleio.mediatype is %q, want HDD, SSD, Transitional or nothing", o.MediaType)
	need(o.PersonaAttribute != "", "--placement.persona-attribute is empty")
	need(o.FaultSetAttribute != "", "--placement.fault-set-attribute is empty")
	need(o.PersonaAttribute != o.FaultSetAttribute, "--placement.persona-attribute and --placement.fault-set-attribute are both %q", o.PersonaAttribute)
	if o.DevicePattern != DevicesAuto {
		errs = append(errs, checkPatterns("devices", o.DevicePattern))
	}
	if o.DeviceDeny != "" {
		errs = append(errs, checkPatterns("devices.deny", o.DeviceDeny))
	}
	need(o.MinDeviceBytes > 0, "--devices.min-size is %d bytes, want more than 0", o.MinDeviceBytes)
	need(o.DeviceTestMode == "none" || o.DeviceTestMode == "test-and-activate", "--devices.test-mode is %q, want none or test-and-activate", o.DeviceTestMode)
	need(o.GatewayPort > 0 && o.GatewayPort < 65536, "--gateway.port is %d, want 1 to 65535", o.GatewayPort)
	need(o.GatewayHTTPPort > 0 && o.GatewayHTTPPort < 65536, "--gateway.http-port is %d, want 1 to 65535", o.GatewayHTTPPort)
	need(o.GatewayHTTPPort != o.GatewayPort, "--gateway.port and --gateway.http-port are both %d", o.GatewayPort)
	need(o.ManagementPlatform == "" || o.release() == "" || !hasGateway(o.release()), "--gateway.management-platform is given, but the packages are of release %s, which has gateways of its own: leave it out, or give packages of 4.x", o.release())
	need(slices.Contains([]string{IsolatorNone, IsolatorDockerVolume, IsolatorDVDI}, o.Isolator), "--volumes.isolator is %q, want docker-volume, dvdi or none", o.Isolator)
	need(o.Isolator != IsolatorDVDI || offers(o.Packages, componentDVDI), "--volumes.isolator is dvdi, but no libmesos_dvdi_isolator-<version of Mesos>.so is given in --artifacts.dir or --packages")
	need(o.Isolator == IsolatorNone || o.AgentService != "", "--volumes.agent-service is empty: name the Mesos agent's service or auto, or set --volumes.isolator=none")
	need(o.Unpack == "" || unpackable.MatchString(o.Unpack), "--hosts.unpack is %q, want a system of rpm packages such as el7 or sles12.2", o.Unpack)
	need(o.WithoutSDC == WithoutSDCDataNode || o.WithoutSDC == WithoutSDCSkip, "--hosts.without-sdc is %q, want data-node or skip", o.WithoutSDC)
	need(o.MaxFailures > 0, "--steps.max-failures is %d, want 1 or more", o.MaxFailures)
	need(o.RetryBackoff > 0 && o.RetryBackoffMax >= o.RetryBackoff, "--steps.retry-backoff is %s up to %s, want more than 0 and no more than its maximum", o.RetryBackoff, o.RetryBackoffMax)
	need(o.ResendAfter > 0 && o.ResendAfterMax >= o.ResendAfter, "--steps.resend-after is %s up to %s, want more than 0 and no more than its maximum", o.ResendAfter, o.ResendAfterMax)
	need(o.GatewayTimeout > 0, "--gateway.timeout is %s, want more than 0", o.GatewayTimeout)
	need(o.VerifySizeGiB > 0 && o.VerifySizeGiB%8 == 0, "--verify.size is %d GiB, want a multiple of 8", o.VerifySizeGiB)
	for _, p := range o.Packages {
		need(p.Component != "" && p.Name != "" && (p.Version != "" || p.Component == componentKey), "package %q has no component, name or version: check --artifacts.dir and --packages", p.Artifact.Path)
	}
	return errors.Join(errs...)
}

// badName says why a text cannot name a ScaleIO object here; empty when it can.
func badName(name string) string {
	switch {
	case name == "":
		return "it is empty"
	case len(name) > maxName:
		return fmt.Sprintf("it has %d characters, at most %d are allowed", len(name), maxName)
	case strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' || r == '/' }):
		return "only printable ASCII without blanks and slashes is allowed"
	}
	return ""
}

func checkPatterns(flag, patterns string) error {
	for _, pattern := range strings.Split(patterns, ",") {
		if pattern = strings.TrimSpace(pattern); pattern == "" {
			return fmt.Errorf("--%s is %q, want comma-separated patterns such as /dev/sd[b-z]", flag, patterns)
		}
		if _, err := path.Match(pattern, ""); err != nil {
			return fmt.Errorf("--%s: pattern %q: %w", flag, pattern, err)
		}
	}
	return nil
}
