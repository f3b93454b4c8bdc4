package steps

import (
	"context"
	"errors"
	"fmt"

	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/internal/redact"
	"scaleio-framework/nodeagent/failure"
	"scaleio-framework/scaleio"
)

// createCluster makes the cluster and changes its initial password in one
// step, so that admin/admin does not stand open between two.
type createCluster struct {
	params nodeproto.CreateClusterParams
	scli   *scli
}

func (h *Host) createCluster(p nodeproto.CreateClusterParams, r Request) (Step, error) {
	if p.Name == "" || len(p.IPs) == 0 {
		return nil, errors.New("parameters lack the member's name or its addresses")
	}
	cli, err := h.scli(p.Release, p.Username, r.Secrets)
	return &createCluster{params: p, scli: cli}, err
}

// Detect asks whether the new password, or the login file, logs in: then all of
// the step is done.
func (s *createCluster) Detect(ctx context.Context) (bool, error) {
	if s.scli.password.IsEmpty() {
		return false, fmt.Errorf("the command carries no secret %q", s.scli.secret())
	}
	res, err := s.scli.tryLogin(ctx, s.scli.password)
	if err != nil || res.Outcome != scaleio.OutcomeNoConnection || s.scli.byFile() {
		return err == nil && res.Outcome == scaleio.OutcomeOK, err
	}
	// Its MDM may be in a cluster that another one leads by now.
	others, err := s.others()
	if err != nil {
		return false, err
	}
	if found, err := s.scli.followTo(ctx, others); err != nil || !found {
		return false, err
	}
	return true, s.scli.login(ctx)
}

// Apply goes on where an interrupted Apply stopped.
func (s *createCluster) Apply(ctx context.Context) error {
	if err := s.create(ctx); err != nil {
		return err
	}
	if s.scli.byFile() {
		return s.scli.login(ctx) // nobody knows a password
	}
	initial := redact.New(initialPassword)
	res, err := s.firstLogin(ctx, initial)
	if err != nil {
		return err
	}
	if res.Outcome == scaleio.OutcomeWrongPassword {
		// Changed before we were interrupted, or by someone else: the login
		// that follows knows.
		return s.scli.login(ctx)
	}
	if err := res.Err(s.scli.build.Login(s.params.Username)); err != nil {
		return err
	}
	command := s.scli.build.SetPassword()
	res, err = s.scli.typing(ctx, command, map[scaleio.SecretName]redact.Secret{
		scaleio.SecretOldPassword: initial, scaleio.SecretNewPassword: s.scli.password,
	})
	if err != nil {
		return err
	}
	if res.Outcome == scaleio.OutcomeRefused {
		return failure.Hopeless(res.Err(command))
	}
	return res.Err(command)
}

// create makes the cluster unless the MDM is in one. After a refusal the
// logins decide whether one is there: an interrupted creation ends that way.
func (s *createCluster) create(ctx context.Context) error {
	query, _, err := s.scli.do(ctx, s.scli.build.QueryCluster())
	if err != nil {
		return err
	}
	if query.Outcome == scaleio.OutcomeOK || query.Outcome == scaleio.OutcomeNotLoggedIn {
		return nil
	}
	if err := s.alone(ctx); err != nil {
		return err
	}
	command := s.scli.build.CreateMDMCluster(scaleio.MemberSpec{
		Name: s.params.Name, IPs: s.params.IPs, ManagementIPs: s.params.ManagementIPs,
	})
	res, _, err := s.scli.do(ctx, command)
	if err != nil {
		return err
	}
	switch res.Outcome {
	case scaleio.OutcomeOK, scaleio.OutcomeAlreadyDone, scaleio.OutcomeNoCluster:
		return nil
	default:
		return res.Err(command)
	}
}

// firstLogin waits for the new MDM, which needs some seconds to listen.
func (s *createCluster) firstLogin(ctx context.Context, password redact.Secret) (res scaleio.Result, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, settleTime, fmt.Errorf("the MDM does not answer within %s", settleTime))
	defer cancel()
	err = until(ctx, func(ctx context.Context) error {
		var err error
		res, err = s.scli.tryLogin(ctx, password)
		if err == nil && (res.Outcome == scaleio.OutcomeNoConnection || res.Outcome == scaleio.OutcomeNoCluster) {
			err = res.Err(s.scli.build.Login(s.params.Username))
		}
		return err
	})
	return res, err
}

// Verify logs in with the new password and asks who the system is.
func (s *createCluster) Verify(ctx context.Context) (any, error) {
	c, err := s.scli.cluster(ctx)
	if err != nil {
		return nil, err
	}
	if c.Primary == nil {
		return nil, errors.New("the cluster has no primary MDM")
	}
	if err := s.ours(c); err != nil {
		return nil, err
	}
	out, err := s.scli.must(ctx, s.scli.build.QueryAll())
	if err != nil {
		return nil, err
	}
	info, err := scaleio.ParseSystem(out)
	if err != nil {
		return nil, err
	}
	if v, err := scaleio.ParseVersion(info.Version); err == nil && !v.Known() {
		return nil, failure.Hopelessf("the system says that its version is %s: only 2.0 to 4.x are supported", info.Version)
	}
	return nodeproto.CreateClusterResult{SystemID: info.ID, InstallationID: info.InstallationID, Version: info.Version}, nil
}
