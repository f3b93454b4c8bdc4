package zkconn_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/redact"
	"scaleio-framework/internal/zkconn"
	"scaleio-framework/internal/zkconn/zktest"
)

func TestDigestKeepsOthersOutAndSurvivesAReconnect(t *testing.T) {
	server, root, ctx := zktest.Start(t), zktest.Root(t), testContext(t)
	proxy := zktest.StartProxy(t, server.Addr(0))
	owner := dial(t, []string{proxy.Addr()}, root+"/mine", func(o *zkconn.Options) {
		o.DigestUser, o.DigestPassword = "sio", redact.New("s3cret")
	})
	_, err := owner.Create(ctx, "/x", []byte("1"), zkconn.Persistent)
	require.NoError(t, err)

	stranger := dial(t, []string{server.Addr(0)}, root, nil)
	_, _, err = stranger.Get(ctx, "/mine/x")
	require.ErrorIs(t, err, zkconn.ErrNoAuth)
	_, err = stranger.Set(ctx, "/mine/x", nil, -1)
	require.ErrorIs(t, err, zkconn.ErrNoAuth)
	_, err = stranger.Create(ctx, "/beside", nil, zkconn.Persistent)
	require.NoError(t, err, "the parents of a root stay open for other roots")

	_, changed := owner.State()
	proxy.Cut()
	<-changed
	data, _, err := owner.Get(ctx, "/x")
	require.NoError(t, err, "the credentials are sent again")
	require.Equal(t, "1", string(data))
}

func TestTLSVerifiesTheHostThatWasDialed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files, pool := certificate(t, dir, net.IPv4(127, 0, 0, 1))
	server := zktest.StartOwn(t, zktest.Options{TLS: files})
	conn := dial(t, []string{server.SecureAddr(0)}, zktest.Root(t), func(o *zkconn.Options) {
		o.TLS = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	})
	_, err := conn.Create(testContext(t), "/x", nil, zkconn.Ephemeral)
	require.NoError(t, err)
	require.Equal(t, 4*time.Second, conn.NegotiatedTimeout())

	for says, config := range map[string]*tls.Config{
		"an authority nobody knows":      {RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12},
		"a name the certificate has not": {RootCAs: pool, ServerName: "elsewhere", MinVersion: tls.VersionTLS12},
	} {
		t.Run(says, func(t *testing.T) {
			// Dial tries for as long as it may: until it has complained.
			ctx, cancel := context.WithCancel(testContext(t))
			defer cancel()
			log := hclog.New(&hclog.LoggerOptions{Level: hclog.Debug, Output: writer(func(line []byte) {
				if bytes.Contains(line, []byte("certificate")) {
					cancel()
				}
			})})
			_, err := zkconn.Dial(ctx, zkconn.Options{Servers: []string{server.SecureAddr(0)}, TLS: config, Logger: log})
			require.ErrorIs(t, err, zkconn.ErrDisconnected)
			require.ErrorContains(t, err, "certificate", "the last reason is told")
		})
	}
}

// writer is told what is written.
type writer func(data []byte)

func (w writer) Write(data []byte) (int, error) {
	w(data)
	return len(data), nil
}

// certificate makes a self-signed certificate in the files ZooKeeper wants.
func certificate(t *testing.T, dir string, ip net.IP) (*zktest.TLSFiles, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "zookeeper"}, IPAddresses: []net.IP{ip},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})

	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o755), "the server runs as nobody")
	files := &zktest.TLSFiles{KeyStore: filepath.Join(dir, "ks.pem"), TrustStore: filepath.Join(dir, "ts.pem")}
	require.NoError(t, os.WriteFile(files.KeyStore, append(keyPEM, certPEM...), 0o644))
	require.NoError(t, os.WriteFile(files.TrustStore, certPEM, 0o644))
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return files, pool
}
