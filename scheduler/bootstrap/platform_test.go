package bootstrap_test

import (
	"encoding/json"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/leader"
	"scaleio-framework/scheduler/bootstrap"
	"scaleio-framework/scheduler/internal/coretest"
)

const platform = "https://pfmp.example"

// meet is what a management platform answers.
func (s *site) meet(e core.GatewayCall, answer core.GatewayAnswered) core.Event {
	p := decode[core.ManagementPlatformParams](s, e.Params)
	if len(e.Gateways) > 0 && !e.Gateways[0].Platform() {
		s.wrong("%s beside gateways", e)
	}
	switch serves, there := s.platforms[p.URL]; {
	case !there:
		answer.Err, answer.Interrupted = p.URL+" does not answer", true
	case serves != p.SystemID:
		answer.Err, answer.Hopeless = p.URL+" serves system "+serves+", and this one is "+p.SystemID, true
	default:
		raw, err := json.Marshal(core.ManagementPlatformResult{CertificatePEM: s.certificate, Version: "4.5"})
		if err != nil {
			s.wrong("result: %v", err)
		}
		answer.Result = raw
	}
	return answer
}

func platformOptions(url string) bootstrap.Options {
	o := options4()
	o.ManagementPlatform = url
	return o
}

// under lets schedulers with other options go on where a stage stands.
func (st *stage) under(o bootstrap.Options) *stage {
	next := newStage(st.t, o, st.site)
	for path, entry := range st.World.Stored() {
		next.World.Put(path, entry.Data)
	}
	next.World.Now = st.World.Now
	next.Start()
	next.Settle(time.Minute)
	return next
}

// platformOf is the platform in the cluster's record.
func (st *stage) platformOf() []model.Gateway {
	cluster, _ := st.records()
	return cluster.Gateways
}

func known(url, certificate string) []model.Gateway {
	return []model.Gateway{{URL: url, CertificatePEM: certificate, SystemID: "sys"}}
}

// A platform that is named from the start is met when the system is complete,
// whenever an operator connects it; storage is made by scli all the same.
func TestASystemOf4xWithAPlatform(t *testing.T) {
	t.Parallel()
	s := newSite4("a", "b", "c")
	st := newStage(t, platformOptions(platform), s)
	st.install()
	view := st.view()
	require.False(t, view.Complete, "the platform is waited for")
	step := st.step("", core.StepManagementPlatform)
	require.Equal(t, model.Pending, step.State)
	require.Contains(t, step.Error, platform+" does not answer")
	require.Zero(t, step.Failures, "it is waited for as long as it takes")
	require.Equal(t, model.Done, st.step("", core.StepVerify).State, "nothing else waits for it")

	next := newStage(t, platformOptions(platform), s)
	for path, entry := range st.World.Stored() {
		next.World.Put(path, entry.Data)
	}
	next.Start()
	require.Equal(t, step.Error, next.step("", core.StepManagementPlatform).Error, "another leader does not forget what it waits for")

	s.platforms = map[string]string{platform: "sys"}
	st.Settle(time.Hour)
	require.True(t, st.view().Complete, "%v", st.view().Problems)
	require.Equal(t, known(platform, "cert"), st.platformOf())
	require.Equal(t, model.RunnerGateway, st.step("", core.StepManagementPlatform).Runner)
	require.NotEqual(t, model.RunnerGateway, st.step("a", core.StepAddSDS).Runner)
	require.Equal(t, model.Skipped, st.step("a", nodeproto.StepVolumeDriver).State, "REX-Ray does not work with 4.x, platform or not")

	s.add("d", nil)
	st.Deliver(s.seen("d"), -1)
	st.Settle(time.Minute)
	require.NotEqual(t, model.RunnerGateway, st.step("d", core.StepAddDevices).Runner)
	require.Equal(t, model.Done, st.step("d", core.StepAddDevices).State)
}

