package scaleio_test

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/redact"
	"scaleio-framework/scaleio"
)

const domains = "/api/types/ProtectionDomain/instances"

// together runs f several times at once; each must succeed.
func together(t *testing.T, times int, f func() error) {
	t.Helper()
	results := make(chan error, times)
	for range times {
		go func() { results <- f() }()
	}
	for range times {
		require.NoError(t, <-results)
	}
}

// Many callers that start together share one login.
func TestConcurrentCallsShareOneLogin(t *testing.T) {
	g := newGateway(t)
	c := g.client(t)
	together(t, 20, func() error {
		_, err := c.ProtectionDomains(short(t))
		return err
	})
	g.with(func() { require.Equal(t, 1, g.logins) })
}

// A token that expired under many callers costs one login more.
func TestExpiredTokenIsRenewedOnce(t *testing.T) {
	g := newGateway(t)
	c := g.client(t)
	require.NoError(t, c.Login(short(t)))
	g.with(func() { clear(g.tokens) })
	together(t, 20, func() error {
		_, err := c.ProtectionDomains(short(t))
		return err
	})
	g.with(func() { require.Equal(t, 2, g.logins) })
}

// A gateway that refuses every token must not be asked for ever.
func TestRefusedTokensAreRenewedOnceOnly(t *testing.T) {
	g := newGateway(t)
	c := g.client(t)
	require.NoError(t, c.Login(short(t)))
	no := func(w http.ResponseWriter, _ *http.Request) { refuse(w, 401, 0, "Unauthorized") }
	for range 5 {
		g.once(domains, no)
	}
	_, err := c.ProtectionDomains(short(t))
	require.True(t, scaleio.IsUnauthorized(err), "%v", err)
	g.with(func() {
		require.Equal(t, 2, g.logins)
		require.Len(t, g.answers[domains], 3, "asked twice")
	})
}

// The MDM may have forgotten a session that the gateway still has.
func TestInvalidSessionOfTheMDMIsRenewed(t *testing.T) {
	g := newGateway(t)
	c := g.client(t)
	g.once(domains, func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, 500, 248, "Invalid session. Please login and try again.")
	})
	_, err := c.ProtectionDomains(short(t))
	require.NoError(t, err)
	g.with(func() { require.Equal(t, 2, g.logins) })
}

// Many callers with a wrong password make one attempt while they wait for each
// other, and none of their errors tells the password.
func TestWrongPasswordIsTriedOnceByThoseWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		attempts, hold := 0, make(chan struct{})
		c, err := scaleio.New(scaleio.Options{
			Endpoint: "http://gateway", Password: redact.New("Wrong-Pass-1"), Timeout: time.Hour,
			HTTPTransport: transport(func(*http.Request) *http.Response {
				attempts++
				<-hold
				w := httptest.NewRecorder()
				refuse(w, 401, 0, "Unauthorized")
				return w.Result()
			}),
		})
		require.NoError(t, err)
		failed := make(chan error, 4)
		for range 4 {
			go func() {
				_, err := c.Systems(t.Context())
				failed <- err
			}()
		}
		synctest.Wait() // one is at the gateway, three wait for it
		close(hold)
		for range 4 {
			err := <-failed
			require.True(t, scaleio.IsUnauthorized(err), "%v", err)
			require.False(t, scaleio.IsAmbiguous(err), "nothing was done")
			require.NotContains(t, err.Error(), "Wrong-Pass-1")
		}
		require.Equal(t, 1, attempts)
		require.True(t, scaleio.IsUnauthorized(c.Login(t.Context())))
		require.Equal(t, 2, attempts, "who comes later tries again")
	})
}

// transport answers requests without a network.
type transport func(*http.Request) *http.Response

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r), nil }

// A caller that gives up while another one's login hangs returns at once.
func TestWaitingForALoginEndsWithItsContext(t *testing.T) {
	g := newGateway(t)
	c := g.client(t)
	entered, hold := make(chan struct{}), make(chan struct{})
	g.once("/api/login", func(w http.ResponseWriter, r *http.Request) {
		close(entered)
		<-hold
		g.serve(w, r)
	})
	patient := make(chan error, 1)
	go func() { patient <- c.Login(short(t)) }()
	<-entered
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := c.Login(ctx)
	require.ErrorIs(t, err, context.Canceled)
	require.True(t, scaleio.IsUnreachable(err))
	close(hold)
	require.NoError(t, <-patient)
}

