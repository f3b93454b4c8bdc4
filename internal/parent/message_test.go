package parent

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/leader"
)

func TestTheLastWordOfEachKindCounts(t *testing.T) {
	const claim3, claim4 = `{"claim":{"fence":3,"session":7}}`, `{"claim":{"fence":4,"session":7}}`
	two := 2
	for said, want := range map[string]message{
		"":                                     {},
		claim3:                                 {Claim: &leader.Claim{Fence: 3, Session: 7}},
		claim3 + claim4:                        {Claim: &leader.Claim{Fence: 4, Session: 7}},
		claim3 + `{"exit":2}`:                  {Claim: &leader.Claim{Fence: 3, Session: 7}, Exit: &two},
		claim3 + claim4[:len(claim4)-3]:        {Claim: &leader.Claim{Fence: 3, Session: 7}},
		claim3 + `{"claim":{"fence":"x"}}`:     {Claim: &leader.Claim{Fence: 3, Session: 7}},
		claim3 + "\x00\x00" + claim4:           {Claim: &leader.Claim{Fence: 3, Session: 7}},
		claim3 + `{"later":"versions"}` + "{}": {Claim: &leader.Claim{Fence: 3, Session: 7}},
	} {
		require.Equal(t, want, listen(strings.NewReader(said)), said)
	}
}

// Whatever a worker's death leaves in the socket, listening ends, and what was
// said before counts.
func FuzzListen(f *testing.F) {
	before := []byte(`{"claim":{"fence":3,"session":7}}`)
	f.Add([]byte(`{"claim":{"fence":4,"session":7}}{"exit":2}`))
	f.Add([]byte(`{"claim":{"fence":4,"sess`))
	f.Fuzz(func(t *testing.T, said []byte) {
		require.NotNil(t, listen(bytes.NewReader(slices.Concat(before, said))).Claim)
	})
}
