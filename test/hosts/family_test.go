//go:build hosts

package hosts_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/sandbox"
	"scaleio-framework/nodeagent/hosttest"
	"scaleio-framework/nodeagent/packages/packagestest"
)

// family is what tests must know of a kind of package manager.
type family struct {
	system hosttest.System
	// prefix begins the names of ScaleIO's packages, extension ends their
	// files.
	prefix, extension string
	// install installs a package file, remove removes a package.
	install, remove []string
	// programs are its tools, as pgrep looks for them.
	programs string
	// left is its word for a package whose installation ended in a script.
	left map[packagestest.Moment]string
	// database is a file that it keeps.
	database string
	// unknown and full are its words for a package that no repository has, and
	// for a file system without room.
	unknown, full string
}

func families() map[string]family {
	return map[string]family{
		"deb": {
			system: hosttest.Ubuntu, prefix: "emc-scaleio-", extension: ".deb", install: []string{"dpkg", "-i"}, remove: []string{"dpkg", "-P"}, programs: "dpkg|apt-get",
			left: map[packagestest.Moment]string{
				packagestest.BeforeUnpacking: "half-installed", packagestest.Configuring: "half-configured",
			},
			database: "var/lib/dpkg/status", unknown: "Unable to locate package numactl", full: "No space left on device",
		},
		"rpm": {
			system: hosttest.Rocky, prefix: "EMC-ScaleIO-", extension: ".rpm", install: []string{"rpm", "-i"}, remove: []string{"rpm", "-e"}, programs: "rpm|dnf",
			// A package is installed for rpm before its script has run.
			left:     map[packagestest.Moment]string{packagestest.BeforeUnpacking: "", packagestest.Configuring: "installed"},
			database: "var/lib/rpm/rpmdb.sqlite", unknown: "Unable to find a match: numactl", full: "more space on the",
		},
	}
}

// eachFamily plays a test on hosts of each family.
func eachFamily(t *testing.T, test func(t *testing.T, f family)) {
	t.Helper()
	for name, f := range families() {
		t.Run(name, func(t *testing.T) { test(t, f) })
	}
}

// status is the family's word for how far a package has come on a host.
func (w *world) status(h *sandbox.Host, pkg string) string {
	w.t.Helper()
	if w.system == hosttest.Ubuntu {
		out, err := w.try(h, "dpkg-query", "-W", "-f", "${db:Status-Status}", pkg)
		if err != nil {
			return "" // not known yet
		}
		return out
	}
	out, err := w.try(h, "rpm", "-q", pkg)
	if err != nil {
		require.Contains(w.t, out, "is not installed")
		return ""
	}
	require.Len(w.t, strings.Fields(out), 1, "there is one version")
	return "installed"
}

// unfinished is what the package manager knows to be incomplete on a host.
func (w *world) unfinished(h *sandbox.Host) string {
	w.t.Helper()
	if w.system == hosttest.Ubuntu {
		return w.on(h, "dpkg", "--audit")
	}
	duplicates := w.on(h, "sh", "-c", "rpm -qa --qf '%{NAME}\n' | sort | uniq -d")
	broken, _ := w.try(h, "rpm", "-Va", "--nomtime", "--noconfig") // its status tells of differences, which it prints
	return duplicates + broken
}
