package ebs_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/storagegrowth/cloud"
	"scaleio-framework/storagegrowth/ebs"
	"scaleio-framework/storagegrowth/ec2test"
)

func TestThrottledCallsAreRepeated(t *testing.T) {
	double, url := newDouble(t, ec2test.Options{})
	client := newClient(t, url)
	double.Inject(ec2test.Throttle("CreateVolume", 1))
	created(t, client, 1)
	require.Equal(t, 2, double.Count("CreateVolume").Calls)

	double.Inject(ec2test.Throttle("DeleteVolume", -1))
	err := newClient(t, url, noRetries).DeleteVolume(t.Context(), "vol-0dead")
	require.ErrorIs(t, err, cloud.ErrThrottled)
	require.NotErrorIs(t, err, cloud.ErrAmbiguous)
	require.Equal(t, 1, double.Count("DeleteVolume").Calls)
}

// Each mutating call loses its reply; the repetition meets what it did itself.
func TestALostReplyIsRepeatedToOneEffect(t *testing.T) {
	double, url := newDouble(t, ec2test.Options{})
	client := newClient(t, url)
	lose := func(action string) { double.Inject(ec2test.LoseReply(action)) }

	lose("CreateVolume")
	id := created(t, client, 1)
	lose("AttachVolume")
	a, err := client.AttachVolume(t.Context(), id, "i-0a", "/dev/sdf")
	require.NoError(t, err)
	require.Equal(t, "/dev/sdf", a.Device)
	require.Equal(t, cloud.Attached, a.State)
	lose("DetachVolume")
	require.ErrorIs(t, client.DetachVolume(t.Context(), id, "i-0a"), cloud.ErrNotAttached)
	lose("DeleteVolume")
	err = client.DeleteVolume(t.Context(), id)
	require.ErrorIs(t, err, cloud.ErrNotFound)
	require.NotErrorIs(t, err, cloud.ErrAmbiguous, "gone is gone")

	for _, action := range []string{"CreateVolume", "AttachVolume", "DetachVolume", "DeleteVolume"} {
		n := double.Count(action)
		require.Equal(t, 2, n.Calls, action)
		require.Equal(t, 1, n.Effects, action)
	}
	require.Empty(t, double.LeakedVolumes(nil))
}

func TestADetachmentUnderWayIsASuccess(t *testing.T) {
	double, url := newDouble(t, ec2test.Options{Manual: true})
	client := newClient(t, url)
	id := created(t, client, 1)
	double.Advance()
	_, err := client.AttachVolume(t.Context(), id, "i-0a", "/dev/sdf")
	require.NoError(t, err)
	again, err := client.AttachVolume(t.Context(), id, "i-0a", "/dev/sdf")
	require.NoError(t, err)
	require.Equal(t, cloud.Attaching, again.State)
	double.Advance()
	require.NoError(t, client.DetachVolume(t.Context(), id, "i-0a"))
	require.NoError(t, client.DetachVolume(t.Context(), id, "i-0a"))
	_, err = client.AttachVolume(t.Context(), id, "i-0a", "/dev/sdf")
	require.ErrorIs(t, err, cloud.ErrVolumeInUse, "not while it is on its way out")
}

func TestALostReplyWithoutRepetitionIsAmbiguous(t *testing.T) {
	for _, fault := range []ec2test.Fault{
		ec2test.LoseReply("CreateVolume"), ec2test.LoseRequest("CreateVolume"),
		{Action: "CreateVolume", After: true, Code: "InternalError", Status: 500},
	} {
		double, url := newDouble(t, ec2test.Options{})
		client := newClient(t, url, noRetries)
		double.Inject(fault)
		_, err := client.CreateVolume(t.Context(), request(1))
		require.ErrorIs(t, err, cloud.ErrAmbiguous)
		require.NotErrorIs(t, err, cloud.ErrUnavailable)
	}
}

func TestWhatFollowsALostReplyDoesNotHideIt(t *testing.T) {
	cases := []struct {
		why   string
		after ec2test.Fault // what the repetition meets
		kind  error
	}{
		{"a throttled repetition", ec2test.Throttle("CreateVolume", -1), cloud.ErrThrottled},
		{"a permission withdrawn meanwhile", ec2test.Fault{Action: "CreateVolume", Times: -1, Code: "UnauthorizedOperation", Status: 403}, cloud.ErrUnauthorized},
		{"a zone that ran out of room", ec2test.Fault{Action: "CreateVolume", Times: -1, Code: "InsufficientVolumeCapacity", Status: 500}, cloud.ErrNoCapacity},
	}
	for _, c := range cases {
		t.Run(c.why, func(t *testing.T) {
			double, url := newDouble(t, ec2test.Options{})
			double.Inject(ec2test.LoseReply("CreateVolume"))
			double.Inject(c.after)
			_, err := newClient(t, url, func(o *ebs.Options) { o.Retries = 1 }).CreateVolume(t.Context(), request(1))
			require.ErrorIs(t, err, cloud.ErrAmbiguous)
			require.ErrorIs(t, err, c.kind)
			require.Len(t, double.LeakedVolumes(nil), 1, "and indeed there is one")
		})
	}
}

