package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/go-hclog"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/internal/redact"
	"scaleio-framework/leader"
	"scaleio-framework/scheduler/gateway"
	"scaleio-framework/scheduler/mesosapi"
	"scaleio-framework/storagegrowth/cloud"
)

// performer does the effects of one term. It checks nothing but the lease's
// deadline, decides nothing, and posts what came of an effect.
type performer struct {
	term  *leader.Term
	mesos *mesosapi.Client
	// subscriber keeps the subscription that core.Subscribe asks for.
	subscriber *subscriber
	gateway    *gateway.Performer
	previews   *previews
	// provider is where volumes come from; nil where an operator brings them.
	provider cloud.Cloud
	secrets  map[string]redact.Secret
	// sources are the URLs at which nodes fetch artifacts.
	sources func(ctx context.Context) []string
	// fatal ends the term.
	fatal func(error)
	// now is the clock of the term.
	now    func() time.Time
	logger hclog.Logger
}

// perform implements engine.Perform.
func (p *performer) perform(ctx context.Context, effect core.Effect, post func(core.Event)) {
	switch e := effect.(type) {
	case core.Subscribe:
		p.subscriber.subscribe(e)
	case core.SendCommand:
		p.withLease(ctx, func(ctx context.Context) { p.send(ctx, e, post) })
	case core.GatewayCall:
		p.withLease(ctx, func(ctx context.Context) { post(p.gateway.Perform(ctx, e)) })
	case core.ReadPools:
		p.withLease(ctx, func(ctx context.Context) { post(p.gateway.ReadPools(ctx, e)) })
	case core.CloudCall:
		p.withLease(ctx, func(ctx context.Context) { post(performCloud(ctx, p.provider, p.now, e)) })
	case core.TellPreview:
		p.previews.tell(e)
	case core.HandOver:
		p.fatal(fmt.Errorf("%w: %s", leader.ErrHandedOver, e.Reason))
	case core.RaiseEpoch:
		p.raiseEpoch(ctx, e)
	default:
		p.withLease(ctx, func(ctx context.Context) { p.call(ctx, effect, post) })
	}
}

// withLease ends an effect when the lease lapses. That narrows the window in
// which a paused leader acts; R10 closes it.
func (p *performer) withLease(ctx context.Context, do func(context.Context)) {
	ctx, cancel := leased(ctx, p.term.Lease())
	defer cancel()
	do(ctx)
}

// call performs a Mesos call. What was not taken is not repeated here: the core
// learns of a refused launch, everything else is asked for again by its timers
// or by Mesos itself.
func (p *performer) call(ctx context.Context, effect core.Effect, post func(core.Event)) {
	err := p.mesos.Perform(ctx, effect)
	if err == nil {
		return
	}
	p.logger.Debug("call not taken", "effect", effect.String(), "error", err)
	switch effect.(type) {
	case core.Accept:
		// An outcome that is unknown is asked for by reconciliation.
		if mesosapi.Refused(err) || errors.Is(err, mesosapi.ErrNotSubscribed) {
			post(core.CallRefused{Effect: effect, Err: err.Error()})
		}
	case core.Revive, core.Decline:
		// Nothing tells that it was lost, and a second one does no harm.
		post(core.CallRefused{Effect: effect, Err: err.Error()})
	}
}

// send gives a command to a node agent: epoch, secrets and sources are of this
// leader, everything else is the committed intent.
func (p *performer) send(ctx context.Context, e core.SendCommand, post func(core.Event)) {
	command := e.Command
	command.V = nodeproto.Version
	command.Epoch = p.term.Epoch()
	command.Sources = p.sources(ctx)
	command.Sealed = e.Sealed
	data, err := sealed(command, e.Address.PublicKey, e.Secrets, p.secrets)
	if err != nil {
		p.logger.Error("command cannot be made", "host", e.Host, "step", command.Step, "error", err)
		if command.Kind == nodeproto.Run {
			// A repetition would fail the same way: an operator has to see it.
			post(core.NodeReported{Host: e.Host, Report: nodeproto.Report{
				Step: command.Step, Attempt: command.Attempt, State: nodeproto.Failed, Hopeless: true, Error: err.Error(),
			}})
		}
		return
	}
	if err := p.mesos.Message(ctx, e.Address.AgentID, e.Address.ExecutorID, data); err != nil {
		p.logger.Debug("command not sent, it will be repeated", "host", e.Host, "step", command.Step, "error", err)
	}
}

func (p *performer) raiseEpoch(ctx context.Context, e core.RaiseEpoch) {
	if p.term.Epoch() > e.Above {
		return
	}
	p.logger.Warn("a node agent has seen a higher epoch: ZooKeeper was restored or rebuilt; raising ours above it", "seen", e.Above)
	if err := p.term.RaiseEpoch(ctx, e.Above); err != nil && ctx.Err() == nil {
		if errors.Is(err, leader.ErrDeposed) {
			p.fatal(err)
			return
		}
		p.logger.Warn("epoch not raised, the next refusal asks again", "error", err)
	}
}
