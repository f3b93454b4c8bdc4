package bootstrap

import (
	"encoding/json"
	"fmt"
	"regexp"

	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
)

// Hosts whose system comes as an image, with a read-only /usr (Flatcar), get
// packages of another system, which are unpacked there. What that system is,
// and what becomes of a host without an SDC, is the operator's to say.

// The values of Options.WithoutSDC.
const (
	// WithoutSDCDataNode lets a host without an SDC store data: it has an SDS and
	// a LIA, and uses no volumes.
	WithoutSDCDataNode = "data-node"
	// WithoutSDCSkip leaves such a host out.
	WithoutSDCSkip = "skip"
)

// unpackable are the systems whose packages can be unpacked: those of rpm.
var unpackable = regexp.MustCompile(`^(el|sles)(\d+(?:\.\d+)?)$`)

// image tells whether a host's system comes as an image; a host that was not
// heard of yet is taken for an ordinary one.
func (b *Bootstrap) image(host string) bool {
	l := b.live[host]
	return l != nil && l.inventory != nil && l.inventory.OS.Family == model.FamilyUnpacked
}

// system is the one whose packages a host gets.
func (t *turn) system(host string) (model.OS, error) {
	os := t.live[host].inventory.OS
	if !t.image(host) {
		return os, nil
	}
	m := unpackable.FindStringSubmatch(t.options.Unpack)
	if m == nil {
		return os, fmt.Errorf("/usr of %s %s is read-only, so packages would be unpacked into /opt, and nothing says whose: set --hosts.unpack, to el7 for example, on every scheduler, restart them, then order retry; or give its Mesos agent the attribute %s:%s",
			os.ID, os.Version, t.options.PersonaAttribute, wishNone)
	}
	return model.OS{ID: m[1], Version: m[2], Family: model.FamilyRPM}, nil
}

// module finds the SDC's kernel module for the kernel that a host runs.
func (t *turn) module(host string) *nodeproto.KernelModule {
	kernel := t.live[host].inventory.Kernel
	for _, p := range t.options.Packages {
		if p.Component == componentSCINI && p.OSVersion == kernel {
			return &nodeproto.KernelModule{Kernel: kernel, Artifact: p.Artifact}
		}
	}
	return nil
}

// withoutSDC says why a host has no SDC; empty when it gets one.
func (t *turn) withoutSDC(host string) string {
	if !t.image(host) || t.module(host) != nil {
		return ""
	}
	return fmt.Sprintf("no scini-%s.ko is given, and where /usr is read-only the SDC needs a module for exactly the kernel that runs", t.live[host].inventory.Kernel)
}

// excluded says why a step is not done on a host that has no SDC; empty when it
// is.
func (t *turn) excluded(at ref) string {
	if s := t.graph.byName[at.name()]; at.host == "" || s == nil || s.removal || !t.image(at.host) {
		return ""
	}
	reason := t.withoutSDC(at.host)
	switch {
	case reason == "":
		return ""
	case at.key == nodeproto.StepMDMRemove:
		return ""
	case t.options.WithoutSDC == WithoutSDCSkip && t.plans[at.host].Persona == model.Storage:
		return reason + ": the host is left out (--hosts.without-sdc=skip)"
	}
	switch at.key {
	case nodeproto.StepAgentRestart:
		if needed, known := verdictOf(t.plans[at.host], nodeproto.StepIsolator); known && needed {
			return "" // its flags were changed while it had an SDC
		}
		fallthrough
	case nodeproto.StepSDCPackage, nodeproto.StepVolumeDriver, nodeproto.StepVolumeDriverEndpoint, nodeproto.StepIsolator:
		return reason + ": the host stores data and uses no volumes (--hosts.without-sdc=data-node)"
	}
	return ""
}

// meetImage looks at the steps of a host whose kernel, or whose modules, may be
// others than before: what has no SDC any more is skipped, and what was skipped
// is done once there is a module.
func (t *turn) meetImage(host string) {
	if !t.image(host) || t.removing() {
		return
	}
	plan, sdc := t.plans[host], ref{host, nodeproto.StepSDCPackage}
	back := plan.Steps[sdc.key].State == model.Skipped && t.excluded(sdc) == ""
	for _, key := range sortedKeys(plan.Steps) {
		at, step := ref{host, key}, plan.Steps[key]
		s := t.graph.byName[key]
		if s == nil || !s.fits(plan.Persona) {
			continue
		}
		switch reason := t.excluded(at); {
		case reason != "" && waits(step):
			t.skip(at, reason)
		case back && step.State == model.Skipped:
			t.doAgain(at, "a module for the host's kernel is given now")
		case at == sdc && step.State != model.Running && t.otherKernel(host, step):
			t.doAgain(at, "the host runs another kernel now")
		}
	}
}

// waits reports whether a step was not begun, or ended without success.
func waits(step model.Step) bool {
	return step.State == model.Pending || step.State == model.Failed || step.State == model.Stuck
}

// otherKernel reports whether the SDC was installed with a module for another
// kernel than the one that runs.
func (t *turn) otherKernel(host string, step model.Step) bool {
	var params nodeproto.PackageParams
	if !step.Over() && step.State != model.Stuck || len(step.Params) == 0 || json.Unmarshal(step.Params, &params) != nil {
		return false
	}
	return step.State != model.Skipped && params.Module != nil && params.Module.Kernel != t.live[host].inventory.Kernel
}

func (t *turn) doAgain(at ref, reason string) {
	step, _ := t.step(at)
	step.State, step.Failures, step.Reason, step.Error = model.Pending, 0, reason, ""
	t.set(at, step)
	t.queue.add(at)
}

// unfit says why a host cannot have its place in the MDM cluster; empty when it
// can, or when its system is not known yet.
//
// A manager's gateway is a Java program with an installer that cannot be
// repeated. A tie-breaker could run, but systems that come as an image update
// and reboot by themselves, at times that nobody here chooses: a quorum is
// built on one only where an operator asks for it.
func (b *Bootstrap) unfit(host string, persona model.Persona) string {
	if !b.image(host) {
		return ""
	}
	os := b.live[host].inventory.OS
	switch wish := b.live[host].attributes[b.options.PersonaAttribute]; {
	case persona == model.Manager:
		return fmt.Sprintf("its system %s %s has a read-only /usr, where no gateway can be installed", os.ID, os.Version)
	case persona == model.TieBreaker && wish != wishTie:
		return fmt.Sprintf("its system %s %s updates and reboots by itself: it is a tie-breaker only with the attribute %s:%s", os.ID, os.Version, b.options.PersonaAttribute, wishTie)
	}
	return ""
}

// misplaced holds a step of a host back that cannot have its place in the MDM
// cluster, and says why.
func (t *turn) misplaced(at ref) bool {
	reason := t.unfit(at.host, t.plans[at.host].Persona)
	if reason != "" {
		t.explainStep(at, reason)
	}
	return reason != ""
}
