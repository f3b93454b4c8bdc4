package imds_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"scaleio-framework/nodeagent/imds"
	"scaleio-framework/storagegrowth/ec2test"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is for a service that answers; a busy machine is slow.
const patience = 20 * time.Second

func read(t *testing.T, endpoint string, timeout time.Duration) (imds.Identity, error) {
	t.Helper()
	r, err := imds.New(imds.Options{Endpoint: endpoint, Timeout: timeout})
	require.NoError(t, err)
	return r.Read(t.Context())
}

func TestAnInstanceKnowsItself(t *testing.T) {
	double, err := ec2test.New(ec2test.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, double.Close()) })
	_, err = double.AddInstance(ec2test.InstanceSpec{ID: "i-0123456789abcdef0", Zone: "us-east-1b", Type: "m5.large"})
	require.NoError(t, err)
	url, err := double.ServeIMDS("i-0123456789abcdef0", "")
	require.NoError(t, err)
	nobody, err := double.ServeIMDS("i-0dead", "")
	require.NoError(t, err)

	id, err := read(t, url+"/", patience)
	require.NoError(t, err)
	require.Equal(t, imds.Identity{InstanceID: "i-0123456789abcdef0", Zone: "us-east-1b", Type: "m5.large"}, id)

	_, err = read(t, nobody, patience)
	require.ErrorContains(t, err, "read instance-id: answered 404")
	require.NotErrorIs(t, err, imds.ErrNotEC2)
}

func TestWithoutTheServiceItIsNotEC2(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	_, err = read(t, "http://"+l.Addr().String(), patience)
	require.ErrorIs(t, err, imds.ErrNotEC2)

	silent, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, silent.Close()) })
	_, err = read(t, "http://"+silent.Addr().String(), 50*time.Millisecond)
	require.ErrorIs(t, err, imds.ErrNotEC2)

	r, err := imds.New(imds.Options{Endpoint: "http://" + silent.Addr().String(), Timeout: time.Minute})
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = r.Read(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.NotErrorIs(t, err, imds.ErrNotEC2, "the caller gave up, nothing is known")
}

// impostor gives a token and then some answer, to everything.
func impostor(t *testing.T, answer string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			answer := "token"
			_, _ = w.Write([]byte(answer))
			return
		}
		_, _ = w.Write([]byte(answer))
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestNonsenseIsNoIdentity(t *testing.T) {
	for why, answer := range map[string]string{
		"a page of some portal":      "<html>log in</html>",
		"an endless answer":          strings.Repeat("i", 5000),
		"nothing":                    "",
		"an id where a zone belongs": "i-0123456789abcdef0",
	} {
		t.Run(why, func(t *testing.T) {
			id, err := read(t, impostor(t, answer), patience)
			require.Error(t, err)
			require.Zero(t, id)
		})
	}
	login := httptest.NewServer(http.RedirectHandler("/login", http.StatusFound))
	t.Cleanup(login.Close)
	_, err := read(t, login.URL, patience)
	require.ErrorIs(t, err, imds.ErrNotEC2, "who gives no token is no metadata service")
}

func TestOptionsAreChecked(t *testing.T) {
	_, err := imds.New(imds.Options{Endpoint: "169.254.169.254"})
	require.ErrorContains(t, err, "endpoint")
	_, err = imds.New(imds.Options{Timeout: -1})
	require.ErrorContains(t, err, "Timeout")
}

func FuzzAnswer(f *testing.F) {
	f.Add("i-0123456789abcdef0")
	f.Add("us-east-1a\x00")
	f.Fuzz(func(t *testing.T, answer string) {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte(answer))
		}))
		defer s.Close()
		r, err := imds.New(imds.Options{Endpoint: s.URL})
		if err != nil {
			t.Fatal(err)
		}
		// No text is an id, a zone and a type at once.
		if id, err := r.Read(t.Context()); err == nil || id != (imds.Identity{}) {
			t.Fatalf("%+v, %v", id, err)
		}
	})
}
