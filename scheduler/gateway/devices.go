package gateway

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/scaleio"
)

func addDevices(ctx context.Context, c *scaleio.Client, raw json.RawMessage) (any, error) {
	p, err := params[core.AddDevicesParams](raw)
	if err != nil {
		return nil, err
	}
	domain, pool, err := findPool(ctx, c, p.ProtectionDomain, p.StoragePool)
	if err != nil {
		return nil, err
	}
	sds, err := c.FindSDS(ctx, p.SDS)
	if err != nil {
		return nil, err
	}
	switch {
	case sds == nil:
		return nil, fmt.Errorf("SDS %s is not there although its step is done: retry step %s of its host", p.SDS, core.StepAddSDS)
	case sds.ProtectionDomainID != domain:
		return nil, fmt.Errorf("SDS %s is not in protection domain %s although its step is done: retry step %s of its host, which says where it is", p.SDS, p.ProtectionDomain, core.StepAddSDS)
	}
	mode := scaleio.TestAndActivate
	if p.TestMode == "none" {
		mode = scaleio.TestNone
	}
	var before []scaleio.Device
	if p.Adopt {
		if before, err = c.DevicesOfSDS(ctx, sds.ID); err != nil {
			return nil, err
		}
	}
	result := core.AddDevicesResult{IDs: make(map[string]string, len(p.Devices))}
	for _, d := range p.Devices {
		if held := holding(before, d.Path, pool); held != nil {
			result.IDs[d.Name] = held.ID // under whatever name
			continue
		}
		made, err := c.EnsureDevice(ctx, scaleio.DeviceSpec{Name: d.Name, Path: d.Path, SDSID: sds.ID, StoragePoolID: pool, TestMode: mode})
		if err != nil {
			return nil, err
		}
		result.IDs[d.Name] = made.ID
	}
	devices, err := c.DevicesOfSDS(ctx, sds.ID)
	if err != nil {
		return nil, err
	}
	if err := devicesNormal(devices, result.IDs); err != nil {
		return nil, err
	}
	if p.Adopt {
		err = adopt(devices, pool, &result)
	}
	return result, err
}

// holding is the device of the pool at a path, nil when there is none.
func holding(devices []scaleio.Device, path, pool string) *scaleio.Device {
	for i, d := range devices {
		if d.StoragePoolID == pool && d.Path() == path {
			return &devices[i]
		}
	}
	return nil
}

// adopt tells of the devices that the SDS holds besides those that were to be
// added. It changes nothing.
func adopt(devices []scaleio.Device, pool string, result *core.AddDevicesResult) error {
	added := make(map[string]bool, len(result.IDs))
	for _, id := range result.IDs {
		added[id] = true
	}
	for _, d := range devices {
		switch {
		case added[d.ID]:
		case d.StoragePoolID != pool:
			result.Unfit = append(result.Unfit, fmt.Sprintf("%s is a device of another storage pool", d.Path()))
		case d.Normal():
			result.Found = append(result.Found, nodeproto.FoundDevice{ID: d.ID, Name: d.Name, Path: d.Path()})
		case strings.Contains(d.State, "Test") && noError(d):
			return notYet{fmt.Sprintf("device %s (%s) is in state %s", d.Name, d.Path(), d.State)}
		default:
			result.Unfit = append(result.Unfit, fmt.Sprintf("%s is a device in state %s with error %s", d.Path(), d.State, cmp.Or(d.ErrorState, "None")))
		}
	}
	slices.SortFunc(result.Found, func(a, b nodeproto.FoundDevice) int { return cmp.Compare(a.Path, b.Path) })
	slices.Sort(result.Unfit)
	return nil
}

// devicesNormal checks that the added devices are in use. A device under test
// needs time; the leader asks again.
func devicesNormal(devices []scaleio.Device, ids map[string]string) error {
	added := make(map[string]bool, len(ids))
	for _, id := range ids {
		added[id] = true
	}
	for _, d := range devices {
		switch {
		case !added[d.ID], d.Normal():
		case noError(d):
			return notYet{fmt.Sprintf("device %s (%s) is in state %s", d.Name, d.Path(), d.State)}
		default:
			return fmt.Errorf("device %s (%s) is in state %s with error %s: replace the disk, then retry", d.Name, d.Path(), d.State, d.ErrorState)
		}
	}
	return nil
}

func noError(d scaleio.Device) bool { return d.ErrorState == "None" || d.ErrorState == "" }
