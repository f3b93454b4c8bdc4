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

// shrinkCluster makes the MDM of this host a cluster of its own, if it is the
// primary.
type shrinkCluster struct {
	params nodeproto.ShrinkClusterModeParams
	scli   *scli
}

func (h *Host) shrinkCluster(p nodeproto.ShrinkClusterModeParams, r Request) (Step, error) {
	if len(p.KeepIPs) == 0 {
		return nil, errors.New("parameters lack the addresses of the member that stays")
	}
	cli, err := h.scli(p.Release, p.Username, r.Secrets)
	return &shrinkCluster{params: p, scli: cli}, err
}

// Detect compares the mode. Who answers a login is the primary.
func (s *shrinkCluster) Detect(ctx context.Context) (bool, error) {
	c, err := s.scli.cluster(ctx)
	if err != nil {
		return false, err
	}
	if c.Primary == nil || !slices.ContainsFunc(s.params.KeepIPs, func(ip string) bool { return slices.Contains(c.Primary.IPs, ip) }) {
		return false, errors.New("the MDM of this host is not the primary")
	}
	return c.Mode == oneNode, nil
}

const oneNode = "1_node"

// Apply names the members that take part, as scli wants. One that is foreign to
// the plan is not put out.
func (s *shrinkCluster) Apply(ctx context.Context) error {
	c, err := s.scli.members(ctx)
	if err != nil {
		return err
	}
	managers, err := leaving(c.Secondaries, s.params.ManagerIPs)
	if err != nil {
		return err
	}
	ties, err := leaving(c.TieBreakers, s.params.TieBreakerIPs)
	if err != nil {
		return err
	}
	return s.scli.change(ctx, s.scli.build.ShrinkClusterMode(managers, ties))
}

// leaving are the addresses by which the members that take part are known.
func leaving(members []scaleio.Member, known []string) ([]string, error) {
	var ips []string
	for _, m := range members {
		i := slices.IndexFunc(known, func(ip string) bool { return slices.Contains(m.IPs, ip) })
		if i < 0 {
			return nil, failure.Hopelessf("the cluster has a member %s with addresses %v that the plan does not know: take it out with scli, then retry the step", m.Name, m.IPs)
		}
		ips = append(ips, known[i])
	}
	return ips, nil
}

// Verify waits for the mode.
func (s *shrinkCluster) Verify(ctx context.Context) (any, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, settleTime, fmt.Errorf("the cluster is not a single MDM within %s", settleTime))
	defer cancel()
	return nil, until(ctx, func(ctx context.Context) error {
		c, err := s.scli.members(ctx)
		if err == nil && c.Mode != oneNode {
			err = fmt.Errorf("the cluster's mode is %s", c.Mode)
		}
		return err
	})
}

// removeStandby takes a standby member out of the system.
type removeStandby struct {
	params nodeproto.RemoveStandbyMDMParams
	scli   *scli
}

func (h *Host) removeStandby(p nodeproto.RemoveStandbyMDMParams, r Request) (Step, error) {
	if len(p.IPs) == 0 {
		return nil, errors.New("parameters lack the member's addresses")
	}
	cli, err := h.scli(p.Release, p.Username, r.Secrets)
	return &removeStandby{params: p, scli: cli}, err
}

// Detect looks for the member.
func (s *removeStandby) Detect(ctx context.Context) (bool, error) {
	c, err := s.scli.cluster(ctx)
	if err != nil {
		return false, err
	}
	_, standby, there := c.Find("", s.params.IPs...)
	if there && !standby {
		return false, failure.Hopelessf("member %s takes part in the cluster: step %s comes first", s.params.Name, nodeproto.StepShrinkClusterMode)
	}
	return !there, nil
}

// Apply removes it.
func (s *removeStandby) Apply(ctx context.Context) error {
	c, err := s.scli.members(ctx)
	if err != nil {
		return err
	}
	m, _, there := c.Find("", s.params.IPs...)
	if !there {
		return nil
	}
	return s.scli.change(ctx, s.scli.build.RemoveStandbyMDM(m))
}

// Verify looks again.
func (s *removeStandby) Verify(ctx context.Context) (any, error) {
	gone, err := s.Detect(ctx)
	if err == nil && !gone {
		err = fmt.Errorf("the cluster still lists the member %s, although scli reported success", s.params.Name)
	}
	return nil, err
}