// The failure of a caller that gave up is not the failure of those who wait.
func TestSomebodyElsesDeadlineIsNotMine(t *testing.T) {
	g := newGateway(t)
	c := g.client(t)
	entered := make(chan struct{})
	g.once("/api/login", func(_ http.ResponseWriter, r *http.Request) {
		close(entered)
		<-r.Context().Done()
	})
	impatient, cancel := context.WithCancel(t.Context())
	gaveUp, patient := make(chan error, 1), make(chan error, 1)
	go func() { gaveUp <- c.Login(impatient) }()
	<-entered
	go func() { patient <- c.Login(short(t)) }()
	cancel()
	require.ErrorIs(t, <-gaveUp, context.Canceled)
	require.NoError(t, <-patient)
}

func TestTokensArePresentedAsTheVersionWants(t *testing.T) {
	for _, test := range []struct {
		name, version, scheme string
	}{
		{"the first gateways take the token as a password", "2.0", "Basic "},
		{"the last of them too", "3.6", "Basic "},
		{"the management platform takes bearer tokens", "4.5", "Bearer "},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := newGateway(t)
			g.version = test.version
			c := g.client(t)
			_, err := c.ProtectionDomains(short(t))
			require.NoError(t, err)
			v, err := c.Version(short(t))
			require.NoError(t, err)
			require.Equal(t, test.version, v.String())
			g.with(func() {
				require.True(t, strings.HasPrefix(g.authorizations[len(g.authorizations)-1], test.scheme))
			})
			require.NoError(t, c.Logout(short(t)))
		})
	}
}

// Version 5 has other storage objects; guessing would do harm.
func TestVersion5IsRefusedPolitely(t *testing.T) {
	g := newGateway(t)
	g.version = "5.0"
	_, err := g.client(t).Systems(short(t))
	var unsupported *scaleio.UnsupportedVersionError
	require.ErrorAs(t, err, &unsupported)
	require.Contains(t, err.Error(), "2.0 to 4.x")
}

func TestLogoutEndsTheToken(t *testing.T) {
	g := newGateway(t)
	c := g.client(t)
	require.NoError(t, c.Logout(short(t)), "there is none yet")
	require.NoError(t, c.Login(short(t)))
	require.NoError(t, c.Logout(short(t)))
	g.with(func() { require.Empty(t, g.tokens) })
	_, err := c.Systems(short(t))
	require.NoError(t, err, "it logs in again")
}

func TestErrorsSayWhatToDoNext(t *testing.T) {
	answer := func(status, code int, text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { refuse(w, status, code, text) }
	}
	page := func(status int, text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(text))
		}
	}
	type verdict struct{ notFound, exists, unreachable, ambiguous bool }
	for _, test := range []struct {
		name   string
		answer http.HandlerFunc
		want   verdict
	}{
		{"a name in use is there already", answer(500, 141, "Protection Domain name already in use. Please try a different name."), verdict{exists: true}},
		{"the code drifted but the text is right", answer(500, 999, "An MDM with the same IP address already exists."), verdict{exists: true}},
		{"the MDM knows no such object", answer(500, 142, "Could not find Protection Domain"), verdict{notFound: true}},
		{"a refusal for another reason", answer(500, 61, "This operation violates spare policy"), verdict{}},
		{"a starting web server says nothing about objects", page(404, "<html>404 Not Found</html>"), verdict{unreachable: true, ambiguous: true}},
		{"nor does its JSON", answer(404, 0, "Not Found"), verdict{unreachable: true, ambiguous: true}},
		{"a gateway without MDM", answer(503, 0, "MDM unreachable"), verdict{unreachable: true, ambiguous: true}},
		{"a stack trace may come after the effect", page(500, "java.lang.NullPointerException"), verdict{unreachable: true, ambiguous: true}},
		{"the MDM's timeout may come after the effect", answer(500, 68, "A timeout occurred"), verdict{ambiguous: true}},
		{"a broken connection", reset, verdict{unreachable: true, ambiguous: true}},
		{"an answer without an id", page(200, `{}`), verdict{ambiguous: true}},
		{"an answer that is no JSON", page(200, `<html>`), verdict{ambiguous: true}},
		{"an answer cut off", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte(`{"id":"00`))
		}, verdict{unreachable: true, ambiguous: true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := newGateway(t)
			c := g.client(t)
			require.NoError(t, c.Login(short(t)))
			// A read is never ambiguous: the creation is what is looked at, so
			// the second question fails the same way.
			asked := 0
			g.once(domains, func(w http.ResponseWriter, r *http.Request) { asked++; reply(w, []any{}) })
			g.once(domains, test.answer)
			g.once(domains, func(w http.ResponseWriter, r *http.Request) { asked++; reply(w, []any{}) })
			_, err := c.EnsureProtectionDomain(short(t), "pd")
			require.Error(t, err)
			require.Equal(t, test.want, verdict{
				scaleio.IsNotFound(err), scaleio.IsAlreadyExists(err), scaleio.IsUnreachable(err), scaleio.IsAmbiguous(err),
			}, "%v", err)
			want := 1
			if test.want.exists || test.want.ambiguous {
				want = 2
			}
			require.Equal(t, want, asked, "asks again only where it may be there")
		})
	}
}

