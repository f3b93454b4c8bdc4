package ui

import (
	"math"
	"time"

	"scaleio-framework/storagegrowth"
)

// Pool is one pool with its bar.
type Pool struct {
	storagegrowth.PoolView
	Class string // good, busy or bad
	// Bar, ThresholdAt and CriticalAt are percents of the bar's width.
	Bar, ThresholdAt, CriticalAt float64
	Unknown                      bool
	FullInText                   string
}

func poolsOf(growth storagegrowth.View) []Pool {
	var pools []Pool
	for _, v := range growth.Pools {
		p := Pool{
			PoolView: v, Class: "good", Bar: percent(v.Fullness), ThresholdAt: percent(v.Threshold), CriticalAt: percent(v.Critical),
			Unknown: v.Verdict == storagegrowth.VerdictUnreadable,
		}
		switch {
		case p.Unknown, v.Degraded, v.Critical > 0 && v.Fullness >= v.Critical:
			p.Class = "bad"
		case v.Threshold > 0 && v.Fullness >= v.Threshold:
			p.Class = "busy"
		}
		if v.FullIn > 0 {
			p.FullInText = (time.Duration(v.FullIn) * time.Second).Round(time.Minute).String()
		}
		pools = append(pools, p)
	}
	return pools
}

// percent is a share in percent, to a tenth, and never outside the bar.
func percent(share float64) float64 { return math.Round(1000*min(max(share, 0), 1)) / 10 }
