package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"scaleio-framework/internal/core"
	"scaleio-framework/scaleio"
)

func name(step string) string {
	n, _, _ := strings.Cut(step, "/")
	return n
}

// idResult is the result of steps that make one object.
type idResult struct {
	ID string `json:"id"`
}

func protectionDomain(ctx context.Context, c *scaleio.Client, raw json.RawMessage) (any, error) {
	p, err := params[core.ProtectionDomainParams](raw)
	if err != nil {
		return nil, err
	}
	made, err := c.EnsureProtectionDomain(ctx, p.Name)
	return idResult{made.ID}, err
}

func faultSet(ctx context.Context, c *scaleio.Client, raw json.RawMessage) (any, error) {
	p, err := params[core.FaultSetParams](raw)
	if err != nil {
		return nil, err
	}
	domain, err := findDomain(ctx, c, p.ProtectionDomain)
	if err != nil {
		return nil, err
	}
	made, err := c.EnsureFaultSet(ctx, domain, p.Name)
	return idResult{made.ID}, err
}

func storagePool(ctx context.Context, c *scaleio.Client, raw json.RawMessage) (any, error) {
	p, err := params[core.StoragePoolParams](raw)
	if err != nil {
		return nil, err
	}
	domain, err := findDomain(ctx, c, p.ProtectionDomain)
	if err != nil {
		return nil, err
	}
	made, err := c.EnsureStoragePool(ctx, domain, scaleio.StoragePoolSpec{Name: p.Name, MediaType: p.MediaType, ZeroPadding: p.ZeroPadding})
	return idResult{made.ID}, err
}

func sparePolicy(ctx context.Context, c *scaleio.Client, raw json.RawMessage) (any, error) {
	p, err := params[core.SparePolicyParams](raw)
	if err != nil {
		return nil, err
	}
	_, id, err := findPool(ctx, c, p.ProtectionDomain, p.StoragePool)
	if err != nil {
		return nil, err
	}
	before, err := c.StoragePool(ctx, id)
	if err != nil {
		return nil, err
	}
	has := int(before.SparePercentage)
	if has >= p.Percent {
		return core.SparePolicyResult{ID: id, Percent: has}, nil
	}
	devices, err := c.DevicesOfStoragePool(ctx, id)
	if err != nil {
		return nil, err
	}
	result := core.SparePolicyResult{ID: id, Percent: p.Percent}
	if len(devices) > 0 {
		result.Was = has // it is older than the plan
	}
	if _, err = c.EnsureSparePercentage(ctx, id, p.Percent); err != nil && result.Was > 0 {
		err = fmt.Errorf("the pool keeps %d %% spare, one fault unit needs %d %%: %w: give the pool more capacity and retry, or force the step complete", has, p.Percent, err)
	}
	return result, err
}

func addSDS(ctx context.Context, c *scaleio.Client, raw json.RawMessage) (any, error) {
	p, err := params[core.AddSDSParams](raw)
	if err != nil {
		return nil, err
	}
	domain, err := findDomain(ctx, c, p.ProtectionDomain)
	if err != nil {
		return nil, err
	}
	spec := scaleio.SDSSpec{Name: p.Name, ProtectionDomainID: domain, IPs: p.IPs}
	if p.FaultSet != "" {
		set, err := c.FindFaultSet(ctx, domain, p.FaultSet)
		if err != nil {
			return nil, err
		}
		if set == nil {
			return nil, fmt.Errorf("fault set %s is not there although its step is done: retry step %s/%s/%s", p.FaultSet, core.StepFaultSets, p.ProtectionDomain, p.FaultSet)
		}
		spec.FaultSetID = set.ID
	}
	made, err := c.EnsureSDS(ctx, spec)
	if err != nil {
		return nil, err
	}
	devices, err := c.DevicesOfSDS(ctx, made.ID)
	result := core.AddSDSResult{ID: made.ID}
	for _, d := range devices {
		if d.Name != "" {
			result.Taken = append(result.Taken, d.Name)
		}
	}
	return result, err
}

func findDomain(ctx context.Context, c *scaleio.Client, name string) (id string, err error) {
	domain, err := c.FindProtectionDomain(ctx, name)
	if err != nil {
		return "", err
	}
	if domain == nil {
		return "", fmt.Errorf("protection domain %s is not there although its step is done: retry step %s/%s", name, core.StepProtectionDomains, name)
	}
	return domain.ID, nil
}

func findPool(ctx context.Context, c *scaleio.Client, domain, name string) (domainID, poolID string, err error) {
	if domainID, err = findDomain(ctx, c, domain); err != nil {
		return "", "", err
	}
	pool, err := c.FindStoragePool(ctx, domainID, name)
	if err != nil {
		return "", "", err
	}
	if pool == nil {
		return "", "", fmt.Errorf("storage pool %s is not there although its step is done: retry step %s/%s/%s", name, core.StepStoragePools, domain, name)
	}
	return domainID, pool.ID, nil
}
