package ec2test_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/storagegrowth/ec2test"
)

func TestMetadataIsForThoseWithAToken(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	c := newCloud(t, ec2test.Options{Role: "scaleio", Now: func() time.Time { return now }})
	h := c.IMDS("i-0a")
	ask := func(method, path string, headers ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path, nil)
		for n := 0; n < len(headers); n += 2 {
			r.Header.Set(headers[n], headers[n+1])
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	const token, ttl = "X-aws-ec2-metadata-token", "X-aws-ec2-metadata-token-ttl-seconds"
	require.Equal(t, http.StatusUnauthorized, ask(http.MethodGet, "/latest/meta-data/instance-id").Code)
	require.Equal(t, http.StatusBadRequest, ask(http.MethodPut, "/latest/api/token").Code)
	require.Equal(t, http.StatusBadRequest, ask(http.MethodPut, "/latest/api/token", ttl, "21601").Code)
	require.Equal(t, http.StatusForbidden, ask(http.MethodPut, "/latest/api/token", ttl, "60", "X-Forwarded-For", "10.0.0.9").Code)
	mine := ask(http.MethodPut, "/latest/api/token", ttl, "60").Body.String()

	for path, want := range map[string]string{
		"/latest/meta-data/instance-id":                 "i-0a",
		"/latest/meta-data/instance-type":               "m7i.large",
		"/latest/meta-data/placement/availability-zone": "us-east-1a",
		"/latest/meta-data/placement/region":            "us-east-1",
		"/latest/meta-data/local-ipv4":                  "10.0.0.1",
		"/latest/meta-data/iam/security-credentials/":   "scaleio",
	} {
		require.Equal(t, want, ask(http.MethodGet, path, token, mine).Body.String(), path)
	}
	require.Contains(t, ask(http.MethodGet, "/latest/dynamic/instance-identity/document", token, mine).Body.String(), `"instanceId":"i-0a"`)
	require.Equal(t, http.StatusNotFound, ask(http.MethodGet, "/latest/meta-data/colour", token, mine).Code)
	now = now.Add(time.Minute)
	require.Equal(t, http.StatusUnauthorized, ask(http.MethodGet, "/latest/meta-data/instance-id", token, mine).Code, "the token is over")
}
