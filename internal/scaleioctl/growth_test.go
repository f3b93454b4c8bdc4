package scaleioctl_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/httpapi"
	"scaleio-framework/internal/model"
	"scaleio-framework/leader"
	"scaleio-framework/storagegrowth"
)

// filling is a system with a pool that awaits approval and one that grew in
// part, whose provider has trouble.
func filling(t *testing.T) *scheduler {
	t.Helper()
	ended := since.Add(95 * time.Second)
	slot := func(index int, host string, state model.SlotState, volume, problem string) model.GrowthSlot {
		return model.GrowthSlot{
			Index: index, Host: host, SDS: "sds_" + host, State: state, Zone: "eu-west-1a", VolumeID: volume, Error: problem,
			Request: model.VolumeRequest{SizeGiB: 104, Token: "t"}, Since: since,
		}
	}
	return start(t, map[string]any{
		leader.PathGrowth + "/g1": &model.Growth{
			ID: "g1", State: model.GrowthPartial, ProtectionDomain: "pd", StoragePool: "sp", Reason: "81.2 % full, threshold 80.0 %", UsedBefore: 0.812, UsedAfter: 0.64,
			Decided: since, Approved: "ann", Finished: &ended, Provider: "aws",
			Slots: []model.GrowthSlot{slot(0, "h1", model.SlotDone, "vol-1", "an old one"), slot(1, "h2", model.SlotFailed, "", "VolumeLimitExceeded:\nask for more")},
		},
		leader.PathGrowth + "/g2": &model.Growth{
			ID: "g2", State: model.GrowthAwaiting, ProtectionDomain: "pd", StoragePool: "big", Reason: "requested by bob", UsedBefore: 0.85, UsedAfter: 0.7, Clipped: "the daily limit",
			Decided: since.Add(time.Hour), Provider: "aws", Slots: []model.GrowthSlot{slot(0, "h1", model.SlotPlanned, "", "")},
		},
		storagegrowth.PathStatus: &storagegrowth.Status{
			At: since, OrphansAt: since, Provider: "UnauthorizedOperation: ec2:CreateVolume",
			Pools: map[string]storagegrowth.PoolStatus{
				"pd/big": {Fullness: 0.85, LimitKiB: 3 << 30, SpareKiB: 1 << 30, InUseKiB: 3 << 29, UnusedKiB: 1 << 29, Threshold: 0.8, Critical: 0.9, Target: 0.65, FullIn: 3 * 3600, SparePercent: 33, SpareNeeded: 34, Verdict: storagegrowth.VerdictOpen, Decision: "growth g2 is awaiting-approval"},
				"pd/sp":  {Threshold: 0.8, Verdict: storagegrowth.VerdictUnreadable, Decision: "the reading cannot be trusted: no devices"},
			},
			Orphans:   []storagegrowth.Orphan{{Volume: "vol-9", SizeGiB: 104, State: "available", Growth: "g0"}},
			Deletions: []storagegrowth.Deletion{{Volume: "vol-8", By: "ann", At: since, Error: "delete: not permitted"}},
		},
	})
}

func TestPoolsTellsHowFullTheyAreAndWhatHappensNext(t *testing.T) {
	s := filling(t)
	got := run(t, nil, "pools", "--url", s.url)
	require.Zero(t, got.code, got.err)
	lines := strings.Split(strings.TrimSpace(got.out), "\n")
	require.Regexp(t, `^POOL +FULL +GROWS AT +CRITICAL +IN USE +UNUSED +SPARE +FULL IN +LAST GROWTH +DECISION$`, lines[0])
	require.Regexp(t, `^pd/big +85\.0% +80\.0% +90\.0% +1\.5 TiB +512\.0 GiB +1\.0 TiB +3h +g2 \(awaiting-approval\) +growth g2 is awaiting-approval$`, lines[1])
	require.Regexp(t, `^pd/sp +UNKNOWN +80\.0% .*g1 \(partial\) +the reading cannot be trusted: no devices$`, lines[2])
	require.Equal(t, "pd/big: the spare is 33 %, its largest fault unit needs 34 %: raise it, or set --growth.adjust-spare", lines[3])
	require.Equal(t, "problem: the provider of volumes answers: UnauthorizedOperation: ec2:CreateVolume", lines[4])
	require.Regexp(t, `^as of 2026-03-04 \d\d:06:07$`, lines[5])

	var pools httpapi.Pools
	require.NoError(t, json.Unmarshal([]byte(run(t, nil, "pools", "--json", "--url", s.url).out), &pools))
	require.Len(t, pools.Pools, 2)
}

