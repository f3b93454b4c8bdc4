package gateway_test

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"scaleio-framework/internal/clock"
	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/redact"
	"scaleio-framework/scaleio/scaleiotest"
	"scaleio-framework/scheduler/gateway"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const password = "Scaleio-12"

// world is a ScaleIO system with gateways on its two managers, and what a
// performer of ours logs about it.
type world struct {
	*scaleiotest.System
	gateways []model.Gateway
	log      *safeBuffer
}

type safeBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// newWorld makes a cluster of three hosts, with storage or without.
func newWorld(t *testing.T, storage bool, o scaleiotest.Options) world {
	t.Helper()
	s, err := scaleiotest.New(o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	require.NoError(t, s.Bootstrap(scaleiotest.BootstrapSpec{Hosts: scaleiotest.Hosts(3, 2, 200<<30), Password: password, Storage: storage}))
	w := world{System: s, log: &safeBuffer{}}
	for _, host := range []string{"host1", "host2"} {
		url := s.GatewayURL(host)
		w.gateways = append(w.gateways, model.Gateway{Host: host, URL: url, CertificatePEM: certificate(t, url)})
	}
	t.Cleanup(func() { require.NotContains(t, w.log.String(), password, "the log holds the password") })
	return w
}

// certificate is what a node agent sees at its own gateway.
func certificate(t *testing.T, url string) string {
	t.Helper()
	conn, err := tls.Dial("tcp", strings.TrimPrefix(url, "https://"), &tls.Config{InsecureSkipVerify: true})
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close()) }()
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: conn.ConnectionState().PeerCertificates[0].Raw}))
}

// performer makes one as the scheduler does; change adapts the options.
func (w world) performer(t *testing.T, change func(*gateway.Options)) *gateway.Performer {
	t.Helper()
	opts := gateway.Options{
		Username: "admin", Password: redact.New(password), Timeout: 5 * time.Second, Now: clock.Start(),
		Logger: hclog.New(&hclog.LoggerOptions{Level: hclog.Trace, Output: w.log}),
	}
	if change != nil {
		change(&opts)
	}
	p, err := gateway.New(opts)
	require.NoError(t, err)
	t.Cleanup(p.Close)
	return p
}

func call(t *testing.T, gateways []model.Gateway, step string, params any) core.GatewayCall {
	t.Helper()
	raw, err := json.Marshal(params)
	require.NoError(t, err)
	return core.GatewayCall{Host: "h", Step: step, Attempt: 3, Gateways: gateways, Params: raw}
}

// done requires success and returns the result.
func done[T any](t *testing.T, a core.GatewayAnswered) (result T) {
	t.Helper()
	require.Empty(t, a.Err)
	require.False(t, a.Interrupted || a.Hopeless)
	require.NoError(t, json.Unmarshal(a.Result, &result))
	return result
}

var domain = core.ProtectionDomainParams{Name: "pd"}

func device(names ...string) core.AddDevicesParams {
	p := core.AddDevicesParams{SDS: "sds1", ProtectionDomain: "pd", StoragePool: "pool", TestMode: "test-and-activate"}
	for _, name := range names {
		p.Devices = append(p.Devices, core.DeviceParams{Name: "dev-" + name, Path: "/dev/" + name})
	}
	return p
}

func volume(name string) core.VerifyVolumeParams {
	return core.VerifyVolumeParams{Volume: name, ProtectionDomain: "default", StoragePool: "default", SizeGiB: 8, SDCAddress: "127.0.1.13"}
}
