package scaleioctl_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/freeport"
	"scaleio-framework/internal/scaleioctl"
	"scaleio-framework/internal/zkconn"
	"scaleio-framework/internal/zkconn/zktest"
	"scaleio-framework/leader"
)

// standBy makes another candidate beside the leader.
func standBy(t *testing.T, zkURL, cardURL string) {
	t.Helper()
	opts, err := zkconn.ParseURL(zkURL)
	require.NoError(t, err)
	elector, err := leader.New(leader.Options{Conn: opts, Card: leader.Card{Instance: "sio-b", URL: cardURL}})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = elector.Elect(ctx) // it ends when the test does
	}()
	t.Cleanup(func() { cancel(); <-ended })
	client, err := leader.Open(t.Context(), opts)
	require.NoError(t, err)
	defer client.Close()
	require.Eventually(t, func() bool {
		cards, err := client.Candidates(t.Context())
		return err == nil && len(cards) == 2
	}, 20*time.Second, 10*time.Millisecond)
}

// nobody is a URL that nobody listens on.
func nobody(t *testing.T) string {
	t.Helper()
	port, err := freeport.Find("127.0.0.1")
	require.NoError(t, err)
	return "http://127.0.0.1:" + strconv.Itoa(port)
}

func TestAnotherIsAskedWhenTheLeaderDoesNotAnswer(t *testing.T) {
	zkURL := zktest.Start(t).URL(t)
	s := start(t, nil)
	lead(t, zkURL, nobody(t))
	standBy(t, zkURL, s.url)
	got := run(t, nil, "status", "--zk", zkURL)
	require.Zero(t, got.code, got.err)
	require.Contains(t, got.out, "sio-a")
	got = run(t, nil, "plan", "pause", "--zk", zkURL)
	require.Equal(t, result{0, "pause applied\n", ""}, got, "an order that was not sent is given to the next")
	require.Len(t, s.orders, 1)
}

func TestAnOrderThatMayHaveComeThroughIsNotRepeated(t *testing.T) {
	zkURL := zktest.Start(t).URL(t)
	s := start(t, nil)
	var asked atomic.Int32
	dying := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		asked.Add(1)
		panic(http.ErrAbortHandler) // the connection breaks before an answer
	}))
	t.Cleanup(dying.Close)
	lead(t, zkURL, dying.URL)
	standBy(t, zkURL, s.url)
	got := run(t, nil, "plan", "pause", "--zk", zkURL)
	require.Equal(t, scaleioctl.ExitFailed, got.code)
	require.Contains(t, got.err, "the leader may just have died")
	require.Empty(t, s.orders)
	require.EqualValues(t, 1, asked.Load())
	require.Zero(t, run(t, nil, "status", "--zk", zkURL).code, "what only reads is asked again")
}

func TestALeaderThatHangsIsPassedOver(t *testing.T) {
	zkURL := zktest.Start(t).URL(t)
	s := start(t, nil)
	hanging := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(hanging.Close)
	lead(t, zkURL, hanging.URL)
	standBy(t, zkURL, s.url)
	require.Zero(t, run(t, nil, "status", "--zk", zkURL, "--timeout=3s").code)
}

func TestWhenNoneAnswersAllAreNamed(t *testing.T) {
	zkURL := zktest.Start(t).URL(t)
	one, other := nobody(t), nobody(t)
	lead(t, zkURL, one)
	standBy(t, zkURL, other)
	got := run(t, nil, "status", "--zk", zkURL)
	require.Equal(t, scaleioctl.ExitFailed, got.code)
	require.Contains(t, got.err, "no scheduler answers: ")
	require.Contains(t, got.err, one)
	require.Contains(t, got.err, other)
}
