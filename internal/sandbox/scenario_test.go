package sandbox

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The demo: a bootstrap with its leader killed in the middle, a crash of the
// next one, a host that joins, a pool that grows with its leader killed in the
// middle, a leader that is asked to stop.
func TestDemo(t *testing.T) {
	opts := testOptions(t)
	report, err := Run(t.Context(), "demo", opts, 0, 0)
	require.NoError(t, err, "%s", opts.Out)
	require.True(t, report.OK)

	require.Equal(t, 3, report.Bootstrap.Agents)
	require.Greater(t, report.Bootstrap.Steps, 40)
	require.Greater(t, report.Bootstrap.Seconds, opts.SessionTimeout.Seconds(), "the take-over is part of it")
	require.True(t, strings.HasSuffix(report.Bootstrap.FrameworkID, "-scaleio"), report.Bootstrap.FrameworkID)
	require.Len(t, report.Joined, 1)
	require.Equal(t, "host4", report.Joined[0].Host)
	require.Positive(t, report.Joined[0].Steps)

	require.Len(t, report.Failovers, 4)
	for i, kind := range []string{"kill", "crash", "kill", "term"} {
		f := report.Failovers[i]
		require.Equal(t, kind, f.Kind)
		require.Equal(t, f.EpochBefore+1, f.EpochAfter)
		require.True(t, f.FrameworkIDKept)
		require.InDelta(t, opts.SessionTimeout.Seconds(), f.SessionTimeoutS, 0.001)
	}
	require.Less(t, report.Failovers[1].TakeoverS, report.Failovers[0].TakeoverS, "a crashed leader's parent makes room")
	require.Less(t, report.Failovers[3].TakeoverS, report.Failovers[0].TakeoverS, "a leader that is asked to stop hands over")

	require.Equal(t, 1, report.Created["create-cluster"])
	require.Equal(t, 4, report.Created["create-sds"])
	require.Len(t, report.Growths, 1)
	require.Equal(t, 4+report.Growths[0].Volumes, report.Created["create-device"])
	require.Empty(t, report.CreatedTwice)
	require.Empty(t, report.SecretsFound)
	require.Zero(t, report.LeakedVolumes)
	require.Contains(t, opts.Out.(*output).String(), "cluster/verify                       done")
}

// What is written is what a person reads and a program can rely on.
func TestReportFile(t *testing.T) {
	code := 3
	report := newReport()
	report.Bootstrap = &BootstrapReport{Agents: 3, Seconds: 1.5, Steps: 53, FrameworkID: "f"}
	report.Failovers = append(report.Failovers, FailoverReport{Kind: "stop", TakeoverS: 4.2, FrameworkIDKept: true, WokenExit: &code})
	require.NoError(t, report.conclude())
	file := filepath.Join(t.TempDir(), "new", "report.json")
	require.NoError(t, report.Write(file))
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	var fields map[string]any
	require.NoError(t, json.Unmarshal(data, &fields))
	for _, name := range []string{"bootstrap", "failovers", "leaked_volumes", "created_twice", "secrets_found", "zookeeper", "ok"} {
		require.Contains(t, fields, name)
	}
	require.Equal(t, true, fields["ok"])
	var out output
	report.Print(&out)
	require.Contains(t, out.String(), "stop after 0 steps: take-over in 4.20 s")
}

// Each promise that is broken makes the report say so.
func TestReportFails(t *testing.T) {
	for what, spoil := range map[string]func(*Report){
		"create-volume v (2 times) was made more than once": func(r *Report) { r.CreatedTwice = []string{"create-volume v (2 times)"} },
		"a secret stands in znode /cluster":                 func(r *Report) { r.SecretsFound = []string{"znode /cluster"} },
		"2 volumes leaked":                                  func(r *Report) { r.LeakedVolumes = 2 },
		"the framework id changed at the failover after kill": func(r *Report) {
			r.Failovers = []FailoverReport{{Kind: "kill"}}
		},
	} {
		report := newReport()
		spoil(report)
		require.ErrorContains(t, report.conclude(), what)
		require.False(t, report.OK)
		var out output
		report.Print(&out)
		require.Contains(t, out.String(), "FAILED: "+what)
	}
}

// Five rounds have each fault once, at moments that the seed chooses.
func TestSoak(t *testing.T) {
	opts := testOptions(t)
	report, err := Run(t.Context(), "failover-soak", opts, 5, 7)
	require.NoError(t, err, "%s", opts.Out)
	require.True(t, report.OK)
	require.Equal(t, uint64(7), report.Seed)
	kinds := map[string]int{}
	for _, f := range report.Failovers {
		kinds[f.Kind]++
		require.Equal(t, f.Kind == "stop" || f.Kind == "freeze", f.WokenExit != nil, "only a woken leader tells how it ended")
	}
	require.Equal(t, map[string]int{"kill": 1, "crash": 1, "term": 1, "stop": 1, "freeze": 1}, kinds)
}

