package bootstrap_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/scheduler/bootstrap"
	"scaleio-framework/scheduler/internal/coretest"
)

// manyGateways is a site with three gateways.
func manyGateways(t coretest.T, hosts int) *stage {
	s := newSite()
	for n := range hosts {
		s.add(fmt.Sprintf("host-%d", n), nil)
	}
	o := options()
	o.MDMNodes, o.Settle = 5, time.Second
	return newStage(t, o, s)
}

// endpoints are the hosts whose gateways the drivers of the hosts were told.
func (st *stage) endpoints() map[string]string {
	cluster, plans := st.records()
	told := make(map[string]string)
	for host, plan := range plans {
		step := plan.Steps[nodeproto.StepVolumeDriverEndpoint]
		if step.State != model.Done {
			continue
		}
		var params nodeproto.VolumeDriverEndpointParams
		require.NoError(st.t, json.Unmarshal(step.Params, &params))
		i := slices.IndexFunc(cluster.Gateways, func(g model.Gateway) bool { return g.URL+"/api" == params.Endpoint })
		require.GreaterOrEqual(st.t, i, 0, "%s of %s is a gateway", params.Endpoint, host)
		told[host] = cluster.Gateways[i].Host
	}
	return told
}

func (st *stage) managers() (hosts []string) {
	cluster, _ := st.records()
	for _, m := range cluster.Members {
		if m.Persona == model.Manager {
			hosts = append(hosts, m.Host)
		}
	}
	return hosts
}

// delayGateways lets no gateway be configured before ready.
func (st *stage) delayGateways() {
	for name := range st.site.hosts {
		st.site.slow[name+"/"+nodeproto.StepGatewayConfigure] = true
	}
}

// ready ends the configuration of a host's gateway.
func (st *stage) ready(host string) {
	raw, err := json.Marshal(nodeproto.GatewayResult{URL: "https://" + host + ":443", CertificatePEM: "cert"})
	require.NoError(st.t, err)
	st.configured(host, nodeproto.Report{State: nodeproto.Done, Result: raw})
	st.Settle(time.Second)
}

// configured lets the node agent of a host tell how the configuration of its
// gateway ended.
func (st *stage) configured(host string, r nodeproto.Report) {
	r.Step, r.Attempt = nodeproto.StepGatewayConfigure, st.step(host, nodeproto.StepGatewayConfigure).Attempt
	st.site.hosts[host].journal[r.Step] = r
	st.Post(core.NodeReported{Host: host, Report: r})
}

// Whichever gateway is ready first, each host is told the same one.
func TestTheOrderOfTheGatewaysDoesNotMatter(t *testing.T) {
	for _, hosts := range []int{5, 8} {
		first := manyGateways(t, hosts)
		first.install()
		want := first.endpoints()
		require.Len(t, want, hosts)
		rapid.Check(t, func(t *rapid.T) {
			st := manyGateways(t, hosts)
			st.delayGateways()
			st.install()
			require.Empty(t, st.endpoints())
			ready := map[string]bool{}
			for _, gateway := range rapid.Permutation(st.managers()).Draw(t, "order") {
				st.ready(gateway)
				ready[gateway] = true
				told := maps.Clone(want)
				maps.DeleteFunc(told, func(_, gateway string) bool { return !ready[gateway] })
				require.Equal(t, told, st.endpoints())
			}
			require.True(t, st.view().Complete)
		})
	}
}

// Hosts spread over the gateways. One that goes moves its own hosts only, and
// nobody moves when it is back.
func TestAGatewayThatGoesMovesItsOwnHostsOnly(t *testing.T) {
	const hosts = 30
	for n := range 3 {
		st := manyGateways(t, hosts)
		st.install()
		gone, before := st.managers()[n], st.endpoints()
		require.Len(t, before, hosts)
		cluster, _ := st.records()
		cluster.Gateways = slices.DeleteFunc(cluster.Gateways, func(g model.Gateway) bool { return g.Host == gone })
		data, err := model.Encode(cluster, nil)
		require.NoError(t, err)
		st.World.Put("/cluster", data)
		st.Start()
		st.Settle(time.Minute)
		after := st.endpoints()
		require.Len(t, after, hosts)
		moved := map[string]int{}
		for host, gateway := range before {
			if gateway == gone {
				moved[after[host]]++
			} else {
				require.Equal(t, gateway, after[host], "%s stays when %s goes", host, gone)
			}
		}
		require.NotContains(t, moved, gone)
		require.Len(t, moved, 2, "the hosts of %s spread over the others", gone)

		require.Empty(t, st.order("1", `{"verb":"retry","host":"`+gone+`","step":"gateway-configure"}`))
		st.Settle(time.Minute)
		cluster, _ = st.records()
		require.Len(t, cluster.Gateways, 3)
		require.Equal(t, after, st.endpoints(), "nobody moves when %s is back", gone)
		for host := range before {
			require.Empty(t, st.order("2", `{"verb":"retry","host":"`+host+`","step":"volume-driver-endpoint"}`))
		}
		st.Settle(time.Minute)
		require.Equal(t, after, st.endpoints(), "nor when told once more")
	}
}

// A host waits for the gateway that suits it best, and says so; but for none
// that may be long in coming.
func TestNobodyWaitsForAGatewayThatMayBeLong(t *testing.T) {
	first := manyGateways(t, 8)
	first.install()
	best := first.endpoints()
	for _, c := range []struct {
		what string
		does func(st *stage, gateway string)
	}{
		{"its configuration fails", func(st *stage, gateway string) {
			st.configured(gateway, nodeproto.Report{State: nodeproto.Failed, Error: "no"})
		}},
		{"its configuration can never succeed", func(st *stage, gateway string) {
			st.configured(gateway, nodeproto.Report{State: nodeproto.Failed, Error: "no", Hopeless: true})
		}},
		{"its host is out of reach", func(st *stage, gateway string) { st.Post(core.NodeDown{Host: gateway, Reason: "gone"}) }},
		{"its host is not seen by the next leader", func(st *stage, gateway string) {
			st.site.hosts[gateway].gone = true
			st.Start()
			st.Settle(time.Second)
			require.NotEmpty(st.t, st.waitingFor(gateway), "it may be on its way")
			st.Advance(bootstrap.DefaultOptions().ReplaceAfter)
		}},
	} {
		t.Run(c.what, func(t *testing.T) {
			st := manyGateways(t, 8)
			st.delayGateways()
			st.install()
			late := st.managers()[1]
			for _, gateway := range st.managers() {
				if gateway != late {
					st.ready(gateway)
				}
			}
			waiting := st.waitingFor(late)
			require.NotEmpty(t, waiting)
			for _, host := range waiting {
				require.Equal(t, late, best[host])
			}
			c.does(st, late)
			st.Settle(time.Second)
			require.Empty(t, st.waitingFor(late))
			told := st.endpoints()
			for _, host := range waiting {
				require.NotEqual(t, late, told[host])
			}
		})
	}
}

// waitingFor are the hosts whose drivers are told nothing before a gateway is
// ready.
func (st *stage) waitingFor(gateway string) (hosts []string) {
	for _, s := range st.view().Steps {
		if s.Step == nodeproto.StepVolumeDriverEndpoint && slices.Contains(s.WaitsFor, "gateway-configure on "+gateway) {
			hosts = append(hosts, s.Host)
		}
	}
	return hosts
}
