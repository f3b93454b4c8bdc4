package storagegrowth

import (
	"slices"
	"time"
)

const (
	// fewestForForecast is the least number of readings that a forecast stands
	// on.
	fewestForForecast = 8
	// mostForForecast bounds the pairs that are compared; of more readings an
	// even selection is taken.
	mostForForecast = 60
)

// Slope is the growth of what is in use, in KiB per second: the median of the
// slopes between all pairs of readings (Theil and Sen). It ignores up to 29 %
// of bogus readings. ok is false when there are too few readings, or when they
// span less than the given time.
func Slope(samples []Sample, span time.Duration) (perSecond float64, ok bool) {
	samples = thin(samples)
	if len(samples) < fewestForForecast || samples[len(samples)-1].At.Sub(samples[0].At) < span {
		return 0, false
	}
	var slopes []float64
	for i, a := range samples {
		for _, b := range samples[i+1:] {
			if seconds := b.At.Sub(a.At).Seconds(); seconds > 0 {
				slopes = append(slopes, float64(b.InUseKiB-a.InUseKiB)/seconds)
			}
		}
	}
	if len(slopes) == 0 {
		return 0, false
	}
	slices.Sort(slopes)
	return slopes[len(slopes)/2], true
}

// thin takes an even selection, the newest reading included.
func thin(samples []Sample) []Sample {
	if len(samples) <= mostForForecast {
		return samples
	}
	chosen := make([]Sample, 0, mostForForecast)
	for i := range mostForForecast {
		chosen = append(chosen, samples[(len(samples)-1)*i/(mostForForecast-1)])
	}
	return chosen
}

// mostForecast is the longest time to full that is told; beyond it a trend
// says nothing.
const mostForecast = 365 * 24 * time.Hour

// TimeToFull is when what may be used will be used up if the recent trend goes
// on; ok is false when there is no trend towards it within a year.
func TimeToFull(slope float64, inUseKiB, usableKiB int64) (after time.Duration, ok bool) {
	if slope <= 0 {
		return 0, false
	}
	seconds := float64(max(usableKiB-inUseKiB, 0)) / slope
	if seconds > mostForecast.Seconds() {
		return 0, false
	}
	return time.Duration(seconds * float64(time.Second)), true
}
