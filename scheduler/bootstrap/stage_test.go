package bootstrap_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/leader"
	"scaleio-framework/scheduler/bootstrap"
	"scaleio-framework/scheduler/internal/coretest"
)

// agents is a core in the place of fleet: each wanted host gets a node agent.
type agents struct{}

func (agents) Name() string                                   { return "agents" }
func (agents) Load(leader.Snapshot) (map[string]error, error) { return nil, nil }
func (agents) Apply(_ time.Time, event core.Event, out *core.Output) {
	switch e := event.(type) {
	case core.TermStarted:
		out.Do(core.Revive{})
	case core.ClusterKnown:
		out.Tell(core.GrowthsOpen{}) // a growth core that has none
	case core.HostReleased:
		out.Do(core.Kill{TaskID: e.Host})
	case core.HostWanted:
		out.Do(core.Accept{Host: e.Host, Launch: model.Launch{Persona: e.Persona}})
	}
}

func options() bootstrap.Options {
	o := bootstrap.DefaultOptions()
	o.Settle = 0
	for _, component := range []string{"mdm", "sds", "sdc", "lia", "gateway", "rexray", "dvdcli"} {
		o.Packages = append(o.Packages, bootstrap.Package{
			Component: component, Family: "rpm", Name: "EMC-ScaleIO-" + component, Version: "2.0-1.1",
			Artifact: nodeproto.Artifact{Path: "packages/" + component + ".rpm", SHA256: "00", Size: 1},
		})
	}
	return o
}

func cores(t coretest.T, o bootstrap.Options) func() []core.Core {
	return func() []core.Core {
		b, err := bootstrap.New(o)
		require.NoError(t, err)
		return []core.Core{agents{}, b}
	}
}

// stage is a site with the cores that build it.
type stage struct {
	*coretest.Chaos
	site    *site
	t       coretest.T
	decoded map[string]decoded
	needs   map[string][]bootstrap.Need
}

func newStage(t coretest.T, o bootstrap.Options, s *site) *stage {
	st := &stage{site: s, t: t, decoded: make(map[string]decoded)}
	st.needs = make(map[string][]bootstrap.Need)
	for _, s := range slices.Concat(bootstrap.Graph(), bootstrap.RemovalGraph()) {
		st.needs[s.Name] = s.Needs
	}
	st.Chaos = &coretest.Chaos{World: coretest.NewWorld(t, cores(t, o)), Outside: s, Check: st.check}
	return st
}

// check looks at each unit: a step that begins has its needs over, and an
// attempt ends before the next begins.
func (st *stage) check(u coretest.Unit) {
	for _, change := range u.Changes {
		if strings.HasPrefix(change.Path, leader.PathOrders) || change.After == nil {
			continue
		}
		before, after := st.steps(change.Path, change.Before), st.steps(change.Path, change.After)
		for key, step := range after {
			was := before[key]
			require.GreaterOrEqual(st.t, step.Attempt, was.Attempt, "%s %s: attempts only grow", change.Path, key)
			require.LessOrEqual(st.t, step.Attempt, was.Attempt+1, "%s %s: one attempt at a time", change.Path, key)
			if was.State == model.Running && step.State == model.Running {
				require.Equal(st.t, was.Attempt, step.Attempt, "%s %s: an intent is finished before the next", change.Path, key)
				require.Equal(st.t, was.Digest, step.Digest, "%s %s: an intent never changes", change.Path, key)
			}
			if step.Attempt > was.Attempt && step.State == model.Running {
				st.checkNeeds(key, after)
			}
		}
	}
	stored := st.World.Stored()
	for _, effect := range u.Effects {
		st.checkIntent(stored, effect)
	}
	require.Empty(st.t, st.site.violations)
}

// checkNeeds looks whether what the graph says a step needs is over. The site
// itself notices the needs of other kinds.
func (st *stage) checkNeeds(key string, own map[string]model.Step) {
	cluster := st.steps(leader.PathCluster, st.World.Stored()[leader.PathCluster].Data)
	for _, n := range st.needs[nodeproto.Name(key)] {
		switch n.Relation {
		case bootstrap.SameHost:
			if step, has := own[n.Step]; has {
				require.True(st.t, step.Over(), "%s began before %s", key, n.Step)
			}
		case bootstrap.All:
			found := false
			for other, step := range cluster {
				if nodeproto.Name(other) == n.Step {
					found = true
					require.True(st.t, step.Over(), "%s began before %s", key, other)
				}
			}
			require.True(st.t, found, "%s began without any %s", key, n.Step)
		}
	}
}

