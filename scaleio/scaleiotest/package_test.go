package scaleiotest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/scaleio/scaleiotest"
)

// packages writes the stand-ins and finds them by system and component.
func packages(t *testing.T) func(scaleiotest.OS, string) string {
	t.Helper()
	files, err := scaleiotest.WritePackages(t.TempDir(), "2.6-11000.113")
	require.NoError(t, err)
	return func(system scaleiotest.OS, component string) string {
		for _, f := range files {
			if f.OS == system && f.Component == component {
				return f.Path
			}
		}
		require.Fail(t, "no such package", component)
		return ""
	}
}

func TestPackageNames(t *testing.T) {
	find := packages(t)
	for want, got := range map[string]string{
		"EMC-ScaleIO-mdm-2.6-11000.113.Ubuntu.16.04.x86_64.deb": find(scaleiotest.Ubuntu, "mdm"),
		"emc-scaleio-gateway_2.6-11000.113_amd64.deb":           find(scaleiotest.Ubuntu, "gateway"),
		"EMC-ScaleIO-sds-2.6-11000.113.el7.x86_64.rpm":          find(scaleiotest.EL7, "sds"),
		"EMC-ScaleIO-gateway-2.6-11000.113.x86_64.rpm":          find(scaleiotest.EL7, "gateway"),
	} {
		require.Equal(t, want, filepath.Base(got))
	}
	_, err := scaleiotest.WritePackages(t.TempDir(), "2.6")
	require.Error(t, err)
}

// The installers want their variables, and write the vendor's files.
func TestInstallersReadTheEnvironment(t *testing.T) {
	w := newWorld(t, scaleiotest.Options{})
	root := w.hosts(1, scaleiotest.Ubuntu)[0]
	find := packages(t)
	for _, component := range []string{"lia", "gateway"} {
		r := w.run("host1", "dpkg", "-i", find(scaleiotest.Ubuntu, component))
		require.Equal(t, 1, r.Exit)
		require.Contains(t, r.Stderr, "Errors were encountered while processing")
		require.Empty(t, w.Installed("host1", "emc-scaleio-"+component))
	}
	w.ok("host1", "dpkg", "TOKEN=secret", "-i", find(scaleiotest.Ubuntu, "lia"))
	w.ok("host1", "dpkg", "-i", find(scaleiotest.Ubuntu, "mdm"))
	w.ok("host1", "dpkg", "MDM_IP=127.0.1.11,127.0.1.12", "-i", find(scaleiotest.Ubuntu, "sdc"))
	for path, want := range map[string]string{
		"opt/emc/scaleio/lia/cfg/conf.txt": "lia_token=secret\n",
		"opt/emc/scaleio/mdm/cfg/conf.txt": "actor_role_is_manager=0\n",
		"bin/emc/scaleio/drv_cfg.txt":      "\nmdm 127.0.1.11,127.0.1.12\n",
		"var/lib/scaleio-double/packages":  "emc-scaleio-lia 2.6-11000.113.Ubuntu.16.04\n",
	} {
		text, err := os.ReadFile(filepath.Join(root, path))
		require.NoError(t, err)
		require.Contains(t, string(text), want)
	}
	w.ok("host1", "dpkg", "MDM_ROLE_IS_MANAGER=1", "-i", find(scaleiotest.Ubuntu, "mdm"))
	role, err := w.ReadFile("host1", "/opt/emc/scaleio/mdm/cfg/conf.txt")
	require.NoError(t, err)
	require.Equal(t, "actor_role_is_manager=0\n", role, "a second installation does not change the role")
	require.Equal(t, 1, w.run("host1", "dpkg", "-P", "emc-scaleio-mdm").Exit, "removal wants to be sure")
	w.ok("host1", "dpkg", "I_AM_SURE=1", "-P", "emc-scaleio-mdm")
	require.False(t, w.Running("host1", "mdm"))
	w.ok("host1", "dpkg", "MDM_ROLE_IS_MANAGER=1", "-i", find(scaleiotest.Ubuntu, "mdm"))
	role, err = w.ReadFile("host1", "/opt/emc/scaleio/mdm/cfg/conf.txt")
	require.NoError(t, err)
	require.Equal(t, "actor_role_is_manager=1\n", role)
	require.Equal(t, 3, w.Count(scaleiotest.OpInstall, "host1:emc-scaleio-mdm"))
}

