package httpapi

import (
	"net/http"
	"strings"
	"time"

	"scaleio-framework/internal/ui"
	"scaleio-framework/internal/version"
)

// pathUI is where the page for people is.
const pathUI = "/ui/"

// page shows the leader's page.
func (s *Server) page(w http.ResponseWriter, r *http.Request, term Term) {
	source := ui.Source{View: term.View(), Subscribed: term.Subscribed(), Version: version.String(), Now: time.Now()}
	if candidates, err := s.opts.Election.Candidates(r.Context()); err == nil {
		source.Candidates = candidates
	}
	s.draw(w, http.StatusOK, ui.Describe(source))
}

func (s *Server) draw(w http.ResponseWriter, code int, page ui.Page) {
	if err := ui.Write(w, code, page); err != nil {
		fail(w, http.StatusInternalServerError, err.Error())
	}
}

// unled answers a request that no leader could answer, in the form that was
// asked for: a person's page says why, and tries again by itself.
func (s *Server) unled(w http.ResponseWriter, r *http.Request, code int, text string) {
	if strings.HasPrefix(r.URL.Path, pathUI) {
		s.draw(w, code, ui.Page{Error: text})
		return
	}
	fail(w, code, text)
}
