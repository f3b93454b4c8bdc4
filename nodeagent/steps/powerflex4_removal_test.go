package steps_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/nodeagent/failure"
	"scaleio-framework/scaleio/scaleiotest"
)

// The hosts' part of a removal of 4.5, in scli's words since 4.0 and by its login
// file, each step twice.
func TestStepsTakeASystemOf4xAway(t *testing.T) {
	c := newCluster4(t, scaleiotest.EL9)
	c.run = (*node).once
	for i := range c.nodes {
		c.packages(i)
	}
	c.makeAuthority()
	c.certify(0)
	c.certify(1)
	c.form()
	remove := func(i int, step, component string, change func(*nodeproto.RemovePackageParams)) {
		n := c.at(i)
		p := nodeproto.RemovePackageParams{Component: component, Package: c.component(component, c.system).Package}
		if change != nil {
			change(&p)
		}
		n.twice(step, p)
		require.Empty(t, c.Installed(n.name, p.Package))
	}
	for i := range c.nodes {
		remove(i, nodeproto.StepRemoveSDSPackage, "sds", nil)
	}
	_, _, err := c.at(0).try(nodeproto.StepRemoveMDMPackage, nodeproto.RemovePackageParams{Component: "mdm", Package: c.component("mdm", c.system).Package})
	require.ErrorContains(t, err, "belongs to a cluster")
	require.Equal(t, failure.Hopelessness, failure.KindOf(err))

	shrink := nodeproto.ShrinkClusterModeParams{Release: release4, KeepIPs: c.ips[:1], ManagerIPs: c.ips[1:2], TieBreakerIPs: c.ips[2:]}
	c.at(0).twice(nodeproto.StepShrinkClusterMode, shrink)
	for i, name := range []string{"mdm2", "tb1"} {
		c.at(0).twice(nodeproto.StepRemoveStandbyMDM+"/"+name, nodeproto.RemoveStandbyMDMParams{Release: release4, Name: name, IPs: c.ips[i+1 : i+2]})
	}
	require.Empty(t, c.Snapshot().Cluster.Standbys)
	for i := range c.nodes {
		last := len(c.nodes) - 1 - i
		remove(last, nodeproto.StepRemoveMDMPackage, "mdm", func(p *nodeproto.RemovePackageParams) { p.LastMDM = last == 0 })
		remove(last, nodeproto.StepRemoveActiveMQPackage, "activemq", nil)
		remove(last, nodeproto.StepRemoveLIAPackage, "lia", nil)
	}
	require.Zero(t, c.Snapshot().Cluster.Mode)
	for _, n := range c.nodes {
		require.NoDirExists(t, filepath.Join(n.root, "opt/emc"), "the authority's key is gone, too")
	}
}
