package leader

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func FuzzEpochRecord(f *testing.F) {
	for _, seed := range []string{
		`{"epoch":7,"instance":"a","url":"http://h","since":"2026-01-01T00:00:00Z"}`,
		`{"epoch":18446744073709551615,"instance":""}`, `{"epoch":-1,"instance":"a"}`, `{"epoch":1.5,"instance":"a"}`,
		`{"epoch":1,"instance":"a","note":[1,{"x":null}]}`, `null`, `[]`, ``, `{"epoch":1,"instance":null}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		before, err := decodeEpoch(data)
		if err != nil {
			return
		}
		written := before.succeed(before.epoch+1, Card{Instance: "next", URL: "u"}, time.Now())
		after, err := decodeEpoch(written)
		require.NoError(t, err)
		require.Equal(t, before.epoch+1, after.epoch)
		require.Equal(t, "next", after.instance)
		for name := range before.unknown {
			require.Contains(t, after.unknown, name, "what a later version added is kept")
		}
	})
}

func FuzzLayout(f *testing.F) {
	f.Add([]byte(`{"layout":1}`))
	f.Add([]byte(`{"layout":99}`))
	f.Add([]byte(`{`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if checkLayout(data) == nil {
			var r layoutRecord
			require.NoError(t, json.Unmarshal(data, &r))
			require.Equal(t, Layout, r.Layout)
		}
	})
}

func FuzzCard(f *testing.F) {
	f.Add([]byte(`{"instance":"a","pid":1,"since":"2026-01-01T00:00:00Z"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		card, err := decodeCard(data)
		if err != nil {
			return
		}
		again, err := decodeCard(card.encode(card.Since))
		require.NoError(t, err)
		require.Equal(t, card.Instance, again.Instance)
	})
}
