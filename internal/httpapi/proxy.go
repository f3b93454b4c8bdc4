package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"time"

	"scaleio-framework/leader"
)

// HeaderLeader tells which leader answered, or should have.
const HeaderLeader = "X-Scaleio-Leader"

// leaderPoll is how often a waiting request looks for a leader.
const leaderPoll = 50 * time.Millisecond

// byLeader answers on the leader, and passes the request on elsewhere.
func (s *Server) byLeader(answer func(http.ResponseWriter, *http.Request, Term)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if term := s.opts.Term(); term != nil {
			answer(w, r, term)
			return
		}
		card, err := s.awaitLeader(r.Context())
		if term := s.opts.Term(); term != nil { // we won while we waited
			answer(w, r, term)
			return
		}
		if err != nil {
			s.unled(w, r, http.StatusServiceUnavailable, err.Error())
			return
		}
		s.pass(w, r, card)
	}
}

func (s *Server) awaitLeader(ctx context.Context) (leader.Card, error) {
	ctx, cancel := context.WithTimeout(ctx, s.opts.LeaderWait)
	defer cancel()
	ticker := time.NewTicker(leaderPoll)
	defer ticker.Stop()
	for {
		// Our own card may outlive our term by a moment: it is no leader.
		if card, ok := s.opts.Election.Leader(); ok && card.Instance != s.opts.Instance {
			return card, nil
		}
		if s.opts.Term() != nil {
			return leader.Card{}, nil
		}
		select {
		case <-ctx.Done():
			if !s.opts.Election.Connected() {
				return leader.Card{}, errors.New("ZooKeeper cannot be reached, so no leader is known; try again")
			}
			return leader.Card{}, errors.New("no scheduler leads at the moment; try again, the next one takes over within the session timeout")
		case <-ticker.C:
		}
	}
}

// transport is how a standby reaches the leader: directly, since schedulers are
// inside the cluster, and with limits that are short enough for an operator to
// wait for. It keeps no connections, so it leaves no goroutines behind.
func transport() http.RoundTripper {
	return &http.Transport{
		DialContext:           (&net.Dialer{Timeout: 3 * time.Second}).DialContext,
		ResponseHeaderTimeout: 15 * time.Second,
		DisableKeepAlives:     true,
	}
}

// pass forwards a request to the leader. A request that already came through
// this instance is a loop: two instances take each other for the leader.
func (s *Server) pass(w http.ResponseWriter, r *http.Request, card leader.Card) {
	via := "1.1 " + url.PathEscape(s.opts.Instance) // no blank and no comma
	for _, line := range r.Header.Values("Via") {
		for hop := range strings.SplitSeq(line, ",") {
			if strings.TrimSpace(hop) == via {
				s.unled(w, r, http.StatusLoopDetected, "the request came through this instance before: leadership is changing hands, try again")
				return
			}
		}
	}
	target, err := url.Parse(card.URL)
	if err != nil || target.Host == "" {
		s.unled(w, r, http.StatusBadGateway, fmt.Sprintf("the leader's card holds no usable URL, but %q: give --rest.address to that scheduler (%s)", card.URL, card.Instance))
		return
	}
	proxy := &httputil.ReverseProxy{
		Transport: s.toLeader,
		Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(target)
			p.SetXForwarded()
			p.Out.Header.Add("Via", via)
			// Our own name, which the leader does not know, was looked at here.
			p.Out.Header.Del("Origin")
			p.Out.Header.Del("Sec-Fetch-Site")
		},
		ModifyResponse: func(resp *http.Response) error {
			resp.Header.Set(HeaderLeader, card.URL)
			resp.Header.Del(headerSniff) // we set it ourselves; it would be there twice
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			w.Header().Set(HeaderLeader, card.URL)
			s.unled(w, r, http.StatusBadGateway, "the leader at "+card.URL+" does not answer: "+err.Error()+"; when it is dead, the next one takes over within the session timeout: try again")
		},
		ErrorLog: s.opts.Logger.StandardLogger(nil),
	}
	proxy.ServeHTTP(w, r)
}
