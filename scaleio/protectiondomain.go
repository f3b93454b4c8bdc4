package scaleio

import (
	"context"
	"fmt"
	"strings"
)

// ProtectionDomain is a set of SDSs that hold each other's copies.
type ProtectionDomain struct {
	ID       string `json:"id" need:"yes"`
	Name     string `json:"name"`
	SystemID string `json:"systemId"`
	State    string `json:"protectionDomainState"` // Active is the only good one
}

// ProtectionDomains lists all protection domains.
func (c *Client) ProtectionDomains(ctx context.Context) ([]ProtectionDomain, error) {
	return list[ProtectionDomain](ctx, c, "list protection domains", "/api/types/ProtectionDomain/instances")
}

// FindProtectionDomain returns the protection domain of that name, nil when
// there is none.
func (c *Client) FindProtectionDomain(ctx context.Context, name string) (*ProtectionDomain, error) {
	all, err := c.ProtectionDomains(ctx)
	return first(all, err, func(d ProtectionDomain) bool { return d.Name == name })
}

// EnsureProtectionDomain makes the protection domain if it is absent.
func (c *Client) EnsureProtectionDomain(ctx context.Context, name string) (Ensured, error) {
	if err := checkName("protection domain", name); err != nil {
		return Ensured{}, err
	}
	return ensure(ctx, wish[ProtectionDomain]{
		find: func(ctx context.Context) (*ProtectionDomain, error) { return c.FindProtectionDomain(ctx, name) },
		create: func(ctx context.Context) (string, error) {
			return c.create(ctx, fmt.Sprintf("create protection domain %q", name), "ProtectionDomain", map[string]any{"name": name})
		},
		check: func(d *ProtectionDomain) error {
			var m mismatch
			// A new one may be ActivePending; an operator makes it inactive.
			if strings.HasPrefix(d.State, "Inactive") {
				m.compare("state", "Active", d.State)
			}
			return m.err(fmt.Sprintf("protection domain %q", name), d.ID, "activate it")
		},
		id: func(d *ProtectionDomain) string { return d.ID },
	})
}
