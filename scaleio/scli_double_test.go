package scaleio_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/redact"
	"scaleio-framework/scaleio"
	"scaleio-framework/scaleio/scaleiotest"
)

// typing runs a command on a host as a node agent does: it waits for questions
// and types the secrets that the command says they want.
func typing(t *testing.T, s *scaleiotest.System, host string, c scaleio.Command, secrets map[scaleio.SecretName]string) (scaleio.Result, string) {
	t.Helper()
	for _, arg := range c.Args {
		require.NotContains(t, arg, password)
	}
	req := scaleiotest.ToolRequest{Host: host, Tool: "scli", Args: c.Args, Answers: map[string]string{}}
	screen := ""
	for answered := 0; ; answered++ {
		reply, err := s.RunTool(short(t), req)
		require.NoError(t, err)
		if reply.Prompt == nil {
			screen += reply.Stdout + reply.Stderr
			return scaleio.Classify(reply.Exit, strings.ReplaceAll(screen, "\n", "\r\n"), ""), screen
		}
		screen += reply.Prompt.Text
		p, ok := c.PromptFor(screen, answered)
		require.True(t, ok, "asked %q", reply.Prompt.Text)
		req.Answers[reply.Prompt.Key] = secrets[p.Secret]
		screen += "\n"
	}
}

// A node agent logs in, looks at the cluster and renames the system, all with
// passwords typed.
func TestSCLIOnASystem(t *testing.T) {
	for _, version := range []string{"2.6-11000.113", "3.6-700.103"} {
		t.Run(version, func(t *testing.T) {
			s, _ := world(t, version)
			cli := scaleio.SCLI{ApproveCertificate: true}
			run := func(c scaleio.Command, secrets map[scaleio.SecretName]string) (scaleio.Result, string) {
				return typing(t, s, "host1", c, secrets)
			}
			r, _ := run(cli.QueryAll(), nil)
			require.Equal(t, scaleio.OutcomeNotLoggedIn.String(), r.Outcome.String())
			r, _ = run(cli.Login("admin"), map[scaleio.SecretName]string{scaleio.SecretPassword: "admin"})
			require.Equal(t, scaleio.OutcomeWrongPassword.String(), r.Outcome.String())
			r, text := run(cli.Login("admin"), map[scaleio.SecretName]string{scaleio.SecretPassword: password})
			require.NoError(t, r.Err(cli.Login("admin")))
			id, err := scaleio.ParseLogin(text)
			require.NoError(t, err)

			r, text = run(cli.QueryAll(), nil)
			require.Equal(t, scaleio.OutcomeOK, r.Outcome)
			info, err := scaleio.ParseSystem(text)
			require.NoError(t, err)
			require.Equal(t, id, info.ID)
			require.NotEmpty(t, info.InstallationID)

			require.NoError(t, outcome(run(cli.RenameSystem("other"), nil)))
			_, text = run(cli.QueryCluster(), nil)
			cluster, err := scaleio.ParseCluster(text)
			require.NoError(t, err)
			require.Equal(t, "other", cluster.Name)
			require.Equal(t, 3, cluster.ActiveTotal)
			require.Len(t, cluster.Members(), 3)
			for _, m := range cluster.Members() {
				found, standby, ok := cluster.Find("", m.IPs...)
				require.True(t, ok && !standby)
				require.Equal(t, m, found)
			}

			r, _ = run(cli.CreateMDMCluster(scaleio.MemberSpec{Name: "mdm1", IPs: []string{"127.0.1.11"}}), nil)
			require.Equal(t, scaleio.OutcomeNoCluster.String(), r.Outcome.String(), "there is one already: a query tells")
			r, _ = run(cli.SwitchClusterMode("3_node", []string{"mdm2"}, []string{"tb1"}), nil)
			require.Equal(t, scaleio.OutcomeAlreadyDone.String(), r.Outcome.String())
			r, _ = run(scaleio.Command{Args: []string{"--no_such_command"}}, nil)
			require.Equal(t, scaleio.OutcomeUsage.String(), r.Outcome.String())

			require.NoError(t, outcome(run(cli.SetPassword(), map[scaleio.SecretName]string{
				scaleio.SecretOldPassword: password, scaleio.SecretNewPassword: "An0ther-one",
			})))
			c, err := scaleio.New(scaleio.Options{Endpoint: s.GatewayURL("host1"), Password: redact.New("An0ther-one"), Insecure: true})
			require.NoError(t, err)
			defer c.Close()
			require.NoError(t, c.Login(short(t)), "the gateway knows the new password")
		})
	}
}

func outcome(r scaleio.Result, _ string) error { return r.Err(scaleio.Command{}) }
