package storagegrowth_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/model"
	"scaleio-framework/leader"
	"scaleio-framework/storagegrowth/growthtest"
)

// A large growth has several records, each within the limits of one.
func TestALargeGrowthHasSeveralRecords(t *testing.T) {
	s := growthtest.New(largeGrowth, 0.85)
	o := eager()
	o.Policy.MaxGiBPerDay = 0
	o.Policy.KMSKeyID = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
	o.Policy.Tags = map[string]string{}
	for i := range 12 {
		o.Policy.Tags[fmt.Sprintf("tag-number-%02d", i)] = "a value of 19 bytes"
	}
	st := newStage(t, s, o)
	s.CreateTakes = 5 * time.Second
	st.start()
	st.run(time.Minute)
	require.Len(t, st.growths(), largeGrowth/20)
	for _, g := range st.growths() {
		require.Len(t, g.Slots, 20)
	}
	require.Len(t, st.view().Growths, 1)
	st.start()
	st.run(10 * time.Minute)
	view := st.view().Growths
	require.Len(t, view, 1)
	require.Equal(t, model.GrowthDone, view[0].State)
	require.Equal(t, largeGrowth, view[0].Volumes)
	require.Equal(t, largeGrowth, s.Made)
	require.Len(t, s.Pools["default/default"].Devices, 2*largeGrowth)
}

// The worst record that can come about still fits.
func TestRecordsStayWithinTheirLimit(t *testing.T) {
	s := growthtest.New(20, 0.85)
	s.Stuck = map[string]bool{}
	for _, name := range "fghijklmnopqrstuvwxyz" {
		s.Stuck["/dev/sd"+string(name)] = true
	}
	o := eager()
	o.Policy.Tags = map[string]string{}
	for i := range 12 {
		o.Policy.Tags[fmt.Sprintf("tag-number-%02d", i)] = "a value of 19 bytes"
	}
	st := newStage(t, s, o)
	st.start()
	st.run(12 * time.Minute)
	for _, g := range st.growths() {
		require.NotNil(t, g.Finished)
		require.LessOrEqual(t, len(g.Slots), 24)
		require.Less(t, len(st.stored[leader.PathGrowth+"/"+g.ID].Data), 60<<10)
	}
}

func TestFinishedGrowthsAreForgottenInTheEnd(t *testing.T) {
	st := newStage(t, growthtest.New(3, 0.85), eager())
	for i := range 105 {
		at := st.now.Add(-time.Duration(200-i) * 24 * time.Hour)
		id := fmt.Sprintf("old-%03d", i)
		data, err := model.Encode(model.Growth{ID: id, State: model.GrowthDone, ProtectionDomain: "default", StoragePool: "default", Decided: at, Finished: &at, Provider: "aws"}, nil)
		require.NoError(t, err)
		st.stored[leader.PathGrowth+"/"+id] = leader.Entry{Data: data}
	}
	st.start()
	st.run(time.Hour)
	require.NotContains(t, st.stored, leader.PathGrowth+"/old-005")
	require.Contains(t, st.stored, leader.PathGrowth+"/old-006")
	require.Len(t, st.growths(), 100)
}
