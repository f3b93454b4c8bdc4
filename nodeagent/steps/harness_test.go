package steps_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
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

	"github.com/hashicorp/go-hclog"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"scaleio-framework/internal/freeport"
	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/internal/redact"
	"scaleio-framework/nodeagent/agentrestart"
	"scaleio-framework/nodeagent/hostfs"
	"scaleio-framework/nodeagent/journal"
	"scaleio-framework/nodeagent/runner"
	"scaleio-framework/nodeagent/steps"
	"scaleio-framework/scaleio/scaleiotest"
	"scaleio-framework/test/programs"
)

const (
	adminPassword   = "Scaleio-12"
	liaToken        = "Lia-Token-9"
	gatewayPassword = "Gateway-77"
	p12Password     = "Login-File-5"
	version         = "2.6-11000.113"
	user            = "admin"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) { programs.Remove(); os.Exit(code) }))
}

// world is a ScaleIO system with hosts that node agents work on.
type world struct {
	*scaleiotest.System
	t       *testing.T
	tools   string
	sources []string
	files   string
	mesos   string // the version of the Mesos agents
	network *freeport.Network
	version string // of the packages
	agent   string // where they answer
}

func newWorld(t *testing.T, o scaleiotest.Options) *world {
	t.Helper()
	o.Ports = true
	if o.Version == "" {
		o.Version = version
	}
	s, err := scaleiotest.New(o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	_, err = s.Serve()
	require.NoError(t, err)
	w := &world{System: s, t: t, version: o.Version, tools: t.TempDir(), files: t.TempDir(), mesos: "1.12.0"}
	w.network, err = freeport.Claim()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.network.Close()) })
	// Hundreds of tools are started; this test's own program, with the race
	// detector in it, would take most of the processor for that.
	tool := programs.StandIn(t)
	for _, name := range scaleiotest.ToolNames() {
		require.NoError(t, os.Symlink(tool, filepath.Join(w.tools, name)))
	}
	_, err = scaleiotest.WritePackages(filepath.Join(w.files, "packages"), w.version)
	require.NoError(t, err)
	server := httptest.NewServer(http.StripPrefix("/artifacts", http.FileServer(http.Dir(w.files))))
	t.Cleanup(server.Close)
	w.sources = []string{server.URL}
	agent := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(rw, `{"flags":{}}`) // it has recovered, and says nothing more
	}))
	t.Cleanup(agent.Close)
	w.agent = agent.Listener.Addr().String()
	return w
}

// node is a host with what a node agent has there.
type node struct {
	w       *world
	name    string
	ip      string
	root    string
	state   string
	journal *journal.Journal
	host    *steps.Host
}

// ip is the address of a host that is played.
func (w *world) ip(host int) string { return w.network.Address(host) }

func (w *world) node(name, ip string, system scaleiotest.OS) *node {
	w.t.Helper()
	n := &node{w: w, name: name, ip: ip, root: w.t.TempDir(), state: filepath.Join(w.t.TempDir(), "state")}
	require.NoError(w.t, scaleiotest.PrepareHost(n.root, scaleiotest.HostSpec{Hostname: name, IP: ip, OS: system}))
	require.NoError(w.t, w.AttachHost(n.root, name, ip))
	j, err := journal.Open(w.t.Context(), n.state, hclog.NewNullLogger())
	require.NoError(w.t, err)
	w.t.Cleanup(func() { require.NoError(w.t, j.Close()) })
	n.journal = j
	n.host = n.newHost(false)
	return n
}

// newHost wires a host as a node agent's start does; the tools find their host
// by the environment of the test.
func (n *node) newHost(inArgs bool) *steps.Host {
	n.w.t.Setenv(scaleiotest.RootVariable, n.root)
	host, err := steps.NewHost(steps.HostOptions{
		Root:     hostfs.New(n.root),
		Runner:   runner.New(runner.Options{Tools: n.w.tools, Groups: runner.NewGroups(n.journal.GroupsDir())}),
		CacheDir: n.journal.CacheDir(), RestartDir: n.journal.RestartDir(), MesosAgent: agentrestart.Endpoint{Address: n.w.agent}, Pending: n.journal.Pending(), Address: n.ip,
		MesosVersion:       func(context.Context) (string, error) { return n.w.mesos, nil },
		SCLIPasswordInArgs: inArgs, Logger: hclog.NewNullLogger(),
	})
	require.NoError(n.w.t, err)
	return host
}

