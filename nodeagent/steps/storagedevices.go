package steps

import (
	"context"
	"fmt"
	"strings"

	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/nodeagent/failure"
	"scaleio-framework/scaleio"
)

// addDevices gives disks to a pool. A disk is never taken over by force.
func addDevices(p nodeproto.AddDevicesParams) storageStep {
	return storageStep{
		find: func(ctx context.Context, cli *scli) (any, bool, error) {
			have, err := cli.devices(ctx, p.SDS)
			if err != nil {
				return nil, false, err
			}
			result := nodeproto.AddDevicesResult{IDs: make(map[string]string, len(p.Devices))}
			var testing error
			for _, d := range p.Devices {
				found, ok, err := deviceOf(have, d, p)
				if err != nil || !ok {
					return nil, false, err
				}
				result.IDs[d.Name] = found.ID
				if err := inUse(found); err != nil {
					if failure.KindOf(err) != failure.Interruption {
						return nil, false, err
					}
					testing = err
				}
			}
			if testing == nil && p.Adopt {
				testing = adopt(have, p.StoragePool, &result)
			}
			return result, testing == nil, testing
		},
		make: func(ctx context.Context, cli *scli) error {
			have, err := cli.devices(ctx, p.SDS)
			if err != nil {
				return err
			}
			for _, d := range p.Devices {
				if _, ok, err := deviceOf(have, d, p); err != nil || ok {
					if err != nil {
						return err
					}
					continue
				}
				err := cli.change(ctx, cli.build.AddSDSDevice(scaleio.SCLIDeviceSpec{
					Name: d.Name, Path: d.Path, SDS: p.SDS, ProtectionDomain: p.ProtectionDomain, StoragePool: p.StoragePool,
					NoTest: p.TestMode == "none",
				}))
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func (s *scli) devices(ctx context.Context, sds string) ([]scaleio.SCLIDevice, error) {
	out, err := s.must(ctx, s.build.QuerySDS(sds))
	if err != nil {
		return nil, err
	}
	return scaleio.ParseSDSDevices(out)
}

// deviceOf finds a device by its name, or one without a name by its path. Who
// adopts takes a disk that is a device of the pool under any name.
func deviceOf(have []scaleio.SCLIDevice, d nodeproto.DeviceParams, p nodeproto.AddDevicesParams) (scaleio.SCLIDevice, bool, error) {
	for _, h := range have {
		samePath := h.At() == d.Path
		elsewhere := h.StoragePool != "" && h.StoragePool != p.StoragePool
		switch {
		case h.Name != d.Name && !samePath:
		case h.Name != d.Name && h.Name != "" && (!p.Adopt || elsewhere):
			return h, false, failure.Hopelessf("the disk %s is device %s (%s) already, wanted is the name %s: rename it, or force the step complete", d.Path, h.Name, h.ID, d.Name)
		case elsewhere:
			return h, false, failure.Hopelessf("device %s (%s) is in pool %s, wanted is %s: remove it with scli --remove_sds_device and retry the step", d.Name, h.ID, h.StoragePool, p.StoragePool)
		default:
			return h, true, nil
		}
	}
	return scaleio.SCLIDevice{}, false, nil
}

// adopt tells of the devices that the SDS has besides those that were to be
// added; one that is tested is waited for.
func adopt(have []scaleio.SCLIDevice, pool string, result *nodeproto.AddDevicesResult) error {
	added := make(map[string]bool, len(result.IDs))
	for _, id := range result.IDs {
		added[id] = true
	}
	for _, h := range have {
		switch err := inUse(h); {
		case added[h.ID]:
		case h.StoragePool != "" && h.StoragePool != pool:
			result.Unfit = append(result.Unfit, fmt.Sprintf("%s is a device of another storage pool", h.At()))
		case failure.KindOf(err) == failure.Interruption:
			return err
		case err != nil:
			result.Unfit = append(result.Unfit, fmt.Sprintf("%s is a device in state %s", h.At(), h.State))
		default:
			result.Found = append(result.Found, nodeproto.FoundDevice{ID: h.ID, Name: h.Name, Path: h.At()})
		}
	}
	return nil
}

// inUse reports what keeps a device from being used. One that is tested needs
// time; the leader asks again.
func inUse(d scaleio.SCLIDevice) error {
	state := strings.ToLower(d.State)
	switch {
	case state == "normal", state == "":
		return nil
	case strings.Contains(state, "err"), strings.Contains(state, "fail"):
		return fmt.Errorf("device %s (%s) is in state %s: replace the disk, then retry", d.Name, d.Path, d.State)
	}
	return failure.Interrupted(fmt.Errorf("device %s (%s) is in state %s", d.Name, d.Path, d.State))
}
