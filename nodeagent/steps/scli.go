package steps

import (
	"context"
	"errors"
	"fmt"
	"time"

	"scaleio-framework/internal/nodeproto"
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

// scli runs scli against the MDM of this host, in the dialect of its release.
type scli struct {
	h        *Host
	build    scaleio.SCLI
	username string
	// password is the user's, or from 4.0 on that of the login file.
	password redact.Secret
	// patience is how long an MDM that does not answer is asked again;
	// settleTime when 0.
	patience time.Duration
}

// scli logs in as a user, or from release 4.0 on by the login file. release is
// empty before.
func (h *Host) scli(release, username string, secrets map[string]redact.Secret) (*scli, error) {
	if release == "" {
		if username == "" {
			return nil, errors.New("parameters name no user")
		}
		return &scli{h: h, build: scaleio.SCLI{ApproveCertificate: true}, username: username, password: secrets[nodeproto.SecretAdminPassword]}, nil
	}
	version, err := scaleio.ParseVersion(release)
	switch {
	case err != nil:
		return nil, fmt.Errorf("release: %w", err)
	case !version.Known():
		return nil, fmt.Errorf("release %s is not supported: give the schedulers packages of 2.0 to 4.x", release)
	}
	return &scli{h: h, build: scaleio.SCLI{Version: version}, password: secrets[nodeproto.SecretP12Password]}, nil
}

// byFile reports whether a file is what logs in.
func (s *scli) byFile() bool { return s.build.Version.NeedsCertificates() }

// secret is the name of the secret that a command must carry.
func (s *scli) secret() string {
	if s.byFile() {
		return nodeproto.SecretP12Password
	}
	return nodeproto.SecretAdminPassword
}

// loginCommand asks for one secret.
func (s *scli) loginCommand() scaleio.Command {
	if s.byFile() {
		return s.build.LoginWithCertificate(loginFile)
	}
	return s.build.Login(s.username)
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
	command := s.loginCommand()
	if s.byFile() && !s.h.root.Exists(loginFile) {
		return scaleio.Result{}, failure.Hopelessf("%s is not on this host: order retry of step %s", loginFile, nodeproto.StepMDMCertificate)
	}
	return s.typing(ctx, command, map[scaleio.SecretName]redact.Secret{command.Prompts[0].Secret: password})
}

// login logs in with the admin password. An MDM that does not answer is asked
// again for a while, since a cluster's primary may be changing.
func (s *scli) login(ctx context.Context) error {
	if s.password.IsEmpty() {
		return fmt.Errorf("the command carries no secret %q", s.secret())
	}
	patience := s.patience
	if patience == 0 {
		patience = settleTime
	}
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("no login within %s", patience))
	defer cancel()
	return until(ctx, func(ctx context.Context) error {
		res, err := s.tryLogin(ctx, s.password)
		if err != nil {
			return err
		}
		if res.Outcome == scaleio.OutcomeWrongPassword && s.byFile() {
			return failure.Hopelessf("the MDM does not take the login file %s: it was made by another authority", loginFile)
		}
		if res.Outcome == scaleio.OutcomeFailed && res.ExitCode > 0 && s.byFile() {
			return failure.Hopeless(fmt.Errorf("%w: give the schedulers the SIO_SCALEIO_P12_PASSWORD with which %s was made", res.Err(s.loginCommand()), loginFile))
		}
		if res.Outcome == scaleio.OutcomeWrongPassword {
			return failure.Hopelessf("the ScaleIO user %s has another password than the one configured: give the schedulers the one with which this system was made", s.username)
		}
		err = res.Err(s.loginCommand())
		if res.Outcome == scaleio.OutcomeNoConnection && err != nil {
			if _, lost := s.follow(ctx); lost != nil {
				return lost
			}
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
	s := &scli{h: h, build: scaleio.SCLI{ApproveCertificate: true}}
	res, _, err := s.do(ctx, s.build.QueryCluster())
	if err != nil {
		return false
	}
	return res.Outcome == scaleio.OutcomeOK || res.Outcome == scaleio.OutcomeNotLoggedIn
}
