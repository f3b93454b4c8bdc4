package ec2test_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/storagegrowth/ec2test"
)

func TestFaultsStrikeBeforeOrAfterTheEffect(t *testing.T) {
	cases := []struct {
		why     string
		fault   ec2test.Fault
		code    string // "": the connection is cut
		effects int
	}{
		{"throttled", ec2test.Throttle("CreateVolume", 1), "RequestLimitExceeded", 0},
		{"refused", ec2test.Fault{Action: "CreateVolume", Code: "InternalError", Status: 500}, "InternalError", 0},
		{"refused although done", ec2test.Fault{Action: "CreateVolume", After: true, Code: "InternalError", Status: 500}, "InternalError", 1},
		{"the request is lost", ec2test.LoseRequest("CreateVolume"), "", 0},
		{"the reply is lost", ec2test.LoseReply("CreateVolume"), "", 1},
	}
	for _, k := range cases {
		t.Run(k.why, func(t *testing.T) {
			c := newCloud(t, ec2test.Options{})
			c.Inject(k.fault)
			if k.code == "" {
				require.PanicsWithValue(t, http.ErrAbortHandler, func() {
					c.EC2().ServeHTTP(httptest.NewRecorder(), request("CreateVolume", "ClientToken", "t", "AvailabilityZone", "us-east-1a", "Size", "100", "VolumeType", "gp3"))
				})
			} else {
				require.Equal(t, k.code, create(t, c, "t").Code)
				require.Equal(t, 1, c.Count("CreateVolume").Refused[k.code])
			}
			require.Equal(t, k.effects, c.Count("CreateVolume").Effects)
			require.Zero(t, c.ClearFaults(), "it is used up")
			require.Equal(t, 200, create(t, c, "t").Status)
			require.Equal(t, 1, c.Count("CreateVolume").Effects, "one volume in the end")
		})
	}
}

func TestAFaultWaitsForTheCallItIsMeantFor(t *testing.T) {
	c := newCloud(t, ec2test.Options{})
	struck := 0
	c.Inject(ec2test.Fault{Action: "CreateVolume", Match: map[string]string{"ClientToken": "t2"}, Skip: 1, Times: 2, Code: "InternalError", Do: func() { struck++ }})
	for n, want := range []int{200, 200, 400, 400, 200} {
		token := "t2"
		if n == 0 {
			token = "t1"
		}
		require.Equal(t, want, create(t, c, token).Status, "call %d", n)
	}
	require.Equal(t, 2, struck)
}

func TestWhoMayNotIsToldWhatHeWouldNeed(t *testing.T) {
	c := newCloud(t, ec2test.Options{})
	require.Equal(t, "DryRunOperation", create(t, c, "t", "DryRun", "true").Code)
	c.Deny("CreateTags", "AttachVolume")
	a := create(t, c, "t", append(tagged("a", "b"), "DryRun", "true")...)
	require.Equal(t, "UnauthorizedOperation", a.Code)
	require.Contains(t, a.Message, "perform: ec2:CreateTags because")
	require.Equal(t, 200, create(t, c, "t").Status, "without tags it may")
	require.Equal(t, "UnauthorizedOperation", attach(t, c, "vol-0dead", "i-0a", "/dev/sdf").Code, "before anything is looked at")
	c.Allow("CreateTags")
	require.Equal(t, 200, create(t, c, "t2", tagged("a", "b")...).Status)
}

func TestWithoutCredentialsNothingIsAnswered(t *testing.T) {
	c := newCloud(t, ec2test.Options{Region: "eu-west-1", Zones: []string{"eu-west-1a", "us-east-1a", "us-east-1b"}})
	require.Contains(t, create(t, c, "t").Message, "valid region", "signed for us-east-1")
	r := request("DescribeVolumes")
	r.Header.Del("Authorization")
	w := httptest.NewRecorder()
	c.EC2().ServeHTTP(w, r)
	require.Equal(t, http.StatusUnauthorized, w.Code)
	require.Contains(t, w.Body.String(), "<Code>AuthFailure</Code>")
}

func TestCloseEndsDelaysAndWaitsForRequests(t *testing.T) {
	c := newCloud(t, ec2test.Options{})
	url, err := c.ServeEC2("")
	require.NoError(t, err)
	c.Inject(ec2test.Fault{Delay: time.Hour})
	client := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(client.CloseIdleConnections)
	done := make(chan struct{})
	go func() {
		defer close(done)
		r := request("DescribeVolumes")
		req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, url, r.Body)
		if err != nil {
			return
		}
		req.Header = r.Header
		if answer, err := client.Do(req); err == nil {
			_ = answer.Body.Close()
		}
	}()
	require.Eventually(t, func() bool { return c.Count("DescribeVolumes").Calls == 1 }, 20*time.Second, time.Millisecond)
	require.NoError(t, c.Close())
	<-done
	_, err = c.ServeEC2("")
	require.Error(t, err)
	_, err = newCloud(t, ec2test.Options{}).ServeEC2("0.0.0.0:0")
	require.ErrorContains(t, err, "loopback")
}

func TestOptionsAreChecked(t *testing.T) {
	for _, bad := range []ec2test.Options{
		{Manual: true, Delays: ec2test.Delays{Create: 1}},
		{Delays: ec2test.Delays{Attach: -1}},
		{PageSize: -1},
		{Zones: []string{"a", "a"}},
	} {
		_, err := ec2test.New(bad)
		require.Error(t, err, "%+v", bad)
	}
}
