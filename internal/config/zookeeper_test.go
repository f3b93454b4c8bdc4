package config_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/config"
)

// What stands beside the scheduler learns how to reach ZooKeeper and nothing
// else: no secret that it has no use for, and no mistake that is not its own.
func TestZooKeeperAloneIsRead(t *testing.T) {
	h := newHost(t)
	zk := h.file(t, "zk-password", "for-zookeeper\n")
	c, err := config.ParseZooKeeper("scaleio-scheduler", []string{"--zk.session", "3s", "--zk.tls", "--log.json", "--name=b", "--loglevel=debug"}, []string{
		"SIO_ZK=zk://zk1:2181/a", "SIO_ZK_USER=me", "SIO_ZK_PASSWORD_FILE=" + zk,
		"SIO_SCALEIO_PASSWORD_FILE=/not/even/there", "SIO_PLACEMENT_MDM_NODES=4",
	})
	require.NoError(t, err)
	require.Equal(t, "for-zookeeper", c.ZK.Password.Reveal())
	c.ZK.Password = config.ZK{}.Password
	require.Equal(t, &config.Config{
		Name: "b", LogLevel: "debug", LogJSON: true,
		ZK: config.ZK{URL: "zk://zk1:2181/a", Session: 3 * time.Second, User: "me", TLS: true},
	}, c)
}

func TestZooKeeperAloneTellsWhatCannotBeRead(t *testing.T) {
	for args, want := range map[string]string{
		"--zk.session=ten": `--zk.session is "ten", want a duration such as 10s or 2m`,
		"--no.setting":     "--no.setting is no setting",
		"--help":           config.ErrHelp.Error(),
	} {
		_, err := config.ParseZooKeeper("scaleio-scheduler", []string{args}, nil)
		require.ErrorContains(t, err, want)
	}
	_, err := config.ParseZooKeeper("scaleio-scheduler", nil, []string{"SIO_ZK_PASSWORD_FILE=/not/there"})
	require.ErrorContains(t, err, "SIO_ZK_PASSWORD_FILE: open /not/there")
}
