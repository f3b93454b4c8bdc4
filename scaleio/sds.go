package scaleio

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// SDS is a storage server.
type SDS struct {
	ID                 string  `json:"id" need:"yes"`
	Name               string  `json:"name"`
	ProtectionDomainID string  `json:"protectionDomainId"`
	FaultSetID         string  `json:"faultSetId"` // empty outside fault sets
	IPs                []SDSIP `json:"ipList"`
	Port               int64   `json:"port"`
	State              string  `json:"sdsState"`           // Normal is the only good one
	MembershipState    string  `json:"membershipState"`    // Joined is the only good one
	MDMConnectionState string  `json:"mdmConnectionState"` // Connected is the only good one
	MaintenanceState   string  `json:"maintenanceState"`   // NoMaintenance is the usual one
	Version            string  `json:"softwareVersionInfo"`
}

// SDSIP is an address of an SDS and what it serves.
type SDSIP struct {
	IP   string `json:"ip"`
	Role string `json:"role"` // all, sdsOnly or sdcOnly
}

// Healthy reports that the SDS takes part.
func (s SDS) Healthy() bool {
	return s.State == "Normal" && s.MembershipState == "Joined" && s.MDMConnectionState == "Connected"
}

// SDSSpec is an SDS as it should be.
type SDSSpec struct {
	Name               string
	ProtectionDomainID string
	FaultSetID         string // empty outside fault sets
	// IPs serve other SDSs and the SDCs alike.
	IPs []string
	// Port is 7072 when zero.
	Port int
}

// SDSs lists all SDSs.
func (c *Client) SDSs(ctx context.Context) ([]SDS, error) {
	return list[SDS](ctx, c, "list SDSs", "/api/types/Sds/instances")
}

// SDS returns one SDS.
func (c *Client) SDS(ctx context.Context, id string) (SDS, error) {
	var s SDS
	err := c.get(ctx, "get SDS "+id, instance("Sds", id), &s)
	return s, err
}

// FindSDS returns the SDS of that name, nil when there is none. SDS names are
// unique in the system.
func (c *Client) FindSDS(ctx context.Context, name string) (*SDS, error) {
	all, err := c.SDSs(ctx)
	return first(all, err, func(s SDS) bool { return s.Name == name })
}

// EnsureSDS adds the SDS if it is absent, without devices. An SDS of the same
// name elsewhere, and one of another name with one of the addresses, are a
// MismatchError: an SDS can be moved only by removing and adding it.
func (c *Client) EnsureSDS(ctx context.Context, spec SDSSpec) (Ensured, error) {
	if err := spec.validate(); err != nil {
		return Ensured{}, err
	}
	return ensure(ctx, wish[SDS]{
		find: func(ctx context.Context) (*SDS, error) {
			all, err := c.SDSs(ctx)
			found, err := first(all, err, func(s SDS) bool { return s.Name == spec.Name })
			if found != nil || err != nil {
				return found, err
			}
			return first(all, nil, spec.sharesAddress)
		},
		create: func(ctx context.Context) (string, error) {
			return c.create(ctx, fmt.Sprintf("add SDS %q", spec.Name), "Sds", spec.body())
		},
		check: spec.check,
		id:    func(s *SDS) string { return s.ID },
	})
}

func (s SDSSpec) validate() error {
	if err := checkName("SDS", s.Name); err != nil {
		return err
	}
	if len(s.IPs) == 0 {
		return errors.New("SDS " + s.Name + ": it has no address")
	}
	for _, ip := range s.IPs {
		if _, err := netip.ParseAddr(ip); err != nil {
			return fmt.Errorf("SDS %s: %w", s.Name, err)
		}
	}
	return nil
}

func (s SDSSpec) port() int {
	if s.Port == 0 {
		return 7072
	}
	return s.Port
}

func (s SDSSpec) body() map[string]any {
	ips := make([]any, 0, len(s.IPs))
	for _, ip := range s.IPs {
		ips = append(ips, map[string]any{"SdsIp": map[string]string{"ip": ip, "role": "all"}})
	}
	body := map[string]any{
		"name":               s.Name,
		"protectionDomainId": s.ProtectionDomainID,
		"sdsIpList":          ips,
		"sdsPort":            strconv.Itoa(s.port()),
	}
	if s.FaultSetID != "" {
		body["faultSetId"] = s.FaultSetID
	}
	return body
}

// sharesAddress reports an address and port in common: the MDM would refuse.
func (s SDSSpec) sharesAddress(other SDS) bool {
	if other.Port != 0 && other.Port != int64(s.port()) {
		return false
	}
	return slices.ContainsFunc(other.IPs, func(ip SDSIP) bool { return slices.Contains(s.IPs, ip.IP) })
}

func (s SDSSpec) check(have *SDS) error {
	var m mismatch
	m.compare("name", s.Name, have.Name)
	m.compare("protection domain", s.ProtectionDomainID, have.ProtectionDomainID)
	m.compare("fault set", s.FaultSetID, have.FaultSetID)
	addresses := make([]string, 0, len(have.IPs))
	for _, ip := range have.IPs {
		addresses = append(addresses, ip.IP)
	}
	m.compare("addresses", set(s.IPs), set(addresses))
	if have.Port != 0 {
		m.compare("port", strconv.Itoa(s.port()), strconv.FormatInt(have.Port, 10))
	}
	if removing(have.State) {
		m.compare("state", "Normal", have.State)
	}
	return m.err(fmt.Sprintf("SDS %q", s.Name), have.ID,
		"remove that SDS (its data is moved off first), or configure what it has")
}

// removing reports a state in which an object is on its way out. It must not
// be taken for one that is there.
func removing(state string) bool { return strings.Contains(strings.ToLower(state), "remove") }

// set is a list as one text, whatever its order.
func set(list []string) string {
	sorted := slices.Clone(list)
	sort.Strings(sorted)
	return strings.Join(slices.Compact(sorted), ",")
}