// The option comes, changes and goes with the leaders: the record follows, and
// nothing of it stays behind.
func TestTheOptionOfThePlatformComesAndGoes(t *testing.T) {
	s := newSite4("a", "b", "c")
	st := newStage(t, options4(), s)
	st.install()
	st.installed4()
	require.NotContains(t, must(st.records()).Steps, core.StepManagementPlatform)

	const moved = "https://10.0.0.9:8443"
	s.platforms = map[string]string{platform: "sys", moved: "sys"}
	st = st.under(platformOptions(platform))
	require.Equal(t, known(platform, "cert"), st.platformOf())
	attempt := st.step("", core.StepManagementPlatform).Attempt
	st = st.under(platformOptions(platform))
	require.Equal(t, attempt, st.step("", core.StepManagementPlatform).Attempt, "it is known")

	s.certificate = "another"
	st = st.under(platformOptions(platform))
	require.Equal(t, known(platform, "cert"), st.platformOf(), "what was seen first stays")
	require.Empty(t, st.order("1", `{"verb":"retry","step":"management-platform"}`))
	require.Equal(t, known(platform, "cert"), st.platformOf(), "it stays in use until the new one is known")
	st.Settle(time.Minute)
	require.Equal(t, known(platform, "another"), st.platformOf())

	delete(s.platforms, moved)
	st = st.under(platformOptions(moved))
	require.Equal(t, known(platform, "another"), st.platformOf(), "the old one serves until the new one is met")
	s.platforms[moved] = "sys"
	st.Settle(time.Hour)
	require.Equal(t, known(moved, "another"), st.platformOf())

	st = st.under(options4())
	require.Empty(t, st.platformOf())
	step := st.step("", core.StepManagementPlatform)
	require.Equal(t, model.Skipped, step.State)
	require.Contains(t, step.Reason, "--gateway.management-platform is not given any more")
	require.True(t, st.view().Complete)
	st = st.under(options4())
	require.Equal(t, step, st.step("", core.StepManagementPlatform))

	st = st.under(platformOptions(platform))
	require.Equal(t, known(platform, "another"), st.platformOf())
}

// A record that an operator took the platform out of is mended by the next
// leader.
func TestAPlatformThatWasTakenOutByHand(t *testing.T) {
	s := newSite4("a", "b", "c")
	s.platforms = map[string]string{platform: "sys"}
	st := newStage(t, platformOptions(platform), s)
	st.install()
	cluster, _ := st.records()
	cluster.Gateways = nil
	data, err := model.Encode(cluster, nil)
	require.NoError(t, err)
	st.World.Put(leader.PathCluster, data)
	st = st.under(platformOptions(platform))
	require.Equal(t, known(platform, "cert"), st.platformOf())
}

// What an attempt brings is taken only if it is still wanted when it ends.
func TestAPlatformThatIsNotWantedAnyMore(t *testing.T) {
	for name, o := range map[string]bootstrap.Options{"none": options4(), "another": platformOptions("https://other")} {
		s := newSite4("a", "b", "c")
		s.platforms = map[string]string{platform: "sys", "https://other": "sys"}
		st := newStage(t, options4(), s)
		st.install()
		st = st.under(options4())
		asking := newStage(t, platformOptions(platform), s)
		for path, entry := range st.World.Stored() {
			asking.World.Put(path, entry.Data)
		}
		asking.Check = nil
		unit := asking.World.Start()
		require.Equal(t, model.Running, asking.step("", core.StepManagementPlatform).State)
		require.NotEmpty(t, unit.Effects)

		st = newStage(t, o, s)
		for path, entry := range asking.World.Stored() {
			st.World.Put(path, entry.Data)
		}
		st.Check = func(coretest.Unit) {
			for _, g := range st.platformOf() {
				require.NotEqual(t, platform, g.URL, "not even for a moment")
			}
		}
		st.Start()
		st.Settle(time.Minute)
		require.True(t, st.view().Complete, name)
		if o.ManagementPlatform == "" {
			require.Empty(t, st.platformOf())
			require.Equal(t, model.Skipped, st.step("", core.StepManagementPlatform).State)
		} else {
			require.Equal(t, known("https://other", "cert"), st.platformOf())
		}
	}
}

