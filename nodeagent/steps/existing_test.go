package steps_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/nodeagent/failure"
	"scaleio-framework/nodeagent/packages"
	"scaleio-framework/scaleio/scaleiotest"
)

// standing is a cluster of a, b and c that an earlier framework made, with an
// SDC on each host, and d, which has an MDM and an SDC and is not in it.
type standing struct {
	*world
	a, b, c, d *node
	ips        []string
}

func newStanding(t *testing.T) standing {
	t.Helper()
	w := newWorld(t, scaleiotest.Options{})
	s := standing{world: w, ips: []string{w.ip(1), w.ip(2), w.ip(3), w.ip(4)}}
	nodes := []**node{&s.a, &s.b, &s.c, &s.d}
	for i, n := range nodes {
		*n = w.node(string(rune('a'+i)), s.ips[i], scaleiotest.Ubuntu)
		p := w.component("mdm", scaleiotest.Ubuntu)
		p.Manager = i != 2
		s.on(*n).once(nodeproto.StepMDMPackage, p)
	}
	s.on(s.a).once(nodeproto.StepCreateCluster, s.create("mdm1", 0, 1, 2))
	s.a.once(nodeproto.StepAddStandbyMDM+"/mdm2", s.standby("mdm2", 1))
	s.a.once(nodeproto.StepAddStandbyMDM+"/tb1", s.standby("tb1", 2))
	s.a.once(nodeproto.StepSwitchClusterMode, s.mode())
	s.a.once(nodeproto.StepRenameSystem, nodeproto.RenameSystemParams{Name: "scaleio", Username: user})
	for _, n := range nodes {
		sdc := w.component("sdc", scaleiotest.Ubuntu)
		sdc.MDMAddresses = s.ips[:2]
		s.on(*n).once(nodeproto.StepSDCPackage, sdc)
	}
	return s
}

// on lets the tools run on a host.
func (s standing) on(n *node) *node {
	n.host = n.newHost(false)
	return n
}

// create is the intent to make a cluster on a host, with those members.
func (s standing) create(name string, members ...int) nodeproto.CreateClusterParams {
	first := s.ips[members[0]]
	p := nodeproto.CreateClusterParams{Name: name, IPs: []string{first}, ManagementIPs: []string{first}, Username: user}
	for _, m := range members {
		p.MemberIPs = append(p.MemberIPs, s.ips[m])
	}
	return p
}

func (s standing) standby(name string, member int) nodeproto.AddStandbyMDMParams {
	p := nodeproto.AddStandbyMDMParams{Name: name, Manager: member != 2, IPs: s.ips[member : member+1], Username: user}
	if p.Manager {
		p.ManagementIPs = p.IPs
	}
	return p
}

func (s standing) mode() nodeproto.SwitchClusterModeParams {
	return nodeproto.SwitchClusterModeParams{Mode: "3_node", AddManagers: []string{"mdm2"}, AddTieBreakers: []string{"tb1"}, Username: user, ExpectedMembers: 3}
}

func (s standing) hopeless(n *node, step string, params any, want string) {
	t := s.t
	t.Helper()
	before := s.Snapshot().Cluster
	_, _, err := s.on(n).try(step, params)
	require.ErrorContains(t, err, want)
	require.Equal(t, failure.Hopelessness, failure.KindOf(err), "%v", err)
	require.Equal(t, before, s.Snapshot().Cluster)
	for _, name := range []string{"mdm1", "mdm2", "mdm3"} {
		require.LessOrEqual(t, s.Count(scaleiotest.OpCreateCluster, name), 1)
	}
}

// unchanged runs a step that finds everything in place.
func (n *node) unchanged(step string, params any) any {
	n.w.t.Helper()
	result, changed, err := n.try(step, params)
	require.NoError(n.w.t, err, step)
	require.False(n.w.t, changed, step)
	return result
}

// The cluster is the planned one, and another manager leads it by now; the
// managers may even have each other's names.
func TestTheClusterIsFoundWhereverItLeads(t *testing.T) {
	s := newStanding(t)
	require.NoError(t, s.StopHost("a"))
	_ = s.Snapshot() // the next manager leads
	require.NoError(t, s.StartHost("a"))
	require.NotEqual(t, "mdm1", s.Snapshot().Cluster.Master)
	a := s.on(s.a)
	result := a.unchanged(nodeproto.StepCreateCluster, s.create("mdm2", 0, 1, 2)).(nodeproto.CreateClusterResult)
	require.Len(t, result.SystemID, 16)
	a.unchanged(nodeproto.StepAddStandbyMDM+"/mdm1", s.standby("mdm1", 1))
	a.unchanged(nodeproto.StepAddStandbyMDM+"/tb1", s.standby("tb1", 2))
	a.unchanged(nodeproto.StepSwitchClusterMode, s.mode())
	a.unchanged(nodeproto.StepRenameSystem, nodeproto.RenameSystemParams{Name: "scaleio", Username: user})
	require.Equal(t, 1, s.Count(scaleiotest.OpSetPassword, ""))
}

