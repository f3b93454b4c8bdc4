package artifacts

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"scaleio-framework/scaleio"
)

// Check reads the file behind an entry, wherever it is, and compares size and
// checksum.
func (l Located) Check(ctx context.Context) (err error) {
	if l.Path != "" {
		sum, size, err := checksum(l.Path)
		if err != nil {
			return err
		}
		return l.compare(sum, size)
	}
	body, err := open(ctx, l.Remote)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, body.Close()) }()
	// One byte more than expected shows a file that is too long.
	sum, size, err := digest(io.LimitReader(body, l.Size+1))
	if err != nil {
		return fmt.Errorf("%s: after %d bytes: %w", l.Remote, size, err)
	}
	return l.compare(sum, size)
}

func (l Located) compare(sum string, size int64) error {
	at := l.Path + l.Remote
	switch {
	case size > l.Size:
		return fmt.Errorf("%s is longer than the %d bytes expected", at, l.Size)
	case size < l.Size:
		return fmt.Errorf("%s has %d bytes, expected are %d", at, size, l.Size)
	case sum != l.SHA256:
		return fmt.Errorf("%s has SHA-256 %s, expected is %s", at, sum, l.SHA256)
	}
	return nil
}

// needed are the components without which a version cannot be installed.
func needed(version string) []string {
	components := []string{"mdm", "sds", "sdc", "lia"}
	if v, err := scaleio.ParseVersion(version); err == nil && !v.HasGateway() {
		return components
	}
	return append(components, "gateway")
}

// Gaps lists what a host of each system would miss: the components that every
// storage host needs, and those of a manager.
func Gaps(files []Located) []string {
	type release struct{ version, system, family string }
	have := make(map[release][]string)
	narrow := make(map[release]bool) // releases of a family that have systems of their own
	for _, f := range files {
		if !f.vendor() || f.Component == kernelModule {
			continue
		}
		r := release{f.Version, f.System(), f.Family}
		have[r] = append(have[r], f.Component)
		if f.OSID != "" {
			narrow[release{f.Version, f.Family, f.Family}] = true
		}
	}
	var gaps []string
	for r, components := range have {
		if narrow[r] {
			continue // it fills the gaps of the systems of its family
		}
		there := slices.Concat(components, have[release{r.version, r.family, r.family}])
		var missing []string
		for _, component := range needed(r.version) {
			if !slices.Contains(there, component) {
				missing = append(missing, component)
			}
		}
		if len(missing) > 0 {
			gaps = append(gaps, fmt.Sprintf("%s for %s lacks %s", r.version, r.system, strings.Join(missing, ", ")))
		}
	}
	slices.Sort(gaps)
	return gaps
}
