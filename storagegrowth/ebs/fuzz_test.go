package ebs_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/hashicorp/go-hclog"

	"scaleio-framework/storagegrowth/cloud"
	"scaleio-framework/storagegrowth/ebs"
)

// reply answers every request with the same status and body.
type reply struct {
	status int
	body   string
}

func (r reply) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: r.status, Status: http.StatusText(r.status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"text/xml"}}, Body: io.NopCloser(strings.NewReader(r.body)), Request: req,
	}, nil
}

// Whatever EC2, or something that took its place, answers: a volume with an
// id, or a *cloud.Error of bounded length that a log can take.
func FuzzAnswer(f *testing.F) {
	f.Add(uint16(400), `<Response><Errors><Error><Code>VolumeLimitExceeded</Code><Message>20</Message></Error></Errors><RequestID>r</RequestID></Response>`)
	f.Add(uint16(403), `<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>is not authorized to perform: ec2:CreateTags on x. Encoded authorization failure message: abc</Message></Error></Errors></Response>`)
	f.Add(uint16(400), `<Response><Errors><Error><Code>InvalidParameterValue</Code><Message>AKIAQWERTYUIOP123456 is already in use`+"\n\x1b[31m"+`</Message></Error></Errors></Response>`)
	f.Add(uint16(200), `<CreateVolumeResponse><volumeId>vol-1</volumeId><size>x</size><createTime>never</createTime></CreateVolumeResponse>`)
	f.Add(uint16(200), `<CreateVolumeResponse/>`)
	f.Add(uint16(502), `<html>Bad Gateway</html>`)
	f.Setenv("AWS_ACCESS_KEY_ID", keyID)
	f.Setenv("AWS_SECRET_ACCESS_KEY", secret)
	f.Setenv("AWS_CA_BUNDLE", "")
	f.Fuzz(func(t *testing.T, code uint16, body string) {
		status := 200 + int(code)%400
		client, err := ebs.New(t.Context(), ebs.Options{
			Region: region, Endpoint: "http://127.0.0.1:1", Retries: -1, Logger: hclog.NewNullLogger(), HTTPClient: &http.Client{Transport: reply{status, body}},
		})
		if err != nil {
			t.Fatal(err)
		}
		v, err := client.CreateVolume(t.Context(), request(1))
		if err == nil {
			if v.ID == "" {
				t.Fatal("a success without a volume")
			}
			return
		}
		var failed *cloud.Error
		if !errors.As(err, &failed) {
			t.Fatalf("%T: %v", err, err)
		}
		text := err.Error()
		if len(text) > 8000 || !utf8.ValidString(text) || strings.ContainsAny(text, "\n\r\x1b") || strings.Contains(text, keyID) || strings.Contains(text, secret) {
			t.Fatalf("unfit for a log: %q", text)
		}
	})
}
