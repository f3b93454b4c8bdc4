package zktest

import (
	"context"
	"crypto/rand"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// shared is the server of this test binary: starting one costs a second, so
// tests share it and keep to roots of their own.
var shared struct {
	sync.Mutex
	cluster *Cluster
}

// Start returns the server that all tests of the binary share. Do not freeze,
// kill or close it.
func Start(tb testing.TB) *Cluster {
	tb.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.cluster == nil {
		shared.cluster = launch(tb, Options{})
	}
	return shared.cluster
}

// Exit ends the shared server and the program: give it to goleak.Cleanup in
// TestMain.
func Exit(code int) {
	shared.Lock()
	defer shared.Unlock()
	if shared.cluster != nil {
		shared.cluster.Close()
	}
	os.Exit(code)
}

// StartOwn starts one server for this test alone.
func StartOwn(tb testing.TB, opts Options) *Cluster {
	tb.Helper()
	c := launch(tb, opts)
	tb.Cleanup(c.Close)
	return c
}

// StartEnsemble starts an ensemble for this test alone.
func StartEnsemble(tb testing.TB, servers int) *Cluster {
	tb.Helper()
	return StartOwn(tb, Options{Servers: servers})
}

func launch(tb testing.TB, opts Options) *Cluster {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	c, err := Launch(ctx, opts)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// URL is a zk:// URL with a root that no other test uses. The root does not
// exist yet.
func (c *Cluster) URL(tb testing.TB) string {
	tb.Helper()
	return "zk://" + c.ConnectString() + Root(tb)
}

// Root draws a root of its own for a test, named after it.
func Root(tb testing.TB) string {
	tb.Helper()
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, tb.Name())
	return "/" + name + "-" + strings.ToLower(rand.Text()[:8])
}
