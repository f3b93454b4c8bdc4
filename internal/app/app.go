// Package app puts a scheduler together: it stands for election, leads one
// term with the engine, the cores and the performers, and serves HTTP all the
// while. A process whose term ended exits; its supervisor starts it anew.
package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"scaleio-framework/internal/artifacts"
	"scaleio-framework/internal/config"
	"scaleio-framework/internal/httpapi"
	"scaleio-framework/internal/metrics"
	"scaleio-framework/internal/version"
	"scaleio-framework/leader"
	"scaleio-framework/scheduler/mesosapi"
)

// App is one scheduler process.
type App struct {
	cfg      *config.Config
	logger   hclog.Logger
	elector  *leader.Elector
	detector mesosapi.Detector
	catalog  *artifacts.Catalog
	orders   *orders
	server   *http.Server
	listen   net.Listener
	card     leader.Card

	term atomic.Pointer[term] // nil on a standby
}

// New checks the configuration against the world, takes the port and starts
// nothing. claim and candidacy, if set, are those of leader.Options.
func New(cfg *config.Config, claim func(leader.Claim), candidacy func(leader.Candidacy), logger hclog.Logger) (*App, error) {
	// Reading a manifest from a server bounds itself.
	catalog, err := artifacts.Read(context.Background(), artifacts.Options{
		AgentProgram: cfg.Executor.Program, Folder: cfg.Artifacts.Dir,
		Manifest: cfg.Artifacts.Packages, Version: cfg.Artifacts.Version,
	})
	if err != nil {
		return nil, err
	}
	zk, err := ZooKeeperOptions(cfg, logger)
	if err != nil {
		return nil, err
	}
	detector, err := mesosapi.NewDetector(cfg.Mesos.Master, logger)
	if err != nil {
		return nil, fmt.Errorf("--mesos: %w", err)
	}
	address := net.JoinHostPort(cfg.REST.Listen, strconv.Itoa(cfg.REST.Port))
	ln, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("--rest.listen, --rest.port: %w: free the port or give another", err)
	}
	hostname, err := os.Hostname()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read the host's name: %w", err), ln.Close())
	}
	card := leader.Card{
		Instance: leader.NewInstance(cfg.REST.Instance),
		URL:      "http://" + net.JoinHostPort(cfg.REST.Host, strconv.Itoa(cfg.REST.Port)),
		Version:  version.String(),
		Hostname: hostname,
		PID:      os.Getpid(),
	}
	elector, err := leader.New(leader.Options{Conn: zk, Card: card, Claim: claim, Candidacy: candidacy, Logger: logger})
	if err != nil {
		return nil, errors.Join(err, ln.Close())
	}
	a := &App{
		cfg: cfg, logger: logger, elector: elector, detector: detector, catalog: catalog,
		orders: newOrders(zk, logger), listen: ln, card: card,
	}
	if err := a.checkTerm(); err != nil {
		return nil, errors.Join(err, ln.Close())
	}
	figures, err := metrics.New(metrics.Options{Instance: card.Instance, Term: a.measured, Logger: logger})
	if err != nil {
		return nil, errors.Join(err, ln.Close())
	}
	handler, err := httpapi.New(httpapi.Options{
		Instance:  card.Instance,
		Election:  election{a},
		Orders:    a.orders,
		Term:      a.leading,
		Artifacts: catalog,
		Metrics:   figures,
		Logger:    logger,
	})
	if err != nil {
		return nil, errors.Join(err, ln.Close())
	}
	a.server = &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          logger.Named("http").StandardLogger(&hclog.StandardLoggerOptions{InferLevels: true}),
	}
	a.server.RegisterOnShutdown(handler.Stop)
	return a, nil
}

// checkTerm finds settings that a term would refuse, before this process stands
// for election: a leader that ends at once would take the lead again and again.
func (a *App) checkTerm() error {
	_, coresErr := a.cores()
	_, mesosErr := a.mesosClient(nil, nil)
	return errors.Join(coresErr, mesosErr)
}

// Addr is where the HTTP server listens.
func (a *App) Addr() string { return a.listen.Addr().String() }

// stopTimeout bounds what is waited for after leadership was handed over.
const stopTimeout = 3 * time.Second

// Run serves and stands for election until ctx ends (nil) or the term does. It
// returns when every goroutine has ended.
func (a *App) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var running sync.WaitGroup
	served := make(chan error, 1)
	running.Go(func() { served <- a.server.Serve(a.listen) })
	running.Go(func() { a.orders.connect(ctx) })
	running.Go(func() { a.detector.Run(ctx) })

	led := make(chan error, 1)
	running.Go(func() { led <- a.electAndLead(ctx) })

	var err error
	select {
	case err = <-led:
	case serveErr := <-served:
		err = fmt.Errorf("HTTP server: %w", serveErr)
		cancel()
		err = errors.Join(err, <-led)
	}
	cancel()
	stopCtx, stop := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer stop()
	if shutErr := a.server.Shutdown(stopCtx); shutErr != nil {
		a.logger.Debug("HTTP requests cut off", "error", errors.Join(shutErr, a.server.Close()))
	}
	running.Wait()
	return err
}

func (a *App) electAndLead(ctx context.Context) error {
	won, err := a.elector.Elect(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	return a.lead(ctx, won)
}

// leading returns the running term for HTTP.
func (a *App) leading() httpapi.Term {
	if t := a.term.Load(); t != nil {
		return t
	}
	return nil
}

// measured returns the running term for metrics.
func (a *App) measured() (metrics.Term, bool) {
	t := a.term.Load()
	return t, t != nil
}

// sources are the base URLs of all live schedulers, our own first.
func (a *App) sources(ctx context.Context) []string {
	list := []string{a.card.URL}
	cards, err := a.orders.candidates(ctx)
	if err != nil {
		return list
	}
	for _, card := range cards {
		if card.URL != a.card.URL {
			list = append(list, card.URL)
		}
	}
	return list
}

// election answers httpapi.
type election struct{ a *App }

func (e election) Connected() bool { return e.a.elector.Status().Connected }

func (e election) Leader() (leader.Card, bool) { return e.a.elector.CurrentLeader() }

func (e election) Candidates(ctx context.Context) ([]leader.Card, error) {
	return e.a.orders.candidates(ctx)
}

// agentURI is where Mesos fetches the node agent from this leader.
func (a *App) agentURI() string {
	return a.card.URL + (&url.URL{Path: "/artifacts/" + a.catalog.AgentPath}).EscapedPath()
}
