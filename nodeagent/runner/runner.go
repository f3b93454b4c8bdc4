package runner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"scaleio-framework/internal/redact"
)

// defaultPath is used when the node agent itself was started without PATH.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// SystemPath adds to a PATH the directories of administrators' programs that it
// lacks, behind its own: Mesos agents may give executors a PATH for users, on
// which there are neither the tools for disks nor those that dpkg calls.
func SystemPath(path string) string {
	dirs := filepath.SplitList(path)
	for _, dir := range filepath.SplitList(defaultPath) {
		if !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	return strings.Join(dirs, string(os.PathListSeparator))
}

// defaultGrace is how long a program may clean up after SIGTERM (dpkg and rpm
// leave less behind when they end by themselves), and how long output is still
// read after a program ended while a daemon that it started holds the pipe.
const defaultGrace = 3 * time.Second

// ErrNotFound says that a program is not on the host.
var ErrNotFound = errors.New("program not found")

// Runner runs programs. Its methods are safe for concurrent use.
type Runner struct {
	tools  string
	groups *Groups
	grace  time.Duration
	env    []string
	path   string
}

// Options of a Runner.
type Options struct {
	// Tools is a directory that is searched before PATH; empty for none.
	Tools string
	// Groups notes running process groups; nil notes nothing.
	Groups *Groups
	// Grace is how long a group may take to end after SIGTERM; 3 s when 0.
	Grace time.Duration
}

// New returns a runner whose programs inherit this process's environment, but
// for the tokens that are ours alone, and for the libraries and modules of the
// Mesos agent's: an executor inherits them, and the host's own programs do not
// start with them.
func New(o Options) *Runner {
	r := &Runner{tools: o.Tools, groups: o.Groups, grace: o.Grace, path: os.Getenv("PATH")}
	if r.grace <= 0 {
		r.grace = defaultGrace
	}
	if r.path == "" {
		r.path = defaultPath
	}
	if r.tools != "" {
		r.path = r.tools + string(os.PathListSeparator) + r.path
	}
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		switch name {
		case "PATH", "LC_ALL", "LANG", "LANGUAGE", "MESOS_EXECUTOR_AUTHENTICATION_TOKEN",
			"LD_LIBRARY_PATH", "LD_PRELOAD", "PYTHONPATH", "PYTHONHOME":
		default:
			r.env = append(r.env, kv)
		}
	}
	if os.Getenv("HOME") == "" {
		// Executors may be started without it, and scli keeps its login there.
		r.env = append(r.env, "HOME=/root")
	}
	// Outputs are parsed, so they must not be translated.
	r.env = append(r.env, "PATH="+r.path, "LC_ALL=C")
	return r
}

// Command is one run of a program.
type Command struct {
	// Argv is the program and its arguments. It must not hold a secret.
	Argv []string
	// Dir is where the program runs; the node agent's own directory when empty.
	Dir string
	// Env is added to the environment, as NAME=value.
	Env []string
	// SecretEnv is added to the environment; the values are masked in output.
	SecretEnv map[string]redact.Secret
	// Mask lists further secrets that the output could show.
	Mask []redact.Secret
	// Timeout bounds the run; 0 leaves it to the context.
	Timeout time.Duration
	// Outside runs the program outside of this process's control groups: for
	// what may leave daemons behind, which else die with the executor.
	Outside bool
}

// Result is how a program ended.
type Result struct {
	// Program is the first argument, for messages.
	Program string
	// Code is the exit status; -1 when a signal ended the program.
	Code int
	// Stdout and Stderr are the last 64 KiB of each, with secrets masked.
	Stdout, Stderr string
}

// Err is nil for exit status 0, else an ExitError.
func (r Result) Err() error {
	if r.Code == 0 {
		return nil
	}
	return &ExitError{Result: r}
}

// ExitError says that a program ended with another status than 0.
type ExitError struct{ Result Result }

