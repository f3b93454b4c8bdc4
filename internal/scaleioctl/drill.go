package scaleioctl

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"scaleio-framework/internal/httpapi"
)

const (
	// takeoverPoll is the resolution of the measured take-over.
	takeoverPoll = 10 * time.Millisecond
	// takeoverLimit is when a drill gives the next leader up: above a session
	// timeout, in which even a failed hand-over ends.
	takeoverLimit = time.Minute
	// lookAgain is how often the instances are listed anew while none leads.
	lookAgain = time.Second
	// askWithin bounds each question to an instance meanwhile: one that hangs
	// must not hide another that leads.
	askWithin = 2 * time.Second
)

// drillResult is what a drill measured.
type drillResult struct {
	Kind string `json:"kind"`
	// TakeoverS runs from the request to the next leader being subscribed to
	// Mesos, as seen from here.
	TakeoverS    float64 `json:"takeover_s"`
	WithinS      float64 `json:"within_s"`
	EpochBefore  uint64  `json:"epoch_before"`
	EpochAfter   uint64  `json:"epoch_after"`
	LeaderBefore string  `json:"leader_before"`
	LeaderAfter  string  `json:"leader_after"`
	URLAfter     string  `json:"url_after"`
	// FrameworkID is the one of the next leader.
	FrameworkID     string `json:"framework_id"`
	FrameworkIDKept bool   `json:"framework_id_kept"`
	// StepsRepeated counts the attempts that were opened anew.
	StepsRepeated int `json:"steps_repeated"`
	// StepsLost were over before and are not now.
	StepsLost []string `json:"steps_lost"`
	// Obstacles were there before; the drill was forced.
	Obstacles []string `json:"obstacles,omitempty"`
	// Failures are what was promised and did not hold.
	Failures []string `json:"failures"`
	OK       bool     `json:"ok"`
}

// drillAbdicateCommand lets another scheduler lead, measures how long that
// takes, and compares before and after.
func (p *program) drillAbdicateCommand(ctx context.Context, _ []string) error {
	before, err := p.drillState(ctx)
	if err != nil {
		return err
	}
	if len(before.Obstacles) > 0 && !p.force {
		return fmt.Errorf("no drill: %s (--force drills all the same)", strings.Join(before.Obstacles, "; "))
	}
	began := time.Now()
	var answer map[string]string
	if _, err := p.ask(ctx, http.MethodDelete, "/v1/leader", nil, &answer); err != nil {
		return fmt.Errorf("%w; scaleioctl drill report shows whether it handed over", err)
	}
	next, err := p.awaitTakeover(ctx, before)
	if err != nil {
		return err
	}
	took := time.Since(began)
	asked := *p
	asked.url = next
	after, err := asked.drillState(ctx)
	if err != nil {
		return fmt.Errorf("the next leader at %s took over after %.2f s, but: %w", next, took.Seconds(), err)
	}
	result := compare(before, after, took, p.within)
	if err := p.showDrill(result); err != nil {
		return err
	}
	return result.err()
}

// awaitTakeover waits until another instance leads under a higher epoch and is
// subscribed. It returns its URL.
func (p *program) awaitTakeover(ctx context.Context, before drillState) (url string, err error) {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, takeoverLimit)
	defer cancel()
	var ready []string
	for _, b := range before.Standbys {
		if b.Problem == "" {
			ready = append(ready, b.URL)
		}
	}
	urls, listed := ready, began
	ticker := time.NewTicker(takeoverPoll)
	defer ticker.Stop()
	for {
		for _, url := range urls {
			if p.leads(ctx, url, before) {
				return url, nil
			}
		}
		if time.Since(listed) > lookAgain {
			// The next leader may be one that has just been started.
			if found, err := p.schedulers(ctx); err == nil {
				urls = slices.Concat(ready, found)
			}
			listed = time.Now()
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("no other scheduler leads after %.0f s: look at the logs of all of them, and whether the Marathon app runs", time.Since(began).Seconds())
		case <-ticker.C:
		}
	}
}

// leads tells whether the scheduler at a URL is the leader that was waited for.
func (p *program) leads(ctx context.Context, url string, before drillState) bool {
	asked := *p
	asked.url, asked.timeout = url, min(p.timeout, askWithin)
	var ready map[string]string
	// Asked first: a standby answers it itself and at once, and passes the
	// other request on to whom it takes for the leader.
	if _, err := asked.ask(ctx, http.MethodGet, "/readyz", nil, &ready); err != nil || ready["state"] != "leading" {
		return false
	}
	var s httpapi.Status
	_, err := asked.ask(ctx, http.MethodGet, "/v1/status", nil, &s)
	return err == nil && s.Subscribed && s.Leader.Epoch > before.Epoch && s.Leader.Instance != before.Leader
}

// compare finds what was promised and did not hold.
func compare(before, after drillState, took, within time.Duration) drillResult {
	r := drillResult{
		Kind: "abdicate", TakeoverS: took.Seconds(), WithinS: within.Seconds(),
		EpochBefore: before.Epoch, EpochAfter: after.Epoch,
		LeaderBefore: before.Leader, LeaderAfter: after.Leader, URLAfter: after.URL,
		FrameworkID: after.FrameworkID, FrameworkIDKept: before.FrameworkID == "" || before.FrameworkID == after.FrameworkID,
		StepsRepeated: after.StepsRepeated - before.StepsRepeated,
		StepsLost:     []string{}, Obstacles: before.Obstacles, Failures: []string{},
	}
	fail := func(format string, args ...any) { r.Failures = append(r.Failures, fmt.Sprintf(format, args...)) }
	if took > within {
		fail("the take-over lasted %.2f s, more than %s: the leader's log says whether it was handed over, ZooKeeper's and Mesos' whether they were slow", took.Seconds(), within)
	}
	if !r.FrameworkIDKept {
		fail("the framework id changed from %s to %s", before.FrameworkID, after.FrameworkID)
	}
	for _, name := range slices.Sorted(maps.Keys(before.over)) {
		if !after.over[name] {
			r.StepsLost = append(r.StepsLost, name)
			fail("step %s was over and is not any more", name)
		}
	}
	for _, name := range after.Stuck {
		if !slices.Contains(before.Stuck, name) {
			fail("step %s is stuck now", name)
		}
	}
	r.OK = len(r.Failures) == 0
	return r
}

func (r drillResult) err() error {
	if r.OK {
		return nil
	}
	return errors.New("what was promised did not hold: " + strings.Join(r.Failures, "; "))
}

func (p *program) showDrill(r drillResult) error {
	if p.json {
		return p.printJSON(r)
	}
	kept := "kept"
	if !r.FrameworkIDKept {
		kept = "CHANGED"
	}
	t := p.table()
	for _, o := range r.Obstacles {
		t.row("forced", o)
	}
	t.row("take-over", fmt.Sprintf("%.2f s, at most %g s", r.TakeoverS, r.WithinS))
	t.row("epoch", fmt.Sprintf("%d -> %d", r.EpochBefore, r.EpochAfter))
	t.row("leader", fmt.Sprintf("%s -> %s at %s", r.LeaderBefore, r.LeaderAfter, r.URLAfter))
	t.row("framework", fmt.Sprintf("%s, %s", r.FrameworkID, kept))
	t.row("steps", fmt.Sprintf("%d repeated, %d lost", r.StepsRepeated, len(r.StepsLost)))
	return t.flush()
}
