package sim_test

import (
	"time"

	"scaleio-framework/internal/core"
)

// now is the time as performers tell it.
func (w *world) now() time.Time { return time.Now().UTC().Round(time.Millisecond) }

// provide asks EC2, or reads the pools through a gateway.
func (w *world) provide(effect core.Effect) core.Event {
	event := w.cloud.Perform(w.now(), effect)[0]
	w.takeViolations()
	if read, ok := event.(core.PoolsRead); ok && w.implausible > 0 {
		for i := range read.Pools {
			read.Pools[i].Implausible = "its devices have more capacity than it has"
		}
	}
	return event
}

// callFault is what is wrong with EC2 now: the growthtest.Site asks.
func (w *world) callFault(c core.CloudCall) (before, after core.CloudError) {
	switch {
	case w.calm:
	case w.throttled > 0:
		return core.CloudThrottled, ""
	case w.forgotten > 0 && w.cloud.Calls[c.Op]%3 == 0:
		return core.CloudUnknown, ""
	case w.forgotten > 0:
		return "", core.CloudUnknown
	}
	return "", ""
}

// fill uses so much of the pools that they have to grow.
func (w *world) fill(part float64) {
	w.note("the pools are filled")
	w.filled = true
	for _, key := range sortedKeys(w.cloud.Pools) {
		w.cloud.Pools[key].Fill(part)
	}
}
