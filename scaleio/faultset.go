package scaleio

import (
	"context"
	"fmt"
)

// FaultSet is a group of SDSs that fail together, as those of a rack or of an
// availability zone do. An SDS joins one only when it is added.
type FaultSet struct {
	ID                 string `json:"id" need:"yes"`
	Name               string `json:"name"`
	ProtectionDomainID string `json:"protectionDomainId"`
}

// FaultSets lists all fault sets.
func (c *Client) FaultSets(ctx context.Context) ([]FaultSet, error) {
	return list[FaultSet](ctx, c, "list fault sets", "/api/types/FaultSet/instances")
}

// FindFaultSet returns the fault set of that name in a protection domain, nil
// when there is none.
func (c *Client) FindFaultSet(ctx context.Context, protectionDomainID, name string) (*FaultSet, error) {
	all, err := c.FaultSets(ctx)
	return first(all, err, func(f FaultSet) bool { return f.Name == name && f.ProtectionDomainID == protectionDomainID })
}

// EnsureFaultSet makes the fault set if it is absent.
func (c *Client) EnsureFaultSet(ctx context.Context, protectionDomainID, name string) (Ensured, error) {
	if err := checkName("fault set", name); err != nil {
		return Ensured{}, err
	}
	return ensure(ctx, wish[FaultSet]{
		find: func(ctx context.Context) (*FaultSet, error) { return c.FindFaultSet(ctx, protectionDomainID, name) },
		create: func(ctx context.Context) (string, error) {
			return c.create(ctx, fmt.Sprintf("create fault set %q", name), "FaultSet",
				map[string]any{"name": name, "protectionDomainId": protectionDomainID})
		},
		id: func(f *FaultSet) string { return f.ID },
	})
}
