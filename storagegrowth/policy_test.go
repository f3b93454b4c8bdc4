package storagegrowth_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/model"
	"scaleio-framework/leader"
	"scaleio-framework/storagegrowth"
	"scaleio-framework/storagegrowth/growthtest"
)

func TestPolicyRelations(t *testing.T) {
	require.NoError(t, storagegrowth.DefaultPolicy().Validate())
	for words, change := range map[string]func(*storagegrowth.Policy){
		"--growth.target is 0.8":            func(p *storagegrowth.Policy) { p.Target = 0.8 },
		"--growth.threshold is 80":          func(p *storagegrowth.Policy) { p.Threshold = 80 },
		"--growth.interval is 0s":           func(p *storagegrowth.Policy) { p.Interval, p.For = 0, 0 },
		"--growth.for is 4h0m0s":            func(p *storagegrowth.Policy) { p.For = 4 * time.Hour },
		"--growth.cooldown is -1s":          func(p *storagegrowth.Policy) { p.Cooldown = -time.Second },
		"--growth.provider is \"gcp\"":      func(p *storagegrowth.Policy) { p.Provider = "gcp" },
		"--growth.approval is \"never\"":    func(p *storagegrowth.Policy) { p.Approval = "never" },
		"--growth.volume-size is 50 GiB":    func(p *storagegrowth.Policy) { p.VolumeSizeGiB = 50 },
		"want 125 to":                       func(p *storagegrowth.Policy) { p.VolumeType, p.VolumeSizeGiB = "st1", 100 },
		"--growth.volume-size is 20000 GiB": func(p *storagegrowth.Policy) { p.VolumeSizeGiB = 20000 },
		"--growth.volume-type is \"gp9\"":   func(p *storagegrowth.Policy) { p.VolumeType = "gp9" },
		"io2 volumes need it":               func(p *storagegrowth.Policy) { p.VolumeType = "io2" },
		"gp2 volumes have no IOPS":          func(p *storagegrowth.Policy) { p.VolumeType, p.IOPS = "gp2", 100 },
		"only gp3 volumes":                  func(p *storagegrowth.Policy) { p.VolumeType, p.Throughput = "gp2", 100 },
		"tag \"Name\" is not yours":         func(p *storagegrowth.Policy) { p.Tags = map[string]string{"Name": "x"} },
		"tag \"scaleio-slot\" is not yours": func(p *storagegrowth.Policy) { p.Tags = map[string]string{"scaleio-slot": "x"} },
		"at most 12 of 384 bytes": func(p *storagegrowth.Policy) {
			p.Tags = map[string]string{"a": strings.Repeat("x", 250), "b": strings.Repeat("x", 250)}
		},
		"--growth.max-per-day is -1 GiB":       func(p *storagegrowth.Policy) { p.MaxGiBPerDay = -1 },
		"--growth.reserved-attachments is -1,": func(p *storagegrowth.Policy) { p.ReservedAttachments = -1 },
	} {
		p := storagegrowth.DefaultPolicy()
		change(&p)
		require.ErrorContains(t, p.Validate(), words)
	}
}

func TestPolicyFile(t *testing.T) {
	overrides, err := storagegrowth.ParsePolicyFile([]byte(`{"pools": {
		"default/slow": {"enabled": false},
		"default/fast": {"threshold": 0.7, "target": 0.5, "for": "10m", "volume_type": "io2", "iops": 4000, "tags": {"team": "a"}}
	}}`))
	require.NoError(t, err)
	require.Len(t, overrides, 2)
	require.Equal(t, "default/fast", overrides[0].Pool)
	base := storagegrowth.DefaultPolicy()
	base.Tags = map[string]string{"team": "b", "env": "x"}
	p := base.With(overrides[0])
	require.Equal(t, []any{0.7, 0.5, 10 * time.Minute, "io2", 4000}, []any{p.Threshold, p.Target, p.For, p.VolumeType, p.IOPS})
	require.Equal(t, map[string]string{"team": "a", "env": "x"}, p.Tags)
	require.Equal(t, "b", base.Tags["team"], "the flags stay as they are")
	require.False(t, base.With(overrides[1]).Enabled)

	for data, words := range map[string]string{
		`{"pools": {"default/a": {"treshold": 0.7}}}`:  "treshold",
		`{"pools": {"a": {}}}`:                         `pool "a"`,
		`{"pools": {"default/a": {"for": 10}}}`:        "a duration is a text",
		`{"pools": {"default/a": {"for": "ten"}}}`:     "duration",
		`{"pools": {}} {}`:                             "something follows",
		`pools: {}`:                                    "policy file",
		`{"pools": {"default/a": {"interval": "1m"}}}`: "interval",
	} {
		_, err := storagegrowth.ParsePolicyFile([]byte(data))
		require.ErrorContains(t, err, words, data)
	}
}

