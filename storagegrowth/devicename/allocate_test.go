package devicename_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"scaleio-framework/storagegrowth/devicename"
)

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// allBut returns every name but some.
func allBut(free ...string) []string {
	var names []string
	for _, n := range devicename.Candidates() {
		keep := true
		for _, f := range free {
			keep = keep && n != f
		}
		if keep {
			names = append(names, n)
		}
	}
	return names
}

func TestNext(t *testing.T) {
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	recommended := devicename.Candidates()[:11]
	cases := []struct {
		why   string
		inUse []string
		h     devicename.History
		want  string
	}{
		{"the first volume gets the first recommended name", []string{"/dev/xvda"}, devicename.History{}, "/dev/sdf"},
		{"a name in use is passed over", []string{"/dev/xvda", "/dev/sdf", "/dev/sdh"}, devicename.History{}, "/dev/sdg"},
		{"Xen's name for a disk takes it too", []string{"xvdf", "/dev/sdg1"}, devicename.History{}, "/dev/sdh"},
		{"after the recommended names come the long ones", recommended, devicename.History{}, "/dev/xvdaa"},
		{"the root disk's name does not take /dev/xvdaa", append(recommended, "/dev/xvda", "/dev/sda1"), devicename.History{}, "/dev/xvdaa"},
		{"the latest name is not given again at once", nil, devicename.History{Latest: "/dev/sdf"}, "/dev/sdg"},
		{"unless no other is free", allBut("/dev/sdk"), devicename.History{Latest: "/dev/sdk"}, "/dev/sdk"},
		{"a bad name is passed over", nil, devicename.History{Bad: map[string]time.Time{"/dev/sdf": ago(59 * time.Minute)}}, "/dev/sdg"},
		{"for an hour", nil, devicename.History{Bad: map[string]time.Time{"/dev/sdf": ago(time.Hour)}}, "/dev/sdf"},
		{"also when the clock was set back", nil, devicename.History{Bad: map[string]time.Time{"/dev/sdf": ago(-time.Minute)}}, "/dev/sdg"},
		{"a bad name is tried after the latest", allBut("/dev/sdf", "/dev/sdk"), devicename.History{
			Latest: "/dev/sdk", Bad: map[string]time.Time{"/dev/sdf": ago(time.Minute)},
		}, "/dev/sdk"},
		{"of bad names the one that is bad longest", allBut("/dev/sdf", "/dev/xvdbz"), devicename.History{
			Bad: map[string]time.Time{"/dev/sdf": ago(time.Minute), "/dev/xvdbz": ago(2 * time.Minute)},
		}, "/dev/xvdbz"},
		{"the latest name may be bad as well", allBut("/dev/sdf"), devicename.History{
			Latest: "/dev/sdf", Bad: map[string]time.Time{"/dev/sdf": ago(time.Minute)},
		}, "/dev/sdf"},
		{"names that are none of ours harm nothing", []string{"/dev/nvme0n1", "", "f"}, devicename.History{}, "/dev/sdf"},
	}
	for _, c := range cases {
		t.Run(c.why, func(t *testing.T) {
			got, err := devicename.Next(c.inUse, c.h, now)
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
	_, err := devicename.Next(devicename.Candidates(), devicename.History{}, now)
	require.ErrorIs(t, err, devicename.ErrNone)
}

// Names are given and taken back at random, some refused, time passes.
func TestANameIsNeverGivenTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		inUse := map[string]bool{}
		h := devicename.History{Bad: map[string]time.Time{}}
		clock := now
		for range rapid.IntRange(1, 150).Draw(t, "steps") {
			clock = clock.Add(time.Duration(rapid.IntRange(0, 40).Draw(t, "minutes")) * time.Minute)
			var taken []string
			for n := range inUse {
				taken = append(taken, n)
			}
			if len(taken) > 0 && rapid.IntRange(0, 2).Draw(t, "detach") == 0 {
				delete(inUse, rapid.SampledFrom(devicename.Candidates()).Draw(t, "name"))
				continue
			}
			name, err := devicename.Next(taken, h, clock)
			if err != nil {
				require.Len(t, inUse, len(devicename.Candidates()))
				continue
			}
			require.False(t, inUse[name], "%s is in use", name)
			require.Contains(t, devicename.Candidates(), name)
			fresh := 0 // names that nothing is known of
			for _, n := range devicename.Candidates() {
				if !inUse[n] && n != h.Latest && clock.Sub(h.Bad[n]) >= devicename.BadFor {
					fresh++
				}
			}
			if fresh > 0 {
				require.NotEqual(t, h.Latest, name)
				require.GreaterOrEqual(t, clock.Sub(h.Bad[name]), devicename.BadFor, "%s is bad and others are not", name)
			}
			h.Latest = name
			if rapid.Bool().Draw(t, "refused") {
				h.Bad[name] = clock
			} else {
				inUse[name] = true
			}
		}
	})
}
