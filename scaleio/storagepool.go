package scaleio

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// StoragePool is a set of devices of one protection domain.
type StoragePool struct {
	ID                 string `json:"id" need:"yes"`
	Name               string `json:"name"`
	ProtectionDomainID string `json:"protectionDomainId"`
	SparePercentage    int64  `json:"sparePercentage" need:"yes"`
	ZeroPadding        bool   `json:"zeroPaddingEnabled" need:"yes"`
	MediaType          string `json:"mediaType"` // HDD, SSD or Transitional; empty before 3.0
	// The thresholds are percent of the capacity that is not spare.
	CapacityAlertHigh     int64 `json:"capacityAlertHighThreshold"`
	CapacityAlertCritical int64 `json:"capacityAlertCriticalThreshold"`
	RebuildEnabled        bool  `json:"rebuildEnabled"`
	RebalanceEnabled      bool  `json:"rebalanceEnabled"`
	UseRMCache            bool  `json:"useRmcache"`
	UseRFCache            bool  `json:"useRfcache"`
}

// StoragePoolSpec is a pool as it should be.
type StoragePoolSpec struct {
	Name string
	// MediaType is HDD, SSD or Transitional. Gateways before 3.0 do not have
	// it; later ones must be told, and are told HDD when it is empty.
	MediaType string
	// ZeroPadding can be changed only while the pool has no device.
	ZeroPadding bool
	// UseRMCache reads through the SDSs' memory.
	UseRMCache bool
}

// StoragePools lists all pools.
func (c *Client) StoragePools(ctx context.Context) ([]StoragePool, error) {
	return list[StoragePool](ctx, c, "list storage pools", "/api/types/StoragePool/instances")
}

// StoragePool returns one pool.
func (c *Client) StoragePool(ctx context.Context, id string) (StoragePool, error) {
	var p StoragePool
	err := c.get(ctx, "get storage pool "+id, instance("StoragePool", id), &p)
	return p, err
}

// FindStoragePool returns the pool of that name in a protection domain, nil
// when there is none.
func (c *Client) FindStoragePool(ctx context.Context, protectionDomainID, name string) (*StoragePool, error) {
	all, err := c.StoragePools(ctx)
	return first(all, err, func(p StoragePool) bool { return p.Name == name && p.ProtectionDomainID == protectionDomainID })
}

// EnsureStoragePool makes the pool if it is absent. A pool that is there may
// have any media type while the spec asks for none. Zero padding is put right
// while the pool has no device, because some gateways of 2.x ignore it at the
// creation; every other difference is a MismatchError.
func (c *Client) EnsureStoragePool(ctx context.Context, protectionDomainID string, spec StoragePoolSpec) (Ensured, error) {
	if err := checkName("storage pool", spec.Name); err != nil {
		return Ensured{}, err
	}
	version, err := c.Version(ctx)
	if err != nil {
		return Ensured{}, err
	}
	made := spec
	if version.AtLeast(versionMediaTypes) && made.MediaType == "" {
		made.MediaType = "HDD"
	}
	done, err := ensure(ctx, wish[StoragePool]{
		find: func(ctx context.Context) (*StoragePool, error) {
			return c.FindStoragePool(ctx, protectionDomainID, spec.Name)
		},
		create: func(ctx context.Context) (string, error) {
			return c.createStoragePool(ctx, version, protectionDomainID, made)
		},
		check: spec.check,
		id:    func(p *StoragePool) string { return p.ID },
	})
	if err != nil {
		return done, err
	}
	return done, c.ensureZeroPadding(ctx, done.ID, spec)
}

func (c *Client) createStoragePool(ctx context.Context, v Version, protectionDomainID string, spec StoragePoolSpec) (string, error) {
	body := map[string]any{
		"name":               spec.Name,
		"protectionDomainId": protectionDomainID,
		"zeroPaddingEnabled": boolean(spec.ZeroPadding),
		"useRmcache":         boolean(spec.UseRMCache),
	}
	if v.AtLeast(versionMediaTypes) {
		body["mediaType"] = spec.MediaType
	}
	return c.create(ctx, fmt.Sprintf("create storage pool %q", spec.Name), "StoragePool", body)
}

func (s StoragePoolSpec) check(p *StoragePool) error {
	var m mismatch
	if s.MediaType != "" && p.MediaType != "" {
		m.compare("media type", strings.ToLower(s.MediaType), strings.ToLower(p.MediaType))
	}
	return m.err(fmt.Sprintf("storage pool %q", s.Name), p.ID,
		"use another pool name, configure the media type that the pool has, or change the pool's")
}

func (c *Client) ensureZeroPadding(ctx context.Context, id string, spec StoragePoolSpec) error {
	pool, err := c.StoragePool(ctx, id)
	if err != nil || pool.ZeroPadding == spec.ZeroPadding {
		return err
	}
	set := func() error {
		return c.act(ctx, fmt.Sprintf("set zero padding of storage pool %q", spec.Name), "StoragePool", id,
			"setZeroPaddingPolicy", map[string]any{"zeroPadEnabled": boolean(spec.ZeroPadding)})
	}
	devices, err := c.DevicesOfStoragePool(ctx, id)
	if err != nil {
		return err
	}
	if len(devices) == 0 {
		// A device may have come in between: the MDM refuses then.
		if err := set(); err == nil || !hasDevices(err) {
			return err
		}
	}
	var m mismatch
	m.compare("zero padding", strconv.FormatBool(spec.ZeroPadding), strconv.FormatBool(pool.ZeroPadding))
	return m.err(fmt.Sprintf("storage pool %q", spec.Name), id,
		"configure the zero padding that the pool has; it cannot be changed while the pool has devices")
}

// EnsureSparePercentage sets the part of the pool that is kept free for
// rebuilds, in percent. It reports whether it had to change it.
func (c *Client) EnsureSparePercentage(ctx context.Context, poolID string, percent int) (changed bool, err error) {
	if percent < 0 || percent > 99 {
		return false, fmt.Errorf("spare percentage %d of storage pool %s: want 0 to 99", percent, poolID)
	}
	holds := func() (bool, error) {
		pool, err := c.StoragePool(ctx, poolID)
		return pool.SparePercentage == int64(percent), err
	}
	return settle(holds, func() error {
		return c.act(ctx, fmt.Sprintf("set spare percentage of storage pool %s to %d", poolID, percent), "StoragePool", poolID,
			"setSparePercentage", map[string]any{"sparePercentage": strconv.Itoa(percent)})
	})
}

// boolean is the spelling of truth in request bodies, which all versions take.
func boolean(b bool) string { return strings.ToUpper(strconv.FormatBool(b)) }
