package ebs_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"scaleio-framework/storagegrowth/cloud"
	"scaleio-framework/storagegrowth/ebs"
	"scaleio-framework/storagegrowth/ec2test"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	region = "us-east-1"
	zoneA  = "us-east-1a"
	zoneB  = "us-east-1b"
	keyID  = "AKIAQWERTYUIOP123456"
	secret = "very/secret+access/key"
)

// credentials puts the SDK's chain into a known state: a key in the
// environment and nothing else.
func credentials(t *testing.T) {
	t.Helper()
	nowhere := filepath.Join(t.TempDir(), "none")
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": keyID, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "", "AWS_REGION": "", "AWS_DEFAULT_REGION": "",
		"AWS_CONFIG_FILE": nowhere, "AWS_SHARED_CREDENTIALS_FILE": nowhere, "AWS_EC2_METADATA_DISABLED": "true", "AWS_ENDPOINT_URL": "", "AWS_ENDPOINT_URL_EC2": "",
		"AWS_CA_BUNDLE": "", "AWS_MAX_ATTEMPTS": "", "AWS_RETRY_MODE": "",
		"AWS_WEB_IDENTITY_TOKEN_FILE": "", "AWS_CONTAINER_CREDENTIALS_FULL_URI": "", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "",
	} {
		t.Setenv(name, value)
	}
}

// logged collects what the client logs.
type logged struct {
	mu  sync.Mutex
	out bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.String()
}

// newClient talks to an endpoint with quick retries; change may alter that.
func newClient(t *testing.T, endpoint string, change ...func(*ebs.Options)) *ebs.Client {
	t.Helper()
	credentials(t)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	opts := ebs.Options{
		Region: region, Endpoint: endpoint, HTTPClient: &http.Client{Transport: whole{transport}}, Logger: hclog.NewNullLogger(),
		MaxBackoff: 5 * time.Millisecond, AttemptTimeout: 5 * time.Second, CallTimeout: 20 * time.Second,
	}
	for _, c := range change {
		c(&opts)
	}
	client, err := ebs.New(t.Context(), opts)
	require.NoError(t, err)
	return client
}

// whole sends requests whose body nobody closes. The SDK closes a body as soon
// as the answer begins; a double that answers within microseconds may do so
// before net/http has seen the body's end, which then breaks the connection, and
// the call is repeated: no count of calls would be certain.
type whole struct{ next http.RoundTripper }

func (w whole) RoundTrip(r *http.Request) (*http.Response, error) {
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	sent := r.Clone(r.Context())
	sent.Body = io.NopCloser(bytes.NewReader(data))
	return w.next.RoundTrip(sent)
}

func noRetries(o *ebs.Options) { o.Retries = -1 }

// newDouble makes an account with the instances i-0a and i-0b in zone a and
// i-0c in zone b, and returns its endpoint.
func newDouble(t *testing.T, opts ec2test.Options) (*ec2test.Cloud, string) {
	t.Helper()
	double, err := ec2test.New(opts)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, double.Close()) })
	for _, spec := range []ec2test.InstanceSpec{{ID: "i-0a"}, {ID: "i-0b"}, {ID: "i-0c", Zone: zoneB}} {
		_, err := double.AddInstance(spec)
		require.NoError(t, err)
	}
	url, err := double.ServeEC2("")
	require.NoError(t, err)
	return double, url
}

// request is a complete request for a slot of a growth.
func request(slot int) cloud.VolumeRequest {
	return cloud.VolumeRequest{
		Token: fmt.Sprintf("token-%d", slot), Zone: zoneA, SizeGiB: 100, Type: "gp3", IOPS: 4000, Throughput: 200, Encrypted: true,
		Tags: map[string]string{"scaleio-cluster": "c1", "scaleio-growth": "g1", "scaleio-slot": fmt.Sprint(slot)},
	}
}

// created makes the volume of a slot and returns its id.
func created(t *testing.T, c cloud.Cloud, slot int) string {
	t.Helper()
	v, err := c.CreateVolume(t.Context(), request(slot))
	require.NoError(t, err)
	return v.ID
}