func TestOptionsNameWhatIsWrong(t *testing.T) {
	o := storagegrowth.DefaultOptions()
	threshold := 0.6
	o.Overrides = []storagegrowth.Override{{Pool: "default/a", Threshold: &threshold}}
	_, err := storagegrowth.New(o)
	require.ErrorContains(t, err, `pool "default/a": --growth.target is 0.65`)
	o = storagegrowth.DefaultOptions()
	o.Poll = 0
	_, err = storagegrowth.New(o)
	require.ErrorContains(t, err, "Poll is 0s")
}

// The override of a pool is what decides on it.
func TestOverridesDecide(t *testing.T) {
	s := growthtest.New(3, 0.85)
	o := eager()
	off := false
	o.Overrides = []storagegrowth.Override{{Pool: "default/default", Enabled: &off}}
	st := newStage(t, s, o)
	st.start()
	st.run(10 * time.Minute)
	require.Empty(t, st.growths())
	require.Contains(t, st.view().Pools[0].Decision, "growth is switched off")
	require.Equal(t, storagegrowth.VerdictDisabled, st.view().Pools[0].Verdict)
}

func FuzzParsePolicyFile(f *testing.F) {
	f.Add([]byte(`{"pools": {"default/fast": {"threshold": 0.7, "for": "10m", "tags": {"a": "b"}}}}`))
	f.Add([]byte(`{"pools": {"a/": {}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		overrides, err := storagegrowth.ParsePolicyFile(data)
		if err != nil {
			require.Empty(t, overrides)
			return
		}
		for _, o := range overrides {
			require.Contains(t, o.Pool, "/")
			if p := storagegrowth.DefaultPolicy().With(o); p.Validate() == nil {
				require.Less(t, p.Target, p.Threshold)
			}
		}
	})
}

// Whatever stands in the records, Load and a term do not panic, and nothing is
// asked of the world for a growth that could not be read.
func FuzzLoad(f *testing.F) {
	st := newStage(f, growthtest.New(3, 0.85), eager())
	st.start()
	st.run(10 * time.Minute)
	f.Add(st.stored[leader.PathGrowth+"/"+st.growths()[0].ID].Data, st.stored[storagegrowth.PathStatus].Data, st.stored[leader.PathCluster].Data)
	f.Add([]byte(`{"id":"g","state":"open","provider":"aws","slots":[{"index":0,"state":"created","volume_id":"v","request":{"token":"t","size_gib":1}}]}`), []byte(`{}`), []byte(`{}`))
	f.Fuzz(func(t *testing.T, growth, status, cluster []byte) {
		st := newStage(t, growthtest.New(3, 0.5), eager())
		var g model.Growth
		path := leader.PathGrowth + "/" + "g"
		if decoded, err := model.Decode[model.Growth](growth); err == nil && len(decoded.Slots) <= 24 && !strings.Contains(decoded.ID, "/") {
			g = *decoded
			path = leader.PathGrowth + "/" + g.ID
		}
		st.stored[path] = leader.Entry{Data: growth}
		st.stored[storagegrowth.PathStatus] = leader.Entry{Data: status}
		st.stored[leader.PathCluster] = leader.Entry{Data: cluster}
		c, err := storagegrowth.New(st.options)
		require.NoError(t, err)
		unreadable, err := c.Load(st.stored)
		require.NoError(t, err)
		for path := range unreadable {
			delete(st.stored, path)
		}
		if len(unreadable) == 0 && len(growth) > 16<<10 {
			return // longer than what the limits of records allow to grow
		}
		st.start()
		st.run(5 * time.Minute)
		storagegrowth.Describe(st.stored)
	})
}
