package gateway

import (
	"context"
	"encoding/json"
	"fmt"

	"scaleio-framework/internal/core"
	"scaleio-framework/scaleio"
)

// verifyVolume proves that an app could use a volume: one is made and mapped
// to an SDC.
func verifyVolume(ctx context.Context, c *scaleio.Client, raw json.RawMessage) (any, error) {
	p, err := params[core.VerifyVolumeParams](raw)
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
	// An early system may not tell.
	if !sdc.Connected() && sdc.MDMConnectionState != "" {
		return nil, fmt.Errorf("the SDC with address %s is known to the MDM, which says it is %s: look at scini on that host, and whether it reaches the MDMs", p.SDCAddress, sdc.MDMConnectionState)
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
	return idResult{made.ID}, nil
}

// verify unmaps and removes the volumes that verifyVolume made, those of
// failed attempts too. None left is success: an interrupted try, or a leader
// that has died, removed them.
func verify(ctx context.Context, c *scaleio.Client, raw json.RawMessage) (any, error) {
	p, err := params[core.VerifyParams](raw)
	if err != nil {
		return nil, err
	}
	return struct{}{}, removeOwnVolumes(ctx, c, p.VolumePrefix)
}
