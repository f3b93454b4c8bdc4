package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"scaleio-framework/internal/core"
	"scaleio-framework/scaleio"
)

// verify proves that an app could use a volume: one is made, mapped to an SDC,
// unmapped and removed. It also removes what an earlier, interrupted attempt
// left behind; each attempt has a name of its own (R10).
func verify(ctx context.Context, c *scaleio.Client, raw json.RawMessage) (any, error) {
	p, err := params[core.VerifyParams](raw)
	if err != nil {
		return nil, err
	}
	domain, pool, err := findPool(ctx, c, p.ProtectionDomain, p.StoragePool)
	if err != nil {
		return nil, err
	}
	sdc, err := c.FindSDC(ctx, p.SDCAddress)
	if err != nil {
		return nil, err
	}
	if sdc == nil {
		return nil, fmt.Errorf("no SDC with address %s is known to the MDM: look at scini on that host", p.SDCAddress)
	}
	if err := removeLeftovers(ctx, c, p.Volume); err != nil {
		return nil, err
	}
	made, err := c.EnsureVolume(ctx, scaleio.VolumeSpec{
		Name: p.Volume, ProtectionDomainID: domain, StoragePoolID: pool,
		SizeKiB: int64(p.SizeGiB) << 20,
	})
	if err != nil {
		return nil, fmt.Errorf("make a volume: %w", err)
	}
	if _, err := c.EnsureMapped(ctx, made.ID, sdc.ID); err != nil {
		return nil, fmt.Errorf("map the volume to SDC %s: %w", p.SDCAddress, err)
	}
	if _, err := c.EnsureUnmapped(ctx, made.ID, sdc.ID); err != nil {
		return nil, fmt.Errorf("unmap the volume from SDC %s: %w", p.SDCAddress, err)
	}
	if _, err := c.EnsureVolumeRemoved(ctx, made.ID); err != nil {
		return nil, fmt.Errorf("remove the volume: %w", err)
	}
	return idResult{made.ID}, nil
}

// removeLeftovers removes the volumes of attempts before this one: their names
// differ in what follows the last dash.
func removeLeftovers(ctx context.Context, c *scaleio.Client, volume string) error {
	dash := strings.LastIndex(volume, "-")
	if dash < 0 {
		return nil
	}
	volumes, err := c.Volumes(ctx)
	if err != nil {
		return err
	}
	for _, v := range volumes {
		if !strings.HasPrefix(v.Name, volume[:dash+1]) || v.Name == volume {
			continue
		}
		for _, mapped := range v.Mapped {
			if _, err := c.EnsureUnmapped(ctx, v.ID, mapped.SDCID); err != nil {
				return fmt.Errorf("unmap volume %s of an earlier attempt: %w", v.Name, err)
			}
		}
		if _, err := c.EnsureVolumeRemoved(ctx, v.ID); err != nil {
			return fmt.Errorf("remove volume %s of an earlier attempt: %w", v.Name, err)
		}
	}
	return nil
}
