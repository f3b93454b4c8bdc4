package bootstrap

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
)

// A framework may start anew over hosts whose SDSs have devices already: its
// records were lost, or an earlier framework made them. Nobody can tell by such
// a disk whose it is; it is not free, and is never asked for. But the host's
// own SDS, which add-sds has proven to be the planned one, can be asked what it
// holds: what is in use in the planned pool counts as added.

func addDevicesParams(t *turn, at ref) (any, error) {
	plan := t.plans[at.host]
	if !plan.DevicesFrozen {
		return nil, errNotYet
	}
	if step := plan.Steps[at.key]; step.Attempt == 0 {
		t.avoidNames(plan)
	}
	params := core.AddDevicesParams{
		SDS: objectName(at.host), ProtectionDomain: plan.ProtectionDomain, StoragePool: plan.StoragePool,
		TestMode: t.options.DeviceTestMode, Devices: []core.DeviceParams{}, Adopt: true,
	}
	for _, d := range plan.Devices {
		if !d.Found {
			params.Devices = append(params.Devices, core.DeviceParams{Name: d.Name, Path: d.Path})
		}
	}
	return params, nil
}

// avoidNames renames the disks that were not asked for yet and would be taken
// for devices of an older SDS: a device is known by its name, and kernel names
// change hands.
func (t *turn) avoidNames(plan *model.NodePlan) {
	var before core.AddSDSResult
	if raw := plan.Steps[core.StepAddSDS].Result; len(raw) == 0 || json.Unmarshal(raw, &before) != nil {
		return // forced complete: nothing is known
	}
	taken := make(map[string]bool, len(before.Taken))
	for _, name := range before.Taken {
		taken[name] = true
	}
	for i, d := range plan.Devices {
		plan.Devices[i].Name = fresh(d.Name, taken)
	}
	t.changed[plan.Hostname] = true
}

// addDevicesResult takes over what was added and what was found. With neither
// the step is not needed.
func addDevicesResult(t *turn, at ref, raw json.RawMessage) error {
	var r core.AddDevicesResult
	if err := json.Unmarshal(raw, &r); err != nil {
		return err
	}
	plan := t.plans[at.host]
	added := slices.DeleteFunc(slices.Clone(plan.Devices), func(d model.Device) bool { return d.Found })
	for i, d := range added {
		if id, ok := r.IDs[d.Name]; ok {
			added[i].ID = id
		}
	}
	disks := t.disks(at.host)
	plan.Devices = nil
	for _, f := range r.Found {
		if !t.volumes[serialOf(f.Name)] { // a growth of ours added it
			plan.Devices = append(plan.Devices, deviceFound(f, disks))
		}
	}
	plan.Devices = append(plan.Devices, added...)
	t.changed[at.host] = true
	if len(plan.Devices) == 0 {
		return notNeeded{t.whyNoDevices(disks, r.Unfit)}
	}
	return nil
}

// disks are those of a host as they were last seen.
func (t *turn) disks(host string) []model.Disk {
	if l := t.live[host]; l != nil && l.inventory != nil {
		return l.inventory.Disks
	}
	return nil
}

// deviceFound is a found device as the plan keeps it, with the stable path and
// the size of its disk where that is known.
func deviceFound(f nodeproto.FoundDevice, disks []model.Disk) model.Device {
	device := model.Device{Name: cmp.Or(f.Name, f.Path), Path: f.Path, ID: f.ID, Found: true}
	for _, d := range disks {
		if f.Path == d.Path || f.Path == d.Device {
			device.Path, device.Size = d.Path, d.Size
		}
	}
	return device
}

// found are the devices of a plan that were there before it.
func found(plan *model.NodePlan) []model.Device {
	return slices.DeleteFunc(slices.Clone(plan.Devices), func(d model.Device) bool { return !d.Found })
}

// mayBeHeld tells a disk that the host's SDS may have already.
func (t *turn) mayBeHeld(d model.Disk) bool {
	return !d.Free && t.ofGrowth(d) == "" && d.Size >= t.options.MinDeviceBytes
}

// adopted says which devices were found, and what was left alone beside them;
// empty when none was.
func (t *turn) adopted(host string) string {
	plan := t.plans[host]
	var paths []string
	for _, d := range found(plan) {
		paths = append(paths, d.Path)
	}
	if len(paths) == 0 {
		return ""
	}
	text := "found in use: " + strings.Join(paths[:min(len(paths), maxReasons)], ", ")
	if more := len(paths) - maxReasons; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	var r core.AddDevicesResult
	// It was read when it came.
	_ = json.Unmarshal(plan.Steps[core.StepAddDevices].Result, &r)
	if over := t.passedOver(t.disks(host), plan.Devices); len(over)+len(r.Unfit) > 0 {
		text += "; left alone: " + reasons(over, r.Unfit)
	}
	return nodeproto.Shorten(text)
}

// spareFound says what spare an older pool had; empty when it had the planned
// one, or there was none.
func (t *turn) spareFound(at ref) string {
	step, _ := t.step(at)
	var wanted struct {
		core.SparePolicyParams
		// Object holds them where scli does the step.
		Object core.SparePolicyParams `json:"object"`
	}
	var r core.SparePolicyResult
	// Both are ours; a result that cannot be read tells nothing.
	if json.Unmarshal(step.Params, &wanted) != nil || json.Unmarshal(step.Result, &r) != nil {
		return ""
	}
	percent := cmp.Or(wanted.Percent, wanted.Object.Percent)
	switch {
	case r.Was > 0:
		return fmt.Sprintf("the pool had devices and kept %d %% spare: raised to %d %%", r.Was, r.Percent)
	case r.Percent > percent:
		return fmt.Sprintf("the pool keeps %d %% spare, one fault unit needs %d %%: left as it is", r.Percent, percent)
	}
	return ""
}
