package scaleio

import (
	"fmt"
	"regexp"
	"strconv"
)

// Version is a release of ScaleIO, as far as behaviour depends on it.
type Version struct {
	Major, Minor int
}

// Versions at which behaviour changes.
var (
	// versionFirst is the first whose cluster commands are known.
	versionFirst = Version{2, 0}
	// versionMediaTypes is the first in which pools have a media type.
	versionMediaTypes = Version{3, 0}
	// versionBearer is the first with bearer tokens, port 8611 and the words
	// primary and secondary.
	versionBearer = Version{4, 0}
	// versionUnknown is the first whose storage objects are others.
	versionUnknown = Version{5, 0}
)

// R2_6.11000.113, 2.6, 2.0.5014 and 2.6-11000.113 all occur.
var versionPattern = regexp.MustCompile(`(?:^|[^0-9.])(\d{1,3})[._](\d{1,3})(?:[^0-9]|$)`)

// ParseVersion reads a version as the REST API ("2.5"), the System object
// ("DellEMC ScaleIO Version: R2_6.11000.113"), scli ("2.0.5014") or a package
// ("2.6-11000.113") give it.
func ParseVersion(text string) (Version, error) {
	m := versionPattern.FindStringSubmatch(text)
	if m == nil {
		return Version{}, fmt.Errorf("no ScaleIO version in %q", clip(text))
	}
	major, err := strconv.Atoi(m[1])
	if err != nil {
		return Version{}, fmt.Errorf("major version of %q: %w", clip(text), err)
	}
	minor, err := strconv.Atoi(m[2])
	if err != nil {
		return Version{}, fmt.Errorf("minor version of %q: %w", clip(text), err)
	}
	return Version{Major: major, Minor: minor}, nil
}

// HasGateway reports whether releases of this version bring a gateway. From 4.0
// on its REST API belongs to a management platform of its own.
func (v Version) HasGateway() bool { return !v.AtLeast(versionBearer) }

// NeedsCertificates reports whether MDMs and scli prove themselves by
// certificates of an authority that is made before the cluster.
func (v Version) NeedsCertificates() bool { return v.AtLeast(versionBearer) }

// Known reports whether this package knows the storage objects and the
// commands of a version: those of 1.32 are others, and so are those of 5.
func (v Version) Known() bool { return v.AtLeast(versionFirst) && !v.AtLeast(versionUnknown) }

// AtLeast reports whether v is other or newer.
func (v Version) AtLeast(other Version) bool {
	return v.Major > other.Major || v.Major == other.Major && v.Minor >= other.Minor
}

// String returns the form "2.6".
func (v Version) String() string { return fmt.Sprintf("%d.%d", v.Major, v.Minor) }

// UnsupportedVersionError says that a gateway belongs to a release whose
// storage objects this package does not know.
type UnsupportedVersionError struct {
	Endpoint string
	Version  string
}

// Error names the gateway and what is supported.
func (e *UnsupportedVersionError) Error() string {
	return fmt.Sprintf("gateway %s says version %q: versions 2.0 to 4.x are supported; use an older gateway or a newer framework",
		e.Endpoint, e.Version)
}

// clip shortens a text from outside for an error.
func clip(text string) string {
	const limit = 300
	if len(text) <= limit {
		return text
	}
	return text[:limit] + "..."
}
