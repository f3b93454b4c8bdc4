package app

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/model"
	"scaleio-framework/scaleio/scaleiotest"
	"scaleio-framework/storagegrowth"
	"scaleio-framework/storagegrowth/ebs"
	"scaleio-framework/storagegrowth/ec2test"
)

const region = "us-east-1"

// growthFault is one thing that keeps a growth from its end.
type growthFault struct {
	about string
	// strike happens before anybody leads; mend takes it away.
	strike, mend func(w *growthWorld)
	// client is what the first leader has; one that works when nil.
	client func(w *growthWorld) *ebs.Client
	// blocked says that the growth does not begin at all: then the provider's
	// error or the decision tells why, and it goes on by itself. Otherwise it
	// ends partial, a volume tells why, and growth-retry takes it up again.
	blocked bool
	// words are what an operator has to read.
	words []string
}

func denied(action string, blocked bool) growthFault {
	return growthFault{
		about:  "no permission for " + action,
		strike: func(w *growthWorld) { w.ec2.Deny(action) }, mend: func(w *growthWorld) { w.ec2.Allow(action) },
		blocked: blocked, words: []string{"the role needs ec2:" + action, "add it to the policy of the scheduler's role"},
	}
}

// restart is what an operator does after other settings or keys.
func restart(w *growthWorld) { w.lead(w.client(w.endpoint, region, true)) }

// elsewhere reaches the account in another region, where nothing of it is.
func elsewhere(w *growthWorld) *ebs.Client {
	other, err := ec2test.New(ec2test.Options{Region: "eu-west-1"})
	require.NoError(w.t, err)
	w.t.Cleanup(func() { require.NoError(w.t, other.Close()) })
	endpoint, err := other.ServeEC2("")
	require.NoError(w.t, err)
	return w.client(endpoint, "eu-west-1", true)
}

func growthFaults() []growthFault {
	refuse := func(w *growthWorld) {
		w.scaleio.Inject(scaleiotest.Fault{Op: scaleiotest.OpCreateDevice, Refusal: &scaleiotest.Refusal{Text: "The SDS device is already in use"}, Times: -1})
	}
	return []growthFault{
		{
			about:   "no credentials",
			client:  func(w *growthWorld) *ebs.Client { return w.client(w.endpoint, region, false) },
			mend:    restart,
			blocked: true, words: []string{"no usable AWS credentials", "give the scheduler's host an instance role, or AWS credentials in its environment or files"},
		},
		{
			about:   "a region that the endpoint is not of",
			client:  func(w *growthWorld) *ebs.Client { return w.client(w.endpoint, "eu-west-1", true) },
			mend:    restart,
			blocked: true, words: []string{"not 'eu-west-1'", "the right --aws.region"},
		},
		{
			about:   "a region without the instances",
			client:  elsewhere,
			mend:    restart,
			blocked: true, words: []string{"the provider does not show instance i-", "look whether --aws.region is right"},
		},
		denied("DescribeVolumes", true),
		denied("DescribeInstances", true),
		denied("DescribeInstanceTypes", true),
		denied("CreateVolume", false),
		denied("CreateTags", false),
		denied("AttachVolume", false),
		{
			about:  "a zone without capacity",
			strike: func(w *growthWorld) { w.ec2.SetCapacity("us-east-1b", false) }, mend: func(w *growthWorld) { w.ec2.SetCapacity("us-east-1b", true) },
			words: []string{"InsufficientVolumeCapacity", "us-east-1b", "wait, or choose another volume type"},
		},
		{
			about:  "a limit of the account",
			strike: func(w *growthWorld) { w.ec2.SetLimits(ec2test.Limits{Volumes: 5}) }, mend: func(w *growthWorld) { w.ec2.SetLimits(ec2test.Limits{}) },
			words: []string{"VolumeLimitExceeded", "raise the quota of the account, or free what is not needed"},
		},
		{
			about: "a key that cannot be used",
			strike: func(w *growthWorld) {
				w.options.Policy.KMSKeyID = "alias/pool"
				w.ec2.SetKeyUsable("alias/pool", false)
			},
			mend:  func(w *growthWorld) { w.ec2.SetKeyUsable("alias/pool", true) },
			words: []string{"no volume was made", "look at --growth.kms-key"},
		},
		{
			about: "attachments that stick",
			strike: func(w *growthWorld) {
				w.options.AttachTimeout = 100 * time.Millisecond
				w.ec2.Inject(ec2test.Fault{Action: "AttachVolume", Stick: true, Times: -1})
			},
			mend:  func(w *growthWorld) { w.ec2.ClearFaults() },
			words: []string{"stuck in attaching to i-", "as /dev/sd", "look at the instance, then order growth-retry"},
		},
		{
			about: "a device that does not appear",
			strike: func(w *growthWorld) {
				w.options.AppearWithin = 500 * time.Millisecond
				w.nodes.hide(true)
			},
			mend:  func(w *growthWorld) { w.nodes.hide(false) },
			words: []string{"its block device has not appeared on host", "no disk with serial number vol-"},
		},
		{
			about:  "a gateway that refuses the device",
			strike: refuse, mend: func(w *growthWorld) { w.scaleio.Heal() },
			words: []string{"ScaleIO does not take /dev/nvme", "The SDS device is already in use"},
		},
	}
}

