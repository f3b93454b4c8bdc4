package metrics_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"scaleio-framework/internal/engine"
	"scaleio-framework/internal/metrics"
	"scaleio-framework/internal/model"
	"scaleio-framework/leader"
	"scaleio-framework/storagegrowth"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var since = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// term is a term whose records a test wrote.
type term struct {
	view       engine.View
	subscribed bool
}

func (t term) View() engine.View { return t.view }
func (t term) Subscribed() bool  { return t.subscribed }

// site serves the metrics of one process that leads, or does not.
type site struct {
	url string

	mu    sync.Mutex
	leads bool
	term  term
}

func (s *site) leading() (metrics.Term, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.term, s.leads
}

func start(t *testing.T) *site {
	t.Helper()
	s := &site{}
	handler, err := metrics.New(metrics.Options{Instance: "sio-a", Term: s.leading, Logger: hclog.NewNullLogger()})
	require.NoError(t, err)
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

func (s *site) lead(view engine.View, subscribed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leads, s.term = true, term{view, subscribed}
}

// scrape returns the lines that are figures.
func (s *site) scrape(t *testing.T) []string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url, http.NoBody)
	require.NoError(t, err)
	req.Close = true
	resp, err := http.DefaultTransport.RoundTrip(req)
	require.NoError(t, err)
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusOK, resp.StatusCode, string(text))
	var lines []string
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "#") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

func named(lines []string, prefix string) (found []string) {
	for _, line := range lines {
		if strings.HasPrefix(line, prefix) {
			found = append(found, line)
		}
	}
	return found
}

func records(t *testing.T, of map[string]any) engine.View {
	t.Helper()
	v := engine.View{Epoch: 7, Records: make(leader.Snapshot), Unreadable: map[string]string{"/nodes/h9": "not valid JSON"}}
	for path, record := range of {
		data, err := model.Encode(record, nil)
		require.NoError(t, err)
		v.Records[path] = leader.Entry{Data: data}
	}
	return v
}

// night is a system in which something of everything happens.
func night(t *testing.T) engine.View {
	t.Helper()
	ended := since.Add(90 * time.Second)
	slot := func(index int, state model.SlotState) model.GrowthSlot {
		return model.GrowthSlot{Index: index, Host: "h1", State: state, VolumeID: "vol", Request: model.VolumeRequest{SizeGiB: 100, Token: "a-token"}}
	}
	return records(t, map[string]any{
		leader.PathCluster: &model.Cluster{UUID: "u", SystemName: "prod", Paused: true, Steps: map[string]model.Step{"create-cluster": {State: model.Pending}}},
		leader.PathNodes + "/h1": &model.Node{
			Hostname: "h1", State: model.TaskRunning, Launch: &model.Launch{Number: 1, TaskID: "t"}, Refused: &model.Refused{What: "report", Reason: "too long"},
		},
		leader.PathNodes + "/h2":      &model.Node{Hostname: "h2", State: model.TaskNone},
		leader.PathNodes + "/h1/plan": &model.NodePlan{Hostname: "h1", Persona: model.Manager, Steps: map[string]model.Step{"sds-package": {State: model.Stuck}}},
		leader.PathGrowth + "/g1": &model.Growth{
			ID: "g1", State: model.GrowthPartial, ProtectionDomain: "pd", StoragePool: `a "pool"`, Provider: "aws", Clipped: "the daily limit",
			Decided: since, Finished: &ended, Slots: []model.GrowthSlot{slot(0, model.SlotDone), slot(1, model.SlotDone), slot(2, model.SlotFailed)},
		},
		leader.PathGrowth + "/g2": &model.Growth{ID: "g2", State: model.GrowthAwaiting, ProtectionDomain: "pd", StoragePool: "new", Provider: "aws", Decided: since},
		storagegrowth.PathTotals: &storagegrowth.Totals{
			Pools: map[string]*storagegrowth.PoolTotals{`pd/a "pool"`: {
				Decisions: map[storagegrowth.Verdict]int64{storagegrowth.VerdictLimit: 4}, Limits: map[storagegrowth.Limit]int64{storagegrowth.LimitDay: 3},
				Begun: 6, Finished: map[model.GrowthState]int64{model.GrowthPartial: 2},
			}},
			Volumes: map[model.SlotState]int64{model.SlotDone: 15}, Failures: map[string]int64{"no-capacity": 8},
			Durations: storagegrowth.Durations{Count: 5, Seconds: 500, AtMost: map[int64]int64{60: 1, 120: 4}},
		},
		storagegrowth.PathStatus: &storagegrowth.Status{
			At: since, Provider: "throttled", OrphansAt: since, Orphans: []storagegrowth.Orphan{{Volume: "vol-9"}},
			Pools: map[string]storagegrowth.PoolStatus{
				`pd/a "pool"`: {Fullness: 0.85, FullestDevice: 0.9, LimitKiB: 1000, SpareKiB: 100, InUseKiB: 765, UnusedKiB: 135, Threshold: 0.8, Critical: 0.9, Target: 0.65, FullIn: 3600, Verdict: storagegrowth.VerdictLimit},
				"pd/new":      {Threshold: 0.8, Target: 0.65, Verdict: storagegrowth.VerdictUnreadable},
			},
		},
	})
}

