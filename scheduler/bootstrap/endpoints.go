package bootstrap

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"slices"

	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
)

// Which gateway the volume driver of a host uses follows from names alone: each
// host has an order of its own of all managers, and takes the first whose
// gateway is there. So it does not matter which gateway was ready first, another
// framework on the same hosts decides the same, and hosts spread over the
// gateways. Once it was told to a host it stays, whatever gateways join, until
// that gateway is gone: a change restarts REX-Ray.

// gatewayOf is the host whose gateway is a host's. There is no such gateway yet
// when ready is false; the name is empty then when none is to be expected.
func (r *records) gatewayOf(host string) (gateway string, ready bool) {
	known := make(map[string]bool, len(r.cluster.Gateways))
	var best uint64
	consider := func(name string) {
		if w := preference(host, name); gateway == "" || w > best || w == best && name < gateway {
			gateway, best = name, w
		}
	}
	told := r.toldEndpoint(host)
	for _, g := range r.cluster.Gateways {
		if endpointOf(g) == told {
			return g.Host, true
		}
		known[g.Host] = true
		consider(g.Host)
	}
	for _, m := range r.cluster.Members {
		if !known[m.Host] && r.gatewayComes(m) {
			consider(m.Host)
		}
	}
	return gateway, known[gateway]
}

// preference orders the gateways for a host, each host differently (rendezvous
// hashing): when one leaves, only its own hosts move.
func preference(host, gateway string) uint64 {
	sum := sha256.Sum256([]byte(host + "\n" + gateway))
	return binary.BigEndian.Uint64(sum[:])
}

// toldEndpoint is what the volume driver of a host was last told; empty when it
// was told nothing.
func (r *records) toldEndpoint(host string) string {
	step, _ := r.step(ref{host, nodeproto.StepVolumeDriverEndpoint})
	var params nodeproto.VolumeDriverEndpointParams
	if len(step.Params) == 0 || json.Unmarshal(step.Params, &params) != nil {
		return ""
	}
	return params.Endpoint
}

// gatewayComes reports whether a member's gateway is on its way. One that was
// tried in vain, or whose host cannot be spoken to, may be long in coming:
// nobody waits for it.
func (r *records) gatewayComes(m model.Member) bool {
	last, has := r.step(ref{m.Host, nodeproto.StepGatewayConfigure})
	if !has || last.Over() || m.Persona != model.Manager || r.silent[m.Host] {
		return false
	}
	return !slices.ContainsFunc(toGateway, func(key string) bool {
		step, _ := r.step(ref{m.Host, key})
		return inVain(step)
	})
}

// toGateway are the steps of a manager that lead to its gateway.
var toGateway = []string{nodeproto.StepPrerequisites, nodeproto.StepGatewayPackage, nodeproto.StepGatewayConfigure}

// inVain reports whether an attempt of a step ended, and none did well since.
func inVain(step model.Step) bool { return step.Error != "" && !step.Over() }

func (r *records) unmetGateway(host string) string {
	switch gateway, ready := r.gatewayOf(host); {
	case ready || !hasGateway(r.cluster.Release):
		return ""
	case gateway == "":
		return "a gateway"
	default:
		return ref{gateway, nodeproto.StepGatewayConfigure}.String()
	}
}

// fellSilent takes note that a member of the cluster cannot be spoken to, and
// lets hosts that wait for its gateway look again.
func (t *turn) fellSilent(member string) {
	t.silent[member] = true
	t.gatewayDelayed(member)
}

// gatewayDelayed looks at the hosts that may have waited for a manager's gateway.
func (t *turn) gatewayDelayed(manager string) {
	if t.part(manager) == model.Manager {
		t.queueOwners(ref{manager, nodeproto.StepGatewayConfigure}, nodeproto.StepVolumeDriverEndpoint)
	}
}

// moveEndpoints opens volume-driver-endpoint again on the hosts whose gateway
// is gone.
func (t *turn) moveEndpoints() {
	for _, host := range sortedKeys(t.plans) {
		t.moveEndpoint(host)
	}
}

func (t *turn) moveEndpoint(host string) {
	if t.removing() {
		return
	}
	at := ref{host, nodeproto.StepVolumeDriverEndpoint}
	step, has := t.step(at)
	if !has || step.State != model.Done || len(step.Params) == 0 {
		return
	}
	told := t.toldEndpoint(host)
	if slices.ContainsFunc(t.cluster.Gateways, func(g model.Gateway) bool { return endpointOf(g) == told }) {
		return
	}
	step.State, step.Failures, step.Reason = model.Pending, 0, "its gateway is gone"
	t.set(at, step)
	t.queue.add(at)
}

func endpointOf(g model.Gateway) string { return g.URL + "/api" }

func endpointParams(t *turn, at ref) (any, error) {
	if reason := t.unwanted(at.key); reason != "" {
		return nil, notNeeded{reason}
	}
	host, _ := t.gatewayOf(at.host)
	i := slices.IndexFunc(t.cluster.Gateways, func(g model.Gateway) bool { return g.Host == host })
	if i < 0 {
		return nil, errNotYet
	}
	plan := t.plans[at.host]
	return nodeproto.VolumeDriverEndpointParams{
		Endpoint: endpointOf(t.cluster.Gateways[i]), Username: t.options.AdminUsername, SystemName: t.cluster.SystemName,
		ProtectionDomain: plan.ProtectionDomain, StoragePool: plan.StoragePool, ThinOrThick: "ThinProvisioned",
	}, nil
}
