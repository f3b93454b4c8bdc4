package runner_test

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"scaleio-framework/internal/redact"
	"scaleio-framework/nodeagent/runner"
)

const patience = 20 * time.Second

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// tool writes a program into a directory of tools.
func tool(t *testing.T, dir, name, script string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755))
}

func newRunner(t *testing.T) (*runner.Runner, string, string) {
	t.Helper()
	tools, groups := t.TempDir(), t.TempDir()
	// What a program wrote is lost when it cannot be read within this time.
	return runner.New(runner.Options{Tools: tools, Groups: runner.NewGroups(groups), Grace: 500 * time.Millisecond}), tools, groups
}

func TestProgramsAreFoundInToolsFirst(t *testing.T) {
	r, tools, _ := newRunner(t)
	tool(t, tools, "uname", "echo stand-in")
	res, err := r.Run(t.Context(), runner.Command{Argv: []string{"uname"}})
	require.NoError(t, err)
	require.Equal(t, "stand-in\n", res.Stdout)
	_, err = r.LookPath("true")
	require.NoError(t, err, "PATH is searched after the tools")
	_, err = r.Run(t.Context(), runner.Command{Argv: []string{"no-such-program"}})
	require.ErrorIs(t, err, runner.ErrNotFound)
	require.NoError(t, os.WriteFile(filepath.Join(tools, "data"), []byte("x"), 0o644))
	_, err = r.LookPath("data")
	require.ErrorIs(t, err, runner.ErrNotFound, "a file that cannot be run is no program")
}

func TestArgumentsReachTheProgramAsTheyAre(t *testing.T) {
	r, tools, _ := newRunner(t)
	tool(t, tools, "show", `for a; do echo "<$a>"; done`)
	res, err := r.Run(t.Context(), runner.Command{Argv: []string{"show", "$(id)", "a b", "`x`;rm", ""}})
	require.NoError(t, err)
	require.Equal(t, "<$(id)>\n<a b>\n<`x`;rm>\n<>\n", res.Stdout)
}

func TestStatusAndOutputTellWhatWentWrong(t *testing.T) {
	r, tools, _ := newRunner(t)
	tool(t, tools, "fails", "echo result; echo first >&2; echo reason >&2; exit 7")
	res, err := r.Run(t.Context(), runner.Command{Argv: []string{"fails"}})
	require.NoError(t, err, "a status is a result")
	require.Equal(t, 7, res.Code)
	require.Equal(t, "result\n", res.Stdout)
	require.EqualError(t, res.Err(), "fails ended with status 7: first; reason")
	tool(t, tools, "silent", "kill -9 $$")
	res, err = r.Run(t.Context(), runner.Command{Argv: []string{"silent"}})
	require.NoError(t, err)
	require.Equal(t, -1, res.Code)
	require.ErrorContains(t, res.Err(), "it wrote nothing")
}

func TestSecretsGoByTheEnvironmentAndAreMaskedInOutput(t *testing.T) {
	r, tools, _ := newRunner(t)
	t.Setenv("MESOS_EXECUTOR_AUTHENTICATION_TOKEN", "mesos-token")
	tool(t, tools, "leaks", `echo "token $TOKEN plain $PLAIN"; echo "err $TOKEN" >&2; tr '\0' ' ' < /proc/$$/cmdline; env`)
	res, err := r.Run(t.Context(), runner.Command{
		Argv: []string{"leaks"}, Env: []string{"PLAIN=seen"},
		SecretEnv: map[string]redact.Secret{"TOKEN": redact.New("S3cret!")},
	})
	require.NoError(t, err)
	require.Contains(t, res.Stdout, "token [redacted] plain seen")
	require.Equal(t, "err [redacted]\n", res.Stderr)
	require.NotContains(t, res.Stdout, "S3cret!")
	require.NotContains(t, res.Stdout, "mesos-token", "our own token is not for children")
	require.Contains(t, res.Stdout, "LC_ALL=C\n")
}

// The Mesos agent's own libraries and modules are not for the host's programs:
// rpm, yum and python would not start with them.
func TestProgramsDoNotGetTheMesosAgentsLibraries(t *testing.T) {
	libraries, modules := t.TempDir(), t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(libraries, "libc.so.6"), []byte("of another system"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(modules, "encodings.py"), []byte("raise ImportError"), 0o644))
	t.Setenv("LD_LIBRARY_PATH", libraries)
	t.Setenv("PYTHONPATH", modules)
	r, _, _ := newRunner(t)
	for _, argv := range [][]string{{"ls", "/"}, {"python3", "-c", ""}} {
		res, err := r.Run(t.Context(), runner.Command{Argv: argv})
		require.NoError(t, err)
		require.NoError(t, res.Err())
	}
}

func TestAPathGetsTheSystemsDirectories(t *testing.T) {
	const all = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	require.Equal(t, all, runner.SystemPath(""))
	require.Equal(t, all, runner.SystemPath(all))
	require.Equal(t, "/opt/bin:/bin:/usr/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/sbin", runner.SystemPath("/opt/bin:/bin:/usr/bin"), "what an administrator chose comes first")
}

