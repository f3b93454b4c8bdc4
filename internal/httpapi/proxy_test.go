package httpapi_test

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/httpapi"
	"scaleio-framework/leader"
)

func TestAStandbyPassesOnToTheLeader(t *testing.T) {
	s := newSite()
	a, b := s.start(t, "a", setup{view: installing(t)}), s.start(t, "b", setup{})
	s.lead("a")
	for _, path := range []string{"/v1/status", "/v1/plan", "/v1/nodes", "/v1/nodes/h1", "/v1/leader", "/v1/nodes/nobody"} {
		direct, passed := a.do(t, http.MethodGet, path, ""), b.do(t, http.MethodGet, path, "")
		require.Equal(t, direct.code, passed.code, path)
		require.Equal(t, direct.body, passed.body, path)
		require.Equal(t, a.url, passed.header.Get(httpapi.HeaderLeader))
		require.Empty(t, direct.header.Get(httpapi.HeaderLeader))
		require.Equal(t, []string{"nosniff"}, passed.header.Values("X-Content-Type-Options"), "once")
	}
	order := into[httpapi.OrderAnswer](t, b.do(t, http.MethodPost, "/v1/plan/retry", `{"host":"h1","step":"sds-package"}`))
	require.Equal(t, "applied", order.State)
	require.Equal(t, "sds-package", s.only(t).Step)

	require.Equal(t, http.StatusAccepted, b.do(t, http.MethodDelete, "/v1/leader", "").code)
	<-a.term.abdicated
}

func TestTwoThatTakeEachOtherForTheLeaderEndTheLoop(t *testing.T) {
	for _, more := range []string{"", ", which a list of hops would part"} {
		s := newSite()
		a := s.start(t, "a"+more, setup{believes: "b" + more})
		b := s.start(t, "b"+more, setup{believes: "a" + more})
		for _, in := range []*instance{a, b} {
			got := in.do(t, http.MethodGet, "/v1/status", "")
			require.Equal(t, http.StatusLoopDetected, got.code)
			require.Equal(t, "the request came through this instance before: leadership is changing hands, try again", got.problem(t))
		}
	}
}

func TestWithoutALeaderARequestWaitsAndIsToldWhy(t *testing.T) {
	s := newSite()
	a := s.start(t, "a", setup{})
	began := time.Now()
	got := a.do(t, http.MethodGet, "/v1/status", "")
	require.Equal(t, http.StatusServiceUnavailable, got.code)
	require.Contains(t, got.problem(t), "no scheduler leads at the moment; try again")
	require.GreaterOrEqual(t, time.Since(began), 300*time.Millisecond)

	s.disconnect()
	require.Contains(t, a.do(t, http.MethodGet, "/v1/status", "").problem(t), "ZooKeeper cannot be reached")
}

func TestARequestThatWaitsIsAnsweredByTheNextLeader(t *testing.T) {
	for _, next := range []string{"a", "b"} {
		s := newSite()
		a := s.start(t, "a", setup{leaderWait: time.Minute})
		s.start(t, "b", setup{})
		s.add(leader.Card{Instance: "a", URL: "http://127.0.0.1:1"}) // a's own card outlives its term
		timer := time.AfterFunc(100*time.Millisecond, func() { s.lead(next) })
		require.Equal(t, http.StatusOK, a.do(t, http.MethodGet, "/v1/status", "").code, next)
		timer.Stop()
	}
}

func TestADeadLeaderIsNamed(t *testing.T) {
	s := newSite()
	a := s.start(t, "a", setup{})
	s.add(leader.Card{Instance: "dead", URL: "http://127.0.0.1:1"}, leader.Card{Instance: "odd", URL: "::"})
	s.lead("dead")
	got := a.do(t, http.MethodGet, "/v1/status", "")
	require.Equal(t, http.StatusBadGateway, got.code)
	require.Regexp(t, "the leader at http://127.0.0.1:1 does not answer: .*connection refused; when it is dead, the next one takes over within the session timeout: try again", got.problem(t))
	s.lead("odd")
	require.Contains(t, a.do(t, http.MethodGet, "/v1/status", "").problem(t), `the leader's card holds no usable URL, but "::": give --rest.address to that scheduler (odd)`)
}

// Leadership moves all the while many ask: every answer is one of those that
// tell the truth, and nothing is left behind.
func TestManyAskWhileLeadershipMoves(t *testing.T) {
	s := newSite()
	instances := []*instance{s.start(t, "a", setup{view: installing(t)}), s.start(t, "b", setup{view: installing(t)})}
	s.lead("a")
	var asking sync.WaitGroup
	codes := make(chan int, 400)
	for i := range 8 {
		asking.Go(func() {
			for n := range 40 {
				got, err := instances[(i+n)%2].try(t.Context(), http.MethodGet, "/v1/status", "")
				if err != nil {
					codes <- -1
					return
				}
				codes <- got.code
				if n%10 == i {
					s.lead([]string{"a", "b", ""}[n%3])
				}
			}
			s.lead("a")
		})
	}
	asking.Wait()
	close(codes)
	served := 0
	for code := range codes {
		require.Contains(t, []int{http.StatusOK, http.StatusServiceUnavailable, http.StatusLoopDetected}, code)
		if code == http.StatusOK {
			served++
		}
	}
	require.Positive(t, served)
}