func secrets() map[string]redact.Secret {
	return map[string]redact.Secret{
		nodeproto.SecretAdminPassword:   redact.New(adminPassword),
		nodeproto.SecretLIAToken:        redact.New(liaToken),
		nodeproto.SecretGatewayPassword: redact.New(gatewayPassword),
		nodeproto.SecretP12Password:     redact.New(p12Password),
	}
}

func (n *node) request(step string, params any) steps.Request {
	n.w.t.Helper()
	raw, err := json.Marshal(params)
	require.NoError(n.w.t, err)
	return steps.Request{Step: step, Params: raw, Secrets: secrets(), Sources: n.w.sources}
}

func (n *node) plan(step string, params any) steps.Plan {
	n.w.t.Helper()
	plan, err := n.host.Prepare(n.request(step, params))
	require.NoError(n.w.t, err)
	return plan
}

// prepare tells why a step cannot even begin.
func (n *node) prepare(step string, params any) error {
	n.w.t.Helper()
	_, err := n.host.Prepare(n.request(step, params))
	return err
}

func (n *node) try(step string, params any) (any, bool, error) {
	n.w.t.Helper()
	ctx, cancel := context.WithTimeout(n.w.t.Context(), 30*time.Second)
	defer cancel()
	return n.plan(step, params).Run(ctx)
}

// twice runs a step that must change something, and again, when it must not.
func (n *node) twice(step string, params any) any {
	n.w.t.Helper()
	first, changed, err := n.try(step, params)
	require.NoError(n.w.t, err, "step %s", step)
	require.True(n.w.t, changed, "step %s had something to do", step)
	again, changed, err := n.try(step, params)
	require.NoError(n.w.t, err, "step %s again", step)
	require.False(n.w.t, changed, "step %s had nothing more to do", step)
	require.Equal(n.w.t, first, again, "step %s gives its result again", step)
	return again
}

// artifact describes a file that the sources serve.
func (w *world) artifact(path string) nodeproto.Artifact {
	w.t.Helper()
	data, err := os.ReadFile(filepath.Join(w.files, path))
	require.NoError(w.t, err)
	sum := sha256.Sum256(data)
	return nodeproto.Artifact{Path: path, SHA256: hex.EncodeToString(sum[:]), Size: int64(len(data))}
}

// component gives the parameters for a ScaleIO package on Ubuntu or el7.
func (w *world) component(name string, system scaleiotest.OS) nodeproto.PackageParams {
	w.t.Helper()
	packages, err := scaleiotest.WritePackages(filepath.Join(w.files, "packages"), w.version)
	require.NoError(w.t, err)
	for _, f := range packages {
		if f.OS == system && f.Component == name {
			path, err := filepath.Rel(w.files, f.Path)
			require.NoError(w.t, err)
			return nodeproto.PackageParams{Component: name, Package: f.Name, Version: w.version, Artifact: w.artifact(path)}
		}
	}
	require.FailNow(w.t, "no such package", "%s for %s", name, system)
	return nodeproto.PackageParams{}
}

// driver writes a stand-in package of the volume driver.
func (w *world) driver(name, version string) nodeproto.DriverPackage {
	w.t.Helper()
	path := filepath.Join("packages", name+"-"+version+".deb")
	text := fmt.Sprintf(`{"format":"scaleio-double-package/1","name":%q,"version":%q}`, name, version)
	require.NoError(w.t, os.WriteFile(filepath.Join(w.files, path), []byte(text), 0o644))
	return nodeproto.DriverPackage{Package: name, Version: version, Artifact: w.artifact(path)}
}

// freePort finds a port of an address that nobody listens on.
func freePort(t *testing.T, ip string) int {
	t.Helper()
	port, err := freeport.Find(ip)
	require.NoError(t, err)
	return port
}

// noSecretIn greps everything below a directory.
func noSecretIn(t *testing.T, dir string, except ...string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		for _, e := range except {
			if strings.HasSuffix(path, e) {
				return nil
			}
		}
		data, err := os.ReadFile(path)
		for _, secret := range []string{adminPassword, liaToken, gatewayPassword, p12Password} {
			require.NotContains(t, string(data), secret, path)
		}
		return err
	}))
}
