package storagegrowth

import (
	"time"

	"scaleio-framework/internal/core"
)

// question is a preview that somebody waits for.
type question struct {
	core.PreviewAsked
	since time.Time
}

// maxQuestions bounds the previews that are waited for at a time.
const maxQuestions = 64

// previewAsked takes a question for a dry run. It is answered from readings
// that are younger than it.
func (t *turn) previewAsked(e core.PreviewAsked) {
	problem := t.unconnected()
	if len(t.questions) >= maxQuestions {
		problem = "too many previews are asked for at once"
	}
	if problem != "" {
		t.out.Do(core.TellPreview{ID: e.ID, Problem: problem})
		return
	}
	if _, again := t.questions[e.ID]; !again {
		t.questions[e.ID] = question{e, t.now}
	}
	t.wantRead()
	t.stir()
	t.tryPreviews(false)
}

// tryPreviews answers what can be answered now. silent says that the provider
// was just asked in vain: then its error is the answer.
func (t *turn) tryPreviews(silent bool) {
	for _, id := range sortedKeys(t.questions) {
		q := t.questions[id]
		if t.read.at.Before(q.since) {
			t.wantRead()
			continue
		}
		answer := core.TellPreview{ID: id, Known: sortedKeys(t.pools)}
		answered := true
		for _, key := range answer.Known {
			if q.Pool != "" && q.Pool != key {
				continue
			}
			preview, asks := t.preview(key, q.SizeGiB)
			if asks && silent {
				preview.Why = "the provider does not answer: " + t.look.err
			} else if asks {
				answered = false
			}
			answer.Pools = append(answer.Pools, preview)
		}
		if !answered {
			t.wantLook(true)
			continue
		}
		delete(t.questions, id)
		t.out.Do(answer)
	}
}

// refusePreviews answers every question with the same problem.
func (t *turn) refusePreviews(problem string) {
	for _, id := range sortedKeys(t.questions) {
		delete(t.questions, id)
		t.out.Do(core.TellPreview{ID: id, Problem: problem})
	}
}

// forgetPreviews drops the questions that nobody waits for any more.
func (t *turn) forgetPreviews() {
	for id, q := range t.questions {
		if t.now.Sub(q.since) >= t.options.OrderWait {
			delete(t.questions, id)
		}
	}
}

// preview decides on a pool as the policy would, and as an order to grow would
// let it. asks says that the provider has to be asked first.
func (t *turn) preview(key string, sizeGiB int) (preview core.PoolPreview, asks bool) {
	s := t.situation(t.pools[key])
	d := Decide(s)
	preview = core.PoolPreview{Pool: key, Verdict: string(d.Verdict), Decision: d.words()}
	s.Request = &Request{SizeGiB: sizeGiB}
	would := Decide(s)
	if would.Grow == nil {
		preview.Why = orElse(would.Obstacle, would.Wait)
		return preview, would.Verdict == VerdictAskProvider
	}
	preview.Plan = previewOf(would.Grow, s.Policy)
	return preview, false
}

func previewOf(plan *Plan, p Policy) *core.GrowthPreview {
	preview := &core.GrowthPreview{
		Provider: p.Provider, Approval: p.Approval, SizeGiB: plan.SizeGiB, TotalGiB: plan.TotalGiB(),
		VolumeType: p.VolumeType, IOPS: p.IOPS, Throughput: p.Throughput, Encrypted: p.KMSKeyID != "",
		UsedBefore: plan.UsedBefore, UsedAfter: plan.UsedAfter, Target: p.Target, Clipped: plan.Clipped,
		SparePercent: plan.SparePercent, SpareNeeded: plan.SpareNeeded,
	}
	if p.Provider == ProviderManual {
		preview.VolumeType, preview.IOPS, preview.Throughput, preview.Encrypted = ProviderManual, 0, 0, false
	}
	for _, s := range plan.Slots {
		preview.Volumes = append(preview.Volumes, core.VolumePreview{Host: s.Host, SDS: s.SDS, FaultUnit: s.Unit, Instance: s.InstanceID, Zone: s.Zone})
	}
	return preview
}