func TestOutputIsBoundedAndASecretAtTheCutIsNotShownInPart(t *testing.T) {
	r, tools, _ := newRunner(t)
	tool(t, tools, "talks", `head -c 300000 /dev/zero | tr '\0' 'x'; echo; yes "$TOKEN" | head -n 40000; echo end`)
	res, err := r.Run(t.Context(), runner.Command{Argv: []string{"talks"}, SecretEnv: map[string]redact.Secret{"TOKEN": redact.New("abcdefghijklmnop")}})
	require.NoError(t, err)
	require.LessOrEqual(t, len(res.Stdout), 64<<10)
	require.True(t, strings.HasSuffix(res.Stdout, "end\n"))
	require.NotRegexp(t, regexp.MustCompile(`[a-c]+d?efghij|lmnop`), res.Stdout)
}

// started waits for the pids that a program wrote.
func started(t *testing.T, file string, n int) []int {
	t.Helper()
	var pids []int
	require.Eventually(t, func() bool {
		data, err := os.ReadFile(file)
		words := strings.Fields(string(data))
		if err != nil || len(words) < n {
			return false
		}
		pids = nil
		for _, w := range words {
			pid, err := strconv.Atoi(w)
			if err != nil {
				return false
			}
			pids = append(pids, pid)
		}
		return true
	}, patience, 5*time.Millisecond)
	return pids
}

func ended(pid int) bool {
	data, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	return err != nil || strings.Contains(string(data), ") Z ")
}

func TestTheWholeGroupEndsWithTheContext(t *testing.T) {
	for name, script := range map[string]string{
		"programs that listen":     "sleep 1000 & echo $$ $! > $PIDS; wait",
		"programs that ignore it":  `trap "" TERM; sh -c 'trap "" TERM; echo $$ >> $PIDS; while :; do sleep 0.05; done' & echo $$ >> $PIDS; while :; do sleep 0.05; done`,
		"a leader that ends first": "sleep 1000 & echo $! $$ > $PIDS; trap 'exit 0' TERM; while :; do sleep 0.05; done",
	} {
		t.Run(name, func(t *testing.T) {
			r, tools, groups := newRunner(t)
			pidFile := filepath.Join(t.TempDir(), "pids")
			tool(t, tools, "hangs", script)
			ctx, cancel := context.WithCancelCause(t.Context())
			why := errors.New("the leader cancelled")
			result := make(chan error, 1)
			go func() {
				_, err := r.Run(ctx, runner.Command{Argv: []string{"hangs"}, Env: []string{"PIDS=" + pidFile}})
				result <- err
			}()
			pids := started(t, pidFile, 2)
			cancel(why)
			require.ErrorIs(t, <-result, why)
			for _, pid := range pids {
				require.True(t, ended(pid), "when Run returns, nothing of the group lives")
			}
			left, err := os.ReadDir(groups)
			require.NoError(t, err)
			require.Empty(t, left, "an ended group is noted no more")
		})
	}
}

func TestTheTimeoutNamesItself(t *testing.T) {
	r, tools, _ := newRunner(t)
	tool(t, tools, "hangs", "exec sleep 1000")
	_, err := r.Run(t.Context(), runner.Command{Argv: []string{"hangs"}, Timeout: 50 * time.Millisecond})
	require.ErrorContains(t, err, "hangs was stopped: no end within 50ms")
}

func TestADaemonOutlivesTheProgramThatStartedIt(t *testing.T) {
	r, tools, _ := newRunner(t)
	pidFile := filepath.Join(t.TempDir(), "pids")
	tool(t, tools, "installs", "setsid sleep 1000 & echo $! > $PIDS; echo installed")
	res, err := r.Run(t.Context(), runner.Command{Argv: []string{"installs"}, Env: []string{"PIDS=" + pidFile}})
	require.NoError(t, err)
	require.Equal(t, "installed\n", res.Stdout)
	pid := started(t, pidFile, 1)[0]
	require.False(t, ended(pid))
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
}

func TestLeftoversOfAKilledNodeAgentAreEnded(t *testing.T) {
	dir, groups := t.TempDir(), t.TempDir()
	pidFile := filepath.Join(dir, "pids")
	// A group like one of ours whose parent is gone: noted by a runner, and
	// still running when another one looks.
	r := runner.New(runner.Options{Groups: runner.NewGroups(groups), Grace: time.Second})
	tool(t, dir, "hangs", "sleep 1000 & echo $$ $! > $PIDS; wait")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	result := make(chan error, 1)
	go func() {
		_, err := r.Run(ctx, runner.Command{Argv: []string{filepath.Join(dir, "hangs")}, Env: []string{"PIDS=" + pidFile}})
		result <- err
	}()
	pids := started(t, pidFile, 2)
	require.Eventually(t, func() bool {
		left, err := os.ReadDir(groups)
		return err == nil && len(left) == 1 && !strings.Contains(left[0].Name(), "new")
	}, patience, 5*time.Millisecond)

	n, err := runner.NewGroups(groups).EndLeftovers()
	require.NoError(t, err)
	require.Equal(t, 1, n)
	<-result
	for _, pid := range pids {
		require.True(t, ended(pid))
	}
}