func TestTheLeaderTellsWhatIsCommitted(t *testing.T) {
	s := start(t)
	s.lead(night(t), true)
	got := s.scrape(t)
	const pool = `{pool="pd/a \"pool\""`
	for _, want := range []string{
		"leading 1", "epoch 7", "subscribed 1", "paused 1", "install_complete 0", "unreadable_records 1", "nodes_refusing 1",
		`nodes{state="running"} 1`, `nodes{state="none"} 1`, `nodes{state="unreachable"} 0`,
		`steps{state="stuck"} 1`, `steps{state="pending"} 1`, `steps{state="failed"} 0`,
		"pool_fullness_ratio" + pool + "} 0.85", "pool_fullest_device_ratio" + pool + "} 0.9", "pool_limit_bytes" + pool + "} 1.024e+06",
		"pool_spare_bytes" + pool + "} 102400", "pool_used_bytes" + pool + "} 783360", "pool_unused_bytes" + pool + "} 138240",
		"pool_threshold_ratio" + pool + "} 0.8", "pool_critical_ratio" + pool + "} 0.9", "pool_target_ratio" + pool + "} 0.65",
		"pool_full_in_seconds" + pool + "} 3600", "pool_growth_verdict" + pool + `,verdict="limit"} 1`,
		"pool_last_growth_finished_timestamp_seconds" + pool + "} 1.772600857e+09", "pool_last_growth_duration_seconds" + pool + "} 90",
		`pool_growth_verdict{pool="pd/new",verdict="unreadable"} 1`, `pool_threshold_ratio{pool="pd/new"} 0.8`,
		`growths{state="partial"} 1`, `growths{state="awaiting-approval"} 1`, `growths{state="open"} 0`,
		`growth_slots{state="done"} 2`, `growth_slots{state="failed"} 1`, `growth_slots{state="parked"} 0`,
		"growth_added_bytes 2.147483648e+11", "growths_clipped 1", "growth_problem 0", "growth_provider_failing 1", "growth_orphans 1",
		"pool_growth_decisions_total" + pool + `,verdict="limit"} 4`, `pool_growth_decisions_total{pool="pd/new",verdict="grow"} 0`,
		`pool_growth_limits_total{limit="per-day",` + pool[1:] + "} 3", "pool_growths_begun_total" + pool + "} 6",
		`pool_growths_finished_total{outcome="partial",` + pool[1:] + "} 2", `pool_growths_finished_total{outcome="done",` + pool[1:] + "} 0",
		`growth_volumes_total{outcome="done"} 15`, `growth_failures_total{reason="no-capacity"} 8`, `growth_failures_total{reason="stuck-attaching"} 0`,
		`growth_duration_seconds_bucket{le="60"} 1`, `growth_duration_seconds_bucket{le="120"} 4`, `growth_duration_seconds_bucket{le="+Inf"} 5`,
		"growth_duration_seconds_sum 500", "growth_duration_seconds_count 5",
		"growth_status_timestamp_seconds 1.772600767e+09", "growth_orphans_timestamp_seconds 1.772600767e+09",
	} {
		require.Contains(t, got, "scaleio_framework_"+want)
	}
	require.Empty(t, named(got, `scaleio_framework_pool_fullness_ratio{pool="pd/new"}`), "a reading that cannot be trusted gives no figure")
	require.Empty(t, named(got, `scaleio_framework_pool_last_growth_duration_seconds{pool="pd/new"}`), "a growth that is not over has no duration")
	require.NotContains(t, strings.Join(got, "\n"), "a-token")
}

func TestAStandbyTellsThatItIsOne(t *testing.T) {
	s := start(t)
	got := s.scrape(t)
	ours := named(got, "scaleio_framework_")
	require.Len(t, ours, 2)
	require.Contains(t, ours, "scaleio_framework_leading 0")
	require.Regexp(t, `scaleio_framework_build_info\{goversion="go1[^"]*",instance_name="sio-a",version="[^"]+"\} 1`, strings.Join(ours, "\n"))
	require.NotEmpty(t, named(got, "go_goroutines "))

	s.lead(engine.View{}, false)
	got = s.scrape(t)
	require.Contains(t, got, "scaleio_framework_leading 1", "the next scrape knows that it won")
	require.Contains(t, got, "scaleio_framework_subscribed 0")
	require.Contains(t, got, `scaleio_framework_steps{state="stuck"} 0`, "an alert has something to compare before anything is installed")
	require.Empty(t, named(got, "scaleio_framework_growth_status_timestamp_seconds"), "a time that is not known is absent")
}

func TestManyScrapeAtOnce(t *testing.T) {
	s := start(t)
	s.lead(night(t), true)
	want := named(s.scrape(t), "scaleio_framework_")
	var scraping sync.WaitGroup
	for range 8 {
		scraping.Go(func() {
			for range 5 {
				if got := named(s.scrape(t), "scaleio_framework_"); len(got) != len(want) {
					t.Errorf("%d figures, want %d", len(got), len(want))
				}
			}
		})
	}
	scraping.Wait()
}

// The page names every figure, and no other.
func TestThePageListsTheFigures(t *testing.T) {
	page, err := os.ReadFile("../../docs/metrics.md")
	require.NoError(t, err)
	name := regexp.MustCompile(`scaleio_framework_[a-z_]+`)
	served, listed := make(map[string]bool), make(map[string]bool)
	s := start(t)
	s.lead(night(t), true)
	for _, line := range s.scrape(t) {
		if found := name.FindString(line); found != "" {
			served[found] = true
		}
	}
	for _, row := range regexp.MustCompile("(?m)^\\| `scaleio_framework_.*").FindAll(page, -1) {
		first, _, _ := strings.Cut(string(row[2:]), "|")
		for _, found := range name.FindAllString(first, -1) {
			listed[found] = true
		}
	}
	require.Equal(t, served, listed)
}

func TestNewSaysWhatIsRequired(t *testing.T) {
	_, err := metrics.New(metrics.Options{})
	require.ErrorContains(t, err, "are required")
}
