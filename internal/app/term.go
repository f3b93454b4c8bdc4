package app

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

	"scaleio-framework/internal/clock"
	"scaleio-framework/internal/core"
	"scaleio-framework/internal/engine"
	"scaleio-framework/internal/httpapi"
	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/internal/redact"
	"scaleio-framework/internal/state"
	"scaleio-framework/leader"
	"scaleio-framework/scheduler/bootstrap"
	"scaleio-framework/scheduler/gateway"
	"scaleio-framework/scheduler/mesosapi"
)

// term is this process's time of leadership, as HTTP sees it.
type term struct {
	engine     *engine.Engine
	mesos      *mesosapi.Client
	subscriber *subscriber
	previews   *previews
	gateways   *gateway.Performer
	abdicate   context.CancelFunc
	changed    *httpapi.Bell
	done       <-chan struct{}
}

// View implements httpapi.Term.
func (t *term) View() engine.View { return t.engine.View() }

// Subscribed implements httpapi.Term.
func (t *term) Subscribed() bool { return t.mesos.Subscribed() }

// Changed implements httpapi.Term.
func (t *term) Changed() <-chan struct{} { return t.changed.Next() }

// Done implements httpapi.Term.
func (t *term) Done() <-chan struct{} { return t.done }

// Preview implements httpapi.Term.
func (t *term) Preview(ctx context.Context, pool string, sizeGiB int) (core.TellPreview, error) {
	return t.previews.ask(ctx, pool, sizeGiB)
}

// VolumesInTheWay implements httpapi.Term. It only reads.
func (t *term) VolumesInTheWay(ctx context.Context, allowed bool) ([]string, error) {
	cluster := state.Decode(t.engine.View().Records).Cluster
	if cluster == nil {
		return nil, nil
	}
	return t.gateways.Blocking(ctx, cluster.Gateways, bootstrap.RemovalCheck(cluster, allowed))
}

// Abdicate implements httpapi.Term.
func (t *term) Abdicate() { t.abdicate() }

// errAbdicated ends a term that an operator asked to end.
var errAbdicated = fmt.Errorf("%w: asked to abdicate", leader.ErrHandedOver)

// lead leads until ctx ends, the term is lost, or something final happens. On
// every way out that leaves the fence with us leadership is handed over before
// anything is waited for, so that the next leader starts at once.
func (a *App) lead(ctx context.Context, won *leader.Term) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)

	t, closeTerm, err := a.wire(won, cancel)
	if err != nil {
		handOver(a, won)
		return err
	}
	t.done = ctx.Done()
	a.term.Store(t)
	defer a.term.Store(nil)

	var running sync.WaitGroup
	running.Go(func() {
		select {
		case <-won.Done():
			cancel(won.Err())
		case <-ctx.Done():
		}
	})
	running.Go(func() { a.orders.watch(ctx, t.engine.Offer) })
	running.Go(func() {
		if err := t.subscriber.run(ctx); err != nil {
			cancel(err)
		}
	})
	err = t.engine.Run(ctx)
	if cause := context.Cause(ctx); err == nil && !errors.Is(cause, context.Canceled) {
		err = cause
	}
	a.term.Store(nil)
	cancel(err)
	handOver(a, won)

	wait, stop := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer stop()
	if waitErr := t.engine.Close(wait); waitErr != nil {
		a.logger.Warn("stopped before all effects had ended", "error", waitErr)
	}
	running.Wait()
	closeTerm()
	return err
}

// handOver gives leadership up when we still have it; a term that is lost is
// only closed.
func handOver(a *App, won *leader.Term) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := won.HandOver(ctx); err != nil && !errors.Is(err, leader.ErrDeposed) && !errors.Is(err, leader.ErrHandedOver) {
		a.logger.Warn("leadership not handed over, the next leader waits for the session to expire", "error", err)
	}
}

// wire makes the parts of one term. fatal ends the term.
func (a *App) wire(won *leader.Term, fatal func(error)) (t *term, closeTerm func(), err error) {
	now, changed := clock.Start(), &httpapi.Bell{}
	mesos, err := a.mesosClient(won, changed.Ring)
	if err != nil {
		return nil, nil, err
	}
	gateways, err := gateway.New(gateway.Options{
		Username: a.cfg.ScaleIO.User, Password: a.cfg.ScaleIO.Password, PlatformPassword: a.cfg.ScaleIO.GatewayPassword,
		CAFile: a.cfg.Gateway.CAFile, Insecure: a.cfg.Gateway.Insecure,
		Timeout: a.cfg.Gateway.Timeout, Now: now, Logger: a.logger,
	})
	if err != nil {
		return nil, nil, err
	}
	cores, err := a.cores()
	if err != nil {
		return nil, nil, err
	}
	provider, err := a.provider()
	if err != nil {
		return nil, nil, err
	}
	p := &performer{
		term: won, provider: provider, mesos: mesos, subscriber: newSubscriber(mesos), gateway: gateways, previews: newPreviews(),
		secrets: map[string]redact.Secret{
			nodeproto.SecretAdminPassword:   a.cfg.ScaleIO.Password,
			nodeproto.SecretLIAToken:        a.cfg.ScaleIO.LIAToken,
			nodeproto.SecretGatewayPassword: a.cfg.ScaleIO.GatewayPassword,
			nodeproto.SecretDriverPassword:  a.cfg.SDC.Password,
			nodeproto.SecretDriverKey:       a.cfg.SDC.Key,
			nodeproto.SecretP12Password:     a.cfg.ScaleIO.P12Password,
		},
		sources: (&sources{read: a.sources}).get,
		fatal:   fatal,
		now:     now,
		logger:  a.logger.Named("performer"),
	}
	eng, err := engine.New(engine.Options{
		Store: won, Cores: cores, Perform: p.perform, Entropy: uuid.NewString, Logger: a.logger, Now: now, Published: changed.Ring,
	})
	if err != nil {
		return nil, nil, err
	}
	p.subscriber.offer, p.previews.offer = eng.Offer, eng.Offer
	t = &term{engine: eng, mesos: mesos, subscriber: p.subscriber, previews: p.previews, gateways: gateways, abdicate: func() { fatal(errAbdicated) }, changed: changed}
	return t, gateways.Close, nil
}

var _ engine.Store = (*leader.Term)(nil)
