package coretest_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/leader"
	"scaleio-framework/scheduler/internal/coretest"
)

// tally counts the hosts it hears of, tells of each, and asks for a revival
// two seconds after the first.
type tally struct{ record map[string]int }

func (*tally) Name() string { return "tally" }

func (c *tally) Load(stored leader.Snapshot) (map[string]error, error) {
	c.record = make(map[string]int)
	for path, entry := range stored {
		if path != "/tally" {
			return map[string]error{path: errors.New("not mine")}, nil
		}
		if err := json.Unmarshal(entry.Data, &c.record); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

func (c *tally) Apply(_ time.Time, event core.Event, out *core.Output) {
	switch e := event.(type) {
	case core.OffersReceived:
		for _, offer := range e.Offers {
			out.Tell(core.HostSeen{Host: offer.Hostname})
		}
	case core.HostSeen:
		c.record["hosts"]++
		out.Put("/tally", c.record)
		out.Do(core.Timer{Key: "tally", After: 2 * time.Second}, core.Decline{OfferIDs: []string{"o1", "o2"}, Refuse: time.Hour})
	case core.TimerFired:
		out.Delete("/tally")
		out.Do(core.Revive{})
	}
}

func TestStories(t *testing.T) {
	coretest.Run(t, "testdata", func() []core.Core { return []core.Core{&tally{}} })
}

func TestAStoryThatEndsWithoutDashesIsAnError(t *testing.T) {
	world := coretest.NewWorld(t, func() []core.Core { return []core.Core{&tally{}} })
	_, err := coretest.Play(world, "start\nHostSeen Host=a\n")
	require.ErrorContains(t, err, "no dashes")
}

func TestEventSyntax(t *testing.T) {
	for _, test := range []struct {
		about, line string
		want        core.Event
	}{
		{"no fields", "OffersReceived", core.OffersReceived{}},
		{
			"words, numbers and booleans", "HostSeen Host=a-1 CPUs=0.5 Served=true",
			core.HostSeen{Host: "a-1", CPUs: 0.5, Served: true},
		},
		{
			"quoted text with brackets and spaces", `NodeDown Host=a Reason="it \"left\" {"`,
			core.NodeDown{Host: "a", Reason: `it "left" {`},
		},
		{
			"slices of structs with maps", `OffersReceived Offers=[{ID=o1 Attributes={rack=r1 zone=z}} {ID=o2}]`,
			core.OffersReceived{Offers: []core.Offer{{ID: "o1", Attributes: map[string]string{"rack": "r1", "zone": "z"}}, {ID: "o2"}}},
		},
		{
			"bytes as a word and as JSON", `TaskUpdated UUID=u1 Data={"v": [1, "}"]}`,
			core.TaskUpdated{UUID: []byte("u1"), Data: []byte(`{"v": [1, "}"]}`)},
		},
		{
			"a pointer to a record in JSON", `NodeUp Inventory={"hostname":"a"}`,
			core.NodeUp{Inventory: &model.Inventory{Hostname: "a"}},
		},
		{
			"an effect inside an event", `CallRefused Err=no Effect={Accept Host=a Launch={Number=2 At=2026-01-02T03:04:05Z}}`,
			core.CallRefused{Err: "no", Effect: core.Accept{
				Host:   "a",
				Launch: model.Launch{Number: 2, At: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)},
			}},
		},
	} {
		event, err := coretest.ParseEvent(test.line)
		require.NoError(t, err, test.about)
		require.Equal(t, test.want, event, test.about)
	}
}

func TestEventSyntaxErrorsNameTheirCause(t *testing.T) {
	for line, want := range map[string]string{
		"Rain":                                  `"Rain"`,
		"Revive":                                "not an event",
		"HostSeen Color=red":                    "want one of Host",
		"HostSeen Host":                         "not FIELD=VALUE",
		"OffersReceived Offers=[{":              "not closed",
		"OffersReceived Offers=o":               "between [ and ]",
		"CallRefused Effect={Rain}":             `"Rain"`,
		"Poisoned Event={Revive}":               "does not fit",
		"HostSeen CPUs=many":                    "CPUs",
		`NodeDown Reason="a\q"`:                 "quoted",
		"CallRefused Effect={Timer After=soon}": "After",
	} {
		_, err := coretest.ParseEvent(line)
		require.ErrorContains(t, err, want, line)
	}
}
