package model_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/model"
)

func TestAnOrderNamesWhatItsVerbNeedsAndNothingElse(t *testing.T) {
	for _, c := range []struct{ order, wrong string }{
		{`{"verb":"pause","by":"ann"}`, ""},
		{`{"verb":"retry","step":"s","host":"h"}`, ""},
		{`{"verb":"force-complete","step":"s"}`, ""},
		{`{"verb":"growth-approve","growth":"g"}`, ""},
		{`{"verb":"growth-request","pool":"pd/sp","size_gib":8}`, ""},
		{`{"verb":"growth-delete-orphan","volume":"v"}`, ""},
		{`{"verb":"pause","note":"of a later release"}`, ""},
		{`pause`, "order is not valid JSON"},
		{`{}`, `order has unknown verb ""`},
		{`{"verb":"growth-x"}`, "want growth-request, growth-approve"},
		{`{"verb":"retry","host":"h"}`, "names no step"},
		{`{"verb":"growth-retry"}`, "names no growth"},
		{`{"verb":"growth-request","pool":"pd/"}`, `has pool "pd/"`},
		{`{"verb":"growth-request","pool":"pd/sp","size_gib":-1}`, "size -1"},
		{`{"verb":"growth-delete-orphan"}`, "names no volume"},
		{`{"verb":"pause","step":"s"}`, `order "pause" takes no "step": leave it out`},
		{`{"verb":"resume","host":"h"}`, `order "resume" takes no "host"`},
		{`{"verb":"retry","step":"s","volume":"v"}`, `takes no "volume"`},
		{`{"verb":"growth-decline","growth":"g","size_gib":8}`, `takes no "size_gib"`},
		{`{"verb":"growth-request","pool":"pd/sp","growth":"g"}`, `takes no "growth"`},
	} {
		_, err := model.ParseOrder([]byte(c.order))
		if c.wrong == "" {
			require.NoError(t, err, c.order)
			continue
		}
		require.ErrorContains(t, err, c.wrong, c.order)
	}
}
