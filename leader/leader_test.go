package leader_test

import (
	"bytes"
	"cmp"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"scaleio-framework/internal/zkconn"
	"scaleio-framework/internal/zkconn/zktest"
	"scaleio-framework/leader"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(zktest.Exit))
}

const patience = 20 * time.Second

func testContext(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	t.Cleanup(cancel)
	return ctx
}

// scene is one framework's root on the shared server, with a session that
// sees, and edits, what is really stored.
type scene struct {
	t       testing.TB
	ctx     context.Context
	server  string
	root    string
	witness *zkconn.Conn
}

func newScene(t testing.TB) *scene {
	server := zktest.Start(t).Addr(0) // the first start takes its time, which is not the test's
	s := &scene{t: t, ctx: testContext(t), server: server, root: zktest.Root(t)}
	witness, err := zkconn.Dial(s.ctx, zkconn.Options{Servers: []string{s.server}, Root: s.root})
	require.NoError(t, err)
	t.Cleanup(witness.Close)
	s.witness = witness
	return s
}

// elector makes a candidate; at is an address of the server or of a proxy.
func (s *scene) elector(name, at string, session time.Duration) *leader.Elector {
	s.t.Helper()
	e, err := leader.New(leader.Options{
		Conn: zkconn.Options{Servers: []string{at}, Root: s.root, SessionTimeout: session},
		Card: leader.Card{Instance: name, URL: "http://" + name, Version: "test", Hostname: "h", PID: 1},
	})
	require.NoError(s.t, err)
	return e
}

// elect makes a leader.
func (s *scene) elect(name, at string, session time.Duration) *leader.Term {
	s.t.Helper()
	term, err := s.elector(name, at, session).Elect(s.ctx)
	require.NoError(s.t, err)
	s.t.Cleanup(term.Close)
	return term
}

func (s *scene) proxied(name string, session time.Duration) (*leader.Term, *zktest.Proxy) {
	s.t.Helper()
	proxy := zktest.StartProxy(s.t, s.server)
	return s.elect(name, proxy.Addr(), session), proxy
}

// candidate runs an election apart; the result comes on the channel.
type election struct {
	term *leader.Term
	err  error
}

func (s *scene) candidate(e *leader.Elector) <-chan election {
	result := make(chan election, 1)
	ctx, cancel := context.WithCancel(s.ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		term, err := e.Elect(ctx)
		if term != nil {
			defer func() { s.t.Cleanup(term.Close) }()
		}
		result <- election{term, err}
	}()
	s.t.Cleanup(func() { cancel(); <-done })
	return result
}

func (s *scene) data(path string) string {
	s.t.Helper()
	data, _, err := s.witness.Get(s.ctx, path)
	require.NoError(s.t, err)
	return string(data)
}

func (s *scene) exists(path string) bool {
	_, yes, err := s.witness.Exists(s.ctx, path)
	require.NoError(s.t, err)
	return yes
}

func (s *scene) edit(path, data string) {
	s.t.Helper()
	require.NoError(s.t, s.witness.EnsurePath(s.ctx, path))
	_, err := s.witness.Set(s.ctx, path, []byte(data), -1)
	require.NoError(s.t, err)
}

// removeAll is zkCli's deleteall of the root, quicker than a candidate.
func (s *scene) removeAll() {
	s.t.Helper()
	var ops []zkconn.Op
	var gather func(parent string)
	gather = func(parent string) {
		names, err := s.witness.Children(s.ctx, cmp.Or(parent, "/"))
		require.NoError(s.t, err)
		for _, name := range names {
			gather(parent + "/" + name)
		}
		ops = append(ops, zkconn.DeleteOp(cmp.Or(parent, "/"), -1))
	}
	gather("")
	_, err := s.witness.Multi(s.ctx, ops...)
	require.NoError(s.t, err)
}

func mentioning(text string) func(zktest.Request) bool {
	return func(r zktest.Request) bool { return r.Op == zktest.OpMulti && bytes.Contains(r.Body, []byte(text)) }
}

func electing(r zktest.Request) bool {
	return r.Op == zktest.OpMulti && strings.Contains(string(r.Body), leader.PathLeader)
}
