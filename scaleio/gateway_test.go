package scaleio_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/redact"
	"scaleio-framework/scaleio"
)

const password = "Hunter2-secret"

// gateway is a small gateway: it logs in, keeps objects of a few types, and
// misbehaves where a test asks for it.
type gateway struct {
	*httptest.Server

	mu      sync.Mutex
	version string
	objects map[string][]map[string]any // by type
	tokens  map[string]bool
	logins  int
	serial  int
	// answer replaces the answers to a path once, in order.
	answers map[string][]http.HandlerFunc
	// bodies are the last request bodies by path.
	bodies map[string]map[string]any
	// authorizations are the headers seen on calls other than login.
	authorizations []string
}

func newGateway(t *testing.T) *gateway {
	g := &gateway{
		version: "2.6", objects: map[string][]map[string]any{}, tokens: map[string]bool{},
		answers: map[string][]http.HandlerFunc{}, bodies: map[string]map[string]any{},
	}
	g.Server = httptest.NewServer(g)
	t.Cleanup(g.Close)
	return g
}

func (g *gateway) client(t *testing.T, change ...func(*scaleio.Options)) *scaleio.Client {
	opt := scaleio.Options{Endpoint: g.URL, Password: redact.New(password), Timeout: 5 * time.Second}
	for _, f := range change {
		f(&opt)
	}
	c, err := scaleio.New(opt)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// once makes the next request to a path be answered by f.
func (g *gateway) once(path string, f http.HandlerFunc) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.answers[path] = append(g.answers[path], f)
}

func (g *gateway) with(f func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f()
}

func (g *gateway) count(kind string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.objects[kind])
}

func (g *gateway) body(path string) map[string]any {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.bodies[path]
}

func (g *gateway) take(path string) http.HandlerFunc {
	g.mu.Lock()
	defer g.mu.Unlock()
	if queue := g.answers[path]; len(queue) > 0 {
		g.answers[path] = queue[1:]
		return queue[0]
	}
	return nil
}

func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if f := g.take(r.URL.Path); f != nil {
		f(w, r)
		return
	}
	g.serve(w, r)
}

// serve is the gateway when nothing is wrong.
func (g *gateway) serve(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if r.URL.Path == "/api/login" {
		user, given, _ := r.BasicAuth()
		if user != "admin" || given != password {
			refuse(w, 401, 0, "Unauthorized")
			return
		}
		g.logins++
		token := fmt.Sprintf("token%d", g.logins)
		g.tokens[token] = true
		reply(w, token)
		return
	}
	authorization := r.Header.Get("Authorization")
	token, bearer := strings.CutPrefix(authorization, "Bearer ")
	if !bearer {
		_, token, _ = r.BasicAuth()
	}
	g.authorizations = append(g.authorizations, authorization)
	if !g.tokens[token] || bearer != (g.version >= "4") {
		refuse(w, 401, 0, "Unauthorized")
		return
	}
	switch {
	case r.URL.Path == "/api/version":
		reply(w, g.version)
	case r.URL.Path == "/api/logout":
		delete(g.tokens, token)
		reply(w, "")
	default:
		g.resource(w, r)
	}
}

func (g *gateway) resource(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		var body map[string]any
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			refuse(w, 400, 0, "no JSON")
			return
		}
		g.bodies[r.URL.Path] = body
	}
	if kind, ok := strings.CutPrefix(r.URL.Path, "/api/types/"); ok {
		kind = strings.TrimSuffix(kind, "/instances")
		if r.Method == http.MethodGet {
			all := g.objects[kind]
			if all == nil {
				all = []map[string]any{}
			}
			reply(w, all)
			return
		}
		g.create(w, kind, g.bodies[r.URL.Path])
		return
	}
	path := strings.TrimPrefix(r.URL.Path, "/api/instances/")
	kind, rest, _ := strings.Cut(path, "::")
	id, sub, _ := strings.Cut(rest, "/")
	for _, o := range g.objects[kind] {
		if o["id"] != id {
			continue
		}
		switch {
		case sub == "":
			reply(w, o)
		case strings.HasPrefix(sub, "relationships/"):
			reply(w, []any{})
		default:
			reply(w, map[string]any{})
		}
		return
	}
	refuse(w, 500, 171, "Could not find "+kind)
}

func (g *gateway) create(w http.ResponseWriter, kind string, body map[string]any) {
	for _, o := range g.objects[kind] {
		if o["name"] == body["name"] {
			refuse(w, 500, 141, "Protection Domain name already in use. Please try a different name.")
			return
		}
	}
	g.serial++
	o := map[string]any{"id": fmt.Sprintf("%016x", g.serial), "protectionDomainState": "Active"}
	for k, v := range body {
		o[k] = v
	}
	g.objects[kind] = append(g.objects[kind], o)
	reply(w, map[string]any{"id": o["id"]})
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json;version=2.0")
	_ = json.NewEncoder(w).Encode(v)
}

func refuse(w http.ResponseWriter, status, code int, text string) {
	w.WriteHeader(status)
	reply(w, map[string]any{"message": text, "httpStatusCode": status, "errorCode": code})
}

// lostReply has the effect and breaks the connection.
func (g *gateway) lostReply(_ http.ResponseWriter, r *http.Request) {
	g.serve(httptest.NewRecorder(), r)
	panic(http.ErrAbortHandler)
}

// reset breaks the connection without effect.
func reset(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func short(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}
