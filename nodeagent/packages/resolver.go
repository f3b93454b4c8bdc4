package packages

import (
	"context"
	"errors"
	"slices"

	"scaleio-framework/nodeagent/failure"
	"scaleio-framework/nodeagent/runner"
)

// resolver is a program that takes packages of rpm from repositories. Each
// checks signatures as the host's administrator has configured it.
type resolver struct {
	// install and reinstall are its command lines, to be followed by names.
	install, reinstall []string
	// good are exit statuses beside 0 that say that the packages are there,
	// locked that another program works on the host.
	good   []int
	locked int
}

// program is the name of the resolver.
func (r resolver) program() string { return r.install[0] }

// resolvers are in the order in which they are looked for: on systems that have
// dnf, yum is another name for it.
func resolvers() []resolver {
	const (
		lockError = 200 // dnf and yum, when told not to wait

		zyppLocked    = 7
		rebootNeeded  = 102
		restartNeeded = 103
		reposSkipped  = 106
	)
	// They would wait for the other program without an end.
	dnf := []string{"dnf", "-y", "--setopt=exit_on_lock=True", "--setopt=install_weak_deps=False"}
	yum := []string{"yum", "-y", "--setopt=exit_on_lock=1"}
	zypper := []string{"zypper", "--non-interactive", "install", "--no-recommends"}
	with := func(argv []string, more ...string) []string { return slices.Concat(argv, more) }
	return []resolver{
		{install: with(dnf, "install"), reinstall: with(dnf, "reinstall"), locked: lockError},
		{install: with(yum, "install"), reinstall: with(yum, "reinstall"), locked: lockError},
		{install: zypper, reinstall: with(zypper, "--force"), good: []int{rebootNeeded, restartNeeded, reposSkipped}, locked: zyppLocked},
	}
}

// resolver is the first that the host has.
func (r rpm) resolver(names []string) (resolver, error) {
	for _, candidate := range resolvers() {
		if _, err := r.run.LookPath(candidate.program()); !errors.Is(err, runner.ErrNotFound) {
			return candidate, err
		}
	}
	return resolver{}, hopelessTool(names)
}

// resolve runs a resolver to its end and classifies how it ended.
func (r rpm) resolve(ctx context.Context, tool resolver, argv ...string) (runner.Result, error) {
	res, err := run(ctx, r.run, runner.Command{Argv: argv, Timeout: installTimeout})
	switch {
	case err != nil:
		return res, err
	case slices.Contains(tool.good, res.Code):
		res.Code = 0
	case res.Code == tool.locked:
		return res, failure.Interrupted(errors.Join(errors.New("another package manager works on this host"), res.Err()))
	}
	return res, nil
}