func TestErrorTextIsForOperators(t *testing.T) {
	g := newGateway(t)
	c := g.client(t)
	g.once(domains, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(500)
		reply(w, map[string]any{
			"message": "Error with details", "httpStatusCode": 500, "errorCode": 0,
			"details": []any{map[string]any{"error": "NO_PERMISSIONS", "rc": 168, "errorMessage": "You do not have permission"}},
		})
	})
	_, err := c.ProtectionDomains(short(t))
	require.EqualError(t, err, "list protection domains: Error with details (You do not have permission) (HTTP 500, code 168)")
	require.True(t, scaleio.IsForbidden(err))
	require.False(t, scaleio.IsAmbiguous(err))
}

// A proxy that echoes the request must not bring the token into a log.
func TestSecretsAreMaskedInErrors(t *testing.T) {
	g := newGateway(t)
	c := g.client(t)
	require.NoError(t, c.Login(short(t)))
	g.once(domains, func(w http.ResponseWriter, r *http.Request) {
		_, token, _ := r.BasicAuth()
		w.WriteHeader(502)
		_, _ = w.Write([]byte("bad gateway: " + token + " " + password))
	})
	_, err := c.ProtectionDomains(short(t))
	require.ErrorContains(t, err, "bad gateway: [redacted] [redacted]")
}

func TestSlowGatewayIsGivenUp(t *testing.T) {
	g := newGateway(t)
	c := g.client(t, func(o *scaleio.Options) { o.Timeout = time.Second })
	require.NoError(t, c.Login(short(t)))
	g.once(domains, func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	_, err := c.ProtectionDomains(short(t))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.True(t, scaleio.IsUnreachable(err))
	require.False(t, scaleio.IsAmbiguous(err), "a query changes nothing")
}

func TestHugeAnswerIsNotRead(t *testing.T) {
	g := newGateway(t)
	c := g.client(t, func(o *scaleio.Options) { o.MaxResponse = 100 })
	require.NoError(t, c.Login(short(t)))
	g.once(domains, func(w http.ResponseWriter, r *http.Request) { reply(w, strings.Repeat("x", 1000)) })
	_, err := c.ProtectionDomains(short(t))
	require.ErrorContains(t, err, "longer than 100 bytes")
}

// The token would go wherever the answer points.
func TestRedirectsAreNotFollowed(t *testing.T) {
	g := newGateway(t)
	c := g.client(t)
	require.NoError(t, c.Login(short(t)))
	visited := false
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { visited = true }))
	defer other.Close()
	g.once(domains, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
	})
	_, err := c.ProtectionDomains(short(t))
	require.ErrorContains(t, err, "HTTP 307")
	require.False(t, visited)
}

