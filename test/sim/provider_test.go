package sim_test

import (
	"time"

	"scaleio-framework/internal/core"
)

// provide asks EC2, or reads the pools through a gateway.
func (w *world) provide(effect core.Effect) core.Event {
	now := time.Now().UTC().Round(time.Millisecond) // as performers do
	return w.cloud.Perform(now, effect)[0]
}

// fill uses so much of the pools that they have to grow.
func (w *world) fill(part float64) {
	w.note("the pools are filled")
	w.filled = true
	for _, key := range sortedKeys(w.cloud.Pools) {
		w.cloud.Pools[key].Fill(part)
	}
}
