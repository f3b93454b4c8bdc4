package steps

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/nodeagent/failure"
	"scaleio-framework/scaleio"
)

// switchClusterMode lets standby members take part.
type switchClusterMode struct {
	params nodeproto.SwitchClusterModeParams
	scli   *scli
}

func (h *Host) switchClusterMode(p nodeproto.SwitchClusterModeParams, r Request) (Step, error) {
	if p.Mode == "" {
		return nil, errors.New("parameters lack the mode")
	}
	cli, err := h.scli(p.Release, p.Username, r.Secrets)
	return &switchClusterMode{params: p, scli: cli}, err
}

// Detect compares the mode.
func (s *switchClusterMode) Detect(ctx context.Context) (bool, error) {
	c, err := s.scli.cluster(ctx)
	return err == nil && s.missing(c) == nil, err
}

// missing says what the cluster lacks.
func (s *switchClusterMode) missing(c scaleio.Cluster) error {
	if c.Mode != s.params.Mode {
		return fmt.Errorf("the cluster's mode is %s, wanted is %s", c.Mode, s.params.Mode)
	}
	if n := len(c.Members()); n < s.params.ExpectedMembers {
		return fmt.Errorf("the cluster has %d members, wanted are %d", n, s.params.ExpectedMembers)
	}
	return nil
}

// Apply switches. Only the members that are standby are named, which is what
// scli wants: a smaller cluster may have some of them already.
func (s *switchClusterMode) Apply(ctx context.Context) error {
	c, err := s.scli.members(ctx)
	if err != nil {
		return err
	}
	if len(c.Members()) > s.params.ExpectedMembers {
		return failure.Hopelessf("the cluster has the members %s, wanted are %d: give the schedulers --placement.mdm-nodes=%d, or make the cluster smaller with scli --switch_cluster_mode", members(c), s.params.ExpectedMembers, len(c.Members()))
	}
	joins := func(names []string) []string {
		return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
			_, standby, ok := c.Find(name)
			return ok && !standby
		})
	}
	return s.scli.change(ctx, s.scli.build.SwitchClusterMode(s.params.Mode, joins(s.params.AddManagers), joins(s.params.AddTieBreakers)))
}

// Verify waits until the cluster works in the new mode: members need some
// seconds to join.
func (s *switchClusterMode) Verify(ctx context.Context) (any, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, settleTime, fmt.Errorf("the cluster is not complete within %s", settleTime))
	defer cancel()
	return nil, until(ctx, func(ctx context.Context) error {
		c, err := s.scli.members(ctx)
		if err != nil {
			return err
		}
		if err := s.missing(c); err != nil {
			return err
		}
		if c.Active < c.ActiveTotal {
			return fmt.Errorf("%d of %d members are active", c.Active, c.ActiveTotal)
		}
		return nil
	})
}
