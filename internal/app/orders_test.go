package app

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/redact"
	"scaleio-framework/internal/zkconn"
	"scaleio-framework/leader"
)

// connected starts the session for orders and waits for it.
func (r root) connected(t *testing.T) *orders {
	t.Helper()
	o := newOrders(r.zk, hclog.NewNullLogger())
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { o.connect(ctx) })
	t.Cleanup(func() { cancel(); running.Wait() })
	o.await(t)
	return o
}

func (o *orders) await(t *testing.T) *zkconn.Conn {
	t.Helper()
	var conn *zkconn.Conn
	require.Eventually(t, func() bool {
		var err error
		conn, err = o.connection()
		return err == nil
	}, patience, 5*time.Millisecond)
	return conn
}

// watched starts a watch whose orders come on the channel.
func (o *orders) watched(t *testing.T) <-chan core.OrderReceived {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	got := make(chan core.OrderReceived, 100)
	var running sync.WaitGroup
	running.Go(func() {
		o.watch(ctx, func(_ context.Context, event core.Event) error {
			got <- event.(core.OrderReceived)
			return nil
		})
	})
	t.Cleanup(func() { cancel(); running.Wait() })
	return got
}

func next(t *testing.T, got <-chan core.OrderReceived) core.OrderReceived {
	t.Helper()
	select {
	case order := <-got:
		return order
	case <-time.After(patience):
		require.FailNow(t, "no order came")
		return core.OrderReceived{}
	}
}

func TestEachOrderIsOfferedOnceAndInItsPlace(t *testing.T) {
	r := newRoot(t)
	o := r.connected(t)
	var want []string
	submit := func(n int) {
		for i := range n {
			path, err := o.Submit(t.Context(), fmt.Appendf(nil, `{"verb":"pause","by":"%d"}`, i))
			require.NoError(t, err)
			want = append(want, path)
		}
	}
	submit(3) // before anyone looks
	got := o.watched(t)
	var seen []string
	for range 3 {
		order := next(t, got)
		require.NotEmpty(t, order.Raw)
		seen = append(seen, order.Path)
	}
	submit(2)
	written, err := r.conn.Create(t.Context(), leader.PathOrders+"/", []byte("by hand"), zkconn.Sequential)
	require.NoError(t, err)
	want = append(want, written)
	for range 3 {
		seen = append(seen, next(t, got).Path)
	}
	require.Equal(t, want, seen)

	// The session is lost: a new one takes over, and nothing comes twice.
	o.await(t).Close()
	require.Eventually(t, func() bool {
		path, err := o.Submit(t.Context(), []byte(`{"verb":"resume"}`))
		if err == nil {
			want = append(want, path)
		}
		return err == nil
	}, patience, 10*time.Millisecond)
	last := next(t, got)
	require.Equal(t, want[len(want)-1], last.Path)
	require.JSONEq(t, `{"verb":"resume"}`, string(last.Raw))
	require.Empty(t, got)
}

func TestWhatBecameOfAnOrder(t *testing.T) {
	r := newRoot(t)
	o := r.connected(t)
	for _, c := range []struct {
		name, refusal string
		want          string
	}{
		{"it was applied", "", ""},
		{"it was refused", `{"reason":"there is no step x"}`, "there is no step x"},
		{"it was refused and the record is broken", "{", "the reason at /orders-refused/%s cannot be read"},
		{"it was refused without a reason", "{}", "the reason at /orders-refused/%s cannot be read"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path, err := o.Submit(t.Context(), []byte(`{"verb":"pause"}`))
			require.NoError(t, err)
			waiting, refused, err := o.Outcome(t.Context(), path)
			require.NoError(t, err)
			require.True(t, waiting)
			require.Empty(t, refused)

			ops := []leader.Op{leader.Delete(path, 0)}
			name := path[len(leader.PathOrders)+1:]
			if c.refusal != "" {
				ops = append(ops, leader.Create(leader.PathOrdersRefused+"/"+name, []byte(c.refusal)))
				if c.want != "there is no step x" {
					c.want = fmt.Sprintf(c.want, name)
				}
			}
			_, err = r.term.Commit(t.Context(), ops...)
			require.NoError(t, err)
			waiting, refused, err = o.Outcome(t.Context(), path)
			require.NoError(t, err)
			require.False(t, waiting)
			require.Equal(t, c.want, refused)
		})
	}
}

