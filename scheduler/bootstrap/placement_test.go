package bootstrap_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/scheduler/bootstrap"
)

// offered is a host as Mesos offers it: name, memory in MiB, attributes.
type offered struct {
	name     string
	memory   float64
	faultSet string
	persona  string
}

func (o offered) seen() core.HostSeen {
	attributes := map[string]string{}
	if o.faultSet != "" {
		attributes["scaleio-fault-set"] = o.faultSet
	}
	if o.persona != "" {
		attributes["scaleio-persona"] = o.persona
	}
	return core.HostSeen{Host: o.name, CPUs: 4, MemoryMB: o.memory, Attributes: attributes}
}

func TestPlacement(t *testing.T) {
	for _, c := range []struct {
		what    string
		nodes   int
		hosts   []offered
		members string // host:name in order; empty: not placed
		spare   int
		sets    bool
	}{
		{
			what: "equal hosts are taken by name", nodes: 3,
			hosts:   []offered{{"c", 8192, "", ""}, {"a", 8192, "", ""}, {"b", 8192, "", ""}},
			members: "a:mdm1 b:mdm2 c:tb1", spare: 34,
		},
		{
			what: "most memory comes first", nodes: 3,
			hosts:   []offered{{"a", 4096, "", ""}, {"b", 8192, "", ""}, {"c", 16384, "", ""}, {"d", 3072, "", ""}},
			members: "c:mdm1 b:mdm2 a:tb1", spare: 25,
		},
		{
			what: "members are spread over fault sets before memory counts", nodes: 3,
			hosts: []offered{
				{"a", 9000, "r1", ""}, {"b", 8000, "r1", ""}, {"c", 7000, "r2", ""}, {"d", 6000, "r3", ""},
			},
			members: "a:mdm1 c:mdm2 d:tb1", spare: 34, sets: true,
		},
		{
			what: "two fault sets are no fault sets: a pool needs three units", nodes: 3,
			hosts:   []offered{{"a", 8192, "r1", ""}, {"b", 8192, "r2", ""}, {"c", 8192, "r1", ""}},
			members: "a:mdm1 b:mdm2 c:tb1", spare: 34,
		},
		{
			what: "one host without the attribute, and fault sets are not used", nodes: 3,
			hosts:   []offered{{"a", 8192, "r1", ""}, {"b", 8192, "r2", ""}, {"c", 8192, "r3", ""}, {"d", 8192, "", ""}},
			members: "a:mdm1 b:mdm2 c:tb1", spare: 25,
		},
		{
			what: "the attribute decides over memory", nodes: 3,
			hosts: []offered{
				{"a", 9000, "", "storage"}, {"b", 8000, "", ""}, {"c", 7000, "", "tie-breaker"}, {"d", 3100, "", "manager"},
			},
			members: "d:mdm1 b:mdm2 c:tb1", spare: 25,
		},
		{
			what: "a host that wants no part gets none", nodes: 3,
			hosts: []offered{{"a", 8192, "", "none"}, {"b", 8192, "", ""}, {"c", 8192, "", ""}},
		},
		{
			what: "hosts that are too small for an SDS are no fault units", nodes: 3,
			hosts:   []offered{{"a", 8192, "", ""}, {"b", 8192, "", ""}, {"c", 8192, "", ""}, {"d", 64, "", ""}, {"e", 64, "", ""}},
			members: "a:mdm1 b:mdm2 c:tb1", spare: 34,
		},
		{
			what: "a fault set that is too small for an SDS is none", nodes: 3,
			hosts:   []offered{{"a", 8192, "r1", ""}, {"b", 8192, "r1", ""}, {"c", 8192, "r2", ""}, {"d", 64, "r3", ""}},
			members: "a:mdm1 c:mdm2 b:tb1", spare: 34,
		},
		{
			what: "a host that is too small for an MDM does not count", nodes: 3,
			hosts: []offered{{"a", 3071, "", ""}, {"b", 8192, "", ""}, {"c", 8192, "", ""}},
		},
		{
			what: "tie-breakers alone make no cluster", nodes: 3,
			hosts: []offered{{"a", 8192, "", "tie-breaker"}, {"b", 8192, "", "tie-breaker"}, {"c", 8192, "", ""}},
		},
		{
			what: "five nodes are three managers and two tie-breakers", nodes: 5,
			hosts:   []offered{{"a", 8192, "", ""}, {"b", 8192, "", ""}, {"c", 8192, "", ""}, {"d", 8192, "", ""}, {"e", 8192, "", ""}},
			members: "a:mdm1 b:mdm2 c:mdm3 d:tb1 e:tb2", spare: 20,
		},
	} {
		t.Run(c.what, func(t *testing.T) {
			o := options()
			o.MDMNodes, o.Settle = c.nodes, time.Second
			st := newStage(t, o, newSite())
			for _, h := range c.hosts {
				st.site.add(h.name, nil).gone = true // never up: only placement happens
			}
			st.Start()
			for _, h := range c.hosts {
				st.Deliver(h.seen(), -1)
			}
			cluster, _ := st.records()
			require.Empty(t, cluster.Members, "not before hosts have settled")
			require.NotEmpty(t, cluster.Problem)
			uuid := cluster.UUID
			st.Settle(time.Second)
			cluster, plans := st.records()
			require.Equal(t, uuid, cluster.UUID)
			var members []string
			for _, m := range cluster.Members {
				members = append(members, m.Host+":"+m.Name)
				require.Equal(t, m.Persona, plans[m.Host].Persona)
			}
			require.Equal(t, c.members, strings.Join(members, " "))
			require.Equal(t, c.spare, cluster.SparePercent)
			require.Equal(t, c.sets, cluster.UseFaultSets)
			require.Equal(t, c.members == "", cluster.Problem != "")
		})
	}
}

