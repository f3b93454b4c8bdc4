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
				found, ok, err := deviceOf(have, d, p.StoragePool)
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
			return result, testing == nil, testing
		},
		make: func(ctx context.Context, cli *scli) error {
			have, err := cli.devices(ctx, p.SDS)
			if err != nil {
				return err
			}
			for _, d := range p.Devices {
				if _, ok, err := deviceOf(have, d, p.StoragePool); err != nil || ok {
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

// deviceOf finds a device by its name, or one without a name by its path.
func deviceOf(have []scaleio.SCLIDevice, d nodeproto.DeviceParams, pool string) (scaleio.SCLIDevice, bool, error) {
	for _, h := range have {
		samePath := h.Path == d.Path || h.OriginalPath == d.Path
		switch {
		case h.Name != d.Name && (h.Name != "" || !samePath):
			if samePath {
				return h, false, failure.Hopelessf("the disk %s is device %s (%s) already, wanted is the name %s: rename it, or force the step complete", d.Path, h.Name, h.ID, d.Name)
			}
		case h.StoragePool != "" && h.StoragePool != pool:
			return h, false, failure.Hopelessf("device %s (%s) is in pool %s, wanted is %s: remove it with scli --remove_sds_device and retry the step", d.Name, h.ID, h.StoragePool, pool)
		default:
			return h, true, nil
		}
	}
	return scaleio.SCLIDevice{}, false, nil
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
