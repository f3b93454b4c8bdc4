package httpapi

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/engine"
	"scaleio-framework/internal/ui"
	"scaleio-framework/internal/version"
	"scaleio-framework/leader"
)

// Election is what the server asks about who leads.
type Election interface {
	// Connected reports whether ZooKeeper is reached.
	Connected() bool
	// Leader returns the card of the present leader, if one is known.
	Leader() (leader.Card, bool)
	// Candidates lists all running instances.
	Candidates(ctx context.Context) ([]leader.Card, error)
}

// Term is what the server asks of the leader in its own process.
type Term interface {
	// View returns what is committed.
	View() engine.View
	// Changed is closed when View or Subscribed say something new.
	Changed() <-chan struct{}
	// Done is closed when the term ends.
	Done() <-chan struct{}
	// Subscribed reports whether Mesos has our subscription.
	Subscribed() bool
	// Preview decides what a growth of a pool, or of each pool when it is
	// empty, would be now. It waits for fresh readings until ctx ends.
	Preview(ctx context.Context, pool string, sizeGiB int) (core.TellPreview, error)
	// VolumesInTheWay says which volumes would hold a removal up now; allowed
	// says that volumes may exist. It asks a gateway until ctx ends.
	VolumesInTheWay(ctx context.Context, allowed bool) ([]string, error)
	// Abdicate hands leadership over; the process ends.
	Abdicate()
}

// Orders are written by any instance and applied by the leader.
type Orders interface {
	// Submit writes an order and returns its path.
	Submit(ctx context.Context, order []byte) (path string, err error)
	// Outcome reports whether an order still waits, and if it was refused, why.
	Outcome(ctx context.Context, path string) (waiting bool, refused string, err error)
}

// Options configure a Server; all but Metrics are required.
type Options struct {
	// Instance is the name of this instance, as in its card.
	Instance string
	Election Election
	Orders   Orders
	// Term returns the term of this process, nil on a standby.
	Term func() Term
	// Artifacts serves what stands below /artifacts/.
	Artifacts http.Handler
	Metrics   http.Handler
	Logger    hclog.Logger
	// LeaderWait is how long a request waits for a leader; default 2.5 s.
	LeaderWait time.Duration
	// BodyWait is how long a request with a body may take, its answer included;
	// default 30 s.
	BodyWait time.Duration
	// OrderWait is how long a verb waits for its outcome; default 5 s.
	OrderWait time.Duration
	// PreviewWait is how long a preview waits for readings; default 8 s.
	PreviewWait time.Duration
	// Heartbeat is the pause between two signs of life on a stream of events;
	// default 15 s.
	Heartbeat time.Duration
	// EventWait is how long a listener may take to read; default 10 s.
	EventWait time.Duration
	// EventSlow is how long he may take without being sent away; default half
	// of EventWait.
	EventSlow time.Duration
	// EventPace is the least time between two looks at what has changed;
	// default 250 ms.
	EventPace time.Duration
	// Listeners is how many streams are served at a time, those that are passed
	// on among them; default 64.
	Listeners int
}

// Server answers HTTP requests.
type Server struct {
	opts     Options
	mux      *http.ServeMux
	guarded  http.Handler // mux behind the guard against other sites
	toLeader http.RoundTripper
	board    board
	// stopping ends when the server is to stop; streams end with it.
	stopping context.Context
	stop     context.CancelFunc
}