// Each new host starts the settling anew.
func TestPlacementWaitsUntilHostsHaveSettled(t *testing.T) {
	o := options()
	o.Settle = 10 * time.Second
	st := newStage(t, o, newSite())
	st.Start()
	for _, name := range []string{"a", "b", "c", "d"} {
		st.site.add(name, nil).gone = true
		st.Deliver(st.site.seen(name), -1)
		st.Settle(9 * time.Second)
		cluster, _ := st.records()
		require.Empty(t, cluster.Members)
		require.Contains(t, cluster.Problem, "of 3 hosts seen")
	}
	st.Settle(time.Second)
	cluster, plans := st.records()
	require.Len(t, cluster.Members, 3)
	require.Empty(t, cluster.Problem)
	require.Equal(t, model.Storage, plans["d"].Persona)
}

func TestHostsThatCannotBeUsedSayWhy(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what       string
		attributes map[string]string
		cpus       float64
		want       []string
	}{
		{"an unknown part", map[string]string{"scaleio-fault-set": "r1", "scaleio-persona": "boss"}, 4, []string{"scaleio-persona", `"boss"`, "manager, tie-breaker, storage, none"}},
		{"no fault set where there are fault sets", nil, 4, []string{"no Mesos attribute scaleio-fault-set", "set the attribute"}},
		{"a fault set that is no name", map[string]string{"scaleio-fault-set": "rack 1"}, 4, []string{`"rack 1"`, "without blanks"}},
		{"too small", map[string]string{"scaleio-fault-set": "r1"}, 0.1, []string{"0.1 CPUs", "needs 0.5"}},
	} {
		t.Run(c.what, func(t *testing.T) {
			s := newSite()
			for name, set := range map[string]string{"a": "r1", "b": "r2", "c": "r3"} {
				s.add(name, map[string]string{"scaleio-fault-set": set})
			}
			st := newStage(t, options(), s)
			st.install()
			d := s.add("d", c.attributes)
			d.cpus = c.cpus
			st.Post(s.seen("d"))
			st.Settle(time.Second)
			_, plans := st.records()
			require.Empty(t, plans["d"].Steps)
			require.False(t, d.running)
			for _, part := range c.want {
				require.Contains(t, plans["d"].Problem, part)
			}
			require.Contains(t, strings.Join(st.view().Problems, "\n"), "host d: ")
			require.True(t, st.view().Complete, "a host without a part holds nothing up")

			d.attributes, d.cpus = map[string]string{"scaleio-fault-set": "r1"}, 4
			st.Post(s.seen("d"))
			st.Settle(time.Minute)
			_, plans = st.records()
			require.Empty(t, plans["d"].Problem)
			require.Equal(t, "r1", s.sds["d"])
		})
	}
}

