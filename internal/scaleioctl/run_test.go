package scaleioctl_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/redact"
	"scaleio-framework/internal/scaleioctl"
	"scaleio-framework/internal/zkconn"
	"scaleio-framework/internal/zkconn/zktest"
	"scaleio-framework/leader"
)

func TestAWrongCommandLineIsExplained(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"", "no command given"},
		{"explode", `unknown command "explode"`},
		{"plan explode", `plan takes no "explode"`},
		{"plan retry", "plan retry takes the name of one step"},
		{"plan retry a b", "plan retry takes the name of one step"},
		{"status now", `status takes no "now"`},
		{"--colour status", "flag provided but not defined: -colour"},
		{"status --interval=0s", "--interval and --timeout must be more than 0"},
		{"plan pause --watch", "--watch does not go with plan pause"},
		{"plan pause --host h1", "--host does not go with plan pause"},
		{"status", "which scheduler? give --url (SIO_URL) of any of them, or --zk (SIO_ZK)"},
		{"status --watch", "which scheduler? give --url"},
		{"pools now", `pools takes no "now"`},
		{"growth show", "growth show takes the id of one growth"},
		{"growth preview a b", "growth preview takes one pool as DOMAIN/POOL"},
		{"growth approve", "growth approve takes the id of one growth"},
		{"growth delete-orphan", "growth delete-orphan takes the id of one volume"},
		{"growth approve g --watch", "--watch does not go with growth approve"},
		{"growth approve g --size 8", "--size does not go with growth approve"},
		{"drill", "drill takes abdicate or report"},
		{"drill explode", `drill takes abdicate or report, not "explode"`},
		{"state", "state takes dump"},
		{"plan forget-host", "plan forget-host takes --host with the name of one host"},
		{"drill abdicate now", `drill abdicate takes no "now"`},
		{"drill abdicate --watch", "--watch does not go with drill abdicate"},
		{"drill report --force", "--force does not go with drill report"},
		{"drill abdicate --within=0s", "--within must be more than 0"},
		{"growth request a/b --size -8", "--size must be 0 or more GiB"},
		{"status --url ftp://x", "--url is no address of a scheduler: want http://host:port"},
		{"status --url http://me:Secret1@x", "--url is no address of a scheduler: want http://host:port"},
		{"status --zk http://x", "--zk: zookeeper URL does not start with zk://"},
		{"state dump --zk zk://me:Secret1@127.0.0.1:1/x", "--zk holds a password, which everyone on the host can read"},
		{"state dump --zk zk://127.0.0.1:1/x --zk.user me", "--zk.user and SIO_ZK_PASSWORD go together"},
		{"state dump --zk zk://127.0.0.1:1/x --zk.tls --zk.tls.ca /no/ca.pem", "--zk.tls.ca: open /no/ca.pem"},
		{"state dump", "where is ZooKeeper? give --zk or SIO_ZK"},
	} {
		got := run(t, nil, strings.Fields(c.args)...)
		require.Equal(t, scaleioctl.ExitMisused, got.code, c.args)
		require.Contains(t, got.err, "scaleioctl: "+c.want, c.args)
		require.True(t, strings.HasSuffix(got.err, "; scaleioctl --help shows the commands\n"), got.err)
		require.Equal(t, 1, strings.Count(got.err, "\n"), "one line")
		require.NotContains(t, got.err, "Secret1")
		require.Empty(t, got.out)
	}
	got := run(t, []string{"SIO_ZK_PASSWORD_FILE=/no/such"}, "version")
	require.Equal(t, scaleioctl.ExitMisused, got.code)
	require.Contains(t, got.err, "SIO_ZK_PASSWORD_FILE: open /no/such")
}

func TestHelpAndVersionNeedNobody(t *testing.T) {
	got := run(t, nil, "--help")
	require.Zero(t, got.code)
	for _, want := range []string{"plan retry STEP", "leader abdicate", "drill abdicate", "state dump", "-url", "-zk", "-json", "-watch", "-timeout"} {
		require.Contains(t, got.out, want)
	}
	require.NotEmpty(t, run(t, nil, "version").out)
	require.Regexp(t, `^\{\n  "version": ".+"\n\}\n$`, run(t, nil, "version", "--json").out)
}

