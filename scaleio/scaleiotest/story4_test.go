package scaleiotest_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/scaleio/scaleiotest"
)

// A system of 4.5 without the management platform, by hand: certificates come
// first, a file logs in, and scli does what gateways did before.
func TestBootstrapOf4xByHand(t *testing.T) {
	const (
		cfg       = "/opt/emc/scaleio/mdm/cfg/"
		generator = cfg + "certificate_generator_MDM_USER.py"
		create    = "--create_mdm_cluster --primary_mdm_ip 127.0.1.11 --primary_mdm_management_ip 127.0.1.11 --primary_mdm_name mdm1 --accept_license --approve_certificate"
		login     = "--login --p12_path " + cfg + "cli_certificate.p12 --p12_password Secret-12"
		standby   = "--add_standby_mdm --new_mdm_ip 127.0.1.12 --mdm_role manager --new_mdm_management_ip 127.0.1.12 --new_mdm_name mdm2 --i_am_sure"
	)
	w := newWorld(t, scaleiotest.Options{Version: "4.5-2100.105"})
	w.hosts(3, scaleiotest.EL9, scaleiotest.Disk{Name: "sdb", SizeBytes: disk100})
	files, err := scaleiotest.WritePackages(filepath.Join(t.TempDir(), "packages"), "4.5-2100.105")
	require.NoError(t, err)
	for i := range 3 {
		host := fmt.Sprintf("host%d", i+1)
		for _, f := range files {
			require.NotEqual(t, "gateway", f.Component, "4.x has none")
			if f.OS == scaleiotest.EL9 {
				w.ok(host, "rpm", fmt.Sprintf("MDM_ROLE_IS_MANAGER=%d", (2-i+1)/2), "TOKEN=Tok-en-1234", "MDM_IP=127.0.1.11,127.0.1.12", "-ivh", f.Path)
			}
		}
	}
	text, err := w.ReadFile("host1", "/opt/emc/scaleio/lia/cfg/conf.txt")
	require.NoError(t, err)
	require.Contains(t, text, "lia_mtls_only=1\n")
	unreachable := func(host, line string) {
		t.Helper()
		r := w.scli(host, line)
		require.Equal(t, 1, r.Exit)
		require.Equal(t, "Error: Failed to connect to MDM 127.0.0.1:8611\n", r.Stderr)
	}

	unreachable("host1", create)
	w.ok("host1", "python3", generator, "--generate_ca", cfg+"mgmt_ca.pem", "--password", "Secret-12")
	w.ok("host1", "python3", generator, "--generate_cli", cfg+"cli_certificate.p12", "-CA", cfg+"mgmt_ca.pem", "--password", "Secret-12")
	w.ok("host1", "python3", generator, "--generate_mdm", cfg+"mdm_certificate.pem", "-CA", cfg+"mgmt_ca.pem")
	w.ok("host1", "python3", generator, "--generate_mdm", cfg+"second.pem", "-CA", cfg+"mgmt_ca.pem")
	w.scliOK("host1", "--add_certificate --certificate_file "+cfg+"mgmt_ca.pem")
	unreachable("host1", create)
	w.ok("host1", "systemctl", "restart", "mdm.service")
	w.refused("host1", login, "The MDM cluster state is incorrect")
	require.Contains(t, w.scliOK("host1", create), "Successfully created the MDM Cluster")
	require.Contains(t, w.scli("host1", "--login --p12_path "+cfg+"cli_certificate.p12 --p12_password other").Stderr, "wrong password or damaged")
	require.Contains(t, w.scli("host1", "--login --username admin --password admin").Stderr, "Failed to connect", "nobody knows admin/admin")
	require.Equal(t, 1, w.scli("host1", "--set_password").Exit)
	w.scliOK("host1", login)

	w.refused("host1", standby, "Could not connect to the MDM at 127.0.1.12")
	for from, to := range map[string]string{"second.pem": "mdm_certificate.pem", "mgmt_ca.pem": "mgmt_ca.pem", "cli_certificate.p12": "cli_certificate.p12"} {
		text, err := w.ReadFile("host1", cfg+from)
		require.NoError(t, err)
		require.NoError(t, w.WriteFile("host2", cfg+to, text))
	}
	w.scliOK("host2", "--add_certificate --certificate_file "+cfg+"mgmt_ca.pem")
	w.ok("host2", "systemctl", "restart", "mdm")
	w.scliOK("host1", standby)
	w.scliOK("host1", "--add_standby_mdm --new_mdm_ip 127.0.1.13 --mdm_role tb --new_mdm_name tb1 --i_am_sure")
	require.Equal(t, 1, w.scli("host1", "--switch_cluster_mode --cluster_mode 3_node --add_slave_mdm_name mdm2 --add_tb_name tb1").Exit, "the old words are gone")
	w.scliOK("host1", "--switch_cluster_mode --cluster_mode 3_node --add_secondary_mdm_name mdm2 --add_tb_name tb1")
	answer := w.scliOK("host1", "--query_cluster")
	require.Contains(t, answer, "Primary MDM:\n")
	require.Contains(t, answer, "Secondary MDMs:\n")

	w.scliOK("host1", "--add_protection_domain --protection_domain_name PD1")
	w.scliOK("host1", "--add_storage_pool --protection_domain_name PD1 --dont_use_rmcache --media_type SSD --data_layout medium_granularity --storage_pool_name SP1")
	for i := range 3 {
		w.scliOK("host1", fmt.Sprintf("--add_sds --sds_ip 127.0.1.%d --protection_domain_name PD1 --sds_name SDS%d", 11+i, i+1))
		w.scliOK("host1", fmt.Sprintf("--add_sds_device --sds_name SDS%d --storage_pool_name SP1 --device_path /dev/sdb", i+1))
	}
	w.scliOK("host1", "--add_volume --protection_domain_name PD1 --storage_pool_name SP1 --size_gb 8 --volume_name v --thin_provisioned")
	require.Equal(t, 1, w.scli("host1", "--map_volume_to_sdc --volume_name v --sdc_ip 127.0.1.12").Exit)
	w.scliOK("host1", "--map_volume_to_host --volume_name v --sdc_ip 127.0.1.12 --allow_multi_map")
	require.NotEmpty(t, w.PrivateKeys())

	// The new primary takes the commands of its own host.
	require.NoError(t, w.StopHost("host1"))
	w.scliOK("host2", login)
	w.scliOK("host2", "--query_all_volumes")
}