// Each fault, through the SDK and the gateway client, ends in words that name
// the thing, the reason and the remedy; without it the growth comes to its end,
// with each volume made and used once.
func TestEveryFaultOfAGrowthIsReadAndMended(t *testing.T) {
	for _, f := range growthFaults() {
		t.Run(f.about, func(t *testing.T) {
			w := newGrowthWorld(t)
			if f.strike != nil {
				f.strike(w)
			}
			if f.client != nil {
				w.lead(f.client(w))
			} else {
				restart(w)
			}
			if f.blocked {
				w.awaitBlocked(f.words)
				f.mend(w)
			} else {
				w.awaitPartial(f.words)
				f.mend(w)
			}
			w.awaitGrown()
		})
	}
}

// awaitBlocked waits until an operator can read why nothing is decided.
func (w *growthWorld) awaitBlocked(words []string) {
	w.t.Helper()
	var v storagegrowth.View
	require.Eventually(w.t, func() bool {
		v = w.view()
		return len(v.Pools) == 1 && containsAll(v.Provider+"; "+v.Pools[0].Decision, words)
	}, patience, 5*time.Millisecond, "%+v", &v)
	require.Contains(w.t, []storagegrowth.Verdict{storagegrowth.VerdictAskProvider, storagegrowth.VerdictLimit}, v.Pools[0].Verdict)
	require.Empty(w.t, v.Growths)
	require.Zero(w.t, w.ec2.Count("CreateVolume").Calls)
}

// awaitPartial waits until an operator can read what became of the growth.
func (w *growthWorld) awaitPartial(words []string) {
	w.t.Helper()
	var g storagegrowth.GrowthView
	require.Eventually(w.t, func() bool {
		if v := w.view(); len(v.Growths) == 1 {
			g = v.Growths[0]
		}
		return g.State == model.GrowthPartial
	}, patience, 5*time.Millisecond, "%+v", &g)
	told := 0
	for _, s := range g.Slots {
		if s.State == model.SlotDone {
			continue
		}
		require.NotEmpty(w.t, s.Error, "slot %d is %s", s.Index, s.State)
		if containsAll(s.Error, words) {
			told++
		}
	}
	require.Positive(w.t, told, "%+v", g.Slots)
}

func containsAll(text string, words []string) bool {
	for _, word := range words {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// awaitGrown waits for the end, as an operator who orders a retry whenever the
// growth is over without all of its volumes, and looks at what is left.
func (w *growthWorld) awaitGrown() {
	w.t.Helper()
	var g storagegrowth.GrowthView
	require.Eventually(w.t, func() bool {
		v := w.view()
		if len(v.Growths) == 1 {
			g = v.Growths[0]
		}
		if g.State == model.GrowthPartial {
			w.order(model.Order{Verb: model.GrowthRetry, Growth: g.ID, By: "ann"})
		}
		return g.State == model.GrowthDone
	}, patience, 20*time.Millisecond, "%+v", &g)
	w.stop()

	devices, all := make(map[string]int), 0
	for _, sds := range w.scaleio.Snapshot().SDSs {
		for _, name := range sds.DeviceNames {
			devices[name]++
			all++
		}
	}
	used, instances := make(map[string]bool), make(map[string]bool)
	for _, s := range g.Slots {
		if s.State == model.SlotDone {
			used[s.VolumeID], instances[s.InstanceID] = true, true
			require.Equal(w.t, 1, devices[s.VolumeID], "a device of the pool, once")
		}
	}
	require.Len(w.t, used, 3)
	require.Len(w.t, instances, 3, "one for each fault unit")
	require.Empty(w.t, w.ec2.LeakedVolumes(used))
	for _, v := range w.ec2.Snapshot().Volumes {
		if !v.Root {
			require.True(w.t, used[v.ID] && v.Attachment != nil && v.Attachment.State == "attached", fmt.Sprintf("%+v", v))
		}
	}
	require.Equal(w.t, 6, all, "the hosts' own disks and the volumes")
	require.Empty(w.t, w.nodes.errs)
}
