package steps

import (
	"context"
	"errors"
	"fmt"

	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/nodeagent/failure"
	"scaleio-framework/scaleio"
)

// addStandbyMDM makes a prepared host known to the cluster.
type addStandbyMDM struct {
	member scaleio.MemberSpec
	scli   *scli
}

func (h *Host) addStandbyMDM(p nodeproto.AddStandbyMDMParams, r Request) (Step, error) {
	if p.Name == "" || len(p.IPs) == 0 {
		return nil, errors.New("parameters lack the member's name or its addresses")
	}
	cli, err := h.scli(p.Release, p.Username, r.Secrets)
	return &addStandbyMDM{
		member: scaleio.MemberSpec{Name: p.Name, IPs: p.IPs, ManagementIPs: p.ManagementIPs, TieBreaker: !p.Manager},
		scli:   cli,
	}, err
}

// Detect finds the member, standby or taking part already.
func (s *addStandbyMDM) Detect(ctx context.Context) (bool, error) {
	c, err := s.scli.cluster(ctx)
	if err != nil {
		return false, err
	}
	return s.listed(c)
}

// listed finds the member by its addresses, since 3.6 may leave names out.
func (s *addStandbyMDM) listed(c scaleio.Cluster) (bool, error) {
	m, standby, ok := c.Find("", s.member.IPs...)
	if !ok {
		if _, _, taken := c.Find(s.member.Name); taken {
			return false, failure.Hopelessf("the cluster has a member %s with other addresses than %v: remove it from the cluster, or correct the host's address", s.member.Name, s.member.IPs)
		}
		return false, nil
	}
	if m.TieBreaker != s.member.TieBreaker {
		return false, failure.Hopelessf("the member with addresses %v has the wrong role (tie-breaker: %t, wanted: %t): remove it with scli --remove_standby_mdm and retry the step", s.member.IPs, m.TieBreaker, s.member.TieBreaker)
	}
	// Who takes part already is called as the cluster calls it: the name serves
	// to let a standby take part.
	if standby && m.Name != "" && m.Name != s.member.Name {
		return false, failure.Hopelessf("the member with addresses %v is named %s, wanted is %s: rename it with scli --rename_mdm and retry the step", s.member.IPs, m.Name, s.member.Name)
	}
	return true, nil
}

// Apply adds it.
func (s *addStandbyMDM) Apply(ctx context.Context) error {
	return s.scli.change(ctx, s.scli.build.AddStandbyMDM(s.member))
}

// Verify looks for it in the list.
func (s *addStandbyMDM) Verify(ctx context.Context) (any, error) {
	c, err := s.scli.members(ctx)
	if err != nil {
		return nil, err
	}
	ok, err := s.listed(c)
	if err == nil && !ok {
		err = fmt.Errorf("the cluster does not list the member %s, although scli reported success", s.member.Name)
	}
	return nil, err
}