// A node agent may be killed right behind the start of a program, before it has
// noted the pid.
func TestALeftoverWithoutAPIDIsFoundByItsToken(t *testing.T) {
	groups, token := t.TempDir(), rand.Text() // another run of the tests is at work on the machine, perhaps
	orphan := exec.Command("sh", "-c", "sleep 1000 & wait")
	orphan.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	orphan.Env = append(os.Environ(), "SIO_NODEAGENT_GROUP="+token)
	require.NoError(t, orphan.Start())
	result := make(chan error, 1)
	go func() { result <- orphan.Wait() }()
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	require.NoError(t, err)
	note := `{"pid":0,"start":0,"boot":"` + strings.TrimSpace(string(boot)) + `","token":"` + token + `"}`
	require.NoError(t, os.WriteFile(filepath.Join(groups, "start-"+token), []byte(note), 0o600))
	n, err := runner.NewGroups(groups).EndLeftovers()
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Error(t, <-result)
	left, err := os.ReadDir(groups)
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestNoNoteIsLeftOfAProgramThatEnded(t *testing.T) {
	groups, tools := t.TempDir(), t.TempDir()
	tool(t, tools, "ends", "exit 0")
	r := runner.New(runner.Options{Groups: runner.NewGroups(groups), Tools: tools})
	_, err := r.Run(t.Context(), runner.Command{Argv: []string{"ends"}})
	require.NoError(t, err)
	left, err := os.ReadDir(groups)
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestAStrangerWithTheSamePIDIsLeftAlone(t *testing.T) {
	groups := t.TempDir()
	stranger := exec.Command("sleep", "1000")
	stranger.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	require.NoError(t, stranger.Start())
	defer func() {
		require.NoError(t, stranger.Process.Kill())
		_ = stranger.Wait()
	}()
	pid := stranger.Process.Pid
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	require.NoError(t, err)
	for name, note := range map[string]string{
		"another start": `{"pid":` + strconv.Itoa(pid) + `,"start":1,"boot":"` + strings.TrimSpace(string(boot)) + `","token":"x"}`,
		"another boot":  `{"pid":` + strconv.Itoa(pid) + `,"start":1,"boot":"before","token":"x"}`,
		"torn":          `{"pid":` + strconv.Itoa(pid),
		"everything":    `{"pid":-1,"start":1,"boot":"` + strings.TrimSpace(string(boot)) + `"}`,
	} {
		require.NoError(t, os.WriteFile(filepath.Join(groups, strconv.Itoa(pid)), []byte(note), 0o600))
		n, err := runner.NewGroups(groups).EndLeftovers()
		require.NoError(t, err, name)
		require.Zero(t, n, name)
		require.False(t, ended(pid), name)
	}
}

func TestSecretsAreTypedAtPrompts(t *testing.T) {
	password := redact.New("Hidden-1")
	answer := func(text string, answered int) (redact.Secret, bool) {
		return password, strings.HasSuffix(text, "word: ")
	}
	for name, c := range map[string]struct {
		script   string
		answered int
	}{
		"a prompt on standard output, echo off after it": {`printf 'Password: '; stty -echo; read a; stty echo; echo; echo "got $a"`, 1},
		"a prompt on the terminal, echo off before it":   {`stty -echo; printf 'Password: ' > /dev/tty; read a < /dev/tty; stty echo; echo "got $a"`, 1},
		"a prompt that keeps the echo":                   {`printf 'Password: ' >&2; read a; echo "got $a"`, 1},
		"two prompts":                                    {`stty -echo; printf 'Old password: '; read a; printf 'New password: '; read b; [ "$a" = "$b" ] && echo "got $b"`, 2},
		"no prompt":                                      {`echo "got nothing"`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			r, tools, _ := newRunner(t)
			tool(t, tools, "asks", c.script)
			res, answered, err := r.RunTyping(t.Context(), runner.Command{Argv: []string{"asks"}, Timeout: patience},
				runner.Typing{Answer: answer, Secrets: []redact.Secret{password}})
			require.NoError(t, err)
			require.Equal(t, c.answered, answered)
			require.NotContains(t, res.Stdout+res.Stderr, "Hidden-1")
			if c.answered > 0 {
				require.Contains(t, res.Stdout, "got [redacted]")
			}
		})
	}
}

func TestAProgramThatWaitsAtAForeignPromptIsStopped(t *testing.T) {
	r, tools, _ := newRunner(t)
	tool(t, tools, "asks", `printf 'Favourite colour? '; read a`)
	_, answered, err := r.RunTyping(t.Context(), runner.Command{Argv: []string{"asks"}, Timeout: 200 * time.Millisecond},
		runner.Typing{Answer: func(string, int) (redact.Secret, bool) { return redact.Secret{}, false }})
	require.ErrorContains(t, err, "no end within")
	require.Zero(t, answered)
}
