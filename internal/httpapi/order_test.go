package httpapi_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/httpapi"
	"scaleio-framework/internal/model"
)

func TestAVerbBecomesAnOrderAndSaysWhatBecameOfIt(t *testing.T) {
	for _, c := range []struct {
		name   string
		decide func(model.Order) (string, bool)
		code   int
		want   httpapi.OrderAnswer
	}{
		{"the leader applies it", func(model.Order) (string, bool) { return "", true }, http.StatusOK, httpapi.OrderAnswer{Order: "/orders/0", State: "applied"}},
		{"the leader refuses it", func(model.Order) (string, bool) { return "there is no step x", true }, http.StatusConflict, httpapi.OrderAnswer{Order: "/orders/0", State: "refused", Reason: "there is no step x"}},
		{"nobody takes it in time", func(model.Order) (string, bool) { return "", false }, http.StatusAccepted, httpapi.OrderAnswer{Order: "/orders/0", State: "waiting", Reason: "the order is written; a leader will apply it, or say in /orders-refused/0 why not"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite()
			s.decide = c.decide
			a := s.start(t, "a", setup{})
			s.lead("a")
			got := a.do(t, http.MethodPost, "/v1/plan/force-complete", `{"host":"h1","step":"isolator","by":"ann"}`)
			require.Equal(t, c.code, got.code)
			require.Equal(t, c.want, into[httpapi.OrderAnswer](t, got))
			order := s.only(t)
			require.WithinDuration(t, time.Now(), order.At, time.Minute)
			order.At = time.Time{}
			require.Equal(t, model.Order{Verb: model.ForceComplete, Host: "h1", Step: "isolator", By: "ann"}, order)
		})
	}
}

func TestPauseAndResumeNeedNoBody(t *testing.T) {
	for _, verb := range []string{"pause", "resume"} {
		s := newSite()
		a := s.start(t, "a", setup{})
		s.lead("a")
		require.Equal(t, http.StatusOK, a.do(t, http.MethodPost, "/v1/plan/"+verb, "").code)
		require.Equal(t, model.Verb(verb), s.only(t).Verb)
	}
}

func TestABadOrderIsNeverWritten(t *testing.T) {
	s := newSite()
	a := s.start(t, "a", setup{})
	s.lead("a")
	for _, c := range []struct {
		name, verb, body string
		code             int
		want             string
	}{
		{"an unknown verb", "explode", "", http.StatusBadRequest, `order has unknown verb "explode"`},
		{"a retry of nothing", "retry", "{}", http.StatusBadRequest, `order "retry" names no step: give "step", and "host" for a step of a node`},
		{"an unknown field", "retry", `{"stpe":"x"}`, http.StatusBadRequest, `unknown field "stpe"`},
		{"no JSON", "retry", "step=x", http.StatusBadRequest, `the body is not an order: invalid character 's'`},
		{"half an object", "retry", `{"step":"x"`, http.StatusBadRequest, "the body is not an order: unexpected EOF"},
		{"a number for a name", "retry", `{"step":7}`, http.StatusBadRequest, "cannot unmarshal number"},
		{"two orders at once", "retry", `{"step":"x"} {"step":"y"}`, http.StatusBadRequest, "something follows the object"},
		{"garbage behind an order", "retry", `{"step":"x"} !`, http.StatusBadRequest, "invalid character '!'"},
		{"a body that is too large", "retry", `{"step":"` + strings.Repeat("x", 5000) + `"}`, http.StatusRequestEntityTooLarge, "the body is longer than the 4096 bytes of an order; want {"},
		{"too many blanks behind it", "retry", `{"step":"x"}` + strings.Repeat(" ", 5000), http.StatusRequestEntityTooLarge, "the body is longer than the 4096 bytes of an order; want {"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := a.do(t, http.MethodPost, "/v1/plan/"+c.verb, c.body)
			require.Equal(t, c.code, got.code, got.body)
			require.Contains(t, got.problem(t), c.want)
		})
	}
	require.Zero(t, s.written())
}

func TestAnOrderThatCannotBeWrittenSaysSo(t *testing.T) {
	s := newSite()
	a := s.start(t, "a", setup{})
	s.lead("a")
	s.disconnect()
	got := a.do(t, http.MethodPost, "/v1/plan/pause", "")
	require.Equal(t, http.StatusServiceUnavailable, got.code)
	require.Equal(t, "the order could not be written: no ZooKeeper session; look whether it was taken before you repeat it", got.problem(t))
}

func TestALeaderHandsOverWhenAsked(t *testing.T) {
	s := newSite()
	a := s.start(t, "a", setup{})
	s.lead("a")
	got := a.do(t, http.MethodDelete, "/v1/leader", "")
	require.Equal(t, http.StatusAccepted, got.code)
	require.JSONEq(t, `{"state":"handing over"}`, got.body)
	<-a.term.abdicated
}

// A verb and a body from anywhere: either an order that can be read again was
// written, or none.
func FuzzOrder(f *testing.F) {
	f.Add("retry", `{"step":"x"}`)
	f.Add("pause", "")
	f.Add("force-complete", `null[]`)
	f.Fuzz(func(t *testing.T, verb, body string) {
		if verb == "" || strings.ContainsFunc(verb, func(r rune) bool { return r < 'a' || r > 'z' }) {
			return // other paths are other requests
		}
		s := newSite()
		a := s.start(t, "a", setup{})
		s.lead("a")
		got := a.do(t, http.MethodPost, "/v1/plan/"+verb, body)
		switch got.code {
		case http.StatusOK:
			require.Equal(t, model.Verb(verb), s.only(t).Verb)
		case http.StatusBadRequest, http.StatusRequestEntityTooLarge:
			require.Zero(t, s.written())
			got.problem(t)
		default:
			t.Fatalf("status %d: %s", got.code, got.body)
		}
	})
}

func TestAnotherSiteGivesNoOrders(t *testing.T) {
	s := newSite()
	s.start(t, "a", setup{})
	b := s.start(t, "b", setup{}) // passes on what it lets through
	s.lead("a")
	for _, c := range []struct {
		says, origin, site string
		code               int
	}{
		{"a page of another site", "http://evil.example", "", http.StatusForbidden},
		{"the same, as newer browsers tell it", "http://evil.example", "cross-site", http.StatusForbidden},
		{"a page without an origin", "null", "", http.StatusForbidden},
		{"our own page", b.url, "", http.StatusOK},
		{"our own page, as newer browsers tell it", b.url, "same-origin", http.StatusOK},
		{"no browser", "", "", http.StatusOK},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.url+"/v1/plan/pause", nil)
		require.NoError(t, err)
		req.Header.Set("Content-Type", "text/plain") // what a page may send anywhere without asking
		for name, value := range map[string]string{"Origin": c.origin, "Sec-Fetch-Site": c.site} {
			if value != "" {
				req.Header.Set(name, value)
			}
		}
		before := s.written()
		got, err := send(req)
		require.NoError(t, err)
		require.Equal(t, c.code, got.code, c.says)
		if c.code == http.StatusForbidden {
			require.Contains(t, got.problem(t), "another site")
			require.Equal(t, before, s.written(), c.says)
		}
	}
}
