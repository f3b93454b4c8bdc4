package scaleioctl

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"scaleio-framework/internal/httpapi"
	"scaleio-framework/internal/model"
	"scaleio-framework/storagegrowth"
)

func (p *program) poolsCommand(ctx context.Context, _ []string) error {
	var v httpapi.Pools
	if _, err := p.ask(ctx, http.MethodGet, "/v1/pools", nil, &v); err != nil {
		return err
	}
	if p.json {
		return p.printJSON(v)
	}
	if len(v.Pools) == 0 {
		fmt.Fprintln(p.Out, "no pool was read yet")
	} else {
		t := p.table("POOL", "FULL", "GROWS AT", "CRITICAL", "IN USE", "UNUSED", "SPARE", "FULL IN", "LAST GROWTH", "DECISION")
		for _, pool := range v.Pools {
			last := ""
			if g := pool.LastGrowth; g != nil {
				last = fmt.Sprintf("%s (%s)", g.ID, g.State)
			}
			full, in := percent(pool.Fullness), ""
			if pool.Verdict == storagegrowth.VerdictUnreadable {
				full = "UNKNOWN"
			}
			if pool.FullIn > 0 {
				in = about(time.Duration(pool.FullIn) * time.Second)
			}
			t.row(pool.Pool, full, percent(pool.Threshold), percent(pool.Critical), size(pool.InUseKiB), size(pool.UnusedKiB), size(pool.SpareKiB), in, last, pool.Decision)
		}
		if err := t.flush(); err != nil {
			return err
		}
		for _, pool := range v.Pools {
			switch {
			case pool.SpareError != "":
				fmt.Fprintf(p.Out, "%s: the spare is %d %%, its largest fault unit needs %d %%, and it could not be raised: %s\n", pool.Pool, pool.SparePercent, pool.SpareNeeded, pool.SpareError)
			case pool.SpareNeeded > 0:
				fmt.Fprintf(p.Out, "%s: the spare is %d %%, its largest fault unit needs %d %%: raise it, or set --growth.adjust-spare\n", pool.Pool, pool.SparePercent, pool.SpareNeeded)
			}
		}
	}
	p.growthProblems(v.Problem, v.Provider)
	if !v.At.IsZero() {
		fmt.Fprintln(p.Out, "as of", v.At.Local().Format(time.DateTime))
	}
	return nil
}

// growthProblems says what keeps all pools from growing.
func (p *program) growthProblems(problem, provider string) {
	if problem != "" {
		fmt.Fprintln(p.Out, "problem:", oneLine(problem))
	}
	if provider != "" {
		fmt.Fprintln(p.Out, "problem: the provider of volumes answers:", oneLine(provider))
	}
}

func (p *program) growthsCommand(ctx context.Context, _ []string) error {
	var v httpapi.Growths
	if _, err := p.ask(ctx, http.MethodGet, "/v1/growth", nil, &v); err != nil {
		return err
	}
	if p.json {
		return p.printJSON(v)
	}
	if len(v.Growths) == 0 {
		fmt.Fprintln(p.Out, "no pool has grown yet: scaleioctl pools says why")
	} else {
		t := p.table("GROWTH", "POOL", "STATE", "VOLUMES", "ADDED", "DECIDED", "REASON")
		for _, g := range v.Growths {
			t.row(g.ID, g.Pool, string(g.State), volumesDone(g), fmt.Sprintf("%d GiB", g.AddedGiB), g.Decided.Local().Format(time.DateTime), g.Reason)
		}
		if err := t.flush(); err != nil {
			return err
		}
	}
	for _, g := range v.Growths {
		if next := nextStep(g); next != "" {
			fmt.Fprintf(p.Out, "%s: %s\n", g.ID, next)
		}
	}
	p.growthProblems(v.Problem, v.Provider)
	if v.Orphans > 0 {
		fmt.Fprintf(p.Out, "orphans: %d; they belong to nobody and cost money: scaleioctl growth orphans\n", v.Orphans)
	}
	return nil
}

// nextStep is what an operator can do about a growth; empty when nothing is to
// be done.
func nextStep(g httpapi.Growth) string {
	switch g.State {
	case model.GrowthAwaiting:
		return fmt.Sprintf("awaits your approval: scaleioctl growth show %s, then growth approve or growth decline", g.ID)
	case model.GrowthPartial:
		return fmt.Sprintf("ended without all of its volumes: scaleioctl growth show %s says why; mend that, then growth retry", g.ID)
	case model.GrowthOpen:
		if n := g.Counts[model.SlotPlanned]; n > 0 && g.Provider == storagegrowth.ProviderManual {
			return fmt.Sprintf("waits for disks (%d) that you add: scaleioctl growth show %s says where, and how large", n, g.ID)
		}
	}
	return ""
}