// rpm refuses what is installed; yum and apt-get have nothing to do; dpkg does
// it again.
func TestSecondInstallation(t *testing.T) {
	w := newWorld(t, scaleiotest.Options{})
	w.hosts(1, scaleiotest.EL7)
	find := packages(t)
	sds := find(scaleiotest.EL7, "sds")
	require.Equal(t, "package EMC-ScaleIO-sds is not installed\n", w.run("host1", "rpm", "-q", "EMC-ScaleIO-sds").Stdout)
	require.Contains(t, w.ok("host1", "rpm", "-Uvh", sds), "Created symlink from")
	r := w.run("host1", "rpm", "-Uvh", sds)
	require.Equal(t, 1, r.Exit)
	require.Contains(t, r.Stderr, "is already installed")
	require.Equal(t, "Nothing to do\n", w.ok("host1", "yum", "-y", "install", sds))
	require.Equal(t, "EMC-ScaleIO-sds-2.6-11000.113.el7.x86_64\n", w.ok("host1", "rpm", "-qa"))
	w.ok("host1", "yum", "-y", "install", "libaio", "numactl")
	w.ok("host1", "rpm", "-q", "libaio")
	require.Equal(t, 1, w.run("host1", "rpm", "-Uvh", "/nowhere.rpm").Exit)
	deb := find(scaleiotest.Ubuntu, "sds")
	w.ok("host1", "dpkg", "-i", deb)
	w.ok("host1", "dpkg", "-i", deb)
	require.Contains(t, w.ok("host1", "apt-get", "install", "-y", deb), "is already the newest version")
}

func TestDependencies(t *testing.T) {
	w := newWorld(t, scaleiotest.Options{StrictDependencies: true})
	w.hosts(1, scaleiotest.Ubuntu)
	sds := packages(t)(scaleiotest.Ubuntu, "sds")
	r := w.run("host1", "dpkg", "-i", sds)
	require.Equal(t, 1, r.Exit)
	require.Contains(t, r.Stderr, "emc-scaleio-sds depends on libaio1")
	w.ok("host1", "apt-get", "-y", "install", "libaio1", "numactl")
	w.ok("host1", "dpkg", "-i", sds)
}

// Real packages go through the real dpkg into the host's directory, and the
// System hears of it.
func TestRealDpkg(t *testing.T) {
	for _, name := range []string{"dpkg-deb", "dpkg"} {
		_, err := exec.LookPath(name)
		require.NoError(t, err, "make setup installs it")
	}
	w := newWorld(t, scaleiotest.Options{})
	root := w.hosts(1, scaleiotest.Ubuntu)[0]
	files, err := scaleiotest.BuildPackages(t.TempDir(), "2.6-11000.113", scaleiotest.Ubuntu, 0, nil)
	require.NoError(t, err)
	dir := tools(t)
	run := func(name string, env []string, args ...string) (int, string, string) {
		cmd := command(t, dir, root, name, args...)
		cmd.Env = append(append(cmd.Env, "SIO_REAL_DPKG=1"), env...)
		return outcome(t, cmd)
	}
	for _, f := range files {
		if f.Component == "lia" {
			exit, _, errs := run("dpkg", nil, "-i", f.Path)
			require.NotZero(t, exit, "without a token the script fails")
			require.Contains(t, errs, "TOKEN")
			require.Empty(t, w.Installed("host1", f.Name))
		}
		exit, out, errs := run("dpkg", []string{"MDM_ROLE_IS_MANAGER=1", "TOKEN=T", "GATEWAY_ADMIN_PASSWORD=G", "MDM_IP=127.0.1.11"}, "-i", f.Path)
		require.Zero(t, exit, "%s: %s%s", f.Name, out, errs)
		require.Equal(t, f.Version, w.Installed("host1", f.Name))
		exit, out, _ = run("dpkg-query", nil, "-W", "-f", "${db:Status-Status} ${Version}", f.Name)
		require.Zero(t, exit)
		require.Equal(t, "installed "+f.Version, out)
	}
	require.FileExists(t, filepath.Join(root, "opt/emc/scaleio/sds/VERSION"))
	require.Equal(t, []string{"lia", "mdm", "mesos-slave", "scaleio-gateway", "scini", "sds"}, w.Snapshot().Hosts["host1"].Active)
	w.scliOK("host1", "--create_mdm_cluster --master_mdm_ip 127.0.1.11 --accept_license --approve_certificate")
	require.Equal(t, map[string]bool{"host1": true}, w.Snapshot().SDCs, "the SDC's own file leads it to the cluster")
	guid := strings.TrimSpace(w.ok("host1", "drv_cfg", "--query_guid"))
	text, err := w.ReadFile("host1", "/bin/emc/scaleio/drv_cfg.txt")
	require.NoError(t, err)
	require.Contains(t, text, "ini_guid "+guid)
	exit, _, errs := run("dpkg", []string{"I_AM_SURE=1"}, "-P", "emc-scaleio-sdc")
	require.Zero(t, exit, errs)
	require.False(t, w.Running("host1", "scini"))
}