func TestOrdersWithoutASessionSaySo(t *testing.T) {
	o := newOrders(zkconn.Options{}, hclog.NewNullLogger())
	_, err := o.Submit(t.Context(), nil)
	require.EqualError(t, err, "no ZooKeeper session for orders at the moment, try again")
	_, _, err = o.Outcome(t.Context(), "/orders/1")
	require.Error(t, err)
	_, err = o.candidates(t.Context())
	require.Error(t, err)
}

func TestCandidatesSkipWhatCannotBeRead(t *testing.T) {
	r := newRoot(t)
	o := r.connected(t)
	_, err := r.conn.Create(t.Context(), leader.PathCandidates+"/odd", []byte("{"), zkconn.Persistent)
	require.NoError(t, err)
	cards, err := o.candidates(t.Context())
	require.NoError(t, err)
	require.Len(t, cards, 1)
	require.Equal(t, "http://first:1", cards[0].URL)

	own := &App{orders: o, card: leader.Card{URL: "http://me:1"}}
	require.Equal(t, []string{"http://me:1", "http://first:1"}, own.sources(t.Context()), "our own first, then every other live one")
	own = &App{orders: newOrders(r.zk, hclog.NewNullLogger()), card: leader.Card{URL: "http://me:1"}}
	require.Equal(t, []string{"http://me:1"}, own.sources(t.Context()))
}

func TestAnOrderThatCannotBeReadHoldsUpNoOther(t *testing.T) {
	r := newRoot(t)
	o := r.connected(t)
	got := o.watched(t)
	foreign := r.zk
	foreign.DigestUser, foreign.DigestPassword = "somebody", redact.New("else")
	conn, err := zkconn.Dial(t.Context(), foreign)
	require.NoError(t, err)
	t.Cleanup(conn.Close)
	_, err = conn.Create(t.Context(), leader.PathOrders+"/", []byte(`{"verb":"pause"}`), zkconn.Sequential)
	require.NoError(t, err)
	path, err := o.Submit(t.Context(), []byte(`{"verb":"resume"}`))
	require.NoError(t, err)
	require.Equal(t, path, next(t, got).Path)
}

func TestOrdersAreNumberedAnewWhenTheirContainerIs(t *testing.T) {
	r := newRoot(t)
	o := r.connected(t)
	got := o.watched(t)
	for _, by := range []string{"before", "behind"} {
		path, err := o.Submit(t.Context(), fmt.Appendf(nil, `{"verb":"pause","by":%q}`, by))
		require.NoError(t, err)
		require.Equal(t, leader.PathOrders+"/0000000000", path)
		require.Contains(t, string(next(t, got).Raw), by)
		require.NoError(t, r.conn.Delete(t.Context(), path, -1))
		require.NoError(t, r.conn.Delete(t.Context(), leader.PathOrders, -1))
		require.NoError(t, r.term.Recover(t.Context()))
	}
}

func TestTheContainerOfOrdersIsPutBack(t *testing.T) {
	r := newRoot(t)
	o := r.connected(t)
	got := o.watched(t)
	require.NoError(t, r.conn.Delete(t.Context(), leader.PathOrders, -1))
	require.Eventually(t, func() bool {
		_, err := o.Submit(t.Context(), []byte(`{"verb":"pause"}`))
		return err == nil
	}, patience, 5*time.Millisecond, "else nobody can give an order until another scheduler leads")
	require.Contains(t, string(next(t, got).Raw), "pause")
}
