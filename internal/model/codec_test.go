package model_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/model"
)

func TestEncodeKeepsWhatItDoesNotKnow(t *testing.T) {
	prior := `{
	  "hostname": "a", "persona": "storage", "color": "blue",
	  "steps": {
	    "sds-package": {"state": "running", "attempt": 1, "runner": "a", "mood": {"deep": [1, 2]}},
	    "gone": {"state": "done"}
	  }
	}`
	plan, err := model.Decode[model.NodePlan]([]byte(prior))
	require.NoError(t, err)
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	plan.Steps["sds-package"] = model.Step{State: model.Done, Attempt: 1, Runner: "a", Finished: &now}
	delete(plan.Steps, "gone")

	out, err := model.Encode(plan, []byte(prior))
	require.NoError(t, err)
	require.JSONEq(t, `{
	  "hostname": "a", "persona": "storage", "protection_domain": "", "storage_pool": "", "color": "blue",
	  "steps": {"sds-package": {"state": "done", "attempt": 1, "runner": "a",
	    "finished": "2026-01-02T03:04:05Z", "mood": {"deep": [1, 2]}}}
	}`, string(out), "unknown fields stay, at every depth; removed entries and known fields do not")
	require.Less(t, strings.Index(string(out), "hostname"), strings.Index(string(out), "persona"),
		"the order of keys is the order of the type")
}

func TestEncodeIsStable(t *testing.T) {
	framework := &model.Framework{ID: "x-scaleio"}
	first, err := model.Encode(framework, nil)
	require.NoError(t, err)
	second, err := model.Encode(framework, first)
	require.NoError(t, err)
	require.Equal(t, string(first), string(second))
	require.True(t, strings.HasPrefix(string(first), "{\n  \"id\""), "made to be read: %s", first)
}

func TestEncodeRefusesARecordThatIsTooLarge(t *testing.T) {
	_, err := model.Encode(&model.Framework{ID: strings.Repeat("x", model.MaxRecord)}, nil)
	var tooLarge model.ErrTooLarge
	require.ErrorAs(t, err, &tooLarge)
}

func TestDecodeNamesWhatIsWrong(t *testing.T) {
	for data, want := range map[string]string{
		`{`: "not valid JSON",
		`{"hostname":"a","persona":"king","steps":{}}`:                             `persona "king"`,
		`{"hostname":"a","persona":"storage","steps":{"x":{"state":"running"}}}`:   "step x: a running step has no attempt",
		`{"hostname":"a","persona":"storage","steps":{"x":{"state":"who knows"}}}`: `state "who knows"`,
		`{"persona":"storage","steps":{}}`:                                         "hostname is empty",
		`[]`:                                                                       "not valid JSON",
	} {
		_, err := model.Decode[model.NodePlan]([]byte(data))
		require.ErrorContains(t, err, want, data)
	}
}

func FuzzEncodeAfterDecode(f *testing.F) {
	f.Add([]byte(`{"hostname":"a","persona":"storage","steps":{"x":{"state":"done","y":1}},"z":[]}`))
	f.Fuzz(func(t *testing.T, prior []byte) {
		plan, err := model.Decode[model.NodePlan](prior)
		if err != nil {
			return
		}
		out, err := model.Encode(plan, prior)
		if err != nil {
			return // only a record that is too large
		}
		require.True(t, json.Valid(out))
		again, err := model.Decode[model.NodePlan](out)
		require.NoError(t, err)
		require.Equal(t, len(plan.Steps), len(again.Steps))
	})
}

func TestAFieldThatWasWrittenInOtherCaseIsNoUnknownOne(t *testing.T) {
	prior := []byte(`{"ID":"old-scaleio","note":"by hand"}`)
	framework, err := model.Decode[model.Framework](prior)
	require.NoError(t, err)
	require.Equal(t, "old-scaleio", framework.ID, "as encoding/json reads it")
	framework.ID = "new-scaleio"
	out, err := model.Encode(framework, prior)
	require.NoError(t, err)
	require.Contains(t, string(out), "by hand")
	framework, err = model.Decode[model.Framework](out)
	require.NoError(t, err)
	require.Equal(t, "new-scaleio", framework.ID, "else the old value comes back with every load")
}
