package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/redact"
	"scaleio-framework/scaleio"
)

// Options configure a Performer. Username, Password and Logger are required.
type Options struct {
	Username string
	Password redact.Secret
	// PlatformPassword is the user's at a management platform; Password when
	// empty.
	PlatformPassword redact.Secret
	// CAFile holds authorities in PEM; besides them each gateway's own
	// certificate, as recorded, is trusted for that gateway.
	CAFile string
	// Insecure accepts any certificate.
	Insecure bool
	// Timeout of one request.
	Timeout time.Duration
	// Now is the clock of the term, by which readings are dated. Required.
	Now    func() time.Time
	Logger hclog.Logger
}

// Performer performs gateway steps. It may be used concurrently.
type Performer struct {
	opts Options
	mask func(string) string

	mu      sync.Mutex
	clients map[string]*scaleio.Client // by URL and certificate
}

// New makes a performer; it opens no connection.
func New(opts Options) (*Performer, error) {
	if opts.Username == "" || opts.Password.IsEmpty() || opts.Now == nil || opts.Logger == nil {
		return nil, errors.New("gateway: Username, Password, Now and Logger are required")
	}
	if opts.PlatformPassword.IsEmpty() {
		opts.PlatformPassword = opts.Password
	}
	opts.Logger = opts.Logger.Named("gateway")
	return &Performer{opts: opts, mask: redact.Text(opts.Password, opts.PlatformPassword), clients: make(map[string]*scaleio.Client)}, nil
}

// Close closes idle connections.
func (p *Performer) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, client := range p.clients {
		client.Close()
	}
}

// notYet says that a step has been done as far as we can, and that the system
// needs more time; it does not count as a failure.
type notYet struct{ what string }

func (e notYet) Error() string { return e.what }

// hopeless says that no retry can help.
type hopeless struct{ error }

func (e hopeless) Unwrap() error { return e.error }

// step performs one kind of step through one gateway.
type step func(ctx context.Context, client *scaleio.Client, params json.RawMessage) (result any, err error)

func steps() map[string]step {
	return map[string]step{
		core.StepProtectionDomains: protectionDomain,
		core.StepFaultSets:         faultSet,
		core.StepStoragePools:      storagePool,
		core.StepSparePolicy:       sparePolicy,
		core.StepAddSDS:            addSDS,
		core.StepAddDevices:        addDevices,
		core.StepVerifyVolume:      verifyVolume,
		core.StepVerify:            verify,
	}
}

// Perform performs a call through the first gateway that answers.
func (p *Performer) Perform(ctx context.Context, call core.GatewayCall) core.GatewayAnswered {
	answer := core.GatewayAnswered{Host: call.Host, Step: call.Step, Attempt: call.Attempt}
	result, err := p.perform(ctx, call)
	if err == nil {
		answer.Result, err = json.Marshal(result)
	}
	if err == nil {
		return answer
	}
	var wait notYet
	var never hopeless
	var mismatch *scaleio.MismatchError
	var unsupported *scaleio.UnsupportedVersionError
	answer.Err = p.mask(err.Error())
	// A certificate that is not trusted looks like a gateway that does not
	// answer, but waiting does not mend it.
	answer.Interrupted = ctx.Err() != nil || errors.As(err, &wait) || scaleio.IsUnreachable(err) && !isUntrusted(err)
	answer.Hopeless = errors.As(err, &never) || errors.As(err, &mismatch) || errors.As(err, &unsupported)
	return answer
}

func (p *Performer) perform(ctx context.Context, call core.GatewayCall) (any, error) {
	if call.Step == core.StepManagementPlatform {
		return p.meet(ctx, call.Params)
	}
	do, known := steps()[name(call.Step)]
	if !known {
		do, known = removalSteps()[name(call.Step)]
	}
	if !known {
		return nil, hopeless{fmt.Errorf("step %s is none that a gateway performs", call.Step)}
	}
	return p.throughAny(ctx, call, do)
}

func (p *Performer) throughAny(ctx context.Context, call core.GatewayCall, do step) (any, error) {
	if len(call.Gateways) == 0 {
		return nil, notYet{"no gateway is configured yet"}
	}
	var failed error
	for _, g := range call.Gateways {
		client, err := p.client(g)
		if err != nil {
			return nil, hopeless{err}
		}
		err = serves(ctx, client, g)
		var other otherSystem
		if errors.As(err, &other) {
			return nil, notYet{other.Error()} // it may come to serve ours again
		}
		if err == nil {
			var result any
			if result, err = do(ctx, client, call.Params); err == nil {
				return result, nil
			}
		}
		if !mayDiffer(err) || ctx.Err() != nil {
			return nil, err
		}
		p.opts.Logger.Debug("gateway does not serve, trying the next", "gateway", g.URL, "step", call.Step, "error", err)
		failed = both(failed, err)
	}
	return nil, failed
}

// mayDiffer reports whether another gateway may serve what one did not: each
// step asks by name first, so one whose outcome is unknown may be repeated there.
func mayDiffer(err error) bool {
	return scaleio.IsUnreachable(err) || scaleio.IsAmbiguous(err) || scaleio.IsNonsense(err)
}

// both tells two failures of two gateways. What counts is the one that waiting
// may mend.
func both(first, second error) error {
	switch {
	case first == nil:
		return second
	case isUntrusted(second):
		return fmt.Errorf("%w; %v", first, second)
	default:
		return fmt.Errorf("%v; %w", first, second)
	}
}

func (p *Performer) client(g model.Gateway) (*scaleio.Client, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	key, password := g.URL+"\n"+g.CertificatePEM, p.opts.Password
	if g.Platform() {
		key, password = key+"\nplatform", p.opts.PlatformPassword
	}
	if client, ok := p.clients[key]; ok {
		return client, nil
	}
	transport, err := p.opts.transport(g)
	if err != nil {
		return nil, fmt.Errorf("gateway %s: %w", g.URL, err)
	}
	client, err := scaleio.New(scaleio.Options{
		Endpoint: g.URL, Username: p.opts.Username, Password: password,
		Timeout: p.opts.Timeout, HTTPTransport: transport, Logger: p.opts.Logger,
	})
	if err != nil {
		return nil, fmt.Errorf("gateway %s: %w", g.URL, err)
	}
	p.clients[key] = client
	return client, nil
}

// params decodes a step's parameters.
func params[T any](raw json.RawMessage) (T, error) {
	var v T
	if err := json.Unmarshal(raw, &v); err != nil {
		return v, hopeless{fmt.Errorf("the step's parameters are not those of %T: %w", v, err)}
	}
	return v, nil
}
