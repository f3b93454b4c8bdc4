package ebs_test

import (
	"context"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/stretchr/testify/require"

	"scaleio-framework/storagegrowth/cloud"
	"scaleio-framework/storagegrowth/ebs"
	"scaleio-framework/storagegrowth/ec2test"
)

func TestCodesBecomeWhatACallerDecidesOn(t *testing.T) {
	cases := []struct {
		code, message string
		status        int
		want          error
	}{
		{"IdempotentParameterMismatch", "other parameters", 400, cloud.ErrIdempotentParameterMismatch},
		{"VolumeLimitExceeded", "Maximum number of active volumes, 20, exceeded.", 400, cloud.ErrLimitExceeded},
		{"MaxIOPSLimitExceeded", "maximum io2 IOPS", 400, cloud.ErrLimitExceeded},
		{"InsufficientVolumeCapacity", "not enough capacity", 500, cloud.ErrNoCapacity},
		{"KMS.DisabledException", "key is disabled", 400, cloud.ErrKeyNotUsable},
		{"InvalidKmsKey.InvalidState", "key is pending deletion", 400, cloud.ErrKeyNotUsable},
		{"AuthFailure", "not able to validate the provided access credentials", 401, cloud.ErrNoCredentials},
		{"ExpiredToken", "The security token is expired", 400, cloud.ErrNoCredentials},
		{"RequestLimitExceeded", "Request limit exceeded.", 503, cloud.ErrThrottled},
		{"UnknownVolumeType", "gp9", 400, cloud.ErrInvalid},
		{"InvalidParameterCombination", "iops", 400, cloud.ErrInvalid},
		{"IncorrectState", "Instance is not running", 400, cloud.ErrWrongState},
		{"InternalError", "try again", 500, cloud.ErrAmbiguous},
		{"Unavailable", "try again", 503, cloud.ErrAmbiguous},
		{"SomethingNew", "nobody knows", 500, cloud.ErrAmbiguous},
	}
	double, url := newDouble(t, ec2test.Options{})
	client := newClient(t, url, noRetries)
	for _, c := range cases {
		t.Run(c.code, func(t *testing.T) {
			double.Inject(ec2test.Fault{Action: "CreateVolume", Code: c.code, Message: c.message, Status: c.status})
			_, err := client.CreateVolume(t.Context(), request(1))
			require.ErrorIs(t, err, c.want)
			require.ErrorContains(t, err, c.code)
			require.ErrorContains(t, err, "ec2:CreateVolume")
			require.ErrorContains(t, err, "ec2test-", "the id of the request helps AWS to help")
			if c.want != cloud.ErrAmbiguous {
				require.NotErrorIs(t, err, cloud.ErrAmbiguous)
			}
		})
	}
	double.Inject(ec2test.Fault{Action: "DescribeVolumes", Code: "InternalError", Status: 500})
	_, err := client.VolumesByTags(t.Context(), request(1).Tags)
	require.ErrorIs(t, err, cloud.ErrUnavailable)
	require.NotErrorIs(t, err, cloud.ErrAmbiguous, "a read has no effect")
}

func TestAMissingPermissionIsNamed(t *testing.T) {
	double, url := newDouble(t, ec2test.Options{})
	client := newClient(t, url)
	id := created(t, client, 1)
	cases := map[string]func() error{
		"CreateVolume":          func() error { _, err := client.CreateVolume(t.Context(), request(2)); return err },
		"CreateTags":            func() error { _, err := client.CreateVolume(t.Context(), request(2)); return err },
		"DescribeVolumes":       func() error { _, err := client.Volumes(t.Context(), []string{id}); return err },
		"DescribeInstances":     func() error { _, err := client.Instances(t.Context(), []string{"i-0a"}); return err },
		"DescribeInstanceTypes": func() error { _, err := client.Instances(t.Context(), []string{"i-0a"}); return err },
		"AttachVolume":          func() error { _, err := client.AttachVolume(t.Context(), id, "i-0a", "/dev/sdf"); return err },
		"DetachVolume":          func() error { return client.DetachVolume(t.Context(), id, "i-0a") },
		"DeleteVolume":          func() error { return client.DeleteVolume(t.Context(), id) },
	}
	for action, run := range cases {
		t.Run(action, func(t *testing.T) {
			double.Deny(action)
			defer double.Allow(action)
			err := run()
			require.ErrorIs(t, err, cloud.ErrUnauthorized)
			require.ErrorContains(t, err, "the role needs ec2:"+action)
			require.NotContains(t, err.Error(), "x7Jq", "the encoded message helps nobody")
		})
	}
}

func TestWithoutCredentialsTheOperatorIsToldSo(t *testing.T) {
	_, url := newDouble(t, ec2test.Options{})
	credentials(t)
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	client, err := ebs.New(t.Context(), ebs.Options{Region: region, Endpoint: url, Logger: hclog.NewNullLogger()})
	require.NoError(t, err)
	_, err = client.CreateVolume(t.Context(), request(1))
	require.ErrorIs(t, err, cloud.ErrNoCredentials)
	require.NotErrorIs(t, err, cloud.ErrAmbiguous)
	require.ErrorContains(t, err, "instance role")
}