func TestNobodyListens(t *testing.T) {
	g := newGateway(t)
	g.Close()
	_, err := g.client(t).EnsureProtectionDomain(short(t), "pd")
	require.True(t, scaleio.IsUnreachable(err), "%v", err)
	require.False(t, scaleio.IsAmbiguous(err), "nothing was sent")
}

func TestCertificates(t *testing.T) {
	g := newGateway(t)
	secure := httptest.NewUnstartedServer(g)
	secure.Config.ErrorLog = log.New(io.Discard, "", 0) // refused handshakes are what is tested
	secure.StartTLS()
	defer secure.Close()
	certificate := secure.Certificate()
	pool := x509.NewCertPool()
	pool.AddCert(certificate)
	file := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw})
	require.NoError(t, os.WriteFile(file, text, 0o600))
	for _, test := range []struct {
		name   string
		change func(*scaleio.Options)
		ok     bool
	}{
		{"an unknown certificate is refused", func(*scaleio.Options) {}, false},
		{"a given one is trusted", func(o *scaleio.Options) { o.CA = pool }, true},
		{"one from a file too", func(o *scaleio.Options) { o.CAFile = file }, true},
		{"its other name may be asked for", func(o *scaleio.Options) { o.CA, o.ServerName = pool, "example.com" }, true},
		{"a name that it does not bear is refused", func(o *scaleio.Options) { o.CA, o.ServerName = pool, "gateway.invalid" }, false},
		{"insecure takes any", func(o *scaleio.Options) { o.Insecure = true }, true},
		{"old ciphers do not exclude new ones", func(o *scaleio.Options) { o.CA, o.OldCiphers = pool, true }, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := g.client(t, func(o *scaleio.Options) { o.Endpoint = secure.URL + "/api/" }, test.change)
			err := c.Login(short(t))
			if test.ok {
				require.NoError(t, err)
				return
			}
			require.True(t, scaleio.IsUnreachable(err), "%v", err)
			require.ErrorContains(t, err, "certificate")
		})
	}
}

func TestOptionsAreChecked(t *testing.T) {
	good := scaleio.Options{Endpoint: "https://127.0.0.1:443", Password: redact.New(password)}
	for _, test := range []struct {
		name   string
		change func(*scaleio.Options)
		want   string
	}{
		{"no password", func(o *scaleio.Options) { o.Password = redact.Secret{} }, "Password is empty"},
		{"no endpoint", func(o *scaleio.Options) { o.Endpoint = "" }, "https://host:port"},
		{"a bare address", func(o *scaleio.Options) { o.Endpoint = "10.0.0.1" }, "https://host:port"},
		{"another path", func(o *scaleio.Options) { o.Endpoint = "https://h/rest" }, "only the path /api"},
		{"a password in the endpoint", func(o *scaleio.Options) { o.Endpoint = "https://admin:" + password + "@h" }, "holds a user name"},
		{"a broken endpoint with a password", func(o *scaleio.Options) { o.Endpoint = "https://admin:" + password + "@h:%" }, "is not a URL"},
		{"a negative timeout", func(o *scaleio.Options) { o.Timeout = -1 }, "Timeout"},
		{"a negative size", func(o *scaleio.Options) { o.MaxResponse = -1 }, "MaxResponse"},
		{"two authorities", func(o *scaleio.Options) { o.CA, o.CAFile = x509.NewCertPool(), "f" }, "CA and CAFile"},
		{"trust and no trust", func(o *scaleio.Options) { o.CA, o.Insecure = x509.NewCertPool(), true }, "contradicts"},
		{"a file that is not there", func(o *scaleio.Options) { o.CAFile = "/nowhere" }, "CAFile"},
		{"a file without certificates", func(o *scaleio.Options) { o.CAFile = os.DevNull }, "no certificate"},
		{"a transport and a name", func(o *scaleio.Options) { o.HTTPTransport, o.ServerName = http.DefaultTransport, "x" }, "excludes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := good
			test.change(&o)
			_, err := scaleio.New(o)
			require.ErrorContains(t, err, test.want)
			require.NotContains(t, err.Error(), password)
		})
	}
	c, err := scaleio.New(good)
	require.NoError(t, err)
	require.Equal(t, "https://127.0.0.1:443", c.Endpoint())
}
