package bootstrap_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/leader"
	"scaleio-framework/scheduler/bootstrap"
)

// FuzzLoad loads records that an operator may have spoiled by hand, and lets
// the core decide on them.
func FuzzLoad(f *testing.F) {
	st := newStage(f, options(), newSite("a", "b", "c"))
	st.install()
	stored := st.World.Stored()
	f.Add(stored["/cluster"].Data, stored["/nodes/a/plan"].Data)
	f.Add([]byte(`{"uuid":"u","members":[{"name":"m","host":"a","persona":"manager"}]}`), []byte(`{"hostname":"a","persona":"manager","steps":{"mdm-package":{"state":"stuck"}}}`))
	f.Add([]byte(`{"uuid":"u","steps":{"fault-sets/":{"state":"pending"},"create-cluster":{"state":"running","attempt":1,"runner":"x"}}}`), []byte(`{"hostname":"a","persona":"storage"}`))
	f.Add([]byte(`{"uuid":"u","gateways":[{}]}`), []byte(`{"hostname":"a","persona":"storage","steps":{"verify":{"state":"done"},"volume-driver-endpoint":{"state":"done","params":1}}}`))
	f.Fuzz(func(t *testing.T, cluster, plan []byte) {
		b, err := bootstrap.New(options())
		require.NoError(t, err)
		unreadable, err := b.Load(leader.Snapshot{leader.PathCluster: {Data: cluster}, "/nodes/a/plan": {Data: plan}})
		if err != nil {
			return
		}
		s := newSite("a", "b", "c", "d")
		events := []core.Event{core.TermStarted{Epoch: 1, Entropy: "e"}, core.TermStarted{Epoch: 1, Entropy: "e"}}
		for _, name := range s.names() {
			events = append(events, s.seen(name), s.nodeUp(name))
		}
		events = append(events, core.NodeDown{Host: "a"}, core.TimerFired{Key: "bootstrap/lost/a"},
			core.OrderReceived{Path: "/orders/1", Raw: []byte(`{"verb":"retry","host":"a","step":"add-devices"}`)},
			core.OrderReceived{Path: "/orders/2", Raw: []byte(`{"verb":"force-complete","step":"create-cluster"}`)})
		for _, event := range events {
			var out core.Output
			b.Apply(time.Unix(0, 0).UTC(), event, &out)
			for _, change := range out.Changes {
				require.NotContains(t, unreadable, change.Path)
			}
		}
		c, err := model.Decode[model.Cluster](cluster)
		require.NoError(t, err)
		plans := map[string]*model.NodePlan{}
		if p, err := model.Decode[model.NodePlan](plan); err == nil {
			plans["a"] = p
		}
		bootstrap.Describe(c, plans)
	})
}

// FuzzOrder gives the core orders as anyone may write them.
func FuzzOrder(f *testing.F) {
	for _, order := range []string{
		`{"verb":"pause"}`, `{"verb":"retry","host":"a","step":"lia-id"}`, `{"verb":"force-complete","step":"verify"}`,
		`{"verb":"retry","step":"fault-sets/"}`, `{`, `null`, `[]`, "\xff",
	} {
		f.Add([]byte(order))
	}
	st := newStage(f, options(), newSite("a", "b", "c"))
	st.install()
	stored := st.World.Stored()
	f.Fuzz(func(t *testing.T, raw []byte) {
		b, err := bootstrap.New(options())
		require.NoError(t, err)
		_, err = b.Load(stored)
		require.NoError(t, err)
		b.Apply(time.Unix(0, 0).UTC(), core.TermStarted{Epoch: 2, Entropy: "e"}, &core.Output{})
		var out core.Output
		b.Apply(time.Unix(0, 0).UTC(), core.OrderReceived{Path: "/orders/7", Raw: raw}, &out)
		require.Contains(t, out.Changes, core.Change{Path: "/orders/7"})
		for _, change := range out.Changes {
			if change.Record != nil {
				_, err := model.Encode(change.Record, nil)
				require.NoError(t, err)
			}
		}
	})
}
