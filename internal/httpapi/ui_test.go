package httpapi_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestThePageIsTheLeadersWhoeverIsAsked(t *testing.T) {
	s := newSite()
	a, b := s.start(t, "a", setup{view: installing(t)}), s.start(t, "b", setup{})
	s.lead("a")
	for _, in := range []*instance{a, b} {
		got := in.do(t, http.MethodGet, "/ui/", "")
		require.Equal(t, http.StatusOK, got.code)
		require.Equal(t, "text/html; charset=utf-8", got.header.Get("Content-Type"))
		require.Contains(t, got.header.Get("Content-Security-Policy"), "default-src 'none'")
		for _, text := range []string{
			"<h1>Stuck, an operator is needed: volumes cannot be used yet; paused</h1>", "http://a:1", "f-scaleio", "<dd>b<br>",
			"scaleioctl plan retry sds-package --host h1", "dpkg: no space left", "Record /nodes/h3 is left alone",
			"Host h1 is unreachable", "plan9",
		} {
			require.Contains(t, got.body, text)
		}
		require.Contains(t, in.do(t, http.MethodGet, "/ui/static/live.js", "").body, "EventSource")
		require.Contains(t, in.do(t, http.MethodGet, "/ui/static/style.css", "").header.Get("Content-Type"), "text/css")
		require.Equal(t, http.StatusNotFound, in.do(t, http.MethodGet, "/ui/else", "").code)
		require.Equal(t, "/ui/", in.do(t, http.MethodGet, "/", "").header.Get("Location"), "the root is what Marathon links to")
	}
}

func TestWithoutALeaderThePageSaysWhyAndTriesAgain(t *testing.T) {
	s := newSite()
	a := s.start(t, "a", setup{})
	got := a.do(t, http.MethodGet, "/ui/", "")
	require.Equal(t, http.StatusServiceUnavailable, got.code)
	require.Equal(t, "text/html; charset=utf-8", got.header.Get("Content-Type"))
	require.Contains(t, got.body, "no scheduler leads at the moment")
	require.Contains(t, got.body, "/ui/static/live.js")

	s.disconnect()
	require.Contains(t, a.do(t, http.MethodGet, "/ui/", "").body, "ZooKeeper cannot be reached")
}

func TestThePageHoldsNoSecrets(t *testing.T) {
	s := newSite()
	a := s.start(t, "a", setup{view: secretive(t)})
	s.lead("a")
	body := a.do(t, http.MethodGet, "/ui/", "").body
	require.Contains(t, body, "sds-package")
	require.Contains(t, body, "g1")
	require.NotContains(t, body, "withheld")
}
