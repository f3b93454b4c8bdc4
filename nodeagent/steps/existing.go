package steps

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"scaleio-framework/nodeagent/failure"
	"scaleio-framework/scaleio"
)

// The MDM that does not lead its cluster answers no command, so the MDM of one
// host does not tell that it belongs to none. A host that was in use before may
// say more: its SDC is configured for the MDMs of its system.

// configuredMDMs are the addresses of the MDMs for which the SDC of this host
// is configured; none where there is no SDC, or it keeps them elsewhere.
func (h *Host) configuredMDMs() ([]string, error) {
	data, _, err := h.root.ReadIfThere(h.sdcSettings())
	if err != nil {
		return nil, err
	}
	var all []string
	for line := range strings.Lines(string(data)) {
		words := strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(", \t\r\n;", r) })
		if len(words) > 0 && words[0] == "mdm" {
			all = append(all, words[1:]...)
		}
	}
	return all, nil
}

// inCluster reports whether the MDM on this host belongs to a cluster, or may
// belong to one that this host's SDC knows and that does not say who its
// members are: one that does not lead answers no query itself.
func (h *Host) inCluster(ctx context.Context) bool {
	if h.clusterAnswers(ctx) {
		return true
	}
	configured, err := h.configuredMDMs()
	if err != nil {
		return true // it is not known
	}
	for _, address := range configured {
		s := &scli{h: h, build: scaleio.SCLI{ApproveCertificate: true, MDMIPs: []string{address}}}
		res, out, err := s.do(ctx, s.build.QueryCluster())
		switch {
		case err != nil:
			return false // there is no scli
		case res.Outcome == scaleio.OutcomeNotLoggedIn:
			return true
		case res.Outcome == scaleio.OutcomeOK:
			c, err := scaleio.ParseCluster(out)
			_, _, member := c.Find("", h.address)
			return err != nil || member
		}
	}
	return false
}

// leaderAt finds the address at which the leading MDM of a cluster answers;
// empty when it answers at none of them.
func (s *scli) leaderAt(ctx context.Context, addresses []string) (string, error) {
	for _, address := range addresses {
		there := s.build
		there.MDMIPs = []string{address}
		res, _, err := s.do(ctx, there.QueryCluster())
		if err != nil {
			return "", err
		}
		if res.Outcome == scaleio.OutcomeOK || res.Outcome == scaleio.OutcomeNotLoggedIn {
			return address, nil
		}
	}
	return "", nil
}

// follow speaks to the MDM that leads from here on, where the SDC knows it: the
// one of this host was the first, and another one may lead by now.
func (s *scli) follow(ctx context.Context) (bool, error) {
	if s.byFile() || len(s.build.MDMIPs) > 0 {
		return false, nil
	}
	configured, err := s.h.configuredMDMs()
	if err != nil {
		return false, err
	}
	return s.followTo(ctx, configured)
}

func (s *scli) followTo(ctx context.Context, addresses []string) (bool, error) {
	address, err := s.leaderAt(ctx, addresses)
	if err != nil || address == "" {
		return false, err
	}
	s.build.MDMIPs = []string{address}
	return true, nil
}

// others are the addresses at which a cluster may answer that this host knows
// of: those of the planned members and those of its SDC, but for its own.
func (s *createCluster) others() ([]string, error) {
	configured, err := s.scli.h.configuredMDMs()
	if err != nil {
		return nil, err
	}
	all := slices.Concat(s.params.MemberIPs, configured)
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), func(ip string) bool { return slices.Contains(s.params.IPs, ip) }), nil
}

// alone makes sure that there is no cluster beside which another one would be
// made: neither one that answers, nor one of which this host's SDC tells.
func (s *createCluster) alone(ctx context.Context) error {
	others, err := s.others()
	if err != nil {
		return err
	}
	address, err := s.scli.leaderAt(ctx, others)
	if err != nil {
		return err
	}
	if address != "" {
		return failure.Hopelessf("an MDM cluster answers at %s already, and the MDM of this host is not in it: no second one is made. %s", address, anewRemedy)
	}
	configured, err := s.scli.h.configuredMDMs()
	if err != nil || len(configured) == 0 {
		return err
	}
	if active, err := s.scli.h.services.IsActive(ctx, serviceOf(sdc)); err != nil || !active {
		return err
	}
	return fmt.Errorf("the SDC of this host belongs to a system whose MDMs are at %s, and none of them answers: no second cluster is made. Bring that system back; if it is gone for good, remove the SDC's package from this host (I_AM_SURE=1) and retry",
		strings.Join(configured, ", "))
}

// anewRemedy is for a plan that does not fit the cluster that is there.
const anewRemedy = "Either take that cluster: give its managers and tie-breakers the Mesos attribute scaleio-persona (manager, tie-breaker), stop the schedulers, remove the framework's path in ZooKeeper and start them again. Or remove that cluster by the vendor's tools and retry"

// ours checks that a cluster which was found is the one of the plan.
func (s *createCluster) ours(c scaleio.Cluster) error {
	if _, _, ok := c.Find("", s.params.IPs...); !ok {
		return failure.Hopelessf("the MDM cluster does not list the MDM of this host (%s): its members are %s. %s", strings.Join(s.params.IPs, ", "), members(c), anewRemedy)
	}
	if len(s.params.MemberIPs) == 0 {
		return nil
	}
	for _, m := range c.Members() {
		if !slices.ContainsFunc(m.IPs, func(ip string) bool { return slices.Contains(s.params.MemberIPs, ip) }) {
			return failure.Hopelessf("the MDM of this host is in a cluster with the members %s, and the plan has them at %s. %s", members(c), strings.Join(s.params.MemberIPs, ", "), anewRemedy)
		}
	}
	return nil
}

// members lists who takes part in a cluster.
func members(c scaleio.Cluster) string {
	var all []string
	for _, m := range c.Members() {
		all = append(all, strings.TrimSpace(m.Name+" "+strings.Join(m.IPs, ",")))
	}
	return strings.Join(all, "; ")
}
