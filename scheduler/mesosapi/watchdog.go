package mesosapi

import (
	"math"
	"time"
)

const (
	// heartbeatsMissed is after how many intervals without any event a master
	// counts as lost. Mesos suggests five; three of 15 s are noticed earlier
	// and still forgive two losses in a row.
	heartbeatsMissed = 3
	// defaultHeartbeat is what masters send when they do not say (recorded).
	defaultHeartbeat = 15 * time.Second
)

// watchdog bites when reading from the master takes too long. It is armed only
// while something is awaited, so that a slow consumer is not taken for a
// silent master.
type watchdog struct {
	limit time.Duration
	timer *time.Timer
}

func newWatchdog(limit time.Duration, bite func()) *watchdog {
	w := &watchdog{limit: limit, timer: time.AfterFunc(limit, bite)}
	w.disarm()
	return w
}

func (w *watchdog) arm()    { w.timer.Reset(w.limit) }
func (w *watchdog) disarm() { w.timer.Stop() }

// silenceLimit is how long a stream with such a heartbeat may be silent.
func silenceLimit(heartbeatSeconds float64) time.Duration {
	interval := defaultHeartbeat
	if !math.IsNaN(heartbeatSeconds) && heartbeatSeconds > 0 && heartbeatSeconds < time.Hour.Seconds() {
		interval = time.Duration(heartbeatSeconds * float64(time.Second))
	}
	return heartbeatsMissed * interval
}
