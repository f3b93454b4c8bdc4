package storagegrowth_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/storagegrowth/growthtest"
)

// grow lets pools over so many nodes grow and counts the calls. A pool has at
// most 300 devices, so 300 nodes are two pools of 150.
func grow(t require.TestingT, nodes int) *growthtest.Site {
	s := growthtest.New(min(nodes, 150), 0.85)
	if nodes > 150 {
		var hosts []string
		for i := 151; i <= nodes; i++ {
			s.AddHost(fmt.Sprintf("h%d", i), i)
			hosts = append(hosts, fmt.Sprintf("h%d", i))
		}
		s.AddPool("default", "second", hosts, 0.85)
	}
	s.CreateTakes, s.AttachTakes = 5*time.Second, 4*time.Second
	o := eager()
	o.Policy.MaxGiBPerDay = 0
	st := newStage(t, s, o)
	st.start()
	st.run(15 * time.Minute)
	for _, g := range st.growths() {
		require.Equal(t, model.GrowthDone, g.State)
	}
	return s
}

// A growth over N nodes takes N creates, N attaches, and looks whose number
// does not depend on N.
func TestCallsOfAGrowth(t *testing.T) {
	looks := 0
	for _, nodes := range []int{3, 30, manyNodes} {
		s := grow(t, nodes)
		require.Equal(t, nodes, s.Calls[core.CloudCreate])
		require.Equal(t, nodes, s.Calls[core.CloudAttach])
		require.Zero(t, s.Calls[core.CloudFindByTag]+s.Calls[core.CloudDetach]+s.Calls[core.CloudDelete])
		if looks == 0 {
			looks = s.Calls[core.CloudLook]
		}
		require.LessOrEqual(t, s.Calls[core.CloudLook], 2*looks, "%d nodes", nodes)
		require.Equal(t, nodes, s.Made)
	}
}

func BenchmarkCallsOfAGrowth(b *testing.B) {
	for _, nodes := range []int{3, 30, 300} {
		b.Run(fmt.Sprintf("nodes=%d", nodes), func(b *testing.B) {
			var s *growthtest.Site
			for b.Loop() {
				s = grow(b, nodes)
			}
			b.ReportMetric(float64(s.Calls[core.CloudCreate]), "creates")
			b.ReportMetric(float64(s.Calls[core.CloudAttach]), "attaches")
			b.ReportMetric(float64(s.Calls[core.CloudLook]), "looks")
			b.ReportMetric(float64(s.Calls[core.CloudFindByTag]), "finds")
		})
	}
}
