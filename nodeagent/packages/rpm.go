package packages

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"scaleio-framework/nodeagent/runner"
)

// rpm manages RPM packages.
type rpm struct{ run *runner.Runner }

// Installed queries the package database.
func (r rpm) Installed(ctx context.Context, name string) (string, bool, error) {
	res, err := run(ctx, r.run, runner.Command{
		Argv: []string{"rpm", "-q", "--qf", `%{VERSION}-%{RELEASE}\n`, name}, Timeout: queryTimeout,
	})
	if err != nil {
		return "", false, fmt.Errorf("query package %s: %w", name, err)
	}
	switch {
	case res.Code == 0:
	case strings.Contains(res.Stdout+res.Stderr, "is not installed"):
		return "", false, nil
	default:
		return "", false, fmt.Errorf("query package %s: %w", name, res.Err())
	}
	// Several versions can be installed side by side; the last line is the
	// newest.
	lines := strings.Fields(res.Stdout)
	if len(lines) == 0 {
		return "", false, fmt.Errorf("query package %s: rpm answered nothing", name)
	}
	return lines[len(lines)-1], true, nil
}

// Install upgrades or installs. rpm refuses a version that is there already:
// ask Installed first.
func (r rpm) Install(ctx context.Context, file string, env Env) error {
	command := runner.Command{Argv: []string{"rpm", "-Uvh", file}, Env: env.Plain, SecretEnv: env.Secrets, Timeout: installTimeout, Outside: true}
	if err := must(ctx, r.run, command); err != nil {
		return fmt.Errorf("install %s: %w", file, err)
	}
	return nil
}

// InstallNamed uses the first tool that the host has.
func (r rpm) InstallNamed(ctx context.Context, names ...string) error {
	for _, tool := range [][]string{
		{"dnf", "install", "-y"},
		{"yum", "install", "-y"},
		{"zypper", "--non-interactive", "install"},
	} {
		if _, err := r.run.LookPath(tool[0]); errors.Is(err, runner.ErrNotFound) {
			continue
		}
		if err := must(ctx, r.run, runner.Command{Argv: append(tool, names...), Timeout: installTimeout}); err != nil {
			return fmt.Errorf("install %s: %w", strings.Join(names, ", "), err)
		}
		return nil
	}
	return fmt.Errorf("install %s: this host has none of dnf, yum, zypper: install the packages by hand", strings.Join(names, ", "))
}

// Present is Installed: the database has a package from the unpacking of its
// files until after their removal.
func (r rpm) Present(ctx context.Context, name string) (bool, error) {
	_, ok, err := r.Installed(ctx, name)
	return ok, err
}

// Remove erases: ScaleIO's packages refuse to go without I_AM_SURE. A crash may
// have left two versions, which rpm removes only when told so.
func (r rpm) Remove(ctx context.Context, name string) error {
	there, err := r.Present(ctx, name)
	if err != nil || !there {
		return err
	}
	command := runner.Command{Argv: []string{"rpm", "-e", "--allmatches", name}, Env: []string{iAmSure}, Timeout: installTimeout}
	if err := must(ctx, r.run, command); err != nil {
		return fmt.Errorf("remove package %s: %w", name, err)
	}
	return nil
}
