package packages

import (
	"context"
	"fmt"
	"strings"

	"scaleio-framework/nodeagent/runner"
)

// noninteractive keeps maintainer scripts from asking on a terminal.
const noninteractive = "DEBIAN_FRONTEND=noninteractive"

// dpkg manages Debian packages.
type dpkg struct{ run *runner.Runner }

// status is dpkg's word for how far a package has come, and its version.
func (d dpkg) status(ctx context.Context, name string) (state, version string, err error) {
	res, err := run(ctx, d.run, runner.Command{
		Argv: []string{"dpkg-query", "-W", "-f", `${db:Status-Status} ${Version}\n`, name}, Timeout: queryTimeout,
	})
	if err != nil {
		return "", "", fmt.Errorf("query package %s: %w", name, err)
	}
	switch res.Code {
	case 0:
	case 1: // no package of this name is known
		return "not-installed", "", nil
	default:
		return "", "", fmt.Errorf("query package %s: %w", name, res.Err())
	}
	state, version, _ = strings.Cut(strings.TrimSpace(res.Stdout), " ")
	return state, strings.TrimSpace(version), nil
}

// Installed takes only "installed" and waiting triggers for complete.
func (d dpkg) Installed(ctx context.Context, name string) (string, bool, error) {
	state, version, err := d.status(ctx, name)
	if err != nil {
		return "", false, err
	}
	ok := state == "installed" || strings.HasPrefix(state, "triggers-")
	if !ok {
		version = ""
	}
	return version, ok, nil
}

// Install first finishes what an interrupted dpkg left behind: with any package
// half configured, the next installation can fail. The packages that are
// finished that way may be ours, so they get the same environment.
func (d dpkg) Install(ctx context.Context, file string, env Env) error {
	audit, err := run(ctx, d.run, runner.Command{Argv: []string{"dpkg", "--audit"}, Timeout: queryTimeout})
	if err != nil {
		return fmt.Errorf("look for unfinished packages: %w", err)
	}
	command := runner.Command{Env: append([]string{noninteractive}, env.Plain...), SecretEnv: env.Secrets, Timeout: installTimeout}
	if strings.TrimSpace(audit.Stdout) != "" {
		command.Argv = []string{"dpkg", "--configure", "-a"}
		// Its failure may be mended by the installation itself, which says
		// what is wrong otherwise.
		if _, err := run(ctx, d.run, command); err != nil {
			return fmt.Errorf("finish half configured packages: %w", err)
		}
	}
	command.Argv = []string{"dpkg", "-i", file}
	if err := must(ctx, d.run, command); err != nil {
		return fmt.Errorf("install %s: %w", file, err)
	}
	return nil
}

// InstallNamed tries the package lists that the host has, and fetches new ones
// only when they do not do.
func (d dpkg) InstallNamed(ctx context.Context, names ...string) error {
	install := runner.Command{
		Argv: append([]string{"apt-get", "install", "-y", "--no-install-recommends"}, names...),
		Env:  []string{noninteractive}, Timeout: installTimeout,
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

// Remove purges: ScaleIO's packages refuse to go without I_AM_SURE.
func (d dpkg) Remove(ctx context.Context, name string) error {
	state, _, err := d.status(ctx, name)
	if err != nil || state == "not-installed" {
		return err
	}
	command := runner.Command{Argv: []string{"dpkg", "-P", name}, Env: []string{noninteractive, "I_AM_SURE=1"}, Timeout: installTimeout}
	if err := must(ctx, d.run, command); err != nil {
		return fmt.Errorf("remove package %s: %w", name, err)
	}
	return nil
}