func volumesDone(g httpapi.Growth) string {
	return fmt.Sprintf("%d/%d", g.Counts[model.SlotDone], g.Volumes)
}

func (p *program) growthCommand(ctx context.Context, words []string) error {
	var g httpapi.Growth
	if _, err := p.ask(ctx, http.MethodGet, "/v1/growth/"+url.PathEscape(words[0]), nil, &g); err != nil {
		return err
	}
	if p.json {
		return p.printJSON(g)
	}
	return p.showGrowth(g)
}

func (p *program) showGrowth(g httpapi.Growth) error {
	t := p.table()
	t.row("growth", g.ID)
	t.row("pool", g.Pool)
	t.row("state", string(g.State))
	t.row("reason", g.Reason)
	t.row("fullness", fmt.Sprintf("%s, %s afterwards as planned", percent(g.UsedBefore), percent(g.UsedAfter)))
	if g.Clipped != "" {
		t.row("clipped", "the target is not reached: "+g.Clipped)
	}
	t.row("decided", g.Decided.Local().Format(time.DateTime))
	if g.Approved != "" {
		t.row("approved", "by "+g.Approved)
	}
	if g.Finished != nil {
		t.row("finished", fmt.Sprintf("%s, after %s", g.Finished.Local().Format(time.DateTime), g.Finished.Sub(g.Decided).Round(time.Second)))
	}
	t.row("volumes", fmt.Sprintf("%s done, %d GiB added (%s)", volumesDone(g), g.AddedGiB, g.Provider))
	if err := t.flush(); err != nil {
		return err
	}
	slots := p.table("HOST", "STATE", "SIZE", "VOLUME", "ZONE", "DEVICE", "TRIES", "REMARK")
	for _, s := range g.Slots {
		slots.row(s.Host, string(s.State), fmt.Sprintf("%d GiB", s.Request.SizeGiB), s.VolumeID, s.Zone, s.Device, positive(s.Attempts), slotRemark(s))
	}
	if err := slots.flush(); err != nil {
		return err
	}
	if next := nextStep(g); next != "" {
		fmt.Fprintln(p.Out, next)
	}
	return nil
}

// slotRemark says what is wrong with a volume. A failure that was got over is
// no remark.
func slotRemark(s model.GrowthSlot) string {
	remark := s.Error
	if s.State == model.SlotDone {
		remark = ""
	}
	if s.NotBefore != nil && !s.Over() {
		remark += " (next try " + s.NotBefore.Local().Format(time.TimeOnly) + ")"
	}
	return remark
}

func (p *program) orphansCommand(ctx context.Context, _ []string) error {
	var v httpapi.Orphans
	if _, err := p.ask(ctx, http.MethodGet, "/v1/growth/orphans", nil, &v); err != nil {
		return err
	}
	if p.json {
		return p.printJSON(v)
	}
	switch {
	case v.At.IsZero():
		fmt.Fprintln(p.Out, "the provider of volumes was not asked for orphans yet; with --growth.provider manual or off it never is")
	case len(v.Orphans) == 0:
		fmt.Fprintln(p.Out, "no orphans, as of", v.At.Local().Format(time.DateTime))
	default:
		t := p.table("VOLUME", "SIZE", "STATE", "ATTACHED TO", "GROWTH")
		for _, o := range v.Orphans {
			t.row(o.Volume, fmt.Sprintf("%d GiB", o.SizeGiB), o.State, o.Instance, o.Growth)
		}
		if err := t.flush(); err != nil {
			return err
		}
		fmt.Fprintf(p.Out, "as of %s; these volumes bear our tag, no growth in progress and no pool uses them: look at one, then scaleioctl growth delete-orphan VOLUME\n", v.At.Local().Format(time.DateTime))
	}
	for _, d := range v.Deletions {
		fmt.Fprintf(p.Out, "%s is being deleted, ordered by %s at %s\n", d.Volume, d.By, d.At.Local().Format(time.DateTime))
		if d.Error != "" {
			fmt.Fprintf(p.Out, "  not yet: %s; it is tried again every minute\n", d.Error)
		}
	}
	return nil
}

func percent(share float64) string { return fmt.Sprintf("%.1f%%", 100*share) }

// size shows KiB in the unit that suits.
func size(kib int64) string {
	value, units := float64(kib), []string{"KiB", "MiB", "GiB", "TiB", "PiB"}
	i := 0
	for value >= 1024 && i < len(units)-1 {
		value, i = value/1024, i+1
	}
	return fmt.Sprintf("%.1f %s", value, units[i])
}

// about shows a duration as roughly as it is known.
func about(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%dd", int(d.Hours()/24))
	case d >= 2*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	default:
		return strings.TrimSuffix(max(d.Round(time.Minute), time.Minute).String(), "0s")
	}
}

func positive(n int) string {
	if n <= 0 {
		return ""
	}
	return fmt.Sprint(n)
}
