package packages

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"scaleio-framework/nodeagent/failure"
	"scaleio-framework/nodeagent/runner"
)

// rpm manages RPM packages.
//
// For rpm a package is installed as soon as its files are there: whether its
// scripts have run after that is kept nowhere. So what is begun is marked, and
// counts as installed only when the mark is gone.
type rpm struct {
	run   *runner.Runner
	marks Marks
}

// Installed takes only packages for installed whose installation is not known
// to have been interrupted.
func (r rpm) Installed(ctx context.Context, name string) (string, bool, error) {
	version, there, err := r.query(ctx, name)
	if err == nil && !there {
		// Red Hat 8 gives python3 by the package python36.
		version, there, err = r.query(ctx, "--whatprovides", name)
	}
	if err != nil || !there {
		return "", false, err
	}
	unfinished, err := r.unfinished(name)
	if err != nil || unfinished {
		return "", false, err
	}
	return version, true, nil
}

// absent are rpm's words for a package that it does not know.
var absent = regexp.MustCompile(`is not installed|no package provides`)

// query asks the package database for a name, or for a package that provides it.
func (r rpm) query(ctx context.Context, args ...string) (string, bool, error) {
	name := args[len(args)-1]
	res, err := r.rpm(ctx, runner.Command{
		Argv: append([]string{"rpm", "-q", "--qf", `%{VERSION}-%{RELEASE}\n`}, args...), Timeout: queryTimeout,
	})
	if err != nil {
		return "", false, fmt.Errorf("query package %s: %w", name, err)
	}
	switch {
	case res.Code == 0:
	case absent.MatchString(res.Stdout + res.Stderr):
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

// stale are rpm's words for a database that a killed rpm before 4.16 left
// locked, and that is whole.
var stale = regexp.MustCompile(`DB_RUNRECOVERY|run database recovery|cannot open Packages`)

// rpm runs rpm, and once more when the database had to be opened up before.
func (r rpm) rpm(ctx context.Context, c runner.Command) (runner.Result, error) {
	res, err := run(ctx, r.run, c)
	if err != nil || res.Code == 0 || !stale.MatchString(res.Stderr+res.Stdout) {
		return res, err
	}
	if err := r.idle(ctx); err != nil {
		return res, err
	}
	if err := must(ctx, r.run, runner.Command{Argv: []string{"rpm", "--rebuilddb"}, Timeout: installTimeout}); err != nil {
		return res, fmt.Errorf("the database of rpm cannot be opened (%w), nor be built anew: %w", res.Err(), err)
	}
	return run(ctx, r.run, c)
}

// scriptFailed recognises that a script of a package failed. rpm's status does
// not tell when it was one that runs after the files are there.
var scriptFailed = regexp.MustCompile(`scriptlet failed`)

// Install upgrades or installs, and does again what was interrupted, where rpm
// has the package already.
func (r rpm) Install(ctx context.Context, file string, env Env) error {
	if err := r.install(ctx, file, env); err != nil {
		return fmt.Errorf("install %s: %w", file, err)
	}
	return nil
}

func (r rpm) install(ctx context.Context, file string, env Env) error {
	if err := r.idle(ctx); err != nil {
		return err
	}
	asked, err := r.rpm(ctx, runner.Command{Argv: []string{"rpm", "-qp", "--qf", `%{NAME}\n`, file}, Timeout: queryTimeout})
	if err == nil {
		err = asked.Err()
	}
	if err != nil {
		return err
	}
	name := strings.TrimSpace(asked.Stdout)
	mark := markOf(name)
	_, again, err := r.marks.Note(mark)
	if err != nil {
		return err
	}
	if err := r.marks.Mark(mark, ""); err != nil {
		return err
	}
	res, err := r.rpm(ctx, runner.Command{
		Argv: []string{"rpm", "-Uvh", "--replacepkgs", file},
		Env:  env.Plain, SecretEnv: env.Secrets, Timeout: installTimeout, Outside: true,
	})
	if err == nil {
		err = res.Err()
	}
	if err == nil && scriptFailed.MatchString(res.Stderr+res.Stdout) {
		err = fmt.Errorf("a script of the package failed: %w", said(res))
	}
	if err != nil {
		return err // the mark stays: something may be there
	}
	if again {
		if err := r.removeLeftovers(ctx, name); err != nil {
			return err
		}
	}
	return r.marks.Clear(mark)
}

// said is what a tool wrote as an error, whatever its status.
func said(res runner.Result) error { return &runner.ExitError{Result: res} }

// markOf names the mark of a package of the vendor's.
func markOf(name string) string { return "rpm-" + name }

// unfinished reports whether an installation of the package was begun, and is
// not known to have ended well.
func (r rpm) unfinished(name string) (bool, error) {
	_, begun, err := r.marks.Note(markOf(name))
	if err != nil || begun {
		return begun, err
	}
	t, begun, err := r.transaction()
	return begun && t.wants(name), err
}

// Present asks the database: it has a package from the unpacking of its files
// until after their removal.
func (r rpm) Present(ctx context.Context, name string) (bool, error) {
	_, there, err := r.query(ctx, name)
	return there, err
}

// Remove erases: ScaleIO's packages refuse to go without I_AM_SURE. A crash may
// have left two versions, which rpm removes only when told so.
func (r rpm) Remove(ctx context.Context, name string) error {
	if err := r.remove(ctx, name); err != nil {
		return fmt.Errorf("remove package %s: %w", name, err)
	}
	return nil
}

func (r rpm) remove(ctx context.Context, name string) error {
	there, err := r.Present(ctx, name)
	if err != nil {
		return err
	}
	if there {
		if err := r.idle(ctx); err != nil {
			return err
		}
		res, err := r.rpm(ctx, runner.Command{Argv: []string{"rpm", "-e", "--allmatches", name}, Env: []string{iAmSure}, Timeout: installTimeout})
		if err == nil {
			err = res.Err()
		}
		if err != nil {
			return err
		}
	}
	return r.marks.Clear(markOf(name))
}

// hopelessTool says that the host has no program for packages of the
// distribution.
func hopelessTool(names []string) error {
	return failure.Hopelessf("install %s: this host has none of dnf, yum, zypper: install the packages by hand", strings.Join(names, ", "))
}
