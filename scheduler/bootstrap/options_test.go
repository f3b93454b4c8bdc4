package bootstrap_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/scheduler/bootstrap"
)

func TestWrongOptionsNameTheFlag(t *testing.T) {
	for flag, spoil := range map[string]func(*bootstrap.Options){
		"--placement.mdm-nodes":           func(o *bootstrap.Options) { o.MDMNodes = 4 },
		"--placement.settle":              func(o *bootstrap.Options) { o.Settle = -1 },
		"--placement.replace-after":       func(o *bootstrap.Options) { o.ReplaceAfter = 0 },
		"--placement.persona-attribute":   func(o *bootstrap.Options) { o.PersonaAttribute = "" },
		"--placement.fault-set-attribute": func(o *bootstrap.Options) { o.FaultSetAttribute = "" },
		"--executor.cpu.mdm":              func(o *bootstrap.Options) { o.MDM.CPUs = 0 },
		"--executor.cpu.non":              func(o *bootstrap.Options) { o.Storage.MemoryMB = 0 },
		"--scaleio.clustername":           func(o *bootstrap.Options) { o.SystemName = "" },
		"--scaleio.user":                  func(o *bootstrap.Options) { o.AdminUsername = "a b" },
		"--scaleio.protectiondomain":      func(o *bootstrap.Options) { o.ProtectionDomain = "a/b" },
		"--scaleio.storagepool":           func(o *bootstrap.Options) { o.StoragePool = "a-name-of-more-than-31-characters" },
		"--scaleio.mediatype":             func(o *bootstrap.Options) { o.MediaType = "tape" },
		"--devices":                       func(o *bootstrap.Options) { o.DevicePattern = "/dev/sd[" },
		"--devices.deny":                  func(o *bootstrap.Options) { o.DeviceDeny = "/dev/sdb,," },
		"--devices.min-size":              func(o *bootstrap.Options) { o.MinDeviceBytes = 0 },
		"--devices.test-mode":             func(o *bootstrap.Options) { o.DeviceTestMode = "some" },
		"--gateway.port":                  func(o *bootstrap.Options) { o.GatewayPort = 70000 },
		"--gateway.timeout":               func(o *bootstrap.Options) { o.GatewayTimeout = 0 },
		"--gateway.management-platform":   func(o *bootstrap.Options) { o.ManagementPlatform = platform },
		"--volumes.isolator":              func(o *bootstrap.Options) { o.Isolator = "x" },
		"--volumes.agent-service":         func(o *bootstrap.Options) { o.AgentService = "" },
		"--steps.max-failures":            func(o *bootstrap.Options) { o.MaxFailures = 0 },
		"--steps.retry-backoff":           func(o *bootstrap.Options) { o.RetryBackoff = 0 },
		"--steps.resend-after":            func(o *bootstrap.Options) { o.ResendAfterMax = 0 },
		"--verify.size":                   func(o *bootstrap.Options) { o.VerifySizeGiB = 9 },
		"--artifacts.dir":                 func(o *bootstrap.Options) { o.Packages[0].Name = "" },
	} {
		o := options()
		spoil(&o)
		_, err := bootstrap.New(o)
		require.ErrorContains(t, err, flag)
	}
	_, err := bootstrap.New(bootstrap.DefaultOptions())
	require.NoError(t, err)
}

func TestThePackageThatFitsBestIsChosen(t *testing.T) {
	file := func(osID, osVersion, family, version string) bootstrap.Package {
		return bootstrap.Package{Component: "sds", OSID: osID, OSVersion: osVersion, Family: family, Name: "sds", Version: version}
	}
	catalogue := []bootstrap.Package{
		{Component: "mdm", Family: "rpm", Name: "mdm", Version: "9"},
		file("", "", "rpm", "1.0-1.1"),
		file("", "", "rpm", "1.0-10.1"),
		file("el", "7", "rpm", "2.0-1.1"),
		file("centos", "7.9", "rpm", "3.0-1.1"),
		file("ubuntu", "16.04", "deb", "2.0-1.1"),
	}
	for _, c := range []struct {
		what string
		os   model.OS
		want string
	}{
		{"exactly this release", model.OS{ID: "centos", Version: "7.9", Family: "rpm"}, "3.0-1.1"},
		{"the Red Hat family by its major version", model.OS{ID: "rocky", Version: "7.4", Family: "rpm"}, "2.0-1.1"},
		{"the package family, the newest", model.OS{ID: "sles", Version: "12.2", Family: "rpm"}, "1.0-10.1"},
		{"another release of the same system", model.OS{ID: "ubuntu", Version: "18.04", Family: "deb"}, ""},
		{"the release of a deb", model.OS{ID: "ubuntu", Version: "16.04", Family: "deb"}, "2.0-1.1"},
	} {
		p, ok := bootstrap.Choose(catalogue, "sds", c.os)
		require.Equal(t, c.want != "", ok, c.what)
		require.Equal(t, c.want, p.Version, c.what)
	}
}

// The graph is what the documentation shows: every edge leads to a step, has a
// reason, and there is no way around in a circle.
func TestTheGraphIsSound(t *testing.T) {
	graph := bootstrap.Graph()
	needs := make(map[string][]string)
	for _, s := range graph {
		require.NotContains(t, needs, s.Name)
		require.NotEmpty(t, s.Text, s.Name)
		require.Contains(t, bootstrap.Phases(), s.Phase)
		needs[s.Name] = nil
		for _, n := range s.Needs {
			require.NotEmpty(t, n.Reason, "%s needs %s", s.Name, n.Step)
			if n.Relation != bootstrap.Turn {
				needs[s.Name] = append(needs[s.Name], n.Step)
			}
		}
	}
	for len(needs) > 0 {
		free := ""
		for name, open := range needs {
			if len(open) == 0 {
				free = name
			}
		}
		require.NotEmpty(t, free, "a circle among %v", needs)
		delete(needs, free)
		for name, open := range needs {
			var left []string
			for _, step := range open {
				if step != free {
					left = append(left, step)
				}
			}
			needs[name] = left
		}
	}
	require.Equal(t, nodeproto.StepPrerequisites, graph[0].Name)
}

func TestDescribeBeforeAnythingWasStored(t *testing.T) {
	view := bootstrap.Describe(nil, nil)
	require.False(t, view.Complete)
	require.NotEmpty(t, view.Problems)
}
