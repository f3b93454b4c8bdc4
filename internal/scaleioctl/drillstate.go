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
	"scaleio-framework/storagegrowth"
)

// drillState is the installation as a drill looks at it.
type drillState struct {
	Epoch  uint64 `json:"epoch"`
	Leader string `json:"leader"`
	URL    string `json:"url"`
	// Since is when this leader took over: the last take-over there was. Who led
	// before, and when that one ended, is not stored.
	Since     time.Time `json:"since"`
	LeadsForS float64   `json:"leads_for_s"`
	Standbys  []standby `json:"standbys"`

	FrameworkID string `json:"framework_id"`
	Subscribed  bool   `json:"subscribed"`

	StepsOver int `json:"steps_over"`
	// StepsRepeated counts the attempts beyond the first of all steps, for
	// whatever reason; StepFailures those of them that failed and still count
	// towards stuck.
	StepsRepeated int `json:"steps_repeated"`
	StepFailures  int `json:"step_failures"`
	// Intents are what is recorded and not known to be done.
	Intents []string `json:"open_intents"`
	Stuck   []string `json:"stuck"`
	// Obstacles are why drill abdicate refuses.
	Obstacles []string `json:"obstacles"`

	registered bool            // a Mesos master ever took the framework
	over       map[string]bool // the steps that are over, by name
}

// standby is a scheduler that does not lead.
type standby struct {
	Instance string `json:"instance"`
	URL      string `json:"url"`
	// Problem says why it would not take over; empty when it would.
	Problem string `json:"problem,omitempty"`
}

// drillState asks the leader and every standby.
func (p *program) drillState(ctx context.Context) (drillState, error) {
	var status httpapi.Status
	var plan httpapi.Plan
	var growths httpapi.Growths
	var pools httpapi.Pools
	for path, answer := range map[string]any{"/v1/status": &status, "/v1/plan": &plan, "/v1/growth": &growths, "/v1/pools": &pools} {
		if _, err := p.ask(ctx, http.MethodGet, path, nil, answer); err != nil {
			return drillState{}, err
		}
	}
	l := status.Leader
	s := drillState{
		Epoch: l.Epoch, Leader: l.Instance, URL: l.URL, Since: l.Since, LeadsForS: time.Since(l.Since).Seconds(),
		Standbys:    []standby{},
		FrameworkID: status.FrameworkID, Subscribed: status.Subscribed,
		Intents: []string{}, Stuck: []string{}, Obstacles: []string{},
		registered: status.Registered, over: make(map[string]bool),
	}
	for _, c := range l.Candidates {
		if c.Instance != l.Instance {
			s.Standbys = append(s.Standbys, standby{c.Instance, c.URL, p.notReady(ctx, c.URL)})
		}
	}
	s.addSteps(plan.Steps)
	s.addGrowths(growths.Growths)
	s.findObstacles(status, growths.Growths, pools)
	return s, nil
}

// notReady asks a scheduler itself whether it would take over: the card of one
// that has died stays for its session.
func (p *program) notReady(ctx context.Context, url string) string {
	asked := *p
	asked.url = url
	var answer map[string]string
	if _, err := asked.ask(ctx, http.MethodGet, "/readyz", nil, &answer); err != nil {
		return err.Error()
	}
	return ""
}

// stepName names a step as an operator does.
func stepName(s bootstrap.StepView) string {
	if s.Host == "" {
		return s.Step
	}
	return s.Step + " on " + s.Host
}

func (s *drillState) addSteps(steps []bootstrap.StepView) {
	for _, step := range steps {
		name := stepName(step)
		s.StepsRepeated += max(step.Attempt-1, 0)
		s.StepFailures += step.Failures
		switch step.State {
		case model.Done, model.Skipped:
			s.over[name] = true
		case model.Running:
			s.Intents = append(s.Intents, "step "+name)
		case model.Stuck:
			s.Stuck = append(s.Stuck, name)
		}
	}
	s.StepsOver = len(s.over)
}

