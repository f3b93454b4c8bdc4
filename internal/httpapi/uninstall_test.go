package httpapi_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/engine"
	"scaleio-framework/internal/httpapi"
	"scaleio-framework/internal/model"
	"scaleio-framework/leader"
)

// installed is a system of one host with a growth.
func installed(t *testing.T, uninstall *model.Uninstall) engine.View {
	t.Helper()
	done := model.Step{State: model.Done, Attempt: 1}
	records := make(leader.Snapshot)
	for path, record := range map[string]any{
		leader.PathFramework: model.Framework{ID: "f-scaleio"},
		leader.PathCluster: model.Cluster{
			UUID: "0af1-b", SystemName: "prod", Uninstall: uninstall,
			Members:  []model.Member{{Name: "mdm1", Host: "h1", Persona: model.Manager}},
			Gateways: []model.Gateway{{Host: "h1", URL: "https://h1"}},
			Steps:    map[string]model.Step{"create-cluster": done, "storage-pools/pd/sp": done, "protection-domains/pd": done},
		},
		"/nodes/h1":      model.Node{Hostname: "h1", State: model.TaskUnreachable, Launch: &model.Launch{Number: 1, TaskID: "h1-1"}},
		"/nodes/h1/plan": model.NodePlan{Hostname: "h1", Persona: model.Manager, Steps: map[string]model.Step{"sds-package": done, "lia-package": {State: model.Skipped}}},
		"/growth/g1": model.Growth{ID: "g1", State: model.GrowthOpen, Provider: "aws", Slots: []model.GrowthSlot{
			{State: model.SlotDone, VolumeID: "vol-1", Host: "h1", Request: model.VolumeRequest{SizeGiB: 100}},
		}},
	} {
		data, err := model.Encode(record, nil)
		require.NoError(t, err)
		records[path] = leader.Entry{Data: data}
	}
	return engine.View{Records: records, Unreadable: map[string]string{"/nodes/h2/plan": "no JSON"}}
}

func TestADryRunOfARemoval(t *testing.T) {
	s := newSite()
	asked := []bool{}
	a := s.start(t, "a", setup{view: installed(t, nil), inTheWay: func(_ context.Context, allowed bool) ([]string, error) {
		asked = append(asked, allowed)
		return []string{"volume v1 is mapped to SDC 10.0.0.1"}, nil
	}})
	s.lead("a")
	u := into[httpapi.Uninstall](t, a.do(t, http.MethodGet, "/v1/uninstall", ""))
	require.Nil(t, u.Ordered)
	require.Equal(t, "prod", u.System)
	require.Equal(t, "f-scaleio", u.FrameworkID)
	require.Equal(t, []httpapi.GrowthVolume{{ID: "vol-1", Host: "h1", Growth: "g1", GiB: 100}}, u.GrowthVolumes)
	steps := map[string]string{}
	for _, step := range u.Steps {
		steps[step.Step] = step.Host
		require.NotEmpty(t, step.Text)
	}
	require.Equal(t, map[string]string{
		"removal-check": "", "remove-volumes": "", "remove-storage-pools/pd/sp": "", "remove-protection-domains/pd": "",
		"shrink-cluster-mode": "", "remove-standby-mdm/mdm1": "", "remove-sds-package": "h1", "remove-traces": "h1",
	}, steps, "only what is there is removed")
	require.Equal(t, []string{
		"/nodes/h2/plan is unreadable: no JSON",
		"growth g1 is open: wait until it is over, or decline it",
		"host h1 is out of reach: bring it back; during the removal, forget-host gives up a host that is gone for good",
		"volume v1 is mapped to SDC 10.0.0.1",
	}, u.Blocked)

	kept := into[httpapi.Uninstall](t, a.do(t, http.MethodGet, "/v1/uninstall?keep_data=true", ""))
	for _, step := range kept.Steps {
		require.NotContains(t, step.Step, "remove-storage-pools")
	}
	require.Equal(t, []bool{false, true}, asked)
	require.Contains(t, a.do(t, http.MethodGet, "/v1/uninstall?keep_data=perhaps", "").problem(t), `keep_data is "perhaps"`)
	require.Zero(t, s.written(), "a dry run is no order")
}

// Volumes that cannot be read are in the way (R8).
func TestUnreadableVolumesAreInTheWay(t *testing.T) {
	s := newSite()
	a := s.start(t, "a", setup{view: installed(t, nil), inTheWay: func(context.Context, bool) ([]string, error) {
		return nil, errors.New("no gateway answers")
	}})
	s.lead("a")
	require.Contains(t, into[httpapi.Uninstall](t, a.do(t, http.MethodGet, "/v1/uninstall", "")).Blocked, "the volumes cannot be read: no gateway answers")
}

func TestOrdersAboutARemoval(t *testing.T) {
	for _, c := range []struct {
		method, body string
		want         model.Order
	}{
		{http.MethodPost, `{"system":"prod","keep_data":true,"by":"ann"}`, model.Order{Verb: model.UninstallOrder, System: "prod", KeepData: true, By: "ann"}},
		{http.MethodDelete, "", model.Order{Verb: model.UninstallCancel}},
	} {
		s := newSite()
		a := s.start(t, "a", setup{view: installed(t, nil)})
		s.lead("a")
		require.Equal(t, http.StatusOK, a.do(t, c.method, "/v1/uninstall", c.body).code)
		order := s.only(t)
		require.False(t, order.At.IsZero())
		order.At = c.want.At
		require.Equal(t, c.want, order)
	}
	s := newSite()
	a := s.start(t, "a", setup{view: installed(t, nil)})
	s.lead("a")
	require.Contains(t, a.do(t, http.MethodPost, "/v1/uninstall", `{}`).problem(t), "names no system")
	require.Zero(t, s.written())
}
