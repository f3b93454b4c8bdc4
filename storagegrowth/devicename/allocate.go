package devicename

import (
	"errors"
	"strings"
	"time"
)

// BadFor is how long a refused name is tried last.
const BadFor = time.Hour

// ErrNone means that every name is in use.
var ErrNone = errors.New("every device name is in use: detach a volume, or use another instance")

// History is what became of names at one instance.
type History struct {
	Latest string               // the name given out last, "" for none
	Bad    map[string]time.Time // names that were refused, and when
}

// Next returns the name for the next attachment. Names in use are all that
// the instance shows in its mappings and all that are being attached.
//
// The order is: names that nothing is known of, then the latest one, then the
// bad ones, the longest bad first. Within one group AWS's recommended names
// come first.
func Next(inUse []string, h History, now time.Time) (string, error) {
	taken := map[string]bool{}
	for _, name := range inUse {
		taken[disk(name)] = true
	}
	bad := map[string]time.Time{}
	for name, since := range h.Bad {
		// A time to come is a clock that was set back: bad still.
		if now.Sub(since) < BadFor && since.After(bad[disk(name)]) {
			bad[disk(name)] = since
		}
	}
	best, bestSince, latest := "", time.Time{}, ""
	for _, name := range Candidates() {
		since, isBad := bad[disk(name)]
		switch {
		case taken[disk(name)]:
		case isBad:
			if best == "" || since.Before(bestSince) {
				best, bestSince = name, since
			}
		case h.Latest != "" && disk(name) == disk(h.Latest):
			latest = name
		default:
			return name, nil
		}
	}
	switch {
	case latest != "":
		return latest, nil
	case best != "":
		return best, nil
	}
	return "", ErrNone
}

// Candidates returns all names in order: the eleven that AWS recommends for
// data volumes, then /dev/xvdaa to /dev/xvdaz and /dev/xvdba to /dev/xvdbz.
func Candidates() []string {
	var names []string
	for c := 'f'; c <= 'p'; c++ {
		names = append(names, "/dev/sd"+string(c))
	}
	for _, first := range "ab" {
		for c := 'a'; c <= 'z'; c++ {
			names = append(names, "/dev/xvd"+string(first)+string(c))
		}
	}
	return names
}

// disk is what two names have in common that cannot be used together:
// /dev/sdf, sdf, xvdf and /dev/sdf1 are one disk to a Xen guest.
func disk(name string) string {
	name = strings.TrimPrefix(name, "/dev/")
	for _, prefix := range []string{"xvd", "sd"} {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			return strings.TrimRight(rest, "0123456789")
		}
	}
	return "/" + name // no disk of ours
}