func TestGrowthListsAndSaysWhereAnOperatorIsNeeded(t *testing.T) {
	s := filling(t)
	got := run(t, nil, "growth", "--url", s.url)
	require.Zero(t, got.code, got.err)
	lines := strings.Split(strings.TrimSpace(got.out), "\n")
	require.Regexp(t, `^g2 +pd/big +awaiting-approval +0/1 +0 GiB +2026-03-04 \d\d:06:07 +requested by bob$`, lines[1])
	require.Regexp(t, `^g1 +pd/sp +partial +1/2 +104 GiB +2026-03-04 \d\d:06:07 +81\.2 % full, threshold 80\.0 %$`, lines[2])
	require.Equal(t, []string{
		"g2: awaits your approval: scaleioctl growth show g2, then growth approve or growth decline",
		"g1: ended without all of its volumes: scaleioctl growth show g1 says why; mend that, then growth retry",
		"problem: the provider of volumes answers: UnauthorizedOperation: ec2:CreateVolume",
		"orphans: 1; they belong to nobody and cost money: scaleioctl growth orphans",
	}, lines[3:])
	var list httpapi.Growths
	require.NoError(t, json.Unmarshal([]byte(run(t, nil, "growth", "--json", "--url", s.url).out), &list))
	require.Len(t, list.Growths, 2)
}

// A pool that grows by an operator's disks stands still until he knows of it.
func TestAGrowthThatWaitsForDisksSaysSo(t *testing.T) {
	slot := func(index int, host string, state model.SlotState) model.GrowthSlot {
		return model.GrowthSlot{Index: index, Host: host, SDS: host, State: state, Request: model.VolumeRequest{SizeGiB: 104, Token: "t"}, Since: since}
	}
	s := start(t, map[string]any{leader.PathGrowth + "/g3": &model.Growth{
		ID: "g3", State: model.GrowthOpen, ProtectionDomain: "pd", StoragePool: "sp", Reason: "85.0 % full", Decided: since, Provider: storagegrowth.ProviderManual,
		Slots: []model.GrowthSlot{slot(0, "h1", model.SlotDone), slot(1, "h2", model.SlotPlanned), slot(2, "h3", model.SlotPlanned)},
	}})
	require.Contains(t, run(t, nil, "growth", "--url", s.url).out, "\ng3: waits for disks (2) that you add: scaleioctl growth show g3 says where, and how large\n")
	require.Contains(t, run(t, nil, "growth", "show", "g3", "--url", s.url).out, "\nwaits for disks (2) that you add: ")
	require.Regexp(t, `\ngrowth +Growth g3 of pd/sp waits for empty disks: wanted are 104 GiB on h2, 104 GiB on h3: add them, nothing else is to be done \(scaleioctl growth show g3\)\n`, run(t, nil, "status", "--url", s.url).out)
}

func TestGrowthShowNamesEachVolumeAndItsTrouble(t *testing.T) {
	s := filling(t)
	got := run(t, nil, "growth", "show", "g1", "--url", s.url)
	require.Zero(t, got.code, got.err)
	for _, want := range []string{
		`growth +g1\n`, `pool +pd/sp\n`, `fullness +81\.2%, 64\.0% afterwards as planned\n`, `approved +by ann\n`, `finished +.*, after 1m35s\n`,
		`volumes +1/2 done, 104 GiB added \(aws\)\n`, `h1 +done +104 GiB +vol-1 +eu-west-1a\n`, `h2 +failed +104 GiB +eu-west-1a +VolumeLimitExceeded: ask for more\n`,
	} {
		require.Regexp(t, want, got.out)
	}
	require.Contains(t, run(t, nil, "growth", "show", "g2", "--url", s.url).out, "the target is not reached: the daily limit")
	got = run(t, nil, "growth", "show", "g9", "--url", s.url)
	require.Equal(t, 1, got.code)
	require.Contains(t, got.err, "says: no growth g9: /v1/growth lists them")
}

