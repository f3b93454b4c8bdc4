package ec2test_test

import (
	"encoding/xml"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"scaleio-framework/storagegrowth/ec2test"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const signature = "AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20261123/us-east-1/ec2/aws4_request, SignedHeaders=host, Signature=00"

// newCloud makes an account with two instances in zone a and one in zone b.
func newCloud(t *testing.T, opts ec2test.Options) *ec2test.Cloud {
	t.Helper()
	c, err := ec2test.New(opts)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	for _, spec := range []ec2test.InstanceSpec{{ID: "i-0a", IP: "10.0.0.1"}, {ID: "i-0b"}, {ID: "i-0c", Zone: "us-east-1b"}} {
		_, err := c.AddInstance(spec)
		require.NoError(t, err)
	}
	return c
}

// answer is what the tests read from any answer.
type answer struct {
	Status      int      `xml:"-"`
	XMLName     xml.Name // CreateVolumeResponse, Response, ...
	Code        string   `xml:"Errors>Error>Code"`
	Message     string   `xml:"Errors>Error>Message"`
	VolumeID    string   `xml:"volumeId"`
	State       string   `xml:"status"`
	Volumes     []string `xml:"volumeSet>item>volumeId"`
	States      []string `xml:"volumeSet>item>status"`
	Attachments []string `xml:"volumeSet>item>attachmentSet>item>status"`
	Zones       []string `xml:"availabilityZoneInfo>item>zoneName"`
	NextToken   string   `xml:"nextToken"`
}

// send makes one request: an action and pairs of parameter and value.
func send(t *testing.T, c *ec2test.Cloud, action string, pairs ...string) answer {
	t.Helper()
	w := httptest.NewRecorder()
	c.EC2().ServeHTTP(w, request(action, pairs...))
	body, err := io.ReadAll(w.Body)
	require.NoError(t, err)
	a := answer{Status: w.Code}
	require.NoError(t, xml.Unmarshal(body, &a), string(body))
	return a
}

func request(action string, pairs ...string) *http.Request {
	form := url.Values{"Action": {action}, "Version": {"2016-11-15"}}
	for n := 0; n < len(pairs); n += 2 {
		form.Set(pairs[n], pairs[n+1])
	}
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Authorization", signature)
	return r
}

// create asks for a volume of 100 GiB in zone a.
func create(t *testing.T, c *ec2test.Cloud, token string, pairs ...string) answer {
	t.Helper()
	return send(t, c, "CreateVolume", append([]string{"ClientToken", token, "AvailabilityZone", "us-east-1a", "Size", "100", "VolumeType", "gp3"}, pairs...)...)
}
