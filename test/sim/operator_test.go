package sim_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/internal/zkconn"
	"scaleio-framework/internal/zkconn/zkmodel"
	"scaleio-framework/leader"
)

// operator is the process by which the world itself writes to ZooKeeper.
const operator = "operator"

// operateEvery is how often an operator looks after what waits for one.
const operateEvery = 20 * time.Second

// deeds are what operators do by themselves.
var deeds = []trouble{
	pauseByOrder, retryAny, retryAny, retryAny, forceAny, forceAny, badOrder, badOrder,
	askPreview, requestGrowth, answerGrowth, answerGrowth, declineGrowth, abdicate,
}

// operate is an operator who sees what waits for one: growths that await
// approval, and steps that are stuck.
func (w *world) operate() {
	w.after(operateEvery, w.operate)
	for _, g := range w.growthsSorted() {
		if g.State == model.GrowthAwaiting && !w.declined && !w.requested && chance(dice{w.scenario.seed}.roll("declines"), 0.2) {
			declineGrowth(w, nil, 0)
		} else if g.State == model.GrowthAwaiting {
			w.order(model.Order{Verb: model.GrowthApprove, Growth: g.ID})
		}
	}
	w.eachStep(func(host, key string, step model.Step) {
		if step.State != model.Stuck || w.outstanding(host, key) {
			return
		}
		if x := (dice{w.scenario.seed}).roll("mends", host, key, step.Attempt); chance(x, 0.3) && w.forceable(host, key) {
			w.byHand(host, key)
			return
		}
		w.order(model.Order{Verb: model.Retry, Host: host, Step: key})
	})
}

// eachStep walks over all steps that are stored.
func (w *world) eachStep(do func(host, key string, step model.Step)) {
	for _, path := range sortedKeys(w.intents.steps) {
		for _, key := range sortedKeys(w.intents.steps[path]) {
			do(hostOf(path), key, w.intents.steps[path][key])
		}
	}
}

// anyStep draws a step: first a state, since most steps are in the same one.
func (w *world) anyStep(r *rand.Rand, of func(host, key string) bool) (host, key string, found bool) {
	type name struct{ host, key string }
	byState := make(map[model.StepState][]name)
	w.eachStep(func(host, key string, step model.Step) {
		if of(host, key) {
			byState[step.State] = append(byState[step.State], name{host, key})
		}
	})
	if len(byState) == 0 {
		return "", "", false
	}
	var states []model.StepState
	for state := range byState {
		states = append(states, state)
	}
	slices.Sort(states)
	names := byState[states[r.IntN(len(states))]]
	n := names[r.IntN(len(names))]
	return n.host, n.key, true
}

// retryAny orders retry of some step, whatever its state is.
func retryAny(w *world, r *rand.Rand, _ time.Duration) {
	if host, key, found := w.anyStep(r, func(string, string) bool { return true }); found {
		w.order(model.Order{Verb: model.Retry, Host: host, Step: key})
	}
}

// forceAny does by hand what some step is for, and orders that it is complete.
func forceAny(w *world, r *rand.Rand, _ time.Duration) {
	if host, key, found := w.anyStep(r, w.forceable); found {
		w.byHand(host, key)
	}
}

// forceable reports whether an operator can do what a step does, and nothing
// of the plan is taken from its result.
func (w *world) forceable(host, key string) bool {
	switch key {
	case nodeproto.StepPrerequisites, nodeproto.StepMDMPackage, nodeproto.StepSDSPackage, nodeproto.StepLIAPackage,
		nodeproto.StepGatewayPackage, nodeproto.StepSDCPackage, nodeproto.StepLIAID, nodeproto.StepVolumeDriver:
		return w.hosts[host] != nil
	}
	return false
}

func (w *world) byHand(host, key string) {
	w.note("operator does %s on %s by hand", key, host)
	w.hosts[host].effects[key] = true
	w.order(model.Order{Verb: model.ForceComplete, Host: host, Step: key})
}

// pauseByOrder pauses the installation and resumes it.
func pauseByOrder(w *world, _ *rand.Rand, while time.Duration) {
	w.paused = true
	w.give(model.Order{Verb: model.Pause}, func() {
		w.after(while, func() { w.order(model.Order{Verb: model.Resume}) })
	})
}

func badOrder(w *world, r *rand.Rand, _ time.Duration) {
	w.place([]byte(badOrders[r.IntN(len(badOrders))]), func() {})
}

