package bootstrap

import (
	"encoding/json"
	"fmt"
	"strings"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/leader"
)

// memberAddress freezes the address of a member.
func (t *turn) memberAddress(i int) (string, error) {
	m := &t.cluster.Members[i]
	if m.Address == "" {
		address, err := t.address(m.Host)
		if err != nil {
			return "", err
		}
		m.Address = address
		t.changed[""] = true
	}
	return m.Address, nil
}

// managerAddresses are what SDCs and gateways are given.
func (t *turn) managerAddresses() ([]string, error) {
	var all []string
	for i, m := range t.cluster.Members {
		address, err := t.memberAddress(i)
		if err != nil {
			return nil, err
		}
		if m.Persona == model.Manager {
			all = append(all, address)
		}
	}
	return all, nil
}

// createClusterParams freezes the addresses of all members: nobody is replaced
// from here on.
func createClusterParams(t *turn, _ ref) (any, error) {
	if _, err := t.managerAddresses(); err != nil {
		return nil, err
	}
	first := t.cluster.Members[0]
	var all []string
	for _, m := range t.cluster.Members {
		all = append(all, m.Address)
	}
	return nodeproto.CreateClusterParams{
		Release:   t.scliRelease(),
		MemberIPs: all,
		Name:      first.Name, IPs: []string{first.Address}, ManagementIPs: []string{first.Address},
		Username: t.options.AdminUsername,
	}, nil
}

func createClusterResult(t *turn, _ ref, raw json.RawMessage) error {
	var r nodeproto.CreateClusterResult
	if err := json.Unmarshal(raw, &r); err != nil {
		return err
	}
	if known := t.cluster.SystemID; known != "" && r.SystemID != known {
		return fmt.Errorf("the MDMs belong to system %s, and %s says that it was %s: another system was made on these hosts; if it is the right one, take system_id and installation_id out of that record and order retry", r.SystemID, leader.PathCluster, known)
	}
	t.cluster.SystemID, t.cluster.InstallationID, t.cluster.Version = r.SystemID, r.InstallationID, r.Version
	t.changed[""] = true
	return nil
}

func addStandbyParams(t *turn, at ref) (any, error) {
	for i, m := range t.cluster.Members {
		if m.Name != at.object() {
			continue
		}
		address, err := t.memberAddress(i)
		if err != nil {
			return nil, err
		}
		params := nodeproto.AddStandbyMDMParams{Release: t.scliRelease(), Name: m.Name, Manager: m.Persona == model.Manager, IPs: []string{address}, Username: t.options.AdminUsername}
		if params.Manager {
			params.ManagementIPs = []string{address} // a tie-breaker has none
		}
		return params, nil
	}
	return nil, fmt.Errorf("/cluster has no member %q: mend its members by hand", at.object())
}

// switchModeParams names the members that are added: the first one is there.
func switchModeParams(t *turn, _ ref) (any, error) {
	params := nodeproto.SwitchClusterModeParams{
		Release:         t.scliRelease(),
		Mode:            fmt.Sprintf("%d_node", len(t.cluster.Members)),
		Username:        t.options.AdminUsername,
		ExpectedMembers: len(t.cluster.Members),
	}
	for _, m := range t.cluster.Members[1:] {
		if m.Persona == model.Manager {
			params.AddManagers = append(params.AddManagers, m.Name)
		} else {
			params.AddTieBreakers = append(params.AddTieBreakers, m.Name)
		}
	}
	return params, nil
}

func renameParams(t *turn, _ ref) (any, error) {
	return nodeproto.RenameSystemParams{Release: t.scliRelease(), Name: t.cluster.SystemName, Username: t.options.AdminUsername}, nil
}

func protectionDomainParams(_ *turn, at ref) (any, error) {
	return core.ProtectionDomainParams{Name: at.object()}, nil
}

func faultSetParams(_ *turn, at ref) (any, error) {
	pd, name, _ := strings.Cut(at.object(), "/")
	return core.FaultSetParams{ProtectionDomain: pd, Name: name}, nil
}

func storagePoolParams(t *turn, at ref) (any, error) {
	pd, name, _ := strings.Cut(at.object(), "/")
	return core.StoragePoolParams{ProtectionDomain: pd, Name: name, MediaType: t.options.MediaType, ZeroPadding: t.options.ZeroPadding}, nil
}

func sparePolicyParams(t *turn, at ref) (any, error) {
	pd, pool, _ := strings.Cut(at.object(), "/")
	return core.SparePolicyParams{ProtectionDomain: pd, StoragePool: pool, Percent: t.cluster.SparePercent}, nil
}

// verifyVolumeParams maps the volume to another host with each attempt, under a
// name that is used once.
func verifyVolumeParams(t *turn, at ref) (any, error) {
	var hosts []string
	for _, host := range sortedKeys(t.plans) {
		plan := t.plans[host]
		if plan.Steps[nodeproto.StepSDCPackage].State == model.Done && plan.Address != "" {
			hosts = append(hosts, host)
		}
	}
	if len(hosts) == 0 {
		return nil, errNotYet
	}
	step, _ := t.step(at)
	plan := t.plans[hosts[step.Attempt%len(hosts)]]
	return core.VerifyVolumeParams{
		Volume:           fmt.Sprintf("%s%d", verifyPrefix(t), step.Attempt+1),
		ProtectionDomain: plan.ProtectionDomain,
		StoragePool:      plan.StoragePool,
		SizeGiB:          t.options.VerifySizeGiB,
		SDCAddress:       plan.Address,
	}, nil
}

func verifyParams(t *turn, _ ref) (any, error) {
	return core.VerifyParams{VolumePrefix: verifyPrefix(t)}, nil
}

// verifyPrefix begins the names of the test volumes.
func verifyPrefix(t *turn) string { return verifyPrefixOf(t.cluster) }

func verifyPrefixOf(cluster *model.Cluster) string {
	short, _, _ := strings.Cut(cluster.UUID, "-")
	return fmt.Sprintf("verify-%.8s-", short)
}