func TestNobodyAnswers(t *testing.T) {
	address := strings.TrimPrefix(nobody(t), "http://")
	got := run(t, nil, "status", "--url", address)
	require.Equal(t, scaleioctl.ExitFailed, got.code)
	require.Contains(t, got.err, "connection refused (is the URL right, and does that scheduler run? --zk finds the leader by itself)")

	s := start(t, nil)
	s.vanish()
	got = run(t, nil, "status", "--url", s.url)
	require.Equal(t, scaleioctl.ExitFailed, got.code)
	require.Contains(t, got.err, "says: no scheduler leads at the moment; try again")

	got = run(t, nil, "status", "--zk", "zk://"+address+"/x", "--timeout=300ms")
	require.Equal(t, scaleioctl.ExitFailed, got.code)
	require.Contains(t, got.err, "reach ZooKeeper at "+address)
}

func TestAnInterruptedCommandFails(t *testing.T) {
	s := start(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	got := runUntil(ctx, nil, "plan", "pause", "--url", s.url)
	require.Equal(t, scaleioctl.ExitFailed, got.code, "the order may not have been given")
	require.Contains(t, got.err, "scaleioctl: interrupted: ")
}

func TestTheLeaderIsFoundThroughZooKeeper(t *testing.T) {
	zkURL := zktest.Start(t).URL(t)
	got := run(t, nil, "status", "--zk", zkURL)
	require.Equal(t, scaleioctl.ExitFailed, got.code)
	require.Contains(t, got.err, "no scheduler leads at the moment: the next one takes over within the session timeout; if none does, see that /")
	require.Contains(t, got.err, " is the path of the schedulers' --zk, that the Marathon app runs, and what the last line of its tasks' stderr says")

	s := start(t, nil)
	lead(t, zkURL, s.url)
	got = run(t, []string{"SIO_ZK=" + zkURL}, "status")
	require.Zero(t, got.code, got.err)
	require.Contains(t, got.out, "sio-a")
}

func TestARefusalOfZooKeeperNamesWhatToGive(t *testing.T) {
	zkURL := zktest.Start(t).URL(t)
	opts, err := zkconn.ParseURL(zkURL)
	require.NoError(t, err)
	opts.DigestUser, opts.DigestPassword = "me", redact.New("Right-Secret7")
	elector, err := leader.New(leader.Options{Conn: opts, Card: leader.Card{Instance: "sio-a", URL: "http://x"}})
	require.NoError(t, err)
	term, err := elector.Elect(t.Context())
	require.NoError(t, err)
	t.Cleanup(term.Close)
	for _, env := range [][]string{nil, {"SIO_ZK_USER=me", "SIO_ZK_PASSWORD=Wrong-Secret7"}} {
		for _, args := range [][]string{{"state", "dump"}, {"status"}, {"framework", "reset"}} {
			got := run(t, env, append(args, "--zk", zkURL)...)
			require.Equal(t, scaleioctl.ExitFailed, got.code, "%v", args)
			require.Contains(t, got.err, "not authorised by ZooKeeper: give --zk.user and SIO_ZK_PASSWORD_FILE or SIO_ZK_PASSWORD as the schedulers have them", "%v", args)
			require.NotContains(t, got.err, "Secret7")
		}
	}
}

func TestADumpHoldsEveryZnodeAndNoSecret(t *testing.T) {
	zkURL := zktest.Start(t).URL(t)
	got := run(t, nil, "state", "dump", "--zk", zkURL)
	require.Equal(t, scaleioctl.ExitFailed, got.code)
	require.Contains(t, got.err, "no framework has stored anything there")

	const secret = "Digest-Secret7"
	file := filepath.Join(t.TempDir(), "password")
	require.NoError(t, os.WriteFile(file, []byte(secret+"\n"), 0o600))
	lead(t, zkURL, "http://x", leader.Create("/framework", []byte(`{"id":"f"}`)), leader.Create("/cluster", []byte("{ broken by hand")))
	got = run(t, []string{"SIO_ZK_PASSWORD_FILE=" + file}, "state", "dump", "--zk", zkURL, "--zk.user", "me")
	require.Zero(t, got.code, got.err)
	var dump map[string]struct {
		Version int32
		Data    json.RawMessage
		Text    string
	}
	require.NoError(t, json.Unmarshal([]byte(got.out), &dump))
	require.JSONEq(t, `{"id":"f"}`, string(dump["/framework"].Data))
	require.Equal(t, "{ broken by hand", dump["/cluster"].Text, "what is no JSON is kept as it is")
	require.Contains(t, dump, "/epoch")
	require.NotContains(t, got.out+got.err, secret)
}

func TestZooKeeperIsReachedByTLS(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o755), "the server runs as nobody")
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "zookeeper"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	files := &zktest.TLSFiles{KeyStore: filepath.Join(dir, "ks.pem"), TrustStore: filepath.Join(dir, "ts.pem")}
	require.NoError(t, os.WriteFile(files.KeyStore, append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), cert...), 0o644))
	require.NoError(t, os.WriteFile(files.TrustStore, cert, 0o644))
	server := zktest.StartOwn(t, zktest.Options{TLS: files})

	root := zktest.Root(t)
	lead(t, "zk://"+server.Addr(0)+root, "http://x")
	env := []string{"SIO_ZK=zk://" + server.SecureAddr(0) + root, "SIO_ZK_TLS=true", "SIO_ZK_TLS_CA=" + files.TrustStore}
	got := run(t, env, "state", "dump")
	require.Zero(t, got.code, got.err)
	require.Contains(t, got.out, `"/epoch"`)
}