func TestNoSecondClusterIsMade(t *testing.T) {
	s := newStanding(t)
	s.hopeless(s.d, nodeproto.StepCreateCluster, s.create("mdm1", 3, 0, 1), "an MDM cluster answers at "+s.ips[0]+" already, and the MDM of this host is not in it: no second one is made")
	s.hopeless(s.d, nodeproto.StepCreateCluster, s.create("mdm1", 3), "an MDM cluster answers at "+s.ips[0]+" already") // its SDC tells
	s.hopeless(s.a, nodeproto.StepCreateCluster, s.create("mdm1", 0, 1, 3), fmt.Sprintf("the MDM of this host is in a cluster with the members mdm1 %s; mdm2 %s; tb1 %s, and the plan has them at", s.ips[0], s.ips[1], s.ips[2]))

	// Nobody answers, but the host was a client of somebody.
	for _, name := range []string{"a", "b", "c"} {
		require.NoError(t, s.StopHost(name))
	}
	_, _, err := s.on(s.d).try(nodeproto.StepCreateCluster, s.create("mdm1", 3))
	require.ErrorContains(t, err, "the SDC of this host belongs to a system whose MDMs are at "+s.ips[0]+", "+s.ips[1]+", and none of them answers")
	require.NotEqual(t, failure.Hopelessness, failure.KindOf(err), "it may come back")
	require.Equal(t, 1, s.Count(scaleiotest.OpCreateCluster, ""))
}

// A system that others know by its name keeps it.
func TestASystemWithAnotherNameIsNotRenamed(t *testing.T) {
	s := newStanding(t)
	s.hopeless(s.a, nodeproto.StepRenameSystem, nodeproto.RenameSystemParams{Name: "other", Username: user}, `the system is called "scaleio" already, wanted is "other"`)
	require.Equal(t, "scaleio", s.Snapshot().Name)
}

// A tie-breaker and a manager that does not lead answer no query; their hosts'
// SDCs know who does.
func TestNoMemberOfAClusterIsRemoved(t *testing.T) {
	s := newStanding(t)
	remove := nodeproto.MDMRemoveParams{Package: s.component("mdm", scaleiotest.Ubuntu).Package}
	for _, n := range []*node{s.a, s.b, s.c} {
		s.hopeless(n, nodeproto.StepMDMRemove, remove, "belongs to a cluster")
	}
	s.on(s.d).twice(nodeproto.StepMDMRemove, remove)
}

// A cluster of five is not made smaller, and one that has some of the members
// is told of the others only.
func TestOnlyStandbyMembersJoin(t *testing.T) {
	s := newStanding(t)
	e := s.node("e", s.ip(5), scaleiotest.Ubuntu)
	p := s.component("mdm", scaleiotest.Ubuntu)
	s.on(e).twice(nodeproto.StepMDMPackage, p)
	a := s.on(s.a)
	a.twice(nodeproto.StepAddStandbyMDM+"/mdm3", nodeproto.AddStandbyMDMParams{Name: "mdm3", Manager: true, IPs: []string{s.d.ip}, ManagementIPs: []string{s.d.ip}, Username: user})
	a.twice(nodeproto.StepAddStandbyMDM+"/tb2", nodeproto.AddStandbyMDMParams{Name: "tb2", IPs: []string{e.ip}, Username: user})
	five := nodeproto.SwitchClusterModeParams{Mode: "5_node", AddManagers: []string{"mdm2", "mdm3"}, AddTieBreakers: []string{"tb1", "tb2"}, Username: user, ExpectedMembers: 5}
	a.twice(nodeproto.StepSwitchClusterMode, five)
	s.hopeless(s.a, nodeproto.StepSwitchClusterMode, s.mode(), "wanted are 3: give the schedulers --placement.mdm-nodes=5")
}

// Where packages are unpacked the SDC has its settings elsewhere.
func TestNoSecondClusterIsMadeBesideTheOneOfAnUnpackedSDC(t *testing.T) {
	s := newStanding(t)
	s.d.write(map[string]string{
		"etc/os-release": "ID=flatcar\nVERSION_ID=3510\n",
		packages.DrvCfg:  s.d.read("bin/emc/scaleio/drv_cfg.txt"),
	})
	require.NoError(t, os.Remove(filepath.Join(s.d.root, "bin/emc/scaleio/drv_cfg.txt")))
	s.hopeless(s.d, nodeproto.StepCreateCluster, s.create("mdm1", 3), "an MDM cluster answers at "+s.ips[0]+" already")
}
