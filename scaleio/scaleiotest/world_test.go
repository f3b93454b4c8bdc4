package scaleiotest_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/scaleio/scaleiotest"
)

const (
	password = "Scaleio-12"
	disk100  = 100 << 30
)

// world is a System with a clock that stands still until it is told.
type world struct {
	*scaleiotest.System
	t   *testing.T
	now time.Time
}

func newWorld(t *testing.T, o scaleiotest.Options) *world {
	t.Helper()
	w := &world{t: t, now: time.Unix(1_700_000_000, 0)}
	o.Now = func() time.Time { return w.now }
	s, err := scaleiotest.New(o)
	require.NoError(t, err)
	w.System = s
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return w
}

// bootstrapped is a world of n hosts with two disks each that holds a pool.
func bootstrapped(t *testing.T, o scaleiotest.Options, n int) *world {
	t.Helper()
	w := newWorld(t, o)
	require.NoError(t, w.Bootstrap(scaleiotest.BootstrapSpec{Hosts: scaleiotest.Hosts(n, 2, disk100), Storage: true, Name: "scaleio"}))
	return w
}

// run runs a tool on a host; KEY=value arguments in front are environment.
func (w *world) run(host, tool string, args ...string) scaleiotest.ToolReply {
	w.t.Helper()
	env := map[string]string{}
	for len(args) > 0 && strings.Contains(args[0], "=") && !strings.HasPrefix(args[0], "-") {
		k, v, _ := strings.Cut(args[0], "=")
		env[k] = v
		args = args[1:]
	}
	reply, err := w.RunTool(context.Background(), scaleiotest.ToolRequest{Host: host, Tool: tool, Args: args, Dir: "/", Env: env})
	require.NoError(w.t, err)
	return reply
}

// ok runs a tool that must succeed and returns what it printed.
func (w *world) ok(host, tool string, args ...string) string {
	w.t.Helper()
	r := w.run(host, tool, args...)
	require.Nil(w.t, r.Prompt)
	require.Zero(w.t, r.Exit, "%s %v: %s%s", tool, args, r.Stdout, r.Stderr)
	return r.Stdout
}

// scli runs one scli command line, written as one text.
func (w *world) scli(host, line string) scaleiotest.ToolReply {
	w.t.Helper()
	return w.run(host, "scli", strings.Fields(line)...)
}

func (w *world) scliOK(host, line string) string {
	w.t.Helper()
	return w.ok(host, "scli", strings.Fields(line)...)
}

// refused runs an scli command that the MDM must refuse with the text.
func (w *world) refused(host, line, text string) {
	w.t.Helper()
	r := w.scli(host, line)
	require.Equal(w.t, 7, r.Exit, "%s: %s%s", line, r.Stdout, r.Stderr)
	require.Empty(w.t, r.Stdout, "a refused command prints nothing on stdout")
	require.True(w.t, strings.HasPrefix(r.Stderr, "Error: MDM failed command.  Status: "+text), "%s: %s", line, r.Stderr)
}

// rest is a client of one gateway.
type rest struct {
	t      *testing.T
	url    string
	token  string
	client *http.Client
}

func (w *world) rest(host string) *rest {
	w.t.Helper()
	pool := x509.NewCertPool()
	require.True(w.t, pool.AppendCertsFromPEM(w.CA()))
	c := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}}
	w.t.Cleanup(c.CloseIdleConnections)
	return &rest{t: w.t, url: w.GatewayURL(host), client: c}
}

// handlerTransport hands requests to a handler without a network between.
type handlerTransport struct{ handler http.Handler }

func (h handlerTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	rec := httptest.NewRecorder()
	h.handler.ServeHTTP(rec, r)
	return rec.Result(), nil
}

// direct is a client of a gateway's handler, with a session.
func (w *world) direct(ip string) *rest {
	w.t.Helper()
	c := &rest{t: w.t, url: "http://gateway", client: &http.Client{Transport: handlerTransport{w.Gateway(ip)}}}
	return c.login()
}

// login gives the client a session.
func (c *rest) login() *rest {
	c.t.Helper()
	status, body := c.do("GET", "/api/login", "", "admin", password)
	require.Equal(c.t, 200, status, "%s", body)
	require.NoError(c.t, json.Unmarshal(body, &c.token))
	return c
}

// loggedIn is a client with a session.
func (w *world) loggedIn(host string) *rest {
	w.t.Helper()
	return w.rest(host).login()
}

// try sends a request and gives back an error when the connection broke.
func (c *rest) try(method, path, body, user, pass string) (int, []byte, error) {
	req, err := http.NewRequestWithContext(context.Background(), method, c.url+path, strings.NewReader(body))
	require.NoError(c.t, err)
	req.SetBasicAuth(user, pass)
	res, err := c.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = res.Body.Close() }()
	data, err := io.ReadAll(res.Body)
	return res.StatusCode, data, err
}

func (c *rest) do(method, path, body, user, pass string) (int, []byte) {
	c.t.Helper()
	status, data, err := c.try(method, path, body, user, pass)
	require.NoError(c.t, err)
	return status, data
}

func (c *rest) get(path string) any {
	c.t.Helper()
	status, body := c.do("GET", path, "", "", c.token)
	require.Equal(c.t, 200, status, "%s: %s", path, body)
	return decode(c.t, body)
}

func (c *rest) post(path string, body any) (int, any) {
	c.t.Helper()
	data, err := json.Marshal(body)
	require.NoError(c.t, err)
	status, answer := c.do("POST", path, string(data), "", c.token)
	return status, decode(c.t, answer)
}

// create makes an object and returns its identifier.
func (c *rest) create(kind string, body map[string]any) string {
	c.t.Helper()
	status, answer := c.post("/api/types/"+kind+"/instances", body)
	require.Equal(c.t, 200, status, "%v", answer)
	return answer.(map[string]any)["id"].(string)
}

func decode(t *testing.T, body []byte) any {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var v any
	require.NoError(t, dec.Decode(&v), "%s", body)
	return v
}

// one finds the object of a type with a name.
func (c *rest) one(kind, name string) map[string]any {
	c.t.Helper()
	for _, o := range c.get("/api/types/" + kind + "/instances").([]any) {
		if m := o.(map[string]any); m["name"] == name {
			return m
		}
	}
	require.Fail(c.t, "no such object", "%s %s", kind, name)
	return nil
}

// hosts lays out n hosts with directories and attaches them.
func (w *world) hosts(n int, system scaleiotest.OS, disks ...scaleiotest.Disk) []string {
	w.t.Helper()
	_, err := w.Serve()
	require.NoError(w.t, err)
	roots := make([]string, 0, n)
	for i := range n {
		spec := scaleiotest.HostSpec{Hostname: fmt.Sprintf("host%d", i+1), IP: fmt.Sprintf("127.0.1.%d", 11+i), OS: system, Disks: disks}
		root := filepath.Join(w.t.TempDir(), spec.Hostname)
		require.NoError(w.t, os.MkdirAll(root, 0o755))
		require.NoError(w.t, scaleiotest.PrepareHost(root, spec))
		require.NoError(w.t, w.AttachHost(root, spec.Hostname, spec.IP))
		roots = append(roots, root)
	}
	return roots
}
