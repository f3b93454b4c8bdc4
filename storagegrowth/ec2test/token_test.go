package ec2test_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/storagegrowth/ec2test"
)

func TestATokenMakesOneVolume(t *testing.T) {
	c := newCloud(t, ec2test.Options{})
	first := create(t, c, "t1")
	require.Equal(t, "creating", first.State)

	again := create(t, c, "t1")
	require.Equal(t, first.VolumeID, again.VolumeID)
	require.NotEqual(t, first.VolumeID, create(t, c, "t2").VolumeID)
	require.Equal(t, 2, c.Count("CreateVolume").Effects)
	require.Equal(t, 3, c.Count("CreateVolume").Calls)

	other := create(t, c, "t1", "Size", "101")
	require.Equal(t, "IdempotentParameterMismatch", other.Code)
	tagged := create(t, c, "t1", "TagSpecification.1.ResourceType", "volume", "TagSpecification.1.Tag.1.Key", "a", "TagSpecification.1.Tag.1.Value", "b")
	require.Equal(t, "IdempotentParameterMismatch", tagged.Code, "tags belong to the request")
}

func TestATokenIsBurntByAFailureForTwelveHours(t *testing.T) {
	for _, how := range []string{ec2test.FailWithError, ec2test.FailAndVanish} {
		t.Run(how, func(t *testing.T) {
			now := time.Unix(1, 0)
			c := newCloud(t, ec2test.Options{Manual: true, Now: func() time.Time { return now }})
			c.Inject(ec2test.Fault{Action: "CreateVolume", Fail: how})
			failing := create(t, c, "t1")
			require.Equal(t, 200, failing.Status)
			c.Advance()

			found := send(t, c, "DescribeVolumes", "Filter.1.Name", "status", "Filter.1.Value.1", "error")
			if how == ec2test.FailWithError {
				require.Equal(t, []string{failing.VolumeID}, found.Volumes)
			} else {
				require.Empty(t, found.Volumes)
			}
			require.Equal(t, "IdempotentParameterMismatch", create(t, c, "t1").Code)
			require.Equal(t, 200, create(t, c, "t1-2").Status)

			now = now.Add(12 * time.Hour)
			require.Equal(t, 200, create(t, c, "t1").Status)
		})
	}
}

func TestAKeyThatCannotBeUsedFailsAfterwards(t *testing.T) {
	c := newCloud(t, ec2test.Options{})
	c.SetKeyUsable("key-1", false)
	v := create(t, c, "t1", "Encrypted", "true", "KmsKeyId", "key-1")
	require.Equal(t, 200, v.Status)
	require.Equal(t, "InvalidVolume.NotFound", send(t, c, "DescribeVolumes", "VolumeId.1", v.VolumeID).Code)
}

func TestALimitForgetsIdempotency(t *testing.T) {
	c := newCloud(t, ec2test.Options{Limits: ec2test.Limits{Volumes: 5}}) // three are root volumes
	first := create(t, c, "t1")
	require.Equal(t, 200, first.Status)
	require.Equal(t, first.VolumeID, create(t, c, "t1").VolumeID, "below the limit the token is honoured")
	require.Equal(t, 200, create(t, c, "t2").Status)

	require.Equal(t, "VolumeLimitExceeded", create(t, c, "t1").Code, "at the limit it is not")

	c.SetLimits(ec2test.Limits{StorageGiB: 300})
	require.Equal(t, "VolumeLimitExceeded", create(t, c, "t3").Code, "224 GiB are there")
	c.SetLimits(ec2test.Limits{})
	require.Equal(t, first.VolumeID, create(t, c, "t1").VolumeID)
}

func TestWhatNoVolumeIsMadeFrom(t *testing.T) {
	cases := []struct {
		why   string
		pairs []string
		code  string
	}{
		{"a zone of another region", []string{"AvailabilityZone", "eu-west-1a"}, "InvalidZone.NotFound"},
		{"a type that does not exist", []string{"VolumeType", "gp9"}, "UnknownVolumeType"},
		{"no size", []string{"Size", ""}, "MissingParameter"},
		{"a size below the type's", []string{"VolumeType", "st1", "Size", "10"}, "InvalidParameterValue"},
		{"more IOPS than the size carries", []string{"Size", "10", "Iops", "6000"}, "InvalidParameterValue"},
		{"provisioned IOPS without a number", []string{"VolumeType", "io2"}, "MissingParameter"},
		{"a throughput for a type without", []string{"VolumeType", "gp2", "Throughput", "200"}, "InvalidParameterCombination"},
		{"a key without encryption", []string{"KmsKeyId", "key-1"}, "InvalidParameterDependency"},
		{"a parameter with a typing error", []string{"Sise", "10"}, "UnknownParameter"},
		{"a tag AWS keeps to itself", []string{"TagSpecification.1.ResourceType", "volume", "TagSpecification.1.Tag.1.Key", "aws:x"}, "InvalidParameterValue"},
		{"tags of something else", []string{"TagSpecification.1.ResourceType", "instance"}, "InvalidParameterValue"},
		{"a token that is too long", []string{"ClientToken", string(make([]byte, 65))}, "InvalidParameterValue"},
	}
	c := newCloud(t, ec2test.Options{})
	for _, k := range cases {
		t.Run(k.why, func(t *testing.T) {
			require.Equal(t, k.code, create(t, c, "t", k.pairs...).Code)
		})
	}
	c.SetCapacity("us-east-1a", false)
	require.Equal(t, "InsufficientVolumeCapacity", create(t, c, "t").Code)
	require.Zero(t, c.Count("CreateVolume").Effects)
}

func TestManyAskAtOnceWithOneToken(t *testing.T) {
	c := newCloud(t, ec2test.Options{})
	ids := make(chan string, 20)
	var all sync.WaitGroup
	for range cap(ids) {
		all.Go(func() { ids <- create(t, c, "t1").VolumeID })
	}
	all.Wait()
	close(ids)
	first := <-ids
	for id := range ids {
		require.Equal(t, first, id)
	}
	require.Equal(t, 1, c.Count("CreateVolume").Effects)
}
