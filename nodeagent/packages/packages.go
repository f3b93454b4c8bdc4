// Package packages installs, queries and removes packages by the host's own
// tools, one implementation for each package family. On hosts whose /usr is
// read-only there are no such tools: rpm packages are unpacked into /opt there.
//
// A version is compared by its part major.minor-build.sub, since distributions
// append their own. Installers read settings from their environment; secrets
// go there and nowhere else. A lock that another package manager holds is an
// interruption, not a failure of the package.
package packages

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"scaleio-framework/internal/model"
	"scaleio-framework/internal/redact"
	"scaleio-framework/nodeagent/failure"
	"scaleio-framework/nodeagent/hostfs"
	"scaleio-framework/nodeagent/runner"
)

// The package families, as model.OS names them.
const (
	Deb = model.FamilyDeb
	RPM = model.FamilyRPM
	// Unpacked is of systems whose /usr is read-only: rpm packages are unpacked
	// there, and a record of ours takes the place of the package manager.
	Unpacked = model.FamilyUnpacked
)

// Timeouts of package tools. An SDC or a gateway may take minutes to install,
// and a distribution's mirror may be slow.
const (
	queryTimeout   = time.Minute
	installTimeout = 15 * time.Minute
)

// iAmSure lets ScaleIO's packages be removed.
const iAmSure = "I_AM_SURE=1"

// Env is what an installer finds in its environment.
type Env struct {
	Plain   []string                 // NAME=value
	Secrets map[string]redact.Secret // by variable
}

// Manager is a host's package manager.
type Manager interface {
	// Installed returns the version of a package that is completely installed.
	Installed(ctx context.Context, name string) (version string, ok bool, err error)
	// Trust makes sure that a package file that is signed was signed by a key
	// that the host trusts. Of these files with public keys, the one that fits
	// is made known to the host. A file without a signature is fine: it is what
	// its checksum says.
	Trust(ctx context.Context, file string, keys []string) error
	// Install installs a package file, over an older version or a half
	// finished installation. What its scripts start outlives the executor.
	Install(ctx context.Context, file string, env Env) error
	// InstallNamed installs packages of the distribution.
	InstallNamed(ctx context.Context, names ...string) error
	// Remove removes a package with its configuration, one that a crash left
	// half installed or half removed too; one that is not there is fine.
	Remove(ctx context.Context, name string) error
	// Present reports whether anything of a package is left: all of it, a half
	// of it, its configuration.
	Present(ctx context.Context, name string) (bool, error)
}

// Marks remember, over a crash, what was begun.
type Marks interface {
	// Mark sets a mark with a note, durably.
	Mark(name, note string) error
	// Note returns the note of a mark, and whether it stands.
	Note(name string) (note string, stands bool, err error)
	// Clear takes a mark away, durably; one that does not stand is fine.
	Clear(name string) error
}

// New returns the manager of a family for the runner's host, whose files are
// below root.
func New(family string, run *runner.Runner, root hostfs.Root, marks Marks) (Manager, error) {
	switch family {
	case Deb:
		return dpkg{run: run}, nil
	case RPM:
		return rpm{run: run, marks: marks}, nil
	case Unpacked:
		return newUnpacked(run, root), nil
	default:
		return nil, fmt.Errorf("package family %q is none of deb, rpm, unpacked", family)
	}
}

var versionPattern = regexp.MustCompile(`\d+(?:\.\d+)+-\d+(?:\.\d+)?`)

// SameVersion compares the parts major.minor-build.sub of two versions, and
// texts without such a part as they are.
func SameVersion(a, b string) bool { return core(a) == core(b) }

func core(version string) string {
	if part := versionPattern.FindString(version); part != "" {
		return part
	}
	return strings.TrimSpace(version)
}

// lockHeld recognises that another package manager works on the host.
var lockHeld = regexp.MustCompile(`(?i)could not get lock|unable to (?:acquire|lock)|is locked by another process|can't create transaction lock|another app is currently holding the yum lock|frontend lock`)

// run runs a package tool and classifies its failure.
func run(ctx context.Context, r *runner.Runner, c runner.Command) (runner.Result, error) {
	res, err := r.Run(ctx, c)
	if err != nil {
		if errors.Is(err, runner.ErrNotFound) {
			return res, failure.Hopeless(err)
		}
		return res, err
	}
	if res.Code != 0 && lockHeld.MatchString(res.Stderr+res.Stdout) {
		return res, failure.Interrupted(fmt.Errorf("another package manager works on this host: %w", res.Err()))
	}
	return res, nil
}

// must runs a package tool whose status has to be 0.
func must(ctx context.Context, r *runner.Runner, c runner.Command) error {
	res, err := run(ctx, r, c)
	if err != nil {
		return err
	}
	return res.Err()
}
