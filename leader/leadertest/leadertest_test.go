package leadertest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"scaleio-framework/internal/zkconn"
	"scaleio-framework/internal/zkconn/zktest"
	"scaleio-framework/leader"
	"scaleio-framework/leader/leadertest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(zktest.Exit))
}

// term is what both leaders offer.
type term interface {
	Commit(context.Context, ...leader.Op) ([]leader.Result, error)
	Recover(context.Context) error
	Tree(context.Context) (leader.Snapshot, error)
	RaiseEpoch(context.Context, uint64) error
	HandOver(context.Context) error
	Epoch() uint64
	Lease() *leader.Lease
	Done() <-chan struct{}
	Err() error
}

// history runs the same story and notes everything that a caller can see.
func history(t *testing.T, elect func(name string) term, edit func(path, data string)) []string {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	var seen []string
	note := func(format string, args ...any) { seen = append(seen, fmt.Sprintf(format, args...)) }
	var current term
	commit := func(ops ...leader.Op) {
		results, err := current.Commit(ctx, ops...)
		var conflict *leader.ConflictError
		switch {
		case errors.As(err, &conflict):
			note("conflict %s %s: %v", conflict.Op.Kind, conflict.Path, conflict.Err)
		case errors.Is(err, leader.ErrDeposed):
			note("deposed")
		case err != nil:
			note("error %v", err)
		default:
			note("applied %v", results)
		}
	}
	tree := func() {
		snapshot, err := current.Tree(ctx)
		require.NoError(t, err)
		delete(snapshot, leader.PathEpoch)
		note("tree %v", snapshot) // maps print sorted
	}

	current = elect("first")
	note("epoch %d, valid %v", current.Epoch(), current.Lease().Valid(time.Now()))
	commit()
	commit(leader.Create("/framework", []byte("f")), leader.Create("/nodes/a", []byte("a")), leader.Create("/nodes/a/plan", nil))
	commit(leader.Set("/framework", []byte("g"), 0), leader.Set("/framework", []byte("h"), 1))
	tree()
	commit(leader.Set("/nodes/a", nil, 0), leader.Create("/framework", nil))
	commit(leader.Create("/nodes/none/plan", nil))
	commit(leader.Set("/none", nil, 0))
	commit(leader.Delete("/nodes/a", 0))
	commit(leader.Delete("/framework", 7))
	commit(leader.Set("/epoch", nil, 0))
	commit(leader.Set("/framework", nil, -1))
	commit(leader.Delete("/nodes/a/plan", 0), leader.Delete("/nodes/a", 0), leader.Create("/nodes/a", []byte("again")))
	edit("/framework", "by hand")
	commit(leader.Set("/framework", nil, 2))
	tree()
	require.NoError(t, current.Recover(ctx))
	require.NoError(t, current.RaiseEpoch(ctx, 41))
	note("epoch %d", current.Epoch())
	require.NoError(t, current.RaiseEpoch(ctx, 5))
	note("epoch %d", current.Epoch())
	commit(leader.Set("/framework", []byte("raised"), 3))

	require.NoError(t, current.HandOver(ctx))
	<-current.Done()
	commit()
	current = elect("second")
	note("epoch %d", current.Epoch())
	tree()
	edit("/epoch", `{"epoch": 50, "instance": "another"}`)
	commit(leader.Create("/cluster", nil))
	note("ended %v", errors.Is(current.Err(), leader.ErrDeposed))
	return seen
}

func TestTheStoreBehavesAsTheLeaderOnZooKeeper(t *testing.T) {
	store := leadertest.NewStore()
	inMemory := history(t,
		func(name string) term { return store.Elect(name, nil) },
		func(path, data string) { store.Put(path, []byte(data)) })

	opts := zkconn.Options{Servers: []string{zktest.Start(t).Addr(0)}, Root: zktest.Root(t)}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	operator, err := zkconn.Dial(ctx, opts)
	require.NoError(t, err)
	defer operator.Close()
	onZooKeeper := history(t, func(name string) term {
		e, err := leader.New(leader.Options{Conn: opts, Card: leader.Card{Instance: name}})
		require.NoError(t, err)
		elected, err := e.Elect(ctx)
		require.NoError(t, err)
		t.Cleanup(elected.Close)
		return elected
	}, func(path, data string) {
		_, err := operator.Set(ctx, path, []byte(data), -1)
		require.NoError(t, err)
	})
	require.Equal(t, onZooKeeper, inMemory)
}

func TestFaultsOfACommit(t *testing.T) {
	ctx := context.Background()
	for _, c := range []struct {
		says      string
		fault     leadertest.Fault
		err       error
		applied   bool
		recovered bool
	}{
		{"the answer is lost", leadertest.LostReply, zkconn.ErrUnknownOutcome, true, true},
		{"the request is lost", leadertest.LostRequest, zkconn.ErrUnknownOutcome, false, true},
		{"the lease has lapsed", leadertest.Lapse, leader.ErrSuspended, false, true},
		{"another leads", leadertest.Deposed, leader.ErrDeposed, false, false},
		{"the session has expired", leadertest.Expired, leader.ErrExpired, false, false},
	} {
		t.Run(c.says, func(t *testing.T) {
			store := leadertest.NewStore()
			term := store.Elect("a", nil)
			term.Script(leadertest.None, c.fault)
			_, err := term.Commit(ctx, leader.Create("/framework", nil))
			require.NoError(t, err)
			_, err = term.Commit(ctx, leader.Create("/cluster", nil))
			require.ErrorIs(t, err, c.err)
			if c.recovered {
				require.NoError(t, term.Recover(ctx))
				tree, err := term.Tree(ctx)
				require.NoError(t, err)
				require.Equal(t, c.applied, contains(tree, "/cluster"))
				_, err = term.Commit(ctx, leader.Set("/framework", nil, 0))
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, term.Recover(ctx), leader.ErrDeposed)
			<-term.Done()
			require.Equal(t, c.applied, contains(store.Tree(), "/cluster"))
		})
	}
}

func TestAnOpenOutcomeBlocksUntilRecover(t *testing.T) {
	ctx := context.Background()
	term := leadertest.NewStore().Elect("a", nil)
	term.Script(leadertest.LostReply)
	_, err := term.Commit(ctx, leader.Create("/cluster", nil))
	require.ErrorIs(t, err, zkconn.ErrUnknownOutcome)
	_, err = term.Commit(ctx)
	require.ErrorIs(t, err, leader.ErrSuspended)
	require.NoError(t, term.Recover(ctx))
	_, err = term.Commit(ctx)
	require.NoError(t, err)
	require.Equal(t, 2, term.Commits(), "what was not sent does not count")
}

func TestASecondTermDeposesTheFirst(t *testing.T) {
	ctx := context.Background()
	store := leadertest.NewStore()
	first := store.Elect("first", nil)
	path := store.Order([]byte("{}"))
	second := store.Elect("second", nil)
	require.Equal(t, first.Epoch()+1, second.Epoch())
	_, err := first.Commit(ctx, leader.Delete(path, 0))
	require.ErrorIs(t, err, leader.ErrDeposed)
	_, err = second.Commit(ctx, leader.Delete(path, 0))
	require.NoError(t, err)
	store.Remove("/epoch")
	require.ErrorIs(t, second.Recover(ctx), leader.ErrDeposed)
}

func contains(tree leader.Snapshot, path string) bool {
	_, yes := tree[path]
	return yes
}