func TestAPlatformThatCannotBeTheSystems(t *testing.T) {
	s := newSite4("a", "b", "c")
	s.platforms = map[string]string{platform: "foreign"}
	st := newStage(t, platformOptions(platform), s)
	st.install()
	step := st.step("", core.StepManagementPlatform)
	require.Equal(t, model.Stuck, step.State, "waiting does not mend it")
	require.Equal(t, 1, step.Attempt)
	require.Contains(t, step.Error, "serves system foreign, and this one is sys")
	require.Empty(t, st.platformOf())
	require.Equal(t, model.Done, st.step("", core.StepVerify).State)
	require.Contains(t, st.order("1", `{"verb":"force-complete","step":"management-platform"}`), "take --gateway.management-platform from every scheduler")
	st = st.under(platformOptions(platform))
	require.Equal(t, 1, st.step("", core.StepManagementPlatform).Attempt, "another leader alone is no reason to ask again")
	s.platforms[platform] = "sys"
	require.Empty(t, st.order("2", `{"verb":"retry","step":"management-platform"}`))
	st.Settle(time.Minute)
	require.Equal(t, known(platform, "cert"), st.platformOf())
}

// Without the system's id no platform can be proven to be its own.
func TestAPlatformOfASystemWithoutAnID(t *testing.T) {
	s := newSite4("a", "b", "c")
	st := newStage(t, options4(), s)
	st.install()
	cluster, _ := st.records()
	put := func(id string) {
		cluster.SystemID = id
		data, err := model.Encode(cluster, nil)
		require.NoError(t, err)
		st.World.Put(leader.PathCluster, data)
	}
	put("")
	s.platforms = map[string]string{platform: ""}
	st = st.under(platformOptions(platform))
	step := st.step("", core.StepManagementPlatform)
	require.Equal(t, model.Stuck, step.State)
	require.Contains(t, step.Error, "write it as system_id into /cluster")
	s.platforms[platform] = "sys"
	put("sys")
	st = st.under(platformOptions(platform))
	require.Equal(t, known(platform, "cert"), st.platformOf())
}

// A system that has gateways is told so, and is left as it is.
func TestAPlatformForASystemWithGateways(t *testing.T) {
	s := newSite("a", "b", "c")
	st := newStage(t, options(), s)
	st.install()
	before := st.platformOf()
	require.Len(t, before, 2)
	o := options()
	o.ManagementPlatform = platform
	_, err := bootstrap.New(o)
	require.ErrorContains(t, err, "the packages are of release 2.0-1.1, which has gateways of its own")
	o.Packages = nil // where nothing tells
	st = st.under(o)
	step := st.step("", core.StepManagementPlatform)
	require.Equal(t, model.Stuck, step.State)
	require.Contains(t, step.Error, "the system is of release 2.0-1.1, which has gateways of its own")
	require.Equal(t, before, st.platformOf())
	st = st.under(options())
	require.True(t, st.view().Complete)
	require.Equal(t, before, st.platformOf())
}

// The leader may die after any unit, here too.
func TestALeaderOf4xWithAPlatformMayDieAnywhere(t *testing.T) {
	t.Parallel()
	run := func(at int) int {
		s := newSite4("a", "b", "c")
		s.platforms = map[string]string{platform: "sys"}
		st := newStage(t, platformOptions(platform), s)
		st.Check = nil
		st.Start()
		n := 0
		for ; len(st.Pending) > 0; n++ {
			event := st.Pending[0]
			st.Pending = st.Pending[1:]
			st.World.Now = st.World.Now.Add(time.Millisecond)
			if n == at {
				st.Deliver(event, 0)
				st.Start()
				continue
			}
			st.Deliver(event, -1)
		}
		st.Settle(time.Minute)
		require.True(t, st.view().Complete, "death after unit %d: %v", at, st.view().Problems)
		require.Equal(t, known(platform, "cert"), st.platformOf(), "death after unit %d", at)
		require.Empty(t, s.violations, "death after unit %d", at)
		return n
	}
	for at, units := rand.IntN(stride), run(-1); at < units; at += stride {
		run(at)
	}
}

