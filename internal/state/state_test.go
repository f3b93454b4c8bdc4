package state_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/model"
	"scaleio-framework/internal/state"
	"scaleio-framework/leader"
	"scaleio-framework/storagegrowth"
)

func stored(t *testing.T, records map[string]any) leader.Snapshot {
	t.Helper()
	s := make(leader.Snapshot)
	for path, record := range records {
		data, isRaw := record.([]byte)
		if !isRaw {
			var err error
			data, err = model.Encode(record, nil)
			require.NoError(t, err)
		}
		s[path] = leader.Entry{Data: data}
	}
	return s
}

func TestEveryRecordIsDecodedWhereItBelongs(t *testing.T) {
	since := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	s := state.Decode(stored(t, map[string]any{
		leader.PathVersion:            []byte(`{"layout":1}`),
		leader.PathEpoch:              []byte(`{"epoch":7,"instance":"a","url":"http://a:1","since":"2026-03-04T05:06:07Z","later":1}`),
		leader.PathFramework:          &model.Framework{ID: "f", Drawn: since},
		leader.PathCluster:            &model.Cluster{UUID: "u", SystemName: "prod"},
		leader.PathNodes:              []byte(nil),
		leader.PathNodes + "/h1":      &model.Node{Hostname: "h1", State: model.TaskNone},
		leader.PathNodes + "/h1/plan": &model.NodePlan{Hostname: "h1", Persona: model.Storage},
		leader.PathNodes + "/h1/else": []byte("of a later release"),
		leader.PathGrowth + "/g1":     &model.Growth{ID: "g1", State: model.GrowthDone},
		storagegrowth.PathStatus:      &storagegrowth.Status{Problem: "p"},
		"/unknown":                    []byte("of a later release"),
	}))
	require.NoError(t, s.Err())
	require.Equal(t, state.Epoch{Epoch: 7, Instance: "a", URL: "http://a:1", Since: since}, s.Epoch)
	require.Equal(t, "f", s.Framework.ID)
	require.Equal(t, "prod", s.Cluster.SystemName)
	require.Equal(t, []string{"h1"}, slices.Collect(maps.Keys(s.Nodes)))
	require.Equal(t, model.Storage, s.Plans["h1"].Persona)
}

func TestWhatCannotBeReadIsNamedAndTheRestIsThere(t *testing.T) {
	broken := []string{
		leader.PathEpoch, leader.PathFramework, leader.PathCluster, leader.PathNodes + "/h2", leader.PathNodes + "/h1/plan",
	}
	records := map[string]any{leader.PathNodes + "/h1": &model.Node{Hostname: "h1", State: model.TaskNone}}
	for _, path := range broken {
		records[path] = []byte("{ edited by hand")
	}
	s := state.Decode(stored(t, records))
	require.ElementsMatch(t, broken, slices.Collect(maps.Keys(s.Unreadable)))
	for _, path := range broken {
		require.ErrorContains(t, s.Err(), "znode "+path+": ")
	}
	require.Len(t, s.Nodes, 1)
	require.Nil(t, s.Framework)
	require.Nil(t, s.Cluster)
	require.Empty(t, s.Plans)
}

func FuzzDecode(f *testing.F) {
	f.Add("/nodes/h", []byte(`{"hostname":"h","state":"none"}`))
	f.Add("/growth/g/x", []byte(`null`))
	f.Add("/epoch", []byte(`{"epoch":-1}`))
	f.Fuzz(func(t *testing.T, path string, data []byte) {
		s := state.Decode(leader.Snapshot{path: {Data: data}})
		require.LessOrEqual(t, len(s.Nodes)+len(s.Plans)+len(s.Unreadable), 1)
		require.Equal(t, len(s.Unreadable) > 0, s.Err() != nil)
	})
}
