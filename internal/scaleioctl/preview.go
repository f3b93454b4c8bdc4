package scaleioctl

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/httpapi"
)

func (p *program) previewCommand(ctx context.Context, words []string) error {
	query := url.Values{}
	if len(words) > 0 {
		query.Set("pool", words[0])
	}
	if p.size > 0 {
		query.Set("size_gib", strconv.Itoa(p.size))
	}
	path := "/v1/growth/preview"
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	var previews []httpapi.Preview
	if _, err := p.ask(ctx, http.MethodGet, path, nil, &previews); err != nil {
		return err
	}
	if p.json {
		return p.printJSON(previews)
	}
	if len(previews) == 0 {
		fmt.Fprintln(p.Out, "there is no storage pool")
	}
	for i, preview := range previews {
		if i > 0 {
			fmt.Fprintln(p.Out)
		}
		if err := p.showPreview(preview); err != nil {
			return err
		}
	}
	return nil
}

func (p *program) showPreview(v httpapi.Preview) error {
	t := p.table()
	t.row("pool", v.Pool)
	t.row("by itself", oneLine(v.Decision))
	if g := v.Growth; g != nil {
		t.row("not over", fmt.Sprintf("growth %s is %s: scaleioctl growth show %s", g.ID, g.State, g.ID))
	}
	plan := v.Plan
	if plan == nil {
		t.row("a growth now", "nothing could be done: "+oneLine(v.Why))
		return t.flush()
	}
	t.row("a growth now", fmt.Sprintf("%d volumes of %d GiB, %d GiB together (%s)", len(plan.Volumes), plan.SizeGiB, plan.TotalGiB, plan.Provider))
	t.row("fullness", fmt.Sprintf("%s, %s afterwards, target %s", percent(plan.UsedBefore), percent(plan.UsedAfter), percent(plan.Target)))
	if plan.Clipped != "" {
		t.row("clipped", "the target is not reached: "+plan.Clipped)
	}
	spare := fmt.Sprintf("%d %%", plan.SparePercent)
	if plan.SpareNeeded > 0 {
		spare += fmt.Sprintf(", but the largest fault unit would need %d %%: raise it, or set --growth.adjust-spare", plan.SpareNeeded)
	}
	t.row("spare afterwards", spare)
	t.row("volume type", volumeKind(plan))
	t.row("approval", plan.Approval)
	if err := t.flush(); err != nil {
		return err
	}
	volumes := p.table("HOST", "SDS", "FAULT UNIT", "INSTANCE", "ZONE")
	for _, at := range plan.Volumes {
		volumes.row(at.Host, at.SDS, at.FaultUnit, at.Instance, at.Zone)
	}
	return volumes.flush()
}

// volumeKind is what the volumes would cost by.
func volumeKind(plan *core.GrowthPreview) string {
	kind := plan.VolumeType
	if plan.IOPS > 0 {
		kind += fmt.Sprintf(", %d IOPS", plan.IOPS)
	}
	if plan.Throughput > 0 {
		kind += fmt.Sprintf(", %d MiB/s", plan.Throughput)
	}
	if plan.Encrypted {
		kind += ", encrypted"
	}
	return kind
}