// The same bootstrap, with .deb files that the machine's dpkg installs.
func TestRealPackages(t *testing.T) {
	_, err := exec.LookPath("dpkg-deb")
	require.NoError(t, err, "make setup installs it")
	opts := testOptions(t)
	opts.StandInPackages = false
	report, err := Run(t.Context(), "bootstrap", opts, 0, 0)
	require.NoError(t, err, "%s", opts.Out)
	require.True(t, report.OK)
	status, err := os.ReadFile(filepath.Join(opts.Dir, "world", "hosts", "host1", "var/lib/dpkg/status"))
	require.NoError(t, err, "dpkg keeps the host's own database")
	require.Contains(t, strings.ToLower(string(status)), "package: emc-scaleio-sds")
}

// PowerFlex 4.5, with leaders struck on the way: certificates are given once,
// and no private key is anywhere but in its file.
func TestPowerFlex4(t *testing.T) {
	opts := testOptions(t)
	opts.Release, opts.StandInPackages = "4.5", false
	report, err := Run(t.Context(), "failover-soak", opts, 2, 3)
	require.NoError(t, err, "%s", opts.Out)
	require.True(t, report.OK)
	require.Empty(t, report.SecretsFound)
	require.Equal(t, 2, report.Created["create-cluster"])
	require.Equal(t, 6, report.Created["create-device"])
	login, err := os.ReadFile(filepath.Join(opts.Dir, "round1", "hosts", "host2", "opt/emc/scaleio/mdm/cfg/cli_certificate.p12"))
	require.NoError(t, err)
	require.NotEmpty(t, login)
}

func TestOptionsAreRefused(t *testing.T) {
	bin := t.TempDir()
	for _, c := range []struct {
		opts Options
		want string
	}{
		{Options{Bin: bin, SessionTimeout: 2 * time.Minute}, "want 1s to 1m"},
		{Options{Bin: bin, Agents: -1}, "must not be negative"},
		{Options{Bin: bin}, "run make build"},
		{Options{Bin: bin, Platform: true}, "release 2.6 has gateways and no management platform"},
		{Options{Bin: bin, Release: "1.32"}, `release "1.32" is none of 2.6, 4.5`},
		{withAgents(testOptions(t), 2), "of 2 hosts no MDM cluster can be made: --agents must be 3 or more"},
	} {
		report, err := Run(t.Context(), "demo", c.opts, 0, 0)
		require.ErrorContains(t, err, c.want)
		require.Nil(t, report, "nothing was begun, so there is nothing to report")
	}
	_, err := Run(t.Context(), "opera", testOptions(t), 0, 0)
	require.ErrorContains(t, err, `no scenario "opera"`)
}

func withAgents(opts Options, n int) Options {
	opts.Agents = n
	return opts
}

// Up says how everything is reached, and ends with its context.
func TestUp(t *testing.T) {
	opts := testOptions(t)
	out := opts.Out.(*output)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Up(ctx, opts) }()
	ready := func() bool { return strings.Contains(out.String(), "bootstrap of 3 hosts complete") }
	require.Eventually(t, ready, time.Minute, 50*time.Millisecond, "%s", out)
	text := out.String()
	for _, want := range []string{
		"directory    " + opts.Dir, "scheduler1   http://127.0.0.1:", "scheduler2   http://127.0.0.1:",
		"Mesos        http://127.0.0.1:", "zkCli.sh -server 127.0.0.1:", " --zk zk://127.0.0.1:",
		"password     in ", "--executor_environment_variables",
	} {
		require.Contains(t, text, want)
	}
	_, after, found := strings.Cut(text, "\nhost1        ")
	require.True(t, found, "%s", text)
	line, _, _ := strings.Cut(after, "\n")
	var env map[string]string
	require.NoError(t, json.Unmarshal([]byte(line), &env))
	require.DirExists(t, env["SIO_HOST_ROOT"])
	require.DirExists(t, env["SIO_TOOLS"])

	cancel()
	select {
	case err := <-ended:
		require.NoError(t, err)
	case <-time.After(30 * time.Second):
		t.Fatal("Up did not end with its context")
	}
}

// A system is removed with its leader killed in the middle, and another one is
// made on the same hosts by a framework of the same name that knows nothing of
// the first.
func TestUninstall(t *testing.T) {
	for _, release := range Releases() {
		t.Run(release, func(t *testing.T) { testUninstall(t, release) })
	}
}

// testUninstall plays it with a release; one without gateways has a platform.
func testUninstall(t *testing.T, release string) {
	opts := testOptions(t)
	opts.Release = release
	report, err := Run(t.Context(), "uninstall", opts, 0, 0)
	require.NoError(t, err, "%s", opts.Out)
	require.True(t, report.OK)
	require.Equal(t, 3, report.Uninstall.Hosts)
	require.Greater(t, report.Uninstall.Steps, 25)
	require.Len(t, report.Failovers, 1)
	require.True(t, report.Failovers[0].FrameworkIDKept)
	require.Equal(t, 3, report.Again.Agents)
	require.NotEqual(t, report.Bootstrap.FrameworkID, report.Again.FrameworkID)
	require.Equal(t, report.Bootstrap.Steps, report.Again.Steps)
	require.Empty(t, report.SecretsFound)
}
