package bootstrap

import (
	"slices"

	"scaleio-framework/internal/model"
	"scaleio-framework/scaleio"
)

// Why steps are skipped from release 4.0 on.
const (
	noGateway = "PowerFlex 4.x has no gateway: its REST API belongs to a management platform of its own"
	noDriver  = "REX-Ray works through a gateway, and PowerFlex 4.x has none"
)

// vendorComponents are the packages that have ScaleIO's release.
var vendorComponents = []string{componentMDM, componentSDS, componentSDC, componentLIA, componentGateway, componentActiveMQ}

// versionOf is a release's version; a release that is not known yet counts as
// one of before 4.0, as do those of older records.
func versionOf(release string) scaleio.Version {
	v, err := scaleio.ParseVersion(release)
	if err != nil {
		return scaleio.Version{Major: 2}
	}
	return v
}

// hasGateway reports whether a release brings a gateway; without one storage
// objects are made by scli.
func hasGateway(release string) bool { return versionOf(release).HasGateway() }

// needsCertificates reports whether MDMs of a release need certificates before
// the cluster.
func needsCertificates(release string) bool { return versionOf(release).NeedsCertificates() }

// release is what is installed, or will be by the packages that are given.
func (t *turn) release() string {
	if t.cluster.Release != "" || t.begun() {
		return t.cluster.Release
	}
	return t.options.release()
}

// release is that of ScaleIO's packages; empty when none are given.
func (o *Options) release() string {
	for _, p := range o.Packages {
		if slices.Contains(vendorComponents, p.Component) {
			return p.Version
		}
	}
	return ""
}

// freezeRelease decides what the plan does, when the first host is prepared.
func (t *turn) freezeRelease() {
	if release := t.release(); release != t.cluster.Release {
		t.cluster.Release = release
		t.changed[""] = true
	}
}

// catalogue are the packages that fit what was begun: a system of before 4.0
// gets none of later releases, nor the other way round.
func (t *turn) catalogue() []Package {
	release := t.cluster.Release
	if release == "" {
		return t.options.Packages
	}
	return slices.DeleteFunc(slices.Clone(t.options.Packages), func(p Package) bool {
		return slices.Contains(vendorComponents, p.Component) && hasGateway(p.Version) != hasGateway(release)
	})
}

// scliRelease is the release in the parameters of scli steps: empty before 4.0,
// as in the records of older schedulers.
func (t *turn) scliRelease() string {
	if needsCertificates(t.cluster.Release) {
		return t.cluster.Release
	}
	return ""
}

// absent reports whether a kind of step does not exist with these packages.
func (t *turn) absent(s *spec) bool {
	return s.since4 && !needsCertificates(t.release())
}

// managers are the members that have an MDM which scli can speak to.
func (t *turn) managers() []model.Member {
	return slices.DeleteFunc(slices.Clone(t.cluster.Members), func(m model.Member) bool { return m.Persona != model.Manager })
}

// primary is the host whose MDM is taken for the primary: the first manager's
// that can be spoken to, and the next one's each time that it was not.
func (t *turn) primary() string {
	managers := t.managers()
	for i := range managers {
		if m := managers[(t.primaryTurn+i)%len(managers)]; t.up(m.Host) {
			return m.Host
		}
	}
	if len(managers) == 0 {
		return ""
	}
	return managers[t.primaryTurn%len(managers)].Host
}
