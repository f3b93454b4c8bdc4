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
// not be examined holds the choice up (R8). Where none is free, add-devices
// still asks what the host's SDS has.
func (t *turn) chooseDevices(host string) {
	if t.devicesProblem(host) != "" {
		return
	}
	t.freeze(host)
}

func (t *turn) freeze(host string) {
	plan := t.plans[host]
	plan.Devices = append(found(plan), devicesOf(host, t.free(host), namesOf(plan.Devices))...)
	plan.DevicesFrozen = true
	t.changed[host] = true
}

// free are the disks of a host that can be added.
func (t *turn) free(host string) []model.Disk {
	return t.usable(t.live[host].inventory.Disks, func(d model.Disk) bool { return d.Free && d.Size >= t.options.MinDeviceBytes })
}

// devicesProblem names disks that would be taken if it were known what is on
// them.
func (t *turn) devicesProblem(host string) string {
	disks := t.usable(t.live[host].inventory.Disks, unexamined)
	if len(disks) == 0 {
		return ""
	}
	return fmt.Sprintf("the disks cannot be chosen: %s: mend it (blkid and wipefs come with util-linux) and the node agent looks again, or order retry of %s to go on without such disks",
		reasons(disks, nil), core.StepAddDevices)
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
// unlike every name that is taken.
func devicesOf(host string, disks []model.Disk, taken map[string]bool) []model.Device {
	short, _, _ := strings.Cut(host, ".")
	var devices []model.Device
	for _, d := range disks {
		devices = append(devices, model.Device{Name: fresh(short+"-"+path.Base(d.Device), taken), Path: d.Path, Size: d.Size})
	}
	return devices
}

// fresh makes a device name that is not taken, and takes it.
func fresh(wish string, taken map[string]bool) string {
	name := objectName(wish)
	for i := 2; taken[name]; i++ {
		name = objectName(fmt.Sprintf("%s-%d", wish, i))
	}
	taken[name] = true
	return name
}

func namesOf(devices []model.Device) map[string]bool {
	names := make(map[string]bool, len(devices))
	for _, d := range devices {
		names[d.Name] = true
	}
	return names
}

// whyNoDevices says why none of a host's disks is a device. unfit is what is
// wrong with the devices that the SDS has.
func (t *turn) whyNoDevices(disks []model.Disk, unfit []string) string {
	if len(disks) == 0 && len(unfit) == 0 {
		return "the host has no disks"
	}
	return "no disk can be taken: " + reasons(t.passedOver(disks, nil), unfit) + "; free one and order retry of " + core.StepAddDevices
}

// passedOver are the disks of a host that the plan leaves alone, each with its
// reason.
func (t *turn) passedOver(disks []model.Disk, devices []model.Device) []model.Disk {
	var over []model.Disk
	for _, d := range disks {
		switch {
		case slices.ContainsFunc(devices, func(v model.Device) bool { return v.Path == d.Path || v.Path == d.Device }):
			continue
		case t.options.admit(d) != "":
			d.Why = t.options.admit(d)
		case t.ofGrowth(d) != "":
			d.Why = t.ofGrowth(d)
		case d.Free:
			d.Why = fmt.Sprintf("%d bytes, at least %d are needed", d.Size, t.options.MinDeviceBytes)
		}
		over = append(over, d)
	}
	return over
}

// maxReasons is how many disks a text names.
const maxReasons = 10

func reasons(disks []model.Disk, unfit []string) string {
	parts := slices.Clone(unfit)
	for _, d := range disks {
		parts = append(parts, d.Device+": "+d.Why)
	}
	if more := len(parts) - maxReasons; more > 0 {
		parts = append(parts[:maxReasons], fmt.Sprintf("and %d more", more))
	}
	return nodeproto.Shorten(strings.Join(parts, "; "))
}
