package scaleioctl

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"scaleio-framework/internal/httpapi"
	"scaleio-framework/internal/model"
	"scaleio-framework/scheduler/bootstrap"
)

func (p *program) planCommand(ctx context.Context, _ []string) error {
	var plan httpapi.Plan
	if _, err := p.ask(ctx, http.MethodGet, "/v1/plan", nil, &plan); err != nil {
		return err
	}
	if p.json {
		return p.printJSON(plan)
	}
	if p.host != "" && !slices.ContainsFunc(plan.Steps, func(s bootstrap.StepView) bool { return s.Host == p.host }) {
		return fmt.Errorf("no step of a host %s is known: scaleioctl nodes lists the hosts", p.host)
	}
	phases := make([]string, 0, len(plan.Phases))
	for _, phase := range plan.Phases {
		phases = append(phases, fmt.Sprintf("%s %d/%d", phase.Name, phase.Over, phase.Total))
	}
	state := "installing"
	switch {
	case plan.Paused:
		state = "paused"
	case plan.Uninstall.Over():
		state = "uninstalled"
	case plan.Uninstall != nil && plan.Counts[model.Stuck] == 0:
		state = "uninstalling"
	case plan.Counts[model.Stuck] > 0:
		state = "stuck"
	case plan.Complete:
		state = "complete"
	}
	fmt.Fprintf(p.Out, "%s: %s\n", state, strings.Join(phases, ", "))
	t := p.table("HOST", "STEP", "STATE", "TRIES", "SECONDS", "REMARK")
	for _, s := range plan.Steps {
		if p.host != "" && s.Host != p.host {
			continue
		}
		host := s.Host
		if host == "" {
			host = "-"
		}
		tries, seconds, remark := "", "", s.Reason
		if s.Attempt > 0 {
			tries = fmt.Sprintf("%d", s.Attempt)
		}
		if s.Started != nil && s.Finished != nil && s.Finished.After(*s.Started) {
			seconds = fmt.Sprintf("%.2f", s.Finished.Sub(*s.Started).Seconds())
		}
		switch {
		case s.Error != "" && s.State != model.Done:
			remark = s.Error
			if s.NotBefore != nil && s.State == model.Failed {
				remark += " (next try " + s.NotBefore.Local().Format(time.TimeOnly) + ")"
			}
		case len(s.WaitsFor) > 0:
			remark = "waits for " + strings.Join(s.WaitsFor, ", ")
		}
		t.row(host, s.Step, string(s.State), tries, seconds, remark)
	}
	if err := t.flush(); err != nil {
		return err
	}
	for _, problem := range plan.Problems {
		fmt.Fprintln(p.Out, "problem:", oneLine(problem))
	}
	return nil
}