// Until create-cluster is begun another host takes the place of a member that
// stays away; when it comes back it gives its MDM back.
func TestALostMemberIsReplacedUntilTheClusterIsBegun(t *testing.T) {
	t.Parallel()
	s := newSite("a", "b", "c", "d")
	s.slow["c/"+nodeproto.StepMDMPackage] = true // holds create-cluster back
	st := newStage(t, options(), s)
	st.Start()
	st.Settle(time.Second)
	s.hosts["b"].gone, s.hosts["b"].running = true, false
	st.Deliver(core.NodeDown{Host: "b", Reason: "lost"}, -1)
	cluster, _ := st.records()
	require.Contains(t, cluster.Problem, "mdm2 on b")
	st.Settle(bootstrap.DefaultOptions().ReplaceAfter)
	cluster, plans := st.records()
	require.Equal(t, model.Member{Name: "mdm2", Host: "d", Persona: model.Manager}, cluster.Members[1])
	require.Empty(t, cluster.Problem)
	require.Equal(t, model.Storage, plans["b"].Persona)
	require.Equal(t, model.Skipped, plans["b"].Steps[nodeproto.StepMDMPackage].State)

	s.slow = map[string]bool{}
	s.hosts["c"].journal[nodeproto.StepMDMPackage] = nodeproto.Report{Step: nodeproto.StepMDMPackage, Attempt: 1, State: nodeproto.Done}
	s.hosts["b"].gone, s.hosts["b"].running = false, true
	st.Post(s.nodeUp("b"))
	st.Settle(time.Minute)
	require.True(t, st.view().Complete, "%v", st.view().Problems)
	require.Contains(t, s.hosts["b"].ran, nodeproto.StepMDMRemove)
	require.Contains(t, s.sds, "b")

	s.hosts["d"].gone = true
	st.Deliver(core.NodeDown{Host: "d", Reason: "lost"}, -1)
	st.Settle(time.Hour)
	cluster, _ = st.records()
	require.Equal(t, "d", cluster.Members[1].Host, "the cluster was begun")
	require.Contains(t, cluster.Problem, "mdm2 on d")
	require.Contains(t, cluster.Problem, "not replaced")
}

// What was sent to a member that is lost cannot be called back: it ends there,
// and then the MDM is removed.
func TestAnInstallationUnderWayEndsBeforeItIsRemoved(t *testing.T) {
	s := newSite("a", "b", "c", "d")
	s.slow["b/"+nodeproto.StepMDMPackage] = true
	st := newStage(t, options(), s)
	st.Start()
	st.Settle(time.Second)
	st.Deliver(core.NodeDown{Host: "b", Reason: "lost"}, -1)
	st.Settle(bootstrap.DefaultOptions().ReplaceAfter)
	require.Equal(t, model.Running, st.step("b", nodeproto.StepMDMPackage).State)
	require.Equal(t, model.Pending, st.step("b", nodeproto.StepMDMRemove).State)
	st.Post(s.nodeUp("b"))
	st.Settle(time.Second)
	require.Equal(t, model.Pending, st.step("b", nodeproto.StepMDMRemove).State, "the installation still runs")
	st.Post(core.NodeReported{Host: "b", Report: nodeproto.Report{Step: nodeproto.StepMDMPackage, Attempt: 1, State: nodeproto.Failed, Error: "disk full"}})
	st.Settle(time.Minute)
	require.Equal(t, model.Skipped, st.step("b", nodeproto.StepMDMPackage).State, "it is not tried again")
	require.Equal(t, model.Done, st.step("b", nodeproto.StepMDMRemove).State)
	require.True(t, st.view().Complete, "%v", st.view().Problems)
}
