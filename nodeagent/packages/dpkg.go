package packages

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"scaleio-framework/nodeagent/runner"
)

// noninteractive keeps maintainer scripts, ucf and apt-listchanges from asking,
// and needrestart from restarting services of the host, the Mesos agent's among
// them.
func noninteractive(more ...string) []string {
	return append([]string{
		"DEBIAN_FRONTEND=noninteractive", "UCF_FORCE_CONFFOLD=1", "APT_LISTCHANGES_FRONTEND=none", "NEEDRESTART_SUSPEND=1",
	}, more...)
}

// dpkg would ask what to do with a configuration that somebody has edited, as
// we do that of REX-Ray: it stays, the package's own comes beside it.
const (
	keepDefault = "--force-confdef"
	keepOld     = "--force-confold"
)

// dpkg manages Debian packages.
type dpkg struct{ run *runner.Runner }

// state is how far a package has come, in dpkg's words, and its version.
type state struct{ word, version string }

// query asks dpkg for a package; it may be there for several architectures.
// ${db:Status-Status} would be the word alone; the dpkg of Ubuntu 14.04 does
// not know it.
func (d dpkg) query(ctx context.Context, name string) ([]state, error) {
	res, err := run(ctx, d.run, runner.Command{
		Argv: []string{"dpkg-query", "-W", "-f", `${Status} ${Version}\n`, name}, Timeout: queryTimeout,
	})
	if err != nil {
		return nil, err
	}
	if res.Code > 1 { // 1: no package of this name is known
		return nil, res.Err()
	}
	var states []state
	for line := range strings.Lines(res.Stdout) {
		// install ok half-configured 2.0.14-3
		if fields := strings.Fields(line); len(fields) >= 3 {
			states = append(states, state{word: fields[2], version: strings.Join(fields[3:], " ")})
		}
	}
	return states, nil
}

// complete takes waiting triggers for complete, beside "installed".
func (s state) complete() bool {
	return s.word == "installed" || strings.HasPrefix(s.word, "triggers-")
}

// known reports whether dpkg still has something of the package.
func (s state) known() bool { return s.word != "" && s.word != "not-installed" }

// Installed takes only complete packages for installed.
func (d dpkg) Installed(ctx context.Context, name string) (string, bool, error) {
	states, err := d.query(ctx, name)
	if err != nil {
		return "", false, fmt.Errorf("query package %s: %w", name, err)
	}
	for _, s := range states {
		if s.complete() {
			return s.version, true, nil
		}
	}
	return "", false, nil
}

// vendorPrefix begins the names of ScaleIO's packages.
const vendorPrefix = "emc-scaleio-"

// unfinished lists the packages that dpkg was interrupted at: ScaleIO's own,
// and the others.
func (d dpkg) unfinished(ctx context.Context) (vendors, others []string, err error) {
	audit, err := run(ctx, d.run, runner.Command{Argv: []string{"dpkg", "--audit"}, Timeout: queryTimeout})
	if err != nil {
		return nil, nil, fmt.Errorf("look for unfinished packages: %w", err)
	}
	for line := range strings.Lines(audit.Stdout) {
		// The lines of packages are set in, those that explain are not.
		name, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case !strings.HasPrefix(line, " ") || slices.Contains(others, name):
		case strings.HasPrefix(name, vendorPrefix):
			vendors = append(vendors, name)
		default:
			others = append(others, name)
		}
	}
	return vendors, others, nil
}

// finish completes what an interrupted dpkg or apt left behind: its journal,
// which apt refuses to work with, and packages that were not configured. It
// returns those that need their files again.
//
// ScaleIO's own are left out. Their settings come by the environment, which
// only the step of their component has: an MDM that is configured without it
// becomes a tie-breaker.
func (d dpkg) finish(ctx context.Context) (broken []string, err error) {
	vendors, others, err := d.unfinished(ctx)
	if err != nil {
		return nil, err
	}
	argv := append([]string{"dpkg", keepDefault, keepOld, "--configure"}, others...)
	if len(others) == 0 {
		if len(vendors) > 0 {
			return nil, nil // the installation that follows finishes the journal
		}
		argv = append(argv, "-a")
	}
	// What cannot be configured may be mended by the installation that
	// follows, which says what is wrong otherwise.
	if _, err := run(ctx, d.run, runner.Command{
		Argv: argv, Env: noninteractive(), Timeout: installTimeout,
	}); err != nil {
		return nil, fmt.Errorf("finish half configured packages: %w", err)
	}
	if len(others) == 0 {
		return nil, nil
	}
	_, broken, err = d.unfinished(ctx)
	return broken, err
}

// Trust has nothing to do: the vendor's packages for dpkg carry no signature
// that it would check.
func (d dpkg) Trust(context.Context, string, []string) error { return nil }

// Install also finishes a half installed or half configured package of that
// file.
func (d dpkg) Install(ctx context.Context, file string, env Env) error {
	if _, err := d.finish(ctx); err != nil {
		return err
	}
	err := must(ctx, d.run, runner.Command{
		Argv: []string{"dpkg", keepDefault, keepOld, "-i", file},
		Env:  noninteractive(env.Plain...), SecretEnv: env.Secrets, Timeout: installTimeout, Outside: true,
	})
	if err != nil {
		return fmt.Errorf("install %s: %w", file, err)
	}
	return nil
}

// InstallNamed tries the package lists that the host has, and fetches new ones
// only when they do not do. Without --reinstall, apt takes a half installed
// package for a complete one.
func (d dpkg) InstallNamed(ctx context.Context, names ...string) error {
	broken, err := d.finish(ctx)
	if err != nil {
		return err
	}
	install := runner.Command{
		Argv: slices.Concat([]string{
			"apt-get", "-oDpkg::Options::=" + keepDefault, "-oDpkg::Options::=" + keepOld, "install", "-y", "--no-install-recommends", "--reinstall",
		}, names, broken),
		Env: noninteractive(), Timeout: installTimeout,
	}
	res, err := run(ctx, d.run, install)
	if err != nil {
		return fmt.Errorf("install %s: %w", strings.Join(names, ", "), err)
	}
	if res.Code == 0 {
		return nil
	}
	if err := must(ctx, d.run, runner.Command{Argv: []string{"apt-get", "update"}, Timeout: installTimeout}); err != nil {
		return fmt.Errorf("fetch package lists: %w", err)
	}
	if err := must(ctx, d.run, install); err != nil {
		return fmt.Errorf("install %s: %w", strings.Join(names, ", "), err)
	}
	return nil
}

// Present takes what dpkg has anything of.
func (d dpkg) Present(ctx context.Context, name string) (bool, error) {
	states, err := d.query(ctx, name)
	if err != nil {
		return false, fmt.Errorf("query package %s: %w", name, err)
	}
	return slices.ContainsFunc(states, state.known), nil
}

// Remove purges: ScaleIO's packages refuse to go without I_AM_SURE. dpkg
// refuses a package whose installation was interrupted, unless forced.
func (d dpkg) Remove(ctx context.Context, name string) error {
	there, err := d.Present(ctx, name)
	if err != nil || !there {
		return err
	}
	command := runner.Command{
		Argv: []string{"dpkg", "--force-remove-reinstreq", "-P", name}, Env: noninteractive(iAmSure), Timeout: installTimeout,
	}
	if err := must(ctx, d.run, command); err != nil {
		return fmt.Errorf("remove package %s: %w", name, err)
	}
	return nil
}
