package scaleio_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/redact"
	"scaleio-framework/scaleio"
)

func TestCommandLines(t *testing.T) {
	old := scaleio.SCLI{}
	v4 := scaleio.SCLI{Version: scaleio.Version{Major: 4, Minor: 5}}
	remote := scaleio.SCLI{MDMIPs: []string{"10.0.0.1", "10.0.0.2"}, ApproveCertificate: true}
	mdm1 := scaleio.MemberSpec{Name: "mdm1", IPs: []string{"10.0.0.1", "10.1.0.1"}, ManagementIPs: []string{"10.0.0.1"}}
	tb := scaleio.MemberSpec{Name: "tb", IPs: []string{"10.0.0.3"}, ManagementIPs: []string{"10.0.0.3"}, TieBreaker: true}
	for _, test := range []struct {
		name    string
		command scaleio.Command
		want    string
	}{
		{"create", old.CreateMDMCluster(mdm1), "--create_mdm_cluster --master_mdm_ip 10.0.0.1,10.1.0.1 --master_mdm_management_ip 10.0.0.1 --master_mdm_name mdm1 --accept_license --approve_certificate"},
		{"create in 4.x", v4.CreateMDMCluster(mdm1), "--create_mdm_cluster --primary_mdm_ip 10.0.0.1,10.1.0.1 --primary_mdm_management_ip 10.0.0.1 --primary_mdm_name mdm1 --accept_license --approve_certificate"},
		{"login without password", old.Login("admin"), "--login --username admin"},
		{"login from afar", remote.Login("admin"), "--login --username admin --mdm_ip 10.0.0.1,10.0.0.2 --approve_certificate"},
		{"set password without passwords", old.SetPassword(), "--set_password"},
		{"logout", old.Logout(), "--logout"},
		{"standby manager", old.AddStandbyMDM(mdm1), "--add_standby_mdm --new_mdm_ip 10.0.0.1,10.1.0.1 --mdm_role manager --new_mdm_management_ip 10.0.0.1 --new_mdm_name mdm1"},
		{"standby tie-breakers have no management address", old.AddStandbyMDM(tb), "--add_standby_mdm --new_mdm_ip 10.0.0.3 --mdm_role tb --new_mdm_name tb"},
		{"4.x wants to be told twice", v4.AddStandbyMDM(tb), "--add_standby_mdm --new_mdm_ip 10.0.0.3 --mdm_role tb --new_mdm_name tb --i_am_sure"},
		{"three nodes", old.SwitchClusterMode("3_node", []string{"mdm2"}, []string{"tb"}), "--switch_cluster_mode --cluster_mode 3_node --add_slave_mdm_name mdm2 --add_tb_name tb"},
		{"five nodes in 4.x", v4.SwitchClusterMode("5_node", []string{"mdm2", "mdm3"}, []string{"tb1", "tb2"}), "--switch_cluster_mode --cluster_mode 5_node --add_secondary_mdm_name mdm2,mdm3 --add_tb_name tb1,tb2"},
		{"rename", old.RenameSystem("scaleio"), "--rename_system --new_name scaleio"},
		{"the cluster query takes one address", remote.QueryCluster(), "--query_cluster --mdm_ip 10.0.0.1 --approve_certificate"},
		{"query all", old.QueryAll(), "--query_all"},
		{"certificate of 4.x", v4.AddCertificate("/ca.pem"), "--add_certificate --certificate_file /ca.pem"},
		{"login certificate of 4.x", v4.GenerateLoginCertificate("10.0.0.1", "admin", "/c.p12"), "--generate_login_certificate --management_system_ip 10.0.0.1 --username admin --p12_path /c.p12"},
		{"login by certificate", v4.LoginWithCertificate("/c.p12"), "--login --p12_path /c.p12"},
	} {
		t.Run(test.name, func(t *testing.T) {
			require.Equal(t, test.want, strings.Join(test.command.Args, " "))
			require.Equal(t, "scli "+test.want, test.command.String())
		})
	}
	require.Equal(t, []string{"10.0.0.1", "10.0.0.2"}, remote.MDMIPs, "the builder keeps its addresses")
	for members, want := range map[int]string{1: "1_node", 3: "3_node", 5: "5_node"} {
		mode, err := scaleio.ModeOf(members)
		require.NoError(t, err)
		require.Equal(t, want, mode)
	}
	_, err := scaleio.ModeOf(2)
	require.ErrorContains(t, err, "1, 3 or 5")
}

