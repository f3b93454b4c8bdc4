package scaleio

import (
	"context"
	"fmt"
)

// EnsureSDSRemoved takes the SDS of that name out of the system, with its
// devices. gone is false while the MDM still moves its data off; force, which
// would lose data, is never sent.
func (c *Client) EnsureSDSRemoved(ctx context.Context, name string) (gone bool, err error) {
	found, err := c.FindSDS(ctx, name)
	switch {
	case err != nil:
		return false, err
	case found == nil:
		return true, nil
	case removing(found.State):
		return false, nil
	}
	if err := c.remove(ctx, fmt.Sprintf("remove SDS %q", name), "Sds", found.ID, "removeSds"); err != nil {
		return false, err
	}
	found, err = c.FindSDS(ctx, name)
	return err == nil && found == nil, err
}

// EnsureStoragePoolRemoved removes the pool of that name, which must be empty.
func (c *Client) EnsureStoragePoolRemoved(ctx context.Context, protectionDomainID, name string) error {
	found, err := c.FindStoragePool(ctx, protectionDomainID, name)
	if err != nil || found == nil {
		return err
	}
	return c.remove(ctx, fmt.Sprintf("remove storage pool %q", name), "StoragePool", found.ID, "removeStoragePool")
}

// EnsureFaultSetRemoved removes the fault set of that name, which must be
// empty.
func (c *Client) EnsureFaultSetRemoved(ctx context.Context, protectionDomainID, name string) error {
	found, err := c.FindFaultSet(ctx, protectionDomainID, name)
	if err != nil || found == nil {
		return err
	}
	return c.remove(ctx, fmt.Sprintf("remove fault set %q", name), "FaultSet", found.ID, "removeFaultSet")
}

// EnsureProtectionDomainRemoved removes the protection domain of that name,
// which must be empty.
func (c *Client) EnsureProtectionDomainRemoved(ctx context.Context, name string) error {
	found, err := c.FindProtectionDomain(ctx, name)
	if err != nil || found == nil {
		return err
	}
	return c.remove(ctx, fmt.Sprintf("remove protection domain %q", name), "ProtectionDomain", found.ID, "removeProtectionDomain")
}

// remove performs a removal. That the object is gone already is what was asked
// for; after an unknown outcome the caller asks by name again.
func (c *Client) remove(ctx context.Context, op, kind, id, action string) error {
	err := c.act(ctx, op, kind, id, action, map[string]any{})
	if IsNotFound(err) {
		return nil
	}
	return err
}
