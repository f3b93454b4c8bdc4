package bootstrap

import (
	"time"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
)

// sweepEvery is the time between two removals of test volumes that came late.
const sweepEvery = 10 * time.Minute

// sweep repeats the finished step verify, which removes every test volume. A
// leader that slept between the two steps of the proof may make its volume
// after the next leader removed it, and no gateway can be told not to take the
// request; but the removal is a committed intent, so it may be repeated at any
// time (R10). What a node agent did by scli needs no sweep: it takes no command of
// an older epoch.
func (t *turn) sweep() {
	t.timer(timerSweep, sweepEvery)
	if t.cluster == nil || len(t.cluster.Gateways) == 0 {
		return
	}
	at := ref{"", core.StepVerify}
	step, ok := t.cluster.Steps[at.key]
	if !ok || step.State != model.Done || len(step.Params) == 0 || step.Runner != model.RunnerGateway && !hasGateway(t.cluster.Release) {
		return
	}
	t.out.Do(t.gatewayCall(at, step))
}
