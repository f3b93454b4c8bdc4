package steps

import (
	"context"
	"errors"
	"fmt"
	"time"

	"scaleio-framework/internal/redact"
	"scaleio-framework/nodeagent/failure"
	"scaleio-framework/nodeagent/runner"
	"scaleio-framework/scaleio"
)

// scliTimeout bounds one command: a query answers at once, a change of the
// cluster's mode takes some seconds.
const scliTimeout = 2 * time.Minute

// initialPassword is what every new cluster begins with. It is no secret.
const initialPassword = "admin"

// scli runs scli against the MDM of this host.
type scli struct {
	h        *Host
	build    scaleio.SCLI
	username string
	password redact.Secret
}

func (h *Host) scli(username string, password redact.Secret) *scli {
	return &scli{h: h, build: scaleio.SCLI{ApproveCertificate: true}, username: username, password: password}
}

// do runs a command that needs no secret. A result other than success is in
// the result, not in the error.
func (s *scli) do(ctx context.Context, c scaleio.Command) (scaleio.Result, string, error) {
	res, err := s.h.run.Run(ctx, runner.Command{
		Argv: append([]string{"scli"}, c.Args...), Mask: []redact.Secret{s.password}, Timeout: scliTimeout,
	})
	if errors.Is(err, runner.ErrNotFound) {
		err = failure.Hopeless(err)
	}
	if err != nil {
		return scaleio.Result{}, "", err
	}
	return scaleio.Classify(res.Code, res.Stdout, res.Stderr), res.Stdout, nil
}

// must runs a command whose success is needed.
func (s *scli) must(ctx context.Context, c scaleio.Command) (string, error) {
	res, out, err := s.do(ctx, c)
	if err == nil {
		err = res.Err(c)
	}
	return out, err
}

// typing runs a command that asks for secrets.
func (s *scli) typing(ctx context.Context, c scaleio.Command, secrets map[scaleio.SecretName]redact.Secret) (scaleio.Result, error) {
	all := make([]redact.Secret, 0, len(secrets))
	for _, secret := range secrets {
		if secret.Reveal() != initialPassword { // masking it would mask the user's name
			all = append(all, secret)
		}
	}
	command := runner.Command{Argv: append([]string{"scli"}, c.Args...), Timeout: scliTimeout}
	res, answered, err := s.h.run.RunTyping(ctx, command, runner.Typing{Secrets: all, Answer: func(text string, answered int) (redact.Secret, bool) {
		p, ok := c.PromptFor(text, answered)
		return secrets[p.Secret], ok
	}})
	if errors.Is(err, runner.ErrNotFound) {
		return scaleio.Result{}, failure.Hopeless(err)
	}
	understood := scaleio.Classify(res.Code, res.Stdout, res.Stderr)
	if answered > 0 || err == nil && asksLater(understood) {
		return understood, err
	}
	if ctx.Err() != nil {
		return understood, err
	}
	// It ended, or waited in vain, without asking.
	if !s.h.inArgs {
		return understood, failure.Hopeless(scaleio.ErrNoPrompt)
	}
	args, err := c.WithSecretsInArgs(secrets)
	if err != nil {
		return understood, failure.Hopeless(err)
	}
	s.h.log.Warn("scli does not ask for the password, it is put on its command line", "command", c.String())
	res, err = s.h.run.Run(ctx, runner.Command{Argv: append([]string{"scli"}, args...), Mask: all, Timeout: scliTimeout})
	return scaleio.Classify(res.Code, res.Stdout, res.Stderr), err
}

// asksLater tells the outcomes that scli may come to before it asks.
func asksLater(r scaleio.Result) bool {
	return r.Outcome == scaleio.OutcomeNoConnection || r.Outcome == scaleio.OutcomeNoCluster || r.Outcome == scaleio.OutcomeRefused
}

// tryLogin logs in and tells what came of it.
func (s *scli) tryLogin(ctx context.Context, password redact.Secret) (scaleio.Result, error) {
	return s.typing(ctx, s.build.Login(s.username), map[scaleio.SecretName]redact.Secret{scaleio.SecretPassword: password})
}

// login logs in with the admin password. An MDM that does not answer is asked
// again for a while, since a cluster's primary may be changing.
func (s *scli) login(ctx context.Context) error {
	if s.password.IsEmpty() {
		return errors.New("the command carries no password for the ScaleIO user " + s.username)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, settleTime, fmt.Errorf("no login within %s", settleTime))
	defer cancel()
	return until(ctx, func(ctx context.Context) error {
		res, err := s.tryLogin(ctx, s.password)
		if err != nil {
			return err
		}
		if res.Outcome == scaleio.OutcomeWrongPassword {
			return failure.Hopelessf("the ScaleIO user %s has another password than the one configured: give the schedulers the right --scaleio.password", s.username)
		}
		err = res.Err(s.build.Login(s.username))
		if res.Outcome == scaleio.OutcomeNoConnection && err != nil {
			err = fmt.Errorf("%w (the primary MDM may be another host)", err)
		}
		return err
	})
}

// cluster logs in and asks for the members.
func (s *scli) cluster(ctx context.Context) (scaleio.Cluster, error) {
	if err := s.login(ctx); err != nil {
		return scaleio.Cluster{}, err
	}
	return s.members(ctx)
}

// members asks for the members under a login that stands.
func (s *scli) members(ctx context.Context) (scaleio.Cluster, error) {
	out, err := s.must(ctx, s.build.QueryCluster())
	if err != nil {
		return scaleio.Cluster{}, err
	}
	return scaleio.ParseCluster(out)
}

// change runs a command that changes the cluster. "Already done" is no error:
// the query that follows decides.
func (s *scli) change(ctx context.Context, c scaleio.Command) error {
	res, _, err := s.do(ctx, c)
	if err != nil || res.Outcome == scaleio.OutcomeOK || res.Outcome == scaleio.OutcomeAlreadyDone {
		return err
	}
	return res.Err(c)
}

// clusterAnswers reports whether the MDM on this host is known to belong to a
// cluster. A host without scli, or whose MDM does not answer, is not.
func (h *Host) clusterAnswers(ctx context.Context) bool {
	s := h.scli("", redact.Secret{})
	res, _, err := s.do(ctx, s.build.QueryCluster())
	if err != nil {
		return false
	}
	return res.Outcome == scaleio.OutcomeOK || res.Outcome == scaleio.OutcomeNotLoggedIn
}
