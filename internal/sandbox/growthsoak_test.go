package sandbox

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/storagegrowth/ec2test"
)

// A pool grows although its leader is struck at a moment that the seed chooses,
// and EC2 loses calls: each volume is made, attached and added once.
func TestGrowthSoak(t *testing.T) {
	opts := testOptions(t)
	report, err := Run(t.Context(), "growth-soak", opts, 1, 19)
	require.NoError(t, err, "%s", opts.Out)
	require.True(t, report.OK)
	require.Equal(t, uint64(19), report.Seed)
	require.Len(t, report.Failovers, 1)
	require.Len(t, report.Growths, 1)
	require.Equal(t, 3, report.Growths[0].Volumes)
	require.Equal(t, 6, report.Created["create-device"], "the hosts' own disks, and the volumes")
	require.Zero(t, report.LeakedVolumes)
	require.Empty(t, report.CreatedTwice)
}

// A seed repeats the strikes, and in time they are of every kind.
func TestStrikesAreDrawnFromTheSeed(t *testing.T) {
	draw := func(seed uint64) (strikes []growthStrike, texts []string) {
		random := rand.New(rand.NewPCG(seed, 0))
		deck := newDeck(random)
		for range 60 {
			strike := newGrowthStrike(random, deck.next())
			strikes, texts = append(strikes, strike), append(texts, strike.String())
		}
		return strikes, texts
	}
	strikes, texts := draw(1)
	_, again := draw(1)
	_, other := draw(2)
	require.Equal(t, texts, again)
	require.NotEqual(t, texts, other)

	faults, effects, troubles := map[Fault]int{}, map[int]bool{}, map[string]bool{}
	for _, s := range strikes {
		faults[s.fault]++
		effects[s.effects] = true
		require.Less(t, s.jitter, growthJitter)
		for _, trouble := range s.troubles {
			troubles[kindOf(trouble.fault)] = true
		}
	}
	require.Equal(t, map[Fault]int{Kill: 12, Crash: 12, Term: 12, Stop: 12, Freeze: 12}, faults)
	require.Len(t, effects, growthEffects+1)
	require.Len(t, troubles, 10, "five kinds for two calls: %v", troubles)
}

func kindOf(f ec2test.Fault) string {
	switch {
	case f.Drop && f.After:
		return f.Action + " reply"
	case f.Drop:
		return f.Action + " request"
	case f.Code != "":
		return f.Action + " " + f.Code
	case f.After:
		return f.Action + " slow answer"
	}
	return f.Action + " slow request"
}