func TestPromptsFindTheirSecret(t *testing.T) {
	s := scaleio.SCLI{}
	for _, test := range []struct {
		name     string
		command  scaleio.Command
		text     string
		answered int
		want     scaleio.SecretName // empty: it is no question
	}{
		{"login", s.Login("admin"), "Enter password: ", 0, scaleio.SecretPassword},
		{"login in other words", s.Login("admin"), "\r\nPlease type the Password:", 0, scaleio.SecretPassword},
		{"half a question", s.Login("admin"), "Enter passw", 0, ""},
		{"an answer that tells of a password", s.SetPassword(), "Password changed successfully\r\n", 2, ""},
		{"nothing to answer", s.QueryAll(), "Enter password: ", 0, ""},
		{"asked more often than there are answers", s.Login("admin"), "Password: ", 1, ""},
		{"old", s.SetPassword(), "Enter old password: ", 0, scaleio.SecretOldPassword},
		{"current", s.SetPassword(), "Current password: ", 0, scaleio.SecretOldPassword},
		{"new", s.SetPassword(), "Enter old password: \r\nEnter new password: ", 1, scaleio.SecretNewPassword},
		{"new, before old", s.SetPassword(), "New password: ", 0, scaleio.SecretNewPassword},
		{"once more", s.SetPassword(), "Confirm password: ", 2, scaleio.SecretNewPassword},
		{"by order", s.SetPassword(), "Password: ", 1, scaleio.SecretNewPassword},
		{"certificate", s.LoginWithCertificate("/c"), "Enter P12 password: ", 0, scaleio.SecretP12Password},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, ok := test.command.PromptFor(test.text, test.answered)
			require.Equal(t, test.want != "", ok)
			require.Equal(t, test.want, p.Secret)
		})
	}
}

func TestSecretsInArgsOnlyWhenAskedFor(t *testing.T) {
	c := scaleio.SCLI{}.SetPassword()
	secrets := map[scaleio.SecretName]redact.Secret{
		scaleio.SecretOldPassword: redact.New("admin"), scaleio.SecretNewPassword: redact.New(password),
	}
	args, err := c.WithSecretsInArgs(secrets)
	require.NoError(t, err)
	require.Equal(t, []string{"--set_password", "--old_password", "admin", "--new_password", password}, args)
	require.Equal(t, []string{"--set_password"}, c.Args, "the command stays clean")
	delete(secrets, scaleio.SecretNewPassword)
	_, err = c.WithSecretsInArgs(secrets)
	require.ErrorContains(t, err, "no new password is given")
}

func TestOutcomes(t *testing.T) {
	refused := func(status string) string { return "Error: MDM failed command.  Status: " + status + "\n" }
	for _, test := range []struct {
		name           string
		exit           int
		stdout, stderr string
		want           scaleio.Outcome
		status         string
	}{
		{"success", 0, "Successfully created the MDM Cluster\n", "", scaleio.OutcomeOK, ""},
		{"a name in use", 7, "", refused("Protection Domain name already in use. Please try a different name."), scaleio.OutcomeAlreadyDone, "Protection Domain name already in use. Please try a different name."},
		{"a standby with that name", 7, "", refused("An MDM with the same name already exists."), scaleio.OutcomeAlreadyDone, "An MDM with the same name already exists."},
		{"the mode it has", 7, "", refused("The MDM is already in this cluster mode."), scaleio.OutcomeAlreadyDone, "The MDM is already in this cluster mode."},
		{"no cluster yet", 7, "", refused("The MDM cluster state is incorrect"), scaleio.OutcomeNoCluster, "The MDM cluster state is incorrect"},
		{"an MDM without system", 7, "", refused("This MDM is not attached to a system."), scaleio.OutcomeNoCluster, "This MDM is not attached to a system."},
		{"no session", 7, "", refused("Invalid session. Please login and try again."), scaleio.OutcomeNotLoggedIn, "Invalid session. Please login and try again."},
		{"the default password after its change", 7, "", refused("Permission denied. Please check the user name and password and try again."), scaleio.OutcomeWrongPassword, "Permission denied. Please check the user name and password and try again."},
		{"any other refusal", 7, "", refused("Wrong number of MDMs for this transition"), scaleio.OutcomeRefused, "Wrong number of MDMs for this transition"},
		{"a refusal by another exit status", 2, "", refused("Could not find SDS"), scaleio.OutcomeRefused, "Could not find SDS"},
		{"a refusal on a terminal", 7, "Enter password: \r\nError: MDM failed command.  Status: Permission denied.\r\n", "", scaleio.OutcomeWrongPassword, "Permission denied."},
		{"a refusal without a text", 7, "", "", scaleio.OutcomeRefused, ""},
		{"nobody there", 1, "", "Error: Failed to connect to MDM 127.0.0.1:6611\n", scaleio.OutcomeNoConnection, "Failed to connect to MDM 127.0.0.1:6611"},
		{"wrong options look good", 0, "Usage: scli [--mdm_ip <IP>] ...\n", "", scaleio.OutcomeUsage, ""},
		{"wrong options", 1, "Usage: scli ...\n", "", scaleio.OutcomeUsage, "Usage: scli ..."},
		{"killed", -1, "", "", scaleio.OutcomeFailed, ""},
		{"a missing library", 127, "", "scli: error while loading shared libraries\n", scaleio.OutcomeFailed, "scli: error while loading shared libraries"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := scaleio.Classify(test.exit, test.stdout, test.stderr)
			require.Equal(t, test.want.String(), r.Outcome.String())
			require.Equal(t, test.status, r.Status)
			err := r.Err(scaleio.SCLI{}.QueryAll())
			if test.want == scaleio.OutcomeOK {
				require.NoError(t, err)
				return
			}
			var failed *scaleio.SCLIError
			require.ErrorAs(t, err, &failed)
			require.Equal(t, test.exit, failed.ExitCode)
			require.ErrorContains(t, err, "scli --query_all: "+test.want.String())
		})
	}
}
