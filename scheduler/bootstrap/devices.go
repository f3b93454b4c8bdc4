package bootstrap

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
)

// chooseDevices freezes which disks of a host ScaleIO gets. A disk that could
// not be examined holds the choice up (R8), unless an operator insists. No
// free disk at all skips add-devices with the reasons.
func (t *turn) chooseDevices(host string, insist bool) {
	plan, l := t.plans[host], t.live[host]
	if !insist && t.devicesProblem(host) != "" {
		return
	}
	plan.Devices = devicesOf(host, t.usable(l.inventory.Disks, func(d model.Disk) bool { return d.Free && d.Size >= t.options.MinDeviceBytes }))
	plan.DevicesFrozen = true
	t.changed[host] = true
	at := ref{host, core.StepAddDevices}
	step, has := t.step(at)
	if !has || step.Attempt > 0 || step.Over() {
		return
	}
	if len(plan.Devices) == 0 {
		t.skip(at, t.whyNoDevices(l.inventory.Disks))
	}
}

// devicesProblem names disks that would be taken if it were known what is on
// them.
func (t *turn) devicesProblem(host string) string {
	disks := t.usable(t.live[host].inventory.Disks, unexamined)
	if len(disks) == 0 {
		return ""
	}
	return fmt.Sprintf("the disks cannot be chosen: %s: mend it (blkid and wipefs come with util-linux) and the node agent looks again, or order retry of %s to go on without such disks",
		reasons(disks), core.StepAddDevices)
}

// unexamined tells a disk of which it is not known what is on it.
func unexamined(d model.Disk) bool { return !d.Free && d.Unexamined }

func (t *turn) usable(disks []model.Disk, want func(model.Disk) bool) []model.Disk {
	var out []model.Disk
	for _, d := range disks {
		if t.options.admit(d) == "" && t.ofGrowth(d) == "" && want(d) {
			out = append(out, d)
		}
	}
	return out
}

// admit says why the patterns keep a disk out; empty when they do not.
func (o *Options) admit(d model.Disk) string {
	switch {
	case o.DevicePattern != DevicesAuto && !matches(o.DevicePattern, d):
		return "not among --devices=" + o.DevicePattern
	case o.DeviceDeny != "" && matches(o.DeviceDeny, d):
		return "among --devices.deny=" + o.DeviceDeny
	}
	return ""
}

// matches applies the patterns to both names of a disk.
func matches(patterns string, d model.Disk) bool {
	for _, pattern := range strings.Split(patterns, ",") {
		for _, name := range []string{d.Path, d.Device} {
			// Options were validated: a bad pattern cannot occur.
			if ok, err := path.Match(strings.TrimSpace(pattern), name); err == nil && ok {
				return true
			}
		}
	}
	return false
}

// devicesOf names each disk after its host and its kernel name at this moment,
// unique on the host.
func devicesOf(host string, disks []model.Disk) []model.Device {
	short, _, _ := strings.Cut(host, ".")
	taken := make(map[string]bool)
	var devices []model.Device
	for i, d := range disks {
		name := objectName(short + "-" + path.Base(d.Device))
		if taken[name] {
			name = objectName(fmt.Sprintf("%s-%s-%d", short, path.Base(d.Device), i))
		}
		taken[name] = true
		devices = append(devices, model.Device{Name: name, Path: d.Path, Size: d.Size})
	}
	return devices
}

func (t *turn) whyNoDevices(disks []model.Disk) string {
	if len(disks) == 0 {
		return "the host has no disks"
	}
	disks = slices.Clone(disks)
	for i, d := range disks {
		switch {
		case t.options.admit(d) != "":
			disks[i].Why = t.options.admit(d)
		case t.ofGrowth(d) != "":
			disks[i].Why = t.ofGrowth(d)
		case d.Free:
			disks[i].Why = fmt.Sprintf("%d bytes, at least %d are needed", d.Size, t.options.MinDeviceBytes)
		}
	}
	return "no disk can be taken: " + reasons(disks) + "; free one and order retry of " + core.StepAddDevices
}

// maxReasons is how many disks a text names.
const maxReasons = 10

func reasons(disks []model.Disk) string {
	var parts []string
	for _, d := range disks[:min(len(disks), maxReasons)] {
		parts = append(parts, d.Device+": "+d.Why)
	}
	if more := len(disks) - maxReasons; more > 0 {
		parts = append(parts, fmt.Sprintf("and %d more", more))
	}
	return nodeproto.Shorten(strings.Join(parts, "; "))
}
