package cloud_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/storagegrowth/cloud"
)

func TestErrorsSayWhatToDoAndWhatMayHaveHappened(t *testing.T) {
	cases := []struct {
		why   string
		err   *cloud.Error
		is    []error
		isNot []error
		says  []string
	}{
		{
			why:   "a missing permission names the action that is missing",
			err:   &cloud.Error{Action: "ec2:CreateTags", Kind: cloud.ErrUnauthorized, Code: "UnauthorizedOperation"},
			is:    []error{cloud.ErrUnauthorized},
			isNot: []error{cloud.ErrAmbiguous, cloud.ErrNoCredentials},
			says:  []string{"the role needs ec2:CreateTags", "UnauthorizedOperation"},
		},
		{
			why:  "a limit after a lost reply is both",
			err:  &cloud.Error{Action: "ec2:CreateVolume", Kind: cloud.ErrLimitExceeded, Ambiguous: true, Code: "VolumeLimitExceeded"},
			is:   []error{cloud.ErrLimitExceeded, cloud.ErrAmbiguous},
			says: []string{"VolumeLimitExceeded", "may have had its effect", "quota"},
		},
		{
			why:  "a lost reply by a deadline keeps the deadline",
			err:  &cloud.Error{Action: "ec2:AttachVolume", Kind: cloud.ErrAmbiguous, Ambiguous: true, Cause: context.DeadlineExceeded, Message: "timed out"},
			is:   []error{cloud.ErrAmbiguous, context.DeadlineExceeded},
			says: []string{"the reply was lost", "timed out"},
		},
		{
			why:  "a volume in use says where",
			err:  &cloud.Error{Action: "ec2:AttachVolume", Kind: cloud.ErrVolumeInUse, Where: "i-2 as /dev/sdf", RequestID: "req-1"},
			is:   []error{cloud.ErrVolumeInUse},
			says: []string{"(i-2 as /dev/sdf)", "[request req-1]"},
		},
	}
	for _, c := range cases {
		t.Run(c.why, func(t *testing.T) {
			for _, target := range c.is {
				require.ErrorIs(t, c.err, target)
			}
			for _, target := range c.isNot {
				require.NotErrorIs(t, c.err, target)
			}
			for _, words := range c.says {
				require.ErrorContains(t, c.err, words)
			}
		})
	}
}

func TestFreeCountsWhatSharesTheLimit(t *testing.T) {
	i := cloud.InstanceInfo{Limit: 28, NonEBS: 2, Devices: map[string]string{"/dev/xvda": "vol-1", "/dev/sdf": "vol-2"}}
	free, known := i.Free()
	require.True(t, known)
	require.Equal(t, 24, free)

	i.Limit = 3
	free, _ = i.Free()
	require.Zero(t, free, "never below zero")

	_, known = cloud.InstanceInfo{}.Free()
	require.False(t, known)
}
