package steps_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/internal/redact"
	"scaleio-framework/nodeagent/failure"
	"scaleio-framework/scaleio/scaleiotest"
)

const (
	driverPassword = "Repo-Secret-3"
	syncDir        = "bin/emc/scaleio/scini_sync"
)

// withCluster makes a cluster of one host, for an SDC to connect to, and gives
// the parameters of its package.
func withCluster(t *testing.T, w *world, n *node) nodeproto.PackageParams {
	t.Helper()
	p := w.component("mdm", scaleiotest.Ubuntu)
	p.Manager = true
	n.twice(nodeproto.StepMDMPackage, p)
	n.twice(nodeproto.StepCreateCluster, nodeproto.CreateClusterParams{Name: "mdm1", IPs: []string{n.ip}, ManagementIPs: []string{n.ip}, Username: user})
	sdc := w.component("sdc", scaleiotest.Ubuntu)
	sdc.MDMAddresses = []string{n.ip}
	return sdc
}

// runSDC runs the step with the secrets of a repository.
func (n *node) runSDC(params nodeproto.PackageParams) (changed bool, err error) {
	n.w.t.Helper()
	request := n.request(nodeproto.StepSDCPackage, params)
	request.Secrets[nodeproto.SecretDriverPassword] = redact.New(driverPassword)
	request.Secrets[nodeproto.SecretDriverKey] = redact.New("-----BEGIN RSA PRIVATE KEY-----\n" + driverPassword + "\n-----END RSA PRIVATE KEY-----\n")
	plan, err := n.host.Prepare(request)
	require.NoError(n.w.t, err)
	_, changed, err = plan.Run(n.w.t.Context())
	return changed, err
}

func TestAnSDCIsToldWhereItsModulesAre(t *testing.T) {
	w := newWorld(t, scaleiotest.Options{})
	n := w.node("a", w.ip(1), scaleiotest.Ubuntu)
	params := withCluster(t, w, n)
	conf := filepath.Join(n.root, syncDir, "driver_sync.conf")
	require.NoError(t, os.MkdirAll(filepath.Dir(conf), 0o755))
	require.NoError(t, os.WriteFile(conf, []byte("# ours\r\n repo_address = ftp://ftp.emc.com/\r\nsync_pattern=.*\r\nodd line\r\nlocal_dir=/elsewhere"), 0o644))
	params.Driver = &nodeproto.DriverSource{
		Repository: "sftp://modules.example.com/scini", User: "fetch", RepositoryKey: "ssh-rsa AAAA modules\n", CheckSignature: true,
	}
	changed, err := n.runSDC(params)
	require.NoError(t, err)
	require.True(t, changed)
	text, err := os.ReadFile(conf)
	require.NoError(t, err)
	require.Equal(t, "# ours\r\nrepo_address=sftp://modules.example.com/scini\r\nsync_pattern=.*\r\nodd line\r\nlocal_dir=/elsewhere\r\n"+
		"module_sigcheck=1\r\nrepo_user=fetch\r\nrepo_password="+driverPassword+"\r\n"+
		"user_private_rsa_key=/"+syncDir+"/scini_key\r\nrepo_public_rsa_key=/"+syncDir+"/scini_repo_key.pub\r\n", string(text))
	for name, mode := range map[string]fs.FileMode{"driver_sync.conf": 0o600, "scini_key": 0o600, "scini_repo_key.pub": 0o644} {
		info, err := os.Stat(filepath.Join(n.root, syncDir, name))
		require.NoError(t, err)
		require.Equal(t, mode, info.Mode().Perm(), name)
	}
	noSecretIn(t, n.state)
	restarts := func() int { return w.Count(scaleiotest.OpService, "a:scini:restart") }
	require.Zero(t, restarts(), "the module runs: volumes may be mapped")
	changed, err = n.runSDC(params)
	require.NoError(t, err)
	require.False(t, changed)

	// A file that became readable is closed again; the settings alone are no
	// reason to stop a driver that runs.
	require.NoError(t, os.Chmod(conf, 0o644))
	params.Driver.User = "another"
	changed, err = n.runSDC(params)
	require.NoError(t, err)
	require.True(t, changed)
	require.Zero(t, restarts())
	info, err := os.Stat(conf)
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o600), info.Mode().Perm())
}