func TestTheWrongRegionIsRefused(t *testing.T) {
	_, url := newDouble(t, ec2test.Options{})
	client := newClient(t, url, func(o *ebs.Options) { o.Region = "eu-west-1" })
	_, err := client.Instances(t.Context(), []string{"i-0a"})
	require.ErrorIs(t, err, cloud.ErrNoCredentials)
	require.ErrorContains(t, err, "valid region")
}

func TestTheRoleOfTheInstanceIsUsedAndItsRegion(t *testing.T) {
	double, url := newDouble(t, ec2test.Options{Role: "scaleio"})
	metadata, err := double.ServeIMDS("i-0a", "")
	require.NoError(t, err)
	credentials(t)
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "false")
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	client, err := ebs.New(t.Context(), ebs.Options{Endpoint: url, HTTPClient: &http.Client{Transport: transport}, Logger: hclog.NewNullLogger()})
	require.NoError(t, err)
	created(t, client, 1)
}

func TestKeysAreInNoLogAndNoError(t *testing.T) {
	double, url := newDouble(t, ec2test.Options{})
	var log logged
	client := newClient(t, url, func(o *ebs.Options) {
		o.Logger = hclog.New(&hclog.LoggerOptions{Level: hclog.Trace, Output: &log})
		o.Retries = -1
	})
	for _, f := range []ec2test.Fault{
		ec2test.LoseReply("CreateVolume"),
		{Action: "CreateVolume", Code: "AuthFailure", Message: "the key " + keyID + " is not valid", Status: 401},
		{Action: "CreateVolume", Code: "SignatureDoesNotMatch", Message: "Credential=" + keyID + "/2026", Status: 403},
	} {
		double.Inject(f)
		_, err := client.CreateVolume(t.Context(), request(1))
		require.Error(t, err)
		require.NotContains(t, err.Error(), keyID)
		require.NotContains(t, err.Error(), secret)
	}
	created(t, client, 1)
	require.Contains(t, log.String(), "ec2 client ready")
	require.NotContains(t, log.String(), keyID)
	require.NotContains(t, log.String(), secret)
}

func TestWhatWasNeverSentHadNoEffect(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	client := newClient(t, "http://"+l.Addr().String())
	_, err = client.CreateVolume(t.Context(), request(1))
	require.ErrorIs(t, err, cloud.ErrUnavailable)
	require.NotErrorIs(t, err, cloud.ErrAmbiguous)
	require.ErrorContains(t, err, "connection refused")

	_, url := newDouble(t, ec2test.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = newClient(t, url).CreateVolume(ctx, request(1))
	require.ErrorIs(t, err, context.Canceled)
	require.NotErrorIs(t, err, cloud.ErrAmbiguous)
}

// overdue is a context whose deadline passes when done is closed.
type overdue struct {
	context.Context
	done chan struct{}
}

func (o overdue) Done() <-chan struct{} { return o.done }

func (o overdue) Err() error {
	select {
	case <-o.done:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

func TestADeadlineEndsACallThatMayHaveHadItsEffect(t *testing.T) {
	double, url := newDouble(t, ec2test.Options{})
	client := newClient(t, url)
	ctx, release := overdue{t.Context(), make(chan struct{})}, make(chan struct{})
	defer close(release)
	double.Inject(ec2test.Fault{Action: "CreateVolume", After: true, Do: func() { close(ctx.done); <-release }})
	_, err := client.CreateVolume(ctx, request(1))
	require.ErrorIs(t, err, cloud.ErrAmbiguous)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	found, err := client.VolumesByTags(t.Context(), request(1).Tags)
	require.NoError(t, err)
	require.Len(t, found, 1)
}

func TestRequestsThatCannotBeMeantAreNotSent(t *testing.T) {
	double, url := newDouble(t, ec2test.Options{})
	client := newClient(t, url)
	for _, spoil := range []func(*cloud.VolumeRequest){
		func(r *cloud.VolumeRequest) { r.Token = "" },
		func(r *cloud.VolumeRequest) { r.SizeGiB = 0 },
		func(r *cloud.VolumeRequest) { r.SizeGiB = 1 << 40 },
		func(r *cloud.VolumeRequest) { r.IOPS = -1 },
	} {
		r := request(1)
		spoil(&r)
		_, err := client.CreateVolume(t.Context(), r)
		require.ErrorIs(t, err, cloud.ErrInvalid)
	}
	_, err := client.VolumesByTags(t.Context(), nil)
	require.ErrorIs(t, err, cloud.ErrInvalid)
	require.Empty(t, double.Counts())
}

func TestOptionsAreChecked(t *testing.T) {
	credentials(t)
	good := ebs.Options{Region: region, Logger: hclog.NewNullLogger()}
	for why, spoil := range map[string]func(*ebs.Options){
		"Logger":   func(o *ebs.Options) { o.Logger = nil },
		"Endpoint": func(o *ebs.Options) { o.Endpoint = "localhost:80" },
		"Timeout":  func(o *ebs.Options) { o.CallTimeout = time.Second },
		"region":   func(o *ebs.Options) { o.Region = "" },
	} {
		opts := good
		spoil(&opts)
		_, err := ebs.New(t.Context(), opts)
		require.ErrorContains(t, err, why)
	}
}