// screen collects what a watch draws.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func TestAWatchOutlivesTheLeaderAndEndsWhenInterrupted(t *testing.T) {
	s := start(t, nil)
	for _, args := range [][]string{{"status", "--watch"}, {"status", "--watch", "--json"}} {
		s.mu.Lock()
		s.gone = false
		s.mu.Unlock()
		ctx, cancel := context.WithCancel(t.Context())
		var out, errs screen
		code := make(chan int)
		go func() {
			code <- scaleioctl.Run(ctx, append(args, "--interval=10ms", "--url", s.url), scaleioctl.World{Out: &out, Err: &errs, Terminal: true})
		}()
		require.Eventually(t, func() bool { return strings.Count(out.String(), "sio-a") > 3 }, 20*time.Second, 5*time.Millisecond)
		s.vanish()
		require.Eventually(t, func() bool { return strings.Contains(out.String()+errs.String(), "no scheduler leads") }, 20*time.Second, 5*time.Millisecond)
		cancel()
		require.Zero(t, <-code)
		if len(args) == 2 {
			require.True(t, strings.HasPrefix(out.String(), "\x1b[H\x1b[2J"), "a terminal is redrawn")
			continue
		}
		var first map[string]any
		require.NoError(t, json.NewDecoder(strings.NewReader(out.String())).Decode(&first), "programs get JSON and nothing else")
		require.NotContains(t, out.String(), "\x1b")
	}
}

func FuzzCommandLine(f *testing.F) {
	f.Add("plan retry x --host h")
	f.Add("--url=http://127.0.0.1:1 status --json")
	f.Add("-- - --watch")
	f.Fuzz(func(t *testing.T, line string) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // nobody is asked
		got := runUntil(ctx, nil, strings.Fields(line)...)
		require.Contains(t, []int{scaleioctl.ExitOK, scaleioctl.ExitFailed, scaleioctl.ExitMisused}, got.code)
		if got.code != scaleioctl.ExitOK {
			require.NotEmpty(t, got.err)
		}
	})
}
