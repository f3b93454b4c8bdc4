package app

import (
	"context"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"scaleio-framework/internal/zkconn"
	"scaleio-framework/internal/zkconn/zktest"
	"scaleio-framework/leader"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, goleak.Cleanup(zktest.Exit)) }

const patience = 20 * time.Second

// root is a framework's place on the shared ZooKeeper, with its layout.
type root struct {
	zk   zkconn.Options
	term *leader.Term
	conn *zkconn.Conn // an operator's zkCli
}

func newRoot(t *testing.T) root {
	t.Helper()
	opts, err := zkconn.ParseURL(zktest.Start(t).URL(t))
	require.NoError(t, err)
	opts.Logger = hclog.NewNullLogger()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	elector, err := leader.New(leader.Options{Conn: opts, Card: leader.Card{Instance: "first", URL: "http://first:1"}})
	require.NoError(t, err)
	term, err := elector.Elect(ctx)
	require.NoError(t, err)
	t.Cleanup(term.Close)
	conn, err := zkconn.Dial(ctx, opts)
	require.NoError(t, err)
	t.Cleanup(conn.Close)
	return root{opts, term, conn}
}