// A package without a module for the kernel: the SDC starts again with the new
// source, as often as the operator asks, since it may have one by now.
func TestAnSDCWithoutModuleLooksAgainOnRetry(t *testing.T) {
	w := newWorld(t, scaleiotest.Options{})
	n := w.node("a", w.ip(1), scaleiotest.Ubuntu)
	params := withCluster(t, w, n)
	params.Driver = &nodeproto.DriverSource{Build: true}
	ubuntuDir := filepath.Join(n.root, "etc/emc/scaleio/scini_sync")
	require.NoError(t, os.MkdirAll(ubuntuDir, 0o755))
	efi := filepath.Join(n.root, "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c")
	require.NoError(t, os.MkdirAll(filepath.Dir(efi), 0o755))
	require.NoError(t, os.WriteFile(efi, []byte{6, 0, 0, 0, 1}, 0o600))
	lsmod, modules := filepath.Join(w.tools, "lsmod"), filepath.Join(w.tools, "modules")
	require.NoError(t, os.WriteFile(modules, []byte("#!/bin/sh\necho 'Module Size Used by'; echo 'scini_helper 1 0'\n"), 0o755))
	require.NoError(t, os.Rename(lsmod, filepath.Join(w.tools, "real-lsmod")))
	require.NoError(t, os.Symlink(modules, lsmod))
	drvCfg, mute := filepath.Join(w.tools, "drv_cfg"), filepath.Join(w.tools, "mute")
	require.NoError(t, os.WriteFile(mute, []byte("#!/bin/sh\necho 'Failed to open kernel device' >&2\nexit 1\n"), 0o755))
	require.NoError(t, os.Rename(drvCfg, filepath.Join(w.tools, "real")))
	require.NoError(t, os.Symlink(mute, drvCfg))
	for attempt := range 2 {
		changed, err := n.runSDC(params)
		require.True(t, changed)
		require.ErrorContains(t, err, "Failed to open kernel device")
		require.ErrorContains(t, err, "Secure Boot is on")
		require.ErrorContains(t, err, "no scini module fits the kernel 4.4.0-210-generic: give SDCs a repository")
		require.Equal(t, failure.Hopelessness, failure.KindOf(err))
		require.Equal(t, attempt+1, w.Count(scaleiotest.OpService, "a:scini:restart"))
	}
	require.FileExists(t, filepath.Join(ubuntuDir, ".build_scini"))
	require.FileExists(t, filepath.Join(ubuntuDir, "driver_sync.conf"), "on such a host it is there")
	require.NoError(t, os.Remove(lsmod))
	require.NoError(t, os.Rename(filepath.Join(w.tools, "real-lsmod"), lsmod))
	_, err := n.runSDC(params)
	require.ErrorContains(t, err, "is loaded, but does not answer")
	require.NoError(t, os.Remove(drvCfg))
	require.NoError(t, os.Rename(filepath.Join(w.tools, "real"), drvCfg))
	changed, err := n.runSDC(params)
	require.NoError(t, err)
	require.False(t, changed)
}

// A package that has modules, and none for this kernel, is not installed.
func TestAPackageWithoutModuleForTheKernelIsNotInstalled(t *testing.T) {
	w := newWorld(t, scaleiotest.Options{})
	n := w.node("a", w.ip(1), scaleiotest.Ubuntu)
	params := withCluster(t, w, n)
	debs, err := scaleiotest.BuildPackages(filepath.Join(w.files, "real"), version, scaleiotest.Ubuntu, freePort(t, n.ip), nil)
	require.NoError(t, err)
	for _, f := range debs {
		if f.Component == "sdc" {
			params.Artifact = w.artifact(filepath.Join("real", filepath.Base(f.Path)))
		}
	}
	t.Setenv("SIO_REAL_DPKG", "1")
	n.host = n.newHost(false)
	release := filepath.Join(n.root, "proc/sys/kernel/osrelease")
	require.NoError(t, os.WriteFile(release, []byte("5.15.0-99-generic\n"), 0o644))
	_, err = n.runSDC(params)
	require.ErrorContains(t, err, "no scini module fits the kernel 5.15.0-99-generic: EMC-ScaleIO-sdc-2.6-11000.113.Ubuntu.16.04.x86_64.deb has modules for 3.10.0-1160.el7.x86_64, 4.4.0-210-generic")
	require.ErrorContains(t, err, "/bin/emc/scaleio/scini_sync/driver_cache and /etc/emc/scaleio/scini_sync/driver_cache have none")
	require.Equal(t, failure.Hopelessness, failure.KindOf(err))
	require.Empty(t, w.Installed("a", "emc-scaleio-sdc"), "nothing was installed")

	// One of the same base is tried: distributions keep modules compatible.
	// And so is any kernel that somebody placed a module for.
	require.NoError(t, os.MkdirAll(filepath.Join(n.root, syncDir, "driver_cache/Ubuntu16.04/2.6.11000/5.15.0-99-generic"), 0o755))
	changed, err := n.runSDC(params)
	require.NoError(t, err)
	require.True(t, changed)
	require.NotEmpty(t, w.Installed("a", "emc-scaleio-sdc"))
}

func TestADriverSourceOfSeveralLinesIsRefused(t *testing.T) {
	w := newWorld(t, scaleiotest.Options{})
	n := w.node("a", w.ip(1), scaleiotest.Ubuntu)
	params := w.component("sdc", scaleiotest.Ubuntu)
	params.MDMAddresses = []string{n.ip}
	params.Driver = &nodeproto.DriverSource{Repository: "ftp://a/\nmodule_sigcheck=0"}
	require.ErrorContains(t, n.prepare(nodeproto.StepSDCPackage, params), "more than one line")
}
