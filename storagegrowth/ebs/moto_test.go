package ebs_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/stretchr/testify/require"
)

// The same table against moto, a second opinion on the protocol.
func TestCallsAgainstMoto(t *testing.T) {
	url := startMoto(t)
	for _, c := range calls {
		t.Run(c.why, func(t *testing.T) {
			if c.motoIsWrong {
				t.Skip("moto gets this wrong: it minds no tokens, no names in use, no zones and no states on the way")
			}
			reset, err := http.Post(url+"/moto-api/reset", "", nil)
			require.NoError(t, err)
			require.NoError(t, reset.Body.Close())
			client := newClient(t, url)
			ids := runInstances(t, url)
			c.run(t, site{client, ids[0], ids[1]})
		})
	}
}

// startMoto starts moto_server, or skips the test.
func startMoto(t *testing.T) string {
	t.Helper()
	program, err := exec.LookPath("moto_server")
	if err != nil {
		t.Skip("moto_server is not on PATH: no second opinion on the EC2 protocol")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	require.NoError(t, l.Close())

	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program, "-H", "127.0.0.1", "-p", port)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		stop()
		_ = cmd.Wait() // it was killed
		http.DefaultClient.CloseIdleConnections()
	})
	url := "http://127.0.0.1:" + port
	deadline := time.Now().Add(60 * time.Second)
	for time.Now().Before(deadline) {
		if answer, err := http.Get(url + "/moto-api/"); err == nil {
			require.NoError(t, answer.Body.Close())
			return url
		}
		time.Sleep(100 * time.Millisecond)
	}
	require.FailNow(t, "moto_server is on PATH but does not answer within a minute")
	return ""
}

// runInstances starts two instances in zone a.
func runInstances(t *testing.T, url string) []string {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	cfg, err := config.LoadDefaultConfig(t.Context(), config.WithRegion(region), config.WithHTTPClient(&http.Client{Transport: transport}))
	require.NoError(t, err)
	api := ec2.NewFromConfig(cfg, func(o *ec2.Options) { o.BaseEndpoint = aws.String(url) })
	var ids []string
	for n := range 2 {
		out, err := api.RunInstances(t.Context(), &ec2.RunInstancesInput{
			ImageId: aws.String(fmt.Sprintf("ami-1234abc%d", n)), MinCount: aws.Int32(1), MaxCount: aws.Int32(1), InstanceType: types.InstanceType("m7i.large"),
			Placement: &types.Placement{AvailabilityZone: aws.String(zoneA)},
		})
		require.NoError(t, err)
		ids = append(ids, aws.ToString(out.Instances[0].InstanceId))
	}
	return ids
}
