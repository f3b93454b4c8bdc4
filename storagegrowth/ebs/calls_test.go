package ebs_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/storagegrowth/cloud"
	"scaleio-framework/storagegrowth/ec2test"
)

// site is an account with two instances in one zone, whoever plays EC2.
type site struct {
	cloud.Cloud
	a, b string // instances
}

// attached waits until a volume is attached and returns how.
func (s site) attached(t *testing.T, volume string) cloud.Attachment {
	t.Helper()
	var a cloud.Attachment
	require.Eventually(t, func() bool {
		all, err := s.Volumes(t.Context(), []string{volume})
		require.NoError(t, err)
		if at := all[volume].Attachments; len(at) == 1 {
			a = at[0]
		}
		return a.State == cloud.Attached
	}, 10*time.Second, 10*time.Millisecond)
	return a
}

// call is one row of the table that every EC2 must pass.
type call struct {
	why string
	run func(t *testing.T, s site)
	// motoIsWrong: it is not asked.
	motoIsWrong bool
}

var calls = []call{
	{"a volume is what was asked for, and is found by its tags and its id", func(t *testing.T, s site) {
		v, err := s.CreateVolume(t.Context(), request(1))
		require.NoError(t, err)
		require.Regexp(t, `^vol-[0-9a-f]+$`, v.ID)
		found, err := s.VolumesByTags(t.Context(), request(1).Tags)
		require.NoError(t, err)
		require.Len(t, found, 1)
		require.Equal(t, v.ID, found[0].ID)
		require.Equal(t, zoneA, found[0].Zone)
		require.Equal(t, 100, found[0].SizeGiB)
		require.Equal(t, request(1).Tags, found[0].Tags)
		require.WithinDuration(t, time.Now(), found[0].CreatedAt, time.Minute)
		byID, err := s.Volumes(t.Context(), []string{v.ID})
		require.NoError(t, err)
		require.Equal(t, found[0].ID, byID[v.ID].ID)
	}, false},
	{"tags that fit nothing find nothing", func(t *testing.T, s site) {
		created(t, s, 2)
		found, err := s.VolumesByTags(t.Context(), map[string]string{"scaleio-cluster": "c1", "scaleio-slot": "nine"})
		require.NoError(t, err)
		require.Empty(t, found)
	}, false},
	{"unknown volumes are left out of an answer", func(t *testing.T, s site) {
		id := created(t, s, 3)
		all, err := s.Volumes(t.Context(), []string{"vol-0123456789abcdef0", id, "vol-0fedcba9876543210", id})
		require.NoError(t, err)
		require.Len(t, all, 1)
		require.Contains(t, all, id)
	}, false},
	{"unknown instances are left out of an answer", func(t *testing.T, s site) {
		all, err := s.Instances(t.Context(), []string{s.a, "i-0123456789abcdef0", s.b})
		require.NoError(t, err)
		require.Len(t, all, 2)
		require.Equal(t, zoneA, all[s.a].Zone)
		require.Equal(t, "running", all[s.a].State)
		require.Equal(t, "m7i.large", all[s.a].Type)
	}, false},
	{"a volume is attached, shown at the instance, detached and deleted", func(t *testing.T, s site) {
		id := created(t, s, 4)
		a, err := s.AttachVolume(t.Context(), id, s.a, "/dev/sdf")
		require.NoError(t, err)
		require.Equal(t, s.a, a.InstanceID)
		require.Equal(t, "/dev/sdf", a.Device)
		require.Equal(t, "/dev/sdf", s.attached(t, id).Device)
		all, err := s.Instances(t.Context(), []string{s.a})
		require.NoError(t, err)
		require.Equal(t, id, all[s.a].Devices["/dev/sdf"])

		require.ErrorIs(t, s.DeleteVolume(t.Context(), id), cloud.ErrVolumeInUse)
		require.NoError(t, s.DetachVolume(t.Context(), id, s.a))
		require.NoError(t, s.DeleteVolume(t.Context(), id))
		require.ErrorIs(t, s.DeleteVolume(t.Context(), id), cloud.ErrNotFound)
		gone, err := s.Volumes(t.Context(), []string{id})
		require.NoError(t, err)
		require.Empty(t, gone)
	}, false},
	{"a zone that does not exist is no zone", func(t *testing.T, s site) {
		r := request(5)
		r.Zone = "us-east-1z"
		_, err := s.CreateVolume(t.Context(), r)
		require.ErrorIs(t, err, cloud.ErrInvalid)
	}, true},
	{"an unknown instance takes no volume", func(t *testing.T, s site) {
		_, err := s.AttachVolume(t.Context(), created(t, s, 6), "i-0123456789abcdef0", "/dev/sdf")
		require.ErrorIs(t, err, cloud.ErrNotFound)
	}, false},
	{"the same request is the same volume", func(t *testing.T, s site) {
		require.Equal(t, created(t, s, 8), created(t, s, 8))
		other := request(8)
		other.SizeGiB++
		_, err := s.CreateVolume(t.Context(), other)
		require.ErrorIs(t, err, cloud.ErrIdempotentParameterMismatch)
	}, true},
	{"what is attached already is a success, under its real name", func(t *testing.T, s site) {
		id := created(t, s, 9)
		_, err := s.AttachVolume(t.Context(), id, s.a, "/dev/sdf")
		require.NoError(t, err)
		again, err := s.AttachVolume(t.Context(), id, s.a, "/dev/sdg")
		require.NoError(t, err)
		require.Equal(t, "/dev/sdf", again.Device)
		_, err = s.AttachVolume(t.Context(), id, s.b, "/dev/sdf")
		require.ErrorIs(t, err, cloud.ErrVolumeInUse)
		require.ErrorContains(t, err, "("+s.a+" as /dev/sdf, attached)")
	}, true},
	{"a name is given once", func(t *testing.T, s site) {
		_, err := s.AttachVolume(t.Context(), created(t, s, 10), s.a, "/dev/sdf")
		require.NoError(t, err)
		_, err = s.AttachVolume(t.Context(), created(t, s, 11), s.a, "/dev/sdf")
		require.ErrorIs(t, err, cloud.ErrDeviceInUse)
	}, true},
	{"a volume of another zone is not attached", func(t *testing.T, s site) {
		r := request(12)
		r.Zone = zoneB
		v, err := s.CreateVolume(t.Context(), r)
		require.NoError(t, err)
		_, err = s.AttachVolume(t.Context(), v.ID, s.a, "/dev/sdf")
		require.ErrorIs(t, err, cloud.ErrZoneMismatch)
	}, true},
	{"detaching twice, or elsewhere, harms nothing", func(t *testing.T, s site) {
		id := created(t, s, 13)
		require.ErrorIs(t, s.DetachVolume(t.Context(), id, s.a), cloud.ErrNotAttached)
		_, err := s.AttachVolume(t.Context(), id, s.a, "/dev/sdf")
		require.NoError(t, err)
		require.ErrorIs(t, s.DetachVolume(t.Context(), id, s.b), cloud.ErrNotAttached)
		require.Equal(t, s.a, s.attached(t, id).InstanceID)
		require.NoError(t, s.DetachVolume(t.Context(), id, s.a))
		require.ErrorIs(t, s.DetachVolume(t.Context(), id, s.a), cloud.ErrNotAttached)
	}, true},
}

func TestCallsAgainstTheDouble(t *testing.T) {
	for _, c := range calls {
		t.Run(c.why, func(t *testing.T) {
			double, url := newDouble(t, ec2test.Options{PageSize: 5})
			c.run(t, site{newClient(t, url), "i-0a", "i-0b"})
			require.Empty(t, double.Count("DescribeVolumes").Refused["UnknownParameter"])
		})
	}
}
