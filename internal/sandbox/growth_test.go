package sandbox

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/stretchr/testify/require"

	"scaleio-framework/storagegrowth"
	"scaleio-framework/storagegrowth/cloud"
	"scaleio-framework/storagegrowth/ebs"
)

// A pool that is filled grows below its target, although the leader is killed
// between two volumes: each volume is made, attached and added once.
func TestGrowth(t *testing.T) {
	for _, release := range Releases() {
		t.Run(release, func(t *testing.T) { testGrowth(t, release) })
	}
}

// testGrowth plays it with a release; one without gateways has a platform.
func testGrowth(t *testing.T, release string) {
	opts := testOptions(t)
	opts.Release = release
	report, err := Run(t.Context(), "growth", opts, 0, 0)
	require.NoError(t, err, "%s", opts.Out)
	require.True(t, report.OK)

	require.Len(t, report.Growths, 1)
	g := report.Growths[0]
	require.Equal(t, "default/default", g.Pool)
	require.InDelta(t, fillTo, g.UsedBefore, 0.001)
	require.Less(t, g.UsedAfter, storagegrowth.DefaultPolicy().Target)
	require.Equal(t, 3, g.Volumes, "one for each fault set")
	require.Greater(t, g.Seconds, opts.SessionTimeout.Seconds(), "the take-over is part of it")
	require.Len(t, report.Failovers, 1)
	require.Equal(t, "kill", report.Failovers[0].Kind)
	require.True(t, report.Failovers[0].FrameworkIDKept)

	require.Equal(t, 6, report.Created["create-device"], "the hosts' own disks, and the volumes")
	require.Empty(t, report.CreatedTwice)
	require.Zero(t, report.LeakedVolumes)
	require.Empty(t, report.SecretsFound)
}

// The inspection of the account sees what it looks for: a volume that is no
// device, attached or not, one that was attached twice, and a key in a log.
func TestInspectionFindsLeakedVolumes(t *testing.T) {
	opts := testOptions(t)
	opts.Growth, opts.Schedulers = true, 1
	opts.Settings = []string{"SIO_GROWTH_PROVIDER=off"}
	w := newWorld(t.Context(), t, opts)
	_, err := w.await(t.Context(), "the bootstrap", time.Minute, nil, func(st State) bool { return st.Complete(3) })
	require.NoError(t, err)
	clean := newReport()
	require.NoError(t, w.inspect(t.Context(), clean))
	require.NoError(t, clean.conclude())

	t.Setenv("AWS_ACCESS_KEY_ID", "AKIATEST")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	client, err := ebs.New(t.Context(), ebs.Options{Region: awsRegion, Endpoint: w.aws.endpoint, Logger: hclog.NewNullLogger()})
	require.NoError(t, err)
	instance := w.aws.cloud.Snapshot().Instances[0]
	create := func(token string) string {
		v, err := client.CreateVolume(t.Context(), cloud.VolumeRequest{Token: token, Zone: instance.Zone, SizeGiB: 96, Type: "gp3"})
		require.NoError(t, err)
		w.aws.cloud.Advance() // what takes time is over
		return v.ID
	}
	attach := func(volume string) {
		_, err := client.AttachVolume(t.Context(), volume, instance.ID, "/dev/sdf")
		require.NoError(t, err)
		w.aws.cloud.Advance()
	}
	loose, unused := create("one"), create("two")
	attach(unused)
	require.NoError(t, client.DetachVolume(t.Context(), unused, instance.ID))
	w.aws.cloud.Advance()
	attach(unused)

	report := newReport()
	w.inspectAWS(report)
	require.Equal(t, 2, report.LeakedVolumes, "%s is attached nowhere, %s is no device", loose, unused)
	require.Equal(t, []string{"attachment of " + unused + " (2 times)"}, report.CreatedTwice)
	require.ErrorContains(t, report.conclude(), "2 EBS volumes were made for 0 that were planned")
	for name, secret := range map[string]string{"id.log": w.aws.keyID.Reveal(), "key.log": w.aws.key.Reveal()} {
		planted := filepath.Join(w.Dir(), "logs", name)
		require.NoError(t, os.WriteFile(planted, []byte("x "+secret+" y"), 0o600))
		places, err := w.FindSecret(t.Context())
		require.NoError(t, err)
		require.Equal(t, []string{"file " + planted}, places)
		require.NoError(t, os.Remove(planted))
	}
	require.FileExists(t, w.hosts[0].Root+"/sys/block/nvme2n1/device/serial")
	require.NoFileExists(t, w.hosts[0].Root+"/sys/block/nvme1n1/device/serial", "a volume that is detached is no disk any more")
}