// The sweep of test volumes is for gateways: node agents take no command late.
func TestNoSweepThroughAPlatform(t *testing.T) {
	s := newSite4("a", "b", "c")
	s.platforms = map[string]string{platform: "sys"}
	st := newStage(t, platformOptions(platform), s)
	st.install()
	require.Equal(t, model.Done, st.step("", core.StepVerify).State)
	require.NotEmpty(t, st.platformOf())
	st.Settle(time.Hour)
	require.Empty(t, s.violations)
}

func must(cluster *model.Cluster, _ map[string]*model.NodePlan) *model.Cluster { return cluster }

// follow starts a leader with another platform on what was stored.
func (st *stage) follow(t coretest.T, url string, stored leader.Snapshot) *stage {
	next := newStage(t, platformOptions(url), st.site)
	for path, entry := range stored {
		next.World.Put(path, entry.Data)
	}
	next.World.Now = st.World.Now
	next.Start()
	return next
}

// A leader whose predecessor asked a platform that serves another system asks
// his own as soon as that is known.
func TestAWrongPlatformOfAFormerLeaderIsNotTheLastWord(t *testing.T) {
	installed := newStage(t, options4(), newSite4("a", "b", "c"))
	installed.install()
	installed.site.platforms = map[string]string{"https://foreign": "another", platform: "sys"}
	before := installed.follow(t, "https://foreign", installed.World.Stored())
	st := installed.follow(t, platform, before.World.Stored())
	st.Settle(time.Minute)
	require.Equal(t, known(platform, "cert"), st.platformOf())
}

// Whatever leaders with other options left undone, the record ends as the last
// one's option says, and the step with it.
func TestTheLastLeadersOptionDecides(t *testing.T) {
	t.Parallel()
	installed := newStage(t, options4(), newSite4("a", "b", "c"))
	installed.install()
	const moved, foreign = "https://moved", "https://foreign"
	rapid.Check(t, func(t *rapid.T) {
		s := installed.site
		s.platforms = map[string]string{foreign: "another"}
		stored := installed.World.Stored()
		lead := func(url string) *stage { return installed.follow(t, url, stored) }
		choice := rapid.SampledFrom([]string{"", platform, moved, foreign})
		for range rapid.IntRange(0, 6).Draw(t, "leaders") {
			for _, url := range []string{platform, moved} {
				if delete(s.platforms, url); rapid.Bool().Draw(t, url) {
					s.platforms[url] = "sys"
				}
			}
			st := lead(choice.Draw(t, "option"))
			for range rapid.IntRange(0, 8).Draw(t, "events") {
				if len(st.Pending) == 0 {
					st.Settle(time.Second)
					break
				}
				event := st.Pending[0]
				st.Pending = st.Pending[1:]
				st.Deliver(event, -1)
			}
			stored = st.World.Stored()
		}
		s.platforms[platform], s.platforms[moved] = "sys", "sys"
		last := choice.Draw(t, "last option")
		st := lead(last)
		st.Settle(time.Hour)
		step, has := must(st.records()).Steps[core.StepManagementPlatform]
		switch last {
		case "":
			require.Empty(t, st.platformOf())
			require.True(t, !has || step.State == model.Skipped, "%v", step)
		case foreign:
			require.Equal(t, model.Stuck, step.State)
			for _, g := range st.platformOf() {
				require.NotEqual(t, foreign, g.URL)
			}
		default:
			require.Equal(t, known(last, "cert"), st.platformOf())
			require.Equal(t, model.Done, step.State)
		}
		require.Equal(t, last != foreign, st.view().Complete)
		require.Empty(t, s.violations)
	})
}