func TestOrphansAreListedWithWhatToDo(t *testing.T) {
	s := filling(t)
	out := run(t, nil, "growth", "orphans", "--url", s.url).out
	require.Regexp(t, `vol-9 +104 GiB +available +g0\n`, out)
	require.Contains(t, out, "then scaleioctl growth delete-orphan VOLUME\n")
	require.Contains(t, out, "vol-8 is being deleted, ordered by ann at ")
	require.Contains(t, out, "not yet: delete: not permitted; it is tried again every minute\n")
	require.Equal(t, "the provider of volumes was not asked for orphans yet; with --growth.provider manual or off it never is\n", run(t, nil, "growth", "orphans", "--url", start(t, nil).url).out)
}

// Who looks at status only must see that a pool runs full.
func TestStatusNamesThePoolsThatWantAnOperator(t *testing.T) {
	out := run(t, nil, "status", "--url", filling(t).url).out
	for _, want := range []string{
		`growth +Pool pd/big is above its threshold: 85\.0 %: growth g2 is awaiting-approval \(scaleioctl growth preview pd/big\)\n`,
		`growth +Pool pd/sp cannot be read: the reading cannot be trusted: no devices \(scaleioctl pools\)\n`,
		`growth +Growth g2 of pd/big awaits approval: requested by bob \(scaleioctl growth show g2\)\n`,
		`growth +The provider of volumes: UnauthorizedOperation: ec2:CreateVolume\n`,
	} {
		require.Regexp(t, want, out)
	}
}

func TestBeforeAnyGrowthTheCommandsSaySo(t *testing.T) {
	s := start(t, map[string]any{storagegrowth.PathStatus: &storagegrowth.Status{Problem: "waits for the ScaleIO cluster"}})
	require.Equal(t, "no pool was read yet\nproblem: waits for the ScaleIO cluster\n", run(t, nil, "pools", "--url", s.url).out)
	require.Equal(t, "no pool has grown yet: scaleioctl pools says why\nproblem: waits for the ScaleIO cluster\n", run(t, nil, "growth", "--url", s.url).out)
}

func TestASpareThatCouldNotBeRaisedIsTold(t *testing.T) {
	s := start(t, map[string]any{storagegrowth.PathStatus: &storagegrowth.Status{Pools: map[string]storagegrowth.PoolStatus{
		"pd/sp": {SparePercent: 10, SpareNeeded: 34, SpareError: "no room"},
	}}})
	require.Contains(t, run(t, nil, "pools", "--url", s.url).out, "pd/sp: the spare is 10 %, its largest fault unit needs 34 %, and it could not be raised: no room\n")
}

func TestGrowthVerbsBecomeOrders(t *testing.T) {
	for _, c := range []struct {
		args string
		want model.Order
	}{
		{"growth request pd/sp", model.Order{Verb: model.GrowthRequest, Pool: "pd/sp"}},
		{"growth request pd/sp --size 300", model.Order{Verb: model.GrowthRequest, Pool: "pd/sp", SizeGiB: 300}},
		{"growth approve g2", model.Order{Verb: model.GrowthApprove, Growth: "g2"}},
		{"growth decline g2", model.Order{Verb: model.GrowthDecline, Growth: "g2"}},
		{"growth retry g1", model.Order{Verb: model.GrowthRetry, Growth: "g1"}},
		{"growth delete-orphan vol-9", model.Order{Verb: model.GrowthDeleteOrphan, Volume: "vol-9"}},
	} {
		s := start(t, nil)
		words := strings.Fields(c.args)
		got := run(t, nil, append(words, "--url", s.url)...)
		require.Equal(t, result{0, words[0] + " " + words[1] + " applied\n", ""}, got)
		require.Len(t, s.orders, 1)
		given := s.orders[0]
		require.NotEmpty(t, given.By)
		given.By, given.At = "", time.Time{}
		require.Equal(t, c.want, given)
	}
	s := start(t, nil)
	s.outcome = func() (bool, string) { return false, "growth g2 is done" }
	require.Equal(t, result{1, "", "scaleioctl: growth approve refused: growth g2 is done\n"}, run(t, nil, "growth", "approve", "g2", "--url", s.url))
	require.Contains(t, run(t, nil, "growth", "request", "sp", "--url", s.url).err, `want "protection domain/pool"`)
}