// badOrders are refused in any state of any site.
var badOrders = []string{
	``, `{"verb":`, `null`, `[]`, `"pause"`, "\xff\x00", `{"verb":"dance"}`, `{"verb":"growth-dance"}`, `{"verb":7}`,
	`{"verb":"pause","host":"a"}`, `{"verb":"retry"}`, `{"verb":"retry","step":"dance"}`, `{"verb":"retry","step":"sds-package"}`,
	`{"verb":"retry","step":"sds-package","host":"nowhere"}`, `{"verb":"retry","step":"create-cluster","host":"a"}`,
	`{"verb":"force-complete","step":"add-standby-mdm/nobody"}`, `{"verb":"force-complete","step":"mdm-remove","host":"a"}`,
	`{"verb":"growth-approve","growth":"none"}`, `{"verb":"growth-decline","growth":"none"}`, `{"verb":"growth-retry","growth":"none"}`,
	`{"verb":"growth-request","pool":"nowhere"}`, `{"verb":"growth-request","pool":"no/where"}`, `{"verb":"growth-request","pool":"default/default","size_gib":-1}`,
	`{"verb":"growth-delete-orphan","volume":"vol-none"}`,
	`{"verb":"pause","remark":"` + strings.Repeat("x", 8<<10) + `","host":"a"}`,
}

// isBad tells the orders of badOrders from others.
func isBad(raw []byte) bool { return slices.Contains(badOrders, string(raw)) }

// askPreview asks what a growth would be.
func askPreview(w *world, _ *rand.Rand, _ time.Duration) {
	if len(w.terms) > 0 {
		w.asked++
		w.hand(w.current(), core.PreviewAsked{ID: fmt.Sprint("preview-", w.asked), SizeGiB: w.asked * 8})
	}
}

// requestGrowth asks for more than the site needs: beside a growth that is
// open, which is refused, or when it has grown. A pool that is full and has not
// grown yet is let alone, since it would grow by this order alone.
func requestGrowth(w *world, r *rand.Rand, _ time.Duration) {
	if w.declined || w.site.fill > 0 && !w.filled {
		return
	}
	open := slices.ContainsFunc(w.growthsSorted(), func(g *model.Growth) bool { return g.Finished == nil })
	if w.grown() || open {
		w.requested = true
		w.order(model.Order{Verb: model.GrowthRequest, Pool: "default/default", SizeGiB: r.IntN(2) * 300})
	}
}

// answerGrowth answers a growth that may not wait for it.
func answerGrowth(w *world, r *rand.Rand, _ time.Duration) {
	if growths := w.growthsSorted(); len(growths) > 0 {
		verb := []model.Verb{model.GrowthApprove, model.GrowthRetry}[r.IntN(2)]
		w.order(model.Order{Verb: verb, Growth: growths[r.IntN(len(growths))].ID})
	}
}

// declineGrowth declines one, once: the pool grows later.
func declineGrowth(w *world, _ *rand.Rand, _ time.Duration) {
	for _, g := range w.growthsSorted() {
		if g.Finished == nil && !w.declined && !w.requested {
			w.declined = true
			w.order(model.Order{Verb: model.GrowthDecline, Growth: g.ID})
		}
	}
}

// abdicate asks the leader to make room, as DELETE /v1/leader does.
func abdicate(w *world, _ *rand.Rand, _ time.Duration) {
	if p := w.leading(); p != nil {
		w.note(">>> %s is asked to abdicate", p.name)
		w.tally["leader abdicates"]++
		p.cancel(fmt.Errorf("%w: asked to abdicate", leader.ErrHandedOver))
	}
}

// order places an order as scaleioctl does, until ZooKeeper has it.
func (w *world) order(o model.Order) { w.give(o, func() {}) }

func (w *world) give(o model.Order, then func()) {
	w.given++
	o.By = fmt.Sprint("operator ", w.given)
	data, err := json.Marshal(o)
	w.must(err)
	step := o.Host + "/" + o.Step
	w.underway[step]++
	w.place(data, func() { w.underway[step]--; then() })
}

func (w *world) place(data []byte, then func()) {
	w.note("operator orders %.200q", data)
	w.asOperator(func(ctx context.Context, conn *zkmodel.Conn) error {
		_, err := conn.Create(ctx, leader.PathOrders+"/", data, zkconn.Sequential)
		return err
	}, func(err error) {
		if err == nil {
			then()
			return
		}
		w.after(time.Second, func() { w.place(data, then) })
	})
}

// editByHand adds a field to a record that no program knows.
func editByHand(w *world, r *rand.Rand, _ time.Duration) {
	var paths []string
	for _, path := range sortedKeys(w.tree()) {
		switch {
		case w.edited[path]:
		case path == leader.PathCluster, path == leader.PathFramework, isGrowth(path), strings.HasPrefix(path, leader.PathNodes+"/"):
			paths = append(paths, path)
		}
	}
	if len(paths) == 0 {
		return
	}
	path := paths[r.IntN(len(paths))]
	entry := w.tree()[path]
	w.edited[path] = true
	w.note("operator edits %s", path)
	w.asOperator(func(ctx context.Context, conn *zkmodel.Conn) error {
		data := strings.Replace(string(entry.Data), "{", "{\n  \"remark\": \"by hand\",", 1)
		_, err := conn.Set(ctx, path, []byte(data), entry.Version)
		return err
	}, func(error) {})
}
