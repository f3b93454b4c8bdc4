package leader_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/redact"
	"scaleio-framework/internal/zkconn"
	"scaleio-framework/leader"
)

func TestATreeThatNoServerGivesIsNoEndOfTheTerm(t *testing.T) {
	s := newScene(t)
	term, proxy := s.proxied("a", 10*time.Second)
	proxy.Block()
	short, cancel := context.WithTimeout(s.ctx, 200*time.Millisecond)
	defer cancel()
	_, err := term.Tree(short)
	require.ErrorIs(t, err, leader.ErrSuspended)
	require.NoError(t, term.Err())
	proxy.Unblock()
	require.NoError(t, term.Recover(s.ctx))
	_, err = term.Tree(s.ctx)
	require.NoError(t, err)
}

func TestATreeThatMayNotBeReadIsARefusalThatNamesTheZnode(t *testing.T) {
	s := newScene(t)
	term := s.elect("a", s.server, 4*time.Second)
	foreign, err := zkconn.Dial(s.ctx, zkconn.Options{
		Servers: []string{s.server}, Root: s.root, DigestUser: "somebody", DigestPassword: redact.New("else"),
	})
	require.NoError(t, err)
	defer foreign.Close()
	order, err := foreign.Create(s.ctx, leader.PathOrders+"/", nil, zkconn.Sequential)
	require.NoError(t, err)
	tree, err := term.Tree(s.ctx)
	require.NoError(t, err, "one order in the way of all")
	require.NotContains(t, tree, order)

	_, err = foreign.Create(s.ctx, leader.PathNodes+"/a", nil, zkconn.Persistent)
	require.NoError(t, err)
	_, err = term.Tree(s.ctx)
	require.ErrorIs(t, err, leader.ErrRefused)
	require.ErrorContains(t, err, leader.PathNodes+"/a")
	code, _ := leader.ExitCode(err)
	require.Equal(t, 4, code)
}

func TestAClientSeesWhatIsStored(t *testing.T) {
	s := newScene(t)
	client, err := leader.Open(s.ctx, zkconn.Options{Servers: []string{s.server}, Root: s.root})
	require.NoError(t, err)
	defer client.Close()
	_, known, err := client.Leader(s.ctx)
	require.NoError(t, err)
	require.False(t, known)
	_, err = client.Tree(s.ctx)
	require.ErrorContains(t, err, "no framework has stored anything there")

	term := s.elect("a", s.server, 4*time.Second)
	first, second := leader.PathGrowth+"/first", leader.PathGrowth+"/second"
	_, err = term.Commit(s.ctx, leader.Create(first, []byte("1")), leader.Create(second, nil))
	require.NoError(t, err)
	tree, err := client.Tree(s.ctx)
	require.NoError(t, err)
	require.Equal(t, "1", string(tree[first].Data))
	_, err = term.Commit(s.ctx, leader.Delete(first, tree[first].Version))
	require.NoError(t, err)
	tree, err = client.Tree(s.ctx)
	require.NoError(t, err)
	require.NotContains(t, tree, first)
	require.Contains(t, tree, second)
}