func (e *ExitError) Error() string {
	said := lastLines(e.Result.Stderr, 5)
	if said == "" {
		said = lastLines(e.Result.Stdout, 5)
	}
	if said == "" {
		said = "it wrote nothing"
	}
	return fmt.Sprintf("%s ended with status %d: %s", e.Result.Program, e.Result.Code, said)
}

// lastLines joins the last n lines that are not blank.
func lastLines(text string, n int) string {
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	if len(lines) > n {
		lines = lines[len(lines)-n:]
	}
	return strings.Join(lines, "; ")
}

// LookPath finds a program as Run would.
func (r *Runner) LookPath(program string) (string, error) {
	if strings.ContainsRune(program, os.PathSeparator) {
		return program, nil
	}
	for _, dir := range filepath.SplitList(r.path) {
		at := filepath.Join(dir, program)
		info, err := os.Stat(at)
		if err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0 {
			return at, nil
		}
	}
	return "", fmt.Errorf("%s: %w on this host: install it, or put its directory into the node agent's PATH", program, ErrNotFound)
}

// Run runs a program to its end. The error tells that it could not be run, or
// not to its end; an exit status other than 0 is only in the result.
func (r *Runner) Run(ctx context.Context, c Command) (Result, error) {
	ctx, cancel := c.bound(ctx)
	defer cancel()
	cmd, err := r.prepare(ctx, c)
	if err != nil {
		return Result{}, err
	}
	var stdout, stderr tail
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	err = r.start(ctx, cmd, c.Outside)
	return c.result(ctx, cmd, err, &stdout, &stderr)
}

func (c Command) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	if c.Timeout <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, c.Timeout, fmt.Errorf("no end within %s", c.Timeout))
}

func (r *Runner) prepare(ctx context.Context, c Command) (*exec.Cmd, error) {
	if len(c.Argv) == 0 {
		return nil, errors.New("command without a program")
	}
	path, err := r.LookPath(c.Argv[0])
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, path, c.Argv[1:]...)
	cmd.Args[0] = c.Argv[0]
	cmd.Dir = c.Dir
	cmd.Env = append(append([]string{}, r.env...), c.Env...)
	for name, secret := range c.SecretEnv {
		cmd.Env = append(cmd.Env, name+"="+secret.Reveal())
	}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = r.grace
	return cmd, nil
}

// start starts a prepared command and waits for its end; the group is noted
// meanwhile, and gone when the context has ended.
func (r *Runner) start(ctx context.Context, cmd *exec.Cmd, outside bool) error {
	token, err := r.groups.mark(cmd)
	if err != nil {
		return err
	}
	start := cmd.Start
	if outside {
		start = func() error { return startOutside(cmd) }
	}
	if err := start(); err != nil {
		return errors.Join(err, r.groups.started(token))
	}
	pid := cmd.Process.Pid
	noteErr := errors.Join(r.groups.note(pid, token), r.groups.started(token))
	err = cmd.Wait()
	if errors.Is(err, exec.ErrWaitDelay) && ctx.Err() == nil {
		err = nil // a daemon kept the pipe; the program itself ended well
	}
	if ctx.Err() != nil {
		endGroup(pid)
	}
	return errors.Join(err, noteErr, r.groups.forget(pid))
}

func (c Command) result(ctx context.Context, cmd *exec.Cmd, err error, stdout, stderr *tail) (Result, error) {
	secrets := append([]redact.Secret{}, c.Mask...)
	for _, s := range c.SecretEnv {
		secrets = append(secrets, s)
	}
	res := Result{Program: c.Argv[0], Stdout: stdout.masked(secrets), Stderr: stderr.masked(secrets)}
	if cmd.ProcessState != nil {
		res.Code = cmd.ProcessState.ExitCode()
	}
	if ctx.Err() != nil {
		return res, fmt.Errorf("%s was stopped: %w", res.Program, context.Cause(ctx))
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return res, fmt.Errorf("run %s: %w", res.Program, err)
	}
	return res, nil
}
