//go:build hosts

package hosttest_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"scaleio-framework/nodeagent/hosttest"
)

// crashing tells this test binary to be a process that boots a machine and
// waits for its death; the value is the directory to work in.
const crashing = "HOSTTEST_CRASHING"

func TestMain(m *testing.M) {
	if err := hosttest.Missing(hosttest.Ubuntu, hosttest.Rocky); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if dir := os.Getenv(crashing); dir != "" {
		crash(dir)
	}
	goleak.VerifyTestMain(m)
}

const bootTime = 2 * time.Minute

// disk is the size of the test's disks, in bytes.
const disk = 1 << 30

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), bootTime)
	t.Cleanup(cancel)
	return ctx
}

func newRack(t *testing.T) *hosttest.Rack {
	t.Helper()
	r, err := hosttest.NewRack(within(t), hosttest.Options{Dir: t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	return r
}

func boot(ctx context.Context, r *hosttest.Rack, name string) (*hosttest.Machine, error) {
	m, err := r.Add(hosttest.MachineOptions{Name: name})
	if err != nil {
		return nil, err
	}
	if _, err := m.AddDisk(ctx, "sdb", disk); err != nil {
		return nil, err
	}
	return m, m.Boot(ctx)
}

// A machine is a host of its own, and what it wrote outlives a reboot and a
// cut of its power.
func TestAMachineIsAHost(t *testing.T) {
	ctx, r := within(t), newRack(t)
	m, err := boot(ctx, r, "host1")
	require.NoError(t, err)
	says := func(argv ...string) string {
		t.Helper()
		out, err := m.Run(ctx, argv...)
		require.NoError(t, err)
		return strings.TrimSpace(out)
	}
	require.Equal(t, "host1", says("hostname"))
	require.Contains(t, says("ip", "-brief", "address", "show", "eth0"), m.Address())
	require.Equal(t, "systemd", says("ps", "-o", "comm=", "-p", "1"))
	require.Equal(t, "sdb", says("ls", "/sys/block"), "the disks of this system are hidden")
	require.Equal(t, fmt.Sprint(disk), says("blockdev", "--getsize64", "/dev/sdb"))
	_, err = m.AddDisk(ctx, "sdc", disk)
	require.NoError(t, err)
	require.Equal(t, "sdb\nsdc", says("ls", "/sys/block"))

	// What starts with the machine finds its disks, and no others.
	const atBoot = "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'ls /sys/block /dev/sd* > /var/lib/disks'\n[Install]\nWantedBy=multi-user.target\n"
	require.NoError(t, os.WriteFile(filepath.Join(m.Root(), "etc/systemd/system/looks.service"), []byte(atBoot), 0o644))
	says("systemctl", "enable", "looks")

	booted := says("cat", "/proc/sys/kernel/random/boot_id")
	says("sh", "-c", "echo kept > /var/lib/kept; echo kept > /dev/sdc; sync")
	for name, again := range map[string]func() error{
		"rebooted":    func() error { return m.Reboot(ctx) },
		"powered off": func() error { require.NoError(t, m.PowerOff()); return m.Boot(ctx) },
	} {
		require.NoError(t, again(), name)
		require.Equal(t, "kept", says("cat", "/var/lib/kept"), name)
		require.Equal(t, "kept", says("head", "-n1", "/dev/sdc"), name)
		require.Equal(t, "/dev/sdb\n/dev/sdc\n\n/sys/block:\nsdb\nsdc", says("cat", "/var/lib/disks"), name)
		says("rm", "/var/lib/disks")
		now := says("cat", "/proc/sys/kernel/random/boot_id")
		require.NotEqual(t, booted, now, name)
		booted = now
	}
	_, err = m.Run(ctx, "sh", "-c", "echo no such thing >&2; exit 3")
	require.ErrorContains(t, err, "exit status 3: no such thing")
	require.NoError(t, m.PowerOff())
	_, err = m.Run(ctx, "true")
	require.ErrorContains(t, err, "is off")
}

// A machine has the package tools of the system that it says it is, and no
// others.
func TestEachSystemHasItsTools(t *testing.T) {
	for system, tools := range map[hosttest.System][2]string{
		hosttest.Ubuntu: {"dpkg apt-get", "rpm dnf"},
		hosttest.Rocky:  {"rpm dnf zypper", "dpkg apt-get"},
	} {
		// Its base may have to be made first, which takes minutes.
		r, err := hosttest.NewRack(t.Context(), hosttest.Options{Dir: t.TempDir(), System: system})
		require.NoError(t, err)
		ctx := within(t)
		t.Cleanup(func() { require.NoError(t, r.Close()) })
		m, err := boot(ctx, r, "host1")
		require.NoError(t, err)
		_, err = m.Run(ctx, "sh", "-c", ". /etc/os-release && [ $ID = "+string(system)+" ]")
		require.NoError(t, err)
		for tool := range strings.SplitSeq(tools[0], " ") {
			_, err = m.Run(ctx, tool, "--version")
			require.NoError(t, err, "%s on %s", tool, system)
		}
		for tool := range strings.SplitSeq(tools[1], " ") {
			_, err = m.Run(ctx, "sh", "-c", "command -v "+tool)
			require.Error(t, err, "%s on %s", tool, system)
		}
	}
	_, err := hosttest.NewRack(within(t), hosttest.Options{Dir: t.TempDir(), System: "plan9"})
	require.ErrorContains(t, err, `machines of the system "plan9" are not known`)
}

// Machines reach each other and this system, which can listen on their
// addresses.
func TestMachinesAreOnOneNetwork(t *testing.T) {
	ctx, r := within(t), newRack(t)
	m, err := boot(ctx, r, "host1")
	require.NoError(t, err)
	listener, err := m.Listen(m.Address() + ":7072")
	require.NoError(t, err)
	defer func() { require.NoError(t, listener.Close()) }()
	answered := make(chan error, 1)
	go func() {
		c, err := listener.Accept()
		if err == nil {
			_, err = io.WriteString(c, "hello\n")
			err = firstOf(err, c.Close())
		}
		answered <- err
	}()
	c, err := net.Dial("tcp", listener.Addr().String())
	require.NoError(t, err)
	line, err := bufio.NewReader(c).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "hello\n", line)
	require.NoError(t, c.Close())
	require.NoError(t, <-answered)
	_, err = net.Listen("tcp", m.Address()+":7073")
	require.Error(t, err, "the address is the machine's, not this system's")
}

func firstOf(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// A container ends with its command's status, and a kill takes everything in
// it along; what systemd runs for it stays.
func TestAContainerIsKilledAsAWhole(t *testing.T) {
	ctx, r := within(t), newRack(t)
	dir := t.TempDir()
	m, err := r.Add(hosttest.MachineOptions{Name: "host1", Binds: []string{dir}})
	require.NoError(t, err)
	require.NoError(t, m.Boot(ctx))
	in := func(name, script string) *exec.Cmd {
		return m.Wrap(&exec.Cmd{
			Path: "/bin/sh", Args: []string{"sh", "-c", script}, Dir: dir, Env: []string{"PATH=/usr/bin:/bin", "WORD=in the environment"},
		}, name)
	}
	cmd := in("one", `echo "$WORD" > said; exit 7`)
	err = cmd.Run()
	require.Error(t, err)
	require.Equal(t, 7, cmd.ProcessState.ExitCode())
	said, err := os.ReadFile(filepath.Join(dir, "said"))
	require.NoError(t, err)
	require.Equal(t, "in the environment\n", string(said))

	cmd = in("two", `sleep 1001 & setsid sleep 1002 & systemd-run --quiet --unit=daemon sleep 1003; echo ready; wait`)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	_, err = bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	m.Kill("two")
	require.Error(t, cmd.Wait())
	left, err := m.Run(ctx, "pgrep", "-a", "sleep")
	require.NoError(t, err)
	require.Contains(t, left, "1003", "what systemd runs is not the container's")
	require.NotContains(t, left, "1001")
	require.NotContains(t, left, "1002", "a session of its own does not help")
}

// What a process leaves that is killed with its machine running is removed by
// the next one.
func TestACrashLeavesNothingForLong(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), crashing+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "booted\n", line)
	require.NotEmpty(t, traces(t, dir))
	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait())

	newRack(t)
	require.Empty(t, traces(t, dir))
}

// traces finds what a rack in this directory has on this system.
func traces(t *testing.T, dir string) []string {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	require.NoError(t, err)
	var found []string
	for line := range strings.Lines(string(mounts)) {
		if strings.Contains(line, dir) {
			found = append(found, line)
		}
	}
	backing, err := filepath.Glob("/sys/block/loop*/loop/backing_file")
	require.NoError(t, err)
	for _, name := range backing {
		data, _ := os.ReadFile(name) // it may be going away
		if strings.Contains(string(data), dir) {
			found = append(found, string(data))
		}
	}
	return found
}

func crash(dir string) {
	ctx := context.Background()
	r, err := hosttest.NewRack(ctx, hosttest.Options{Dir: dir})
	if err == nil {
		_, err = boot(ctx, r, "host1")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("booted")
	select {}
}