func (s *drillState) addGrowths(growths []httpapi.Growth) {
	for _, g := range growths {
		if g.State == model.GrowthOpen {
			s.Intents = append(s.Intents, fmt.Sprintf("growth %s of %s: %s volumes", g.ID, g.Pool, volumesDone(g)))
		}
	}
}

// findObstacles says what speaks against a drill, the worst first: what makes a
// take-over fail, then what needs an operator more than a drill.
func (s *drillState) findObstacles(status httpapi.Status, growths []httpapi.Growth, pools httpapi.Pools) {
	object := func(format string, args ...any) { s.Obstacles = append(s.Obstacles, fmt.Sprintf(format, args...)) }
	if !slices.ContainsFunc(s.Standbys, func(b standby) bool { return b.Problem == "" }) {
		reason := noStandby
		for _, b := range s.Standbys {
			reason = fmt.Sprintf("no standby is ready: %s: %s", b.Instance, b.Problem)
		}
		object("%s", reason)
	}
	if !s.Subscribed {
		object("the leader is not subscribed to Mesos: look at the masters and the leader's log")
	}
	for _, problem := range status.Problems {
		object("%s", problem)
	}
	for _, u := range status.Unreadable {
		object("the record %s is left alone: %s", u.Path, u.Reason)
	}
	for _, state := range []model.TaskState{model.TaskUnreachable, model.TaskEnded} {
		if n := status.Nodes[string(state)]; n > 0 {
			object("hosts with a node agent that is %s: %d (scaleioctl nodes)", state, n)
		}
	}
	for _, pool := range pools.Pools {
		switch {
		case pool.Degraded:
			object("pool %s is degraded: some data has only one copy", pool.Pool)
		case pool.Rebuilding:
			object("pool %s is rebuilding", pool.Pool)
		case pool.Verdict == storagegrowth.VerdictUnreadable:
			object("pool %s cannot be read: %s", pool.Pool, pool.Decision)
		}
	}
	for _, g := range growths {
		if n := g.Counts[model.SlotRollingBack]; n > 0 {
			object("growth %s takes back volumes: %d (scaleioctl growth show %s)", g.ID, n, g.ID)
		}
	}
}

// drillReportCommand shows the present state.
func (p *program) drillReportCommand(ctx context.Context, _ []string) error {
	s, err := p.drillState(ctx)
	if err != nil {
		return err
	}
	if p.json {
		return p.printJSON(s)
	}
	t := p.table()
	t.row("leader", fmt.Sprintf("%s at %s, epoch %d", s.Leader, s.URL, s.Epoch))
	since := s.Since.Local().Format(time.DateTime)
	leads := (time.Duration(s.LeadsForS) * time.Second).String()
	if s.Epoch > 1 {
		t.row("take-over", fmt.Sprintf("the last one at %s, %s ago", since, leads))
	} else {
		t.row("take-over", fmt.Sprintf("none yet: the first leader, since %s, for %s", since, leads))
	}
	for _, b := range s.Standbys {
		state := "ready"
		if b.Problem != "" {
			state = "NOT READY: " + b.Problem
		}
		t.row("standby", fmt.Sprintf("%s at %s, %s", b.Instance, b.URL, state))
	}
	t.row("framework", frameworkOf(httpapi.Status{FrameworkID: s.FrameworkID, Subscribed: s.Subscribed, Registered: s.registered}))
	t.row("steps", fmt.Sprintf("%d over, %d attempts beyond the first, %d failures that count", s.StepsOver, s.StepsRepeated, s.StepFailures))
	t.row("open intents", listOr(s.Intents, "none"))
	t.row("stuck", listOr(s.Stuck, "none"))
	for _, o := range s.Obstacles {
		t.row("obstacle", o)
	}
	if len(s.Obstacles) == 0 {
		t.row("healthy", "a drill may begin: scaleioctl drill abdicate")
	}
	return t.flush()
}

func listOr(list []string, none string) string {
	if len(list) == 0 {
		return none
	}
	return strings.Join(list, ", ")
}