// New wires a server.
func New(opts Options) (*Server, error) {
	if opts.Instance == "" || opts.Election == nil || opts.Orders == nil || opts.Term == nil || opts.Artifacts == nil || opts.Logger == nil {
		return nil, errors.New("httpapi: Instance, Election, Orders, Term, Artifacts and Logger are required")
	}
	opts.LeaderWait = cmp.Or(opts.LeaderWait, 2500*time.Millisecond)
	opts.BodyWait = cmp.Or(opts.BodyWait, 30*time.Second)
	opts.OrderWait = cmp.Or(opts.OrderWait, 5*time.Second)
	opts.PreviewWait = cmp.Or(opts.PreviewWait, 8*time.Second)
	opts.Heartbeat = cmp.Or(opts.Heartbeat, 15*time.Second)
	opts.EventWait = cmp.Or(opts.EventWait, 10*time.Second)
	opts.EventSlow = cmp.Or(opts.EventSlow, opts.EventWait/2)
	opts.EventPace = cmp.Or(opts.EventPace, 250*time.Millisecond)
	opts.Listeners = cmp.Or(opts.Listeners, 64)
	opts.Logger = opts.Logger.Named("http")
	s := &Server{opts: opts, mux: http.NewServeMux(), toLeader: transport()}
	s.stopping, s.stop = context.WithCancel(context.Background())
	s.mux.HandleFunc("GET /healthz", s.health)
	s.mux.HandleFunc("GET /readyz", s.ready)
	s.mux.HandleFunc("GET /version", s.version)
	s.mux.Handle("GET /artifacts/", http.StripPrefix("/artifacts/", opts.Artifacts))
	if opts.Metrics != nil {
		s.mux.Handle("GET /metrics", opts.Metrics)
	}
	led := func(pattern string, answer func(http.ResponseWriter, *http.Request, Term)) {
		s.mux.HandleFunc(pattern, s.byLeader(answer))
	}
	led("GET /v1/leader", s.getLeader)
	led("DELETE /v1/leader", s.abdicate)
	led("GET /v1/status", s.status)
	led("GET /v1/plan", s.plan)
	led("POST /v1/plan/{verb}", s.planOrder)
	led("GET /v1/nodes", s.nodes)
	led("GET /v1/nodes/{host}", s.node)
	led("GET /v1/uninstall", s.uninstall)
	led("POST /v1/uninstall", s.uninstallOrder)
	led("DELETE /v1/uninstall", s.uninstallCancel)
	led("GET /v1/pools", s.pools)
	led("GET /v1/growth", s.growths)
	led("GET /v1/growth/{id}", s.growth)
	led("GET /v1/growth/preview", s.preview)
	led("GET /v1/growth/orphans", s.orphans)
	led("POST /v1/growth/{verb}", s.growthOrder)
	s.mux.HandleFunc("GET /v1/events", s.listen(s.byLeader(s.events)))
	led("GET "+pathUI+"{$}", s.page)
	s.mux.Handle("GET /ui/static/", ui.Static())
	// Marathon's own page links to the root of the port.
	s.mux.Handle("GET /{$}", http.RedirectHandler(pathUI, http.StatusTemporaryRedirect))
	s.mux.HandleFunc("/", s.unserved)
	sameSite := http.NewCrossOriginProtection()
	sameSite.SetDenyHandler(http.HandlerFunc(foreign))
	s.guarded = sameSite.Handler(s.mux)
	return s, nil
}

// foreign answers a request that would change something and that a browser
// sent for a page of another site: nobody has to log in here, so whatever page
// an operator looks at could give orders.
func foreign(w http.ResponseWriter, _ *http.Request) {
	fail(w, http.StatusForbidden, "a page of another site must not give orders here: use scaleioctl")
}

// Stop ends all streams, which would last for ever, and accepts no new ones;
// give it to http.Server.RegisterOnShutdown.
func (s *Server) Stop() { s.stop() }

// headerSniff forbids browsers to guess what an answer is.
const headerSniff = "X-Content-Type-Options"

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set(headerSniff, "nosniff")
	if r.Body != http.NoBody {
		// A body that never ends would hold its connection for ever.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(s.opts.BodyWait)) // every server's connection has one
	}
	s.guarded.ServeHTTP(w, r)
}

// unserved answers what no pattern matches: a wrong method or a wrong path.
func (s *Server) unserved(w http.ResponseWriter, r *http.Request) {
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
		other := &http.Request{Method: method, URL: r.URL, Host: r.Host}
		if _, pattern := s.mux.Handler(other); pattern != "/" {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) == 0 {
		fail(w, http.StatusNotFound, "nothing is served at "+r.URL.Path)
		return
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	fail(w, http.StatusMethodNotAllowed, r.URL.Path+" takes "+strings.Join(allowed, " or ")+", not "+r.Method)
}

func (s *Server) health(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, map[string]string{"state": "alive"})
}

// ready is 200 on a leader that leads and on a standby that could take over.
func (s *Server) ready(w http.ResponseWriter, _ *http.Request) {
	switch {
	case s.opts.Term() != nil:
		reply(w, http.StatusOK, map[string]string{"state": "leading"})
	case s.opts.Election.Connected():
		reply(w, http.StatusOK, map[string]string{"state": "standby"})
	default:
		fail(w, http.StatusServiceUnavailable, "ZooKeeper cannot be reached; waiting for it")
	}
}

func (s *Server) version(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, map[string]string{"version": version.String(), "instance": s.opts.Instance})
}

func reply(w http.ResponseWriter, code int, body any) {
	data, err := json.MarshalIndent(body, "", "  ")
	if err != nil {
		fail(w, http.StatusInternalServerError, "the answer cannot be encoded: "+err.Error())
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	// A client that is gone is no concern of ours.
	_, _ = w.Write(append(data, '\n'))
}

func fail(w http.ResponseWriter, code int, text string) { reply(w, code, Problem{Error: text}) }