// checkIntent finds for an effect on a node or a gateway the record that says
// it.
func (st *stage) checkIntent(records leader.Snapshot, effect core.Effect) {
	stored := func(path string) map[string]model.Step { return st.steps(path, records[path].Data) }
	switch e := effect.(type) {
	case core.SendCommand:
		name, object, _ := strings.Cut(e.Command.Step, "/")
		switch name {
		case nodeproto.QuestionMDMCertificate:
			step := stored("/nodes/" + object + "/plan")[nodeproto.StepMDMCertificate]
			require.Equal(st.t, model.Running, step.State, "%s", e)
			return
		case nodeproto.StepAddSDS, nodeproto.StepAddDevices:
			step := stored("/nodes/" + object + "/plan")[name]
			require.Equal(st.t, model.Running, step.State, "%s", e)
			require.Equal(st.t, e.Command.Digest, step.Digest, "%s", e)
			require.Equal(st.t, e.Host, step.Runner, "%s", e)
			return
		}
		step, ok := stored("/nodes/" + e.Host + "/plan")[e.Command.Step]
		if !ok {
			step = stored(leader.PathCluster)[e.Command.Step]
		}
		require.Equal(st.t, model.Running, step.State, "%s", e)
		require.Equal(st.t, e.Command.Attempt, step.Attempt, "%s", e)
		require.Equal(st.t, e.Command.Digest, step.Digest, "%s", e)
	case core.GatewayCall:
		path := leader.PathCluster
		if e.Host != "" {
			path = "/nodes/" + e.Host + "/plan"
		}
		step := stored(path)[e.Step]
		// The sweep repeats verify when it is done; its intent is the same.
		if e.Step != core.StepVerify || step.State != model.Done {
			require.Equal(st.t, model.Running, step.State, "%s", e)
		}
		require.Equal(st.t, nodeproto.DigestOf(e.Step, e.Params), step.Digest, "%s", e)
	}
}

// decoded is a record with its steps; reading each one once keeps the tests
// fast.
type decoded struct {
	data  []byte
	steps map[string]model.Step
}

func (st *stage) steps(path string, data []byte) map[string]model.Step {
	if data == nil {
		return nil
	}
	if last := st.decoded[path]; bytes.Equal(last.data, data) {
		return last.steps
	}
	var r struct{ Steps map[string]model.Step }
	require.NoError(st.t, json.Unmarshal(data, &r))
	st.decoded[path] = decoded{data, r.Steps}
	return r.Steps
}

// records are what is stored, decoded.
func (st *stage) records() (*model.Cluster, map[string]*model.NodePlan) {
	var cluster *model.Cluster
	plans := make(map[string]*model.NodePlan)
	for path, entry := range st.World.Stored() {
		switch {
		case path == leader.PathCluster:
			c, err := model.Decode[model.Cluster](entry.Data)
			require.NoError(st.t, err)
			cluster = c
		case strings.HasSuffix(path, "/plan"):
			p, err := model.Decode[model.NodePlan](entry.Data)
			if err == nil {
				plans[p.Hostname] = p
			}
		}
	}
	return cluster, plans
}

func (st *stage) view() bootstrap.View {
	cluster, plans := st.records()
	return bootstrap.Describe(cluster, plans)
}

// install starts the first term and lets everything happen.
func (st *stage) install() {
	st.Start()
	st.Settle(time.Minute)
}

func (st *stage) step(host, key string) model.Step {
	cluster, plans := st.records()
	if host == "" {
		return cluster.Steps[key]
	}
	require.NotNil(st.t, plans[host], host)
	return plans[host].Steps[key]
}

// order posts an operator's order and returns the reason of its refusal.
func (st *stage) order(seq, body string) string {
	st.World.Put("/orders/"+seq, []byte(body))
	st.Deliver(core.OrderReceived{Path: "/orders/" + seq, Raw: []byte(body)}, -1)
	stored := st.World.Stored()
	require.NotContains(st.t, stored, "/orders/"+seq)
	var refused model.RefusedOrder
	if entry, ok := stored["/orders-refused/"+seq]; ok {
		require.NoError(st.t, json.Unmarshal(entry.Data, &refused))
		require.NotEmpty(st.t, refused.Reason)
	}
	return refused.Reason
}
