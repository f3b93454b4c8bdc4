package scaleiotest_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/stretchr/testify/require"

	"scaleio-framework/scaleio/scaleiotest"
)

// tools makes a directory of links to this test binary under the tools' names.
func tools(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	dir := t.TempDir()
	for _, name := range scaleiotest.ToolNames() {
		require.NoError(t, os.Symlink(self, filepath.Join(dir, name)))
	}
	return dir
}

// command is a tool's process on a host.
func command(t *testing.T, dir, root, name string, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, filepath.Join(dir, name), args...)
	// A race-enabled binary would otherwise linger a second at its exit.
	cmd.Env = append(os.Environ(), scaleiotest.RootVariable+"="+root, "GORACE=atexit_sleep_ms=0")
	return cmd
}

// outcome runs a process to its end.
func outcome(t *testing.T, cmd *exec.Cmd) (exit int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var failed *exec.ExitError
	if !errors.As(err, &failed) {
		require.NoError(t, err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// attached is a host with the manager's packages and a cluster of one.
func attached(t *testing.T) (w *world, root string) {
	w = newWorld(t, scaleiotest.Options{})
	root = w.hosts(1, scaleiotest.Ubuntu, scaleiotest.Disk{Name: "sdb", SizeBytes: disk100, Serial: "vol-0abc"})[0]
	files, err := scaleiotest.WritePackages(filepath.Join(t.TempDir(), "packages"), "2.6-11000.113")
	require.NoError(t, err)
	for _, f := range files {
		if f.OS == scaleiotest.Ubuntu {
			w.ok("host1", "dpkg", "MDM_ROLE_IS_MANAGER=1", "TOKEN=T", "GATEWAY_ADMIN_PASSWORD=G", "MDM_IP=127.0.1.11", "-i", f.Path)
		}
	}
	w.scliOK("host1", "--create_mdm_cluster --master_mdm_ip 127.0.1.11 --master_mdm_name mdm1 --accept_license --approve_certificate")
	return w, root
}

func TestToolProcesses(t *testing.T) {
	_, root := attached(t)
	dir := tools(t)
	run := func(name string, args ...string) (int, string, string) {
		return outcome(t, command(t, dir, root, name, args...))
	}
	exit, out, _ := run("scli", "--query_cluster")
	require.Zero(t, exit)
	require.Contains(t, out, "Cluster:\n    Mode: 1_node, State: Normal, Active: 1/1, Replicas: 1/1\nMaster MDM:\n    Name: mdm1, ID: 0x")
	exit, out, errs := run("scli", "--query_all")
	require.Equal(t, 7, exit)
	require.Empty(t, out)
	require.Equal(t, "Error: MDM failed command.  Status: Invalid session. Please login and try again.\n", errs)
	exit, out, _ = run("systemctl", "is-active", "mdm.service")
	require.Zero(t, exit)
	require.Equal(t, "active\n", out)
	exit, _, errs = run("systemctl", "start", "nothing")
	require.Equal(t, 5, exit)
	require.Contains(t, errs, "Unit nothing.service not found.")
	exit, out, _ = run("drv_cfg", "--query_mdms")
	require.Zero(t, exit)
	require.Contains(t, out, "Retrieved 1 mdm(s)\nMDM-ID ")
	_, out, _ = run("lsmod")
	require.Contains(t, out, "scini")
	exit, _, errs = run("dpkg-query", "-W", "emc-scaleio-xcache")
	require.Equal(t, 1, exit)
	require.Contains(t, errs, "no packages found matching emc-scaleio-xcache")
	exit, out, _ = run("service", "sds", "stop")
	require.Zero(t, exit, out)
	exit, out, _ = run("systemctl", "is-active", "sds")
	require.Equal(t, 3, exit)
	require.Equal(t, "inactive\n", out)
}

// Without a host in its environment a process is nobody's tool.
func TestToolNeedsAHost(t *testing.T) {
	_, handled := scaleiotest.Tool("/x/scli", nil, nil, io.Discard, io.Discard, nil)
	require.False(t, handled)
	_, handled = scaleiotest.Tool("/x/other", nil, nil, io.Discard, io.Discard, []string{scaleiotest.RootVariable + "=/nowhere"})
	require.False(t, handled)
	var errs bytes.Buffer
	exit, handled := scaleiotest.Tool("/x/scli", nil, nil, io.Discard, &errs, []string{scaleiotest.RootVariable + "=/nowhere"})
	require.True(t, handled)
	require.Equal(t, 127, exit)
	require.Contains(t, errs.String(), "not the directory of an attached host")
}

// Passwords that are left out are asked for, a line each.
func TestPasswordPrompts(t *testing.T) {
	_, root := attached(t)
	dir := tools(t)
	cmd := command(t, dir, root, "scli", "--login", "--username", "admin")
	cmd.Stdin = strings.NewReader("admin\n")
	exit, out, errs := outcome(t, cmd)
	require.Zero(t, exit, errs)
	require.Contains(t, out, "Enter password: Logged in.")
	cmd = command(t, dir, root, "scli", "--set_password")
	cmd.Stdin = strings.NewReader("admin\n" + password + "\n")
	exit, out, errs = outcome(t, cmd)
	require.Zero(t, exit, errs)
	require.Contains(t, out, "Enter old password: Enter new password: Password changed successfully")
	cmd = command(t, dir, root, "scli", "--login", "--username", "admin")
	exit, _, errs = outcome(t, cmd)
	require.Equal(t, 1, exit, "without an answer there is no login")
	require.Contains(t, errs, "no answer")
}

// On a terminal the password is not echoed.
func TestPasswordPromptOnATerminal(t *testing.T) {
	w, root := attached(t)
	cmd := command(t, tools(t), root, "scli", "--login", "--username", "admin")
	terminal, err := pty.Start(cmd)
	require.NoError(t, err)
	var seen bytes.Buffer
	buf := make([]byte, 256)
	for !strings.Contains(seen.String(), "Enter password: ") {
		n, err := terminal.Read(buf)
		require.NoError(t, err)
		seen.Write(buf[:n])
	}
	// The prompt is written before the echo goes off; what is typed in
	// between is echoed, by a real scli too.
	require.Eventually(t, func() bool { return !echoes(terminal) }, 20*time.Second, time.Millisecond)
	_, err = terminal.WriteString("admin\n")
	require.NoError(t, err)
	_, _ = io.Copy(&seen, terminal)
	require.NoError(t, cmd.Wait())
	require.NoError(t, terminal.Close())
	require.Contains(t, seen.String(), "Logged in.")
	require.NotContains(t, seen.String(), "admin", "the password is not shown")
	require.Equal(t, 1, w.Count(scaleiotest.OpLogin, "admin"))
}
