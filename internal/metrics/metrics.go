package metrics

import (
	"errors"
	"net/http"
	"runtime"

	"github.com/hashicorp/go-hclog"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"scaleio-framework/internal/engine"
	"scaleio-framework/internal/version"
)

// Term is what the collectors ask of the leader in their process.
type Term interface {
	// View returns what is committed.
	View() engine.View
	// Subscribed reports whether Mesos has our subscription.
	Subscribed() bool
}

// Options configure the metrics; all are required.
type Options struct {
	// Instance is the name of this instance, as in its card.
	Instance string
	// Term returns the term of this process; false on a standby.
	Term   func() (Term, bool)
	Logger hclog.Logger
}

// New returns the handler of /metrics.
func New(opts Options) (http.Handler, error) {
	if opts.Instance == "" || opts.Term == nil || opts.Logger == nil {
		return nil, errors.New("metrics: Instance, Term and Logger are required")
	}
	registry := prometheus.NewRegistry()
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: namespace + "build_info", Help: "1, labelled with the version and the instance.",
		ConstLabels: prometheus.Labels{"version": version.String(), "goversion": runtime.Version(), "instance_name": opts.Instance},
	})
	build.Set(1)
	for _, c := range []prometheus.Collector{
		build,
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		&committed{term: opts.Term, figures: figures()},
	} {
		if err := registry.Register(c); err != nil {
			return nil, err
		}
	}
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		ErrorLog:      opts.Logger.Named("metrics").StandardLogger(&hclog.StandardLoggerOptions{ForceLevel: hclog.Warn}),
		ErrorHandling: promhttp.HTTPErrorOnError,
	}), nil
}
