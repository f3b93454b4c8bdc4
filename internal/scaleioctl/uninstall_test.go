package scaleioctl_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/httpapi"
	"scaleio-framework/internal/model"
	"scaleio-framework/leader"
)

// removable is a system of one host, with a volume that a growth made.
func removable(t *testing.T, uninstall *model.Uninstall) *scheduler {
	t.Helper()
	done := model.Step{State: model.Done, Attempt: 1}
	return start(t, map[string]any{
		leader.PathFramework: model.Framework{ID: "f-scaleio"},
		leader.PathCluster: model.Cluster{
			UUID: "0af1-b", SystemName: "prod", Uninstall: uninstall,
			Members:  []model.Member{{Name: "mdm1", Host: "h1", Persona: model.Manager}},
			Gateways: []model.Gateway{{Host: "h1", URL: "https://h1"}},
			Steps:    map[string]model.Step{"create-cluster": done},
		},
		"/nodes/h1":      model.Node{Hostname: "h1", State: model.TaskRunning, Launch: &model.Launch{Number: 1, TaskID: "h1-1"}},
		"/nodes/h1/plan": model.NodePlan{Hostname: "h1", Persona: model.Manager, Steps: map[string]model.Step{"sds-package": done}},
		"/growth/g1": model.Growth{ID: "g1", State: model.GrowthDone, Provider: "aws", Finished: &since, Slots: []model.GrowthSlot{
			{State: model.SlotDone, VolumeID: "vol-1", Host: "h1", Request: model.VolumeRequest{SizeGiB: 100}},
		}},
	})
}

func TestADryRunShowsWhatWouldBeRemoved(t *testing.T) {
	s := removable(t, nil)
	s.inTheWay = []string{"volume v1 is mapped to SDC 10.0.0.1"}
	got := run(t, nil, "uninstall", "--dry-run", "--remove-volumes", "--url", s.url)
	require.Zero(t, got.code, got.err)
	for _, want := range []string{
		`system prod is not being removed; a removal would do this:\n`,
		`- +removal-check +look whether a volume is mapped`,
		`h1 +remove-sds-package +remove the SDS's package\n`,
		`in the way: volume v1 is mapped to SDC 10\.0\.0\.1\n`,
		`aws ec2 detach-volume --volume-id vol-1 && .* # 100 GiB on h1, growth g1\n`,
		`nothing was changed; scaleioctl uninstall --yes-i-mean prod --remove-volumes gives the order\n$`,
	} {
		require.Regexp(t, want, got.out)
	}
	require.Empty(t, s.orders)
}

// Before anything was begun there is nothing to list, and no framework that
// Mesos has taken.
func TestBeforeTheFirstStepNothingIsPromised(t *testing.T) {
	s := start(t, map[string]any{
		leader.PathFramework: model.Framework{ID: "f-scaleio", Drawn: since},
		leader.PathCluster:   model.Cluster{UUID: "0af1-b", SystemName: "prod"},
	})
	s.subscribed = false
	out := run(t, nil, "uninstall", "--dry-run", "--url", s.url).out
	require.Contains(t, out, "system prod is not being removed, and nothing of it was begun\n")
	require.NotContains(t, out, "WHAT IT DOES")
	for _, args := range [][]string{{"status"}, {"drill", "report"}} {
		require.Contains(t, run(t, nil, append(args, "--url", s.url)...).out, "f-scaleio, NEVER TAKEN by a Mesos master", "%v", args)
	}
}

func TestTheOrderToRemoveEverything(t *testing.T) {
	s := removable(t, nil)
	got := run(t, nil, "uninstall", "--yes-i-mean", "prod", "--keep-data", "--url", s.url)
	require.Zero(t, got.code, got.err)
	require.Contains(t, got.out, "uninstall applied\n")
	require.Contains(t, got.out, "cannot be taken back; until then: scaleioctl uninstall cancel")
	require.Zero(t, run(t, nil, "uninstall", "cancel", "--url", s.url).code)
	require.Zero(t, run(t, nil, "plan", "forget-host", "--host", "h1", "--url", s.url).code)
	require.Len(t, s.orders, 3)
	require.Equal(t, model.UninstallOrder, s.orders[0].Verb)
	require.Equal(t, "prod", s.orders[0].System)
	require.True(t, s.orders[0].KeepData)
	require.NotEmpty(t, s.orders[0].By)
	require.Equal(t, model.UninstallCancel, s.orders[1].Verb)
	require.Equal(t, "h1", s.orders[2].Host)

	for _, args := range [][]string{
		{"uninstall"},
		{"uninstall", "--dry-run", "--yes-i-mean", "prod"},
		{"uninstall", "--yes-i-mean", "prod", "--keep-data", "--remove-volumes"},
		{"plan", "--keep-data"},
	} {
		require.Equal(t, 2, run(t, nil, append(args, "--url", s.url)...).code, "%v", args)
	}
}

func TestWhereARemovalStands(t *testing.T) {
	for _, c := range []struct {
		uninstall         model.Uninstall
		plan, status, dry string
	}{
		{model.Uninstall{Ordered: since}, "uninstalling: ", "uninstalling: nothing was changed yet (scaleioctl uninstall cancel)", "nothing was changed yet: scaleioctl uninstall cancel"},
		{model.Uninstall{Ordered: since, Begun: &since}, "uninstalling: ", "state      uninstalling\n", "cannot be taken back"},
		{model.Uninstall{Ordered: since, Begun: &since, Finished: ptr(since.Add(time.Minute))}, "uninstalled: ", "uninstalled: nothing of the system is left", "curl -d frameworkId=f-scaleio http://MASTER:5050/master/teardown"},
	} {
		s := removable(t, &c.uninstall)
		require.Contains(t, run(t, nil, "plan", "--url", s.url).out, c.plan)
		require.Contains(t, run(t, nil, "status", "--url", s.url).out, c.status)
		require.Contains(t, run(t, nil, "uninstall", "--dry-run", "--url", s.url).out, c.dry)
	}
}

// When nothing is left to be done there is no table of it.
func TestAfterARemovalTheDryRunListsNothing(t *testing.T) {
	order := &model.Uninstall{Ordered: since, Begun: &since, Finished: &since}
	var u httpapi.Uninstall
	require.NoError(t, json.Unmarshal([]byte(run(t, nil, "uninstall", "--dry-run", "--json", "--url", removable(t, order).url).out), &u))
	require.NotEmpty(t, u.Steps)

	done := model.Step{State: model.Done, Attempt: 1}
	cluster := model.Cluster{UUID: "0af1-b", SystemName: "prod", Uninstall: order, Steps: make(map[string]model.Step), Members: []model.Member{{Name: "mdm1", Host: "h1", Persona: model.Manager}}}
	plan := model.NodePlan{Hostname: "h1", Persona: model.Manager, Steps: make(map[string]model.Step)}
	for _, s := range u.Steps {
		if s.Host == "" {
			cluster.Steps[s.Step] = done
		} else {
			plan.Steps[s.Step] = done
		}
	}
	out := run(t, nil, "uninstall", "--dry-run", "--url", start(t, map[string]any{leader.PathCluster: cluster, "/nodes/h1/plan": plan}).url).out
	require.Contains(t, out, "system prod is removed since ")
	require.NotContains(t, out, "WHAT IT DOES")
}

func ptr(t time.Time) *time.Time { return &t }