// The trap: the repetition of a create that succeeded is refused by the limit.
func TestALimitAfterALostReplyIsAmbiguousToo(t *testing.T) {
	double, url := newDouble(t, ec2test.Options{Limits: ec2test.Limits{Volumes: 4}})
	client := newClient(t, url)
	double.Inject(ec2test.LoseReply("CreateVolume"))
	_, err := client.CreateVolume(t.Context(), request(1))
	require.ErrorIs(t, err, cloud.ErrLimitExceeded)
	require.ErrorIs(t, err, cloud.ErrAmbiguous)

	_, err = client.CreateVolume(t.Context(), request(1))
	require.ErrorIs(t, err, cloud.ErrLimitExceeded)
	require.NotErrorIs(t, err, cloud.ErrAmbiguous, "this call lost nothing, and still the volume is there")
	found, err := client.VolumesByTags(t.Context(), request(1).Tags)
	require.NoError(t, err)
	require.Len(t, found, 1)
}

// The other trap: a token stays burnt, and the suffix makes a new one.
func TestABurntTokenNeedsASuffix(t *testing.T) {
	double, url := newDouble(t, ec2test.Options{})
	client := newClient(t, url)
	double.Inject(ec2test.Fault{Action: "CreateVolume", Fail: ec2test.FailWithError})
	failed := created(t, client, 1)
	all, err := client.Volumes(t.Context(), []string{failed})
	require.NoError(t, err)
	require.Equal(t, cloud.VolumeError, all[failed].State)
	_, err = client.CreateVolume(t.Context(), request(1))
	require.ErrorIs(t, err, cloud.ErrIdempotentParameterMismatch)
	r := request(1)
	r.Token += "-2"
	v, err := client.CreateVolume(t.Context(), r)
	require.NoError(t, err)
	require.NotEqual(t, failed, v.ID)
}

func TestManyVolumesAreOneDescribe(t *testing.T) {
	double, url := newDouble(t, ec2test.Options{})
	client := newClient(t, url)
	var ids []string
	for n := range 60 {
		ids = append(ids, created(t, client, n))
	}
	all, err := client.Volumes(t.Context(), ids)
	require.NoError(t, err)
	require.Len(t, all, 60)
	require.Equal(t, 1, double.Count("DescribeVolumes").Calls)

	// Calls do not grow with the ids that are unknown.
	for n := range 300 {
		ids = append(ids, fmt.Sprintf("vol-0dead%04d", n))
	}
	all, err = client.Volumes(t.Context(), ids)
	require.NoError(t, err)
	require.Len(t, all, 60)
	require.Equal(t, 1+1+2, double.Count("DescribeVolumes").Calls, "one by id, two by filter")

	none, err := client.Volumes(t.Context(), nil)
	require.NoError(t, err)
	require.Empty(t, none)
}

func TestWildcardsInATagAreMeantLiterally(t *testing.T) {
	_, url := newDouble(t, ec2test.Options{})
	client := newClient(t, url)
	created(t, client, 1)
	for _, value := range []string{"g*", "g?", `g\1`} {
		found, err := client.VolumesByTags(t.Context(), map[string]string{"scaleio-growth": value})
		require.NoError(t, err)
		require.Empty(t, found, value)
	}
}

func TestInstancesKnowTheirLimit(t *testing.T) {
	double, url := newDouble(t, ec2test.Options{})
	double.AddInstanceType(ec2test.InstanceType{Name: "x9.large", Hypervisor: "nitro", MaxEBS: 20})
	cases := []struct {
		why, kind           string
		enis, limit, nonEBS int
	}{
		{"a limit of its own", "m7i.large", 3, 32, 0},
		{"a shared limit", "m6i.large", 2, 28, 2},
		{"nothing told", "m5.large", 2, 28, 2},
		{"instance store counts too", "i3en.xlarge", 1, 28, 2},
		{"bare metal", "c5.metal", 4, 28, 4},
		{"a number without its type is taken as shared", "x9.large", 1, 20, 1},
		{"Xen", "m4.large", 2, 39, 0},
	}
	client := newClient(t, url)
	ids := []string{"i-0a"}
	for n, c := range cases {
		id := fmt.Sprintf("i-0f%d", n)
		_, err := double.AddInstance(ec2test.InstanceSpec{ID: id, Type: c.kind, ENIs: c.enis})
		require.NoError(t, err)
		ids = append(ids, id)
	}
	all, err := client.Instances(t.Context(), ids)
	require.NoError(t, err)
	for n, c := range cases {
		i := all[fmt.Sprintf("i-0f%d", n)]
		require.Equal(t, c.limit, i.Limit, c.why)
		require.Equal(t, c.nonEBS, i.NonEBS, c.why)
		require.Len(t, i.Devices, 1, "the root volume")
	}
	_, err = client.Instances(t.Context(), ids)
	require.NoError(t, err)
	require.Equal(t, 2, double.Count("DescribeInstances").Calls)
	require.Equal(t, 1, double.Count("DescribeInstanceTypes").Calls, "types do not change")
}
