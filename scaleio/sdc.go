package scaleio

import (
	"context"
	"slices"
)

// SDC is a host that uses volumes.
type SDC struct {
	ID                 string   `json:"id" need:"yes"`
	Name               string   `json:"name"`
	GUID               string   `json:"sdcGuid"`
	IP                 string   `json:"sdcIp"`  // before 3.0
	IPs                []string `json:"sdcIps"` // from 3.0 on
	Approved           bool     `json:"sdcApproved"`
	MDMConnectionState string   `json:"mdmConnectionState"` // Connected or Disconnected
	Version            string   `json:"softwareVersionInfo|versionInfo"`
}

// Connected reports that the SDC talks to the MDM.
func (s SDC) Connected() bool { return s.MDMConnectionState == "Connected" }

// HasIP reports that the SDC is the host with that address.
func (s SDC) HasIP(ip string) bool { return ip != "" && (s.IP == ip || slices.Contains(s.IPs, ip)) }

// SDCs lists all SDCs, those that are away as well.
func (c *Client) SDCs(ctx context.Context) ([]SDC, error) {
	return list[SDC](ctx, c, "list SDCs", "/api/types/Sdc/instances")
}

// FindSDC returns the SDC with that address, nil when there is none. A host
// that was installed anew is listed twice: the connected one is preferred.
func (c *Client) FindSDC(ctx context.Context, ip string) (*SDC, error) {
	all, err := c.SDCs(ctx)
	found, err := first(all, err, func(s SDC) bool { return s.HasIP(ip) && s.Connected() })
	if found != nil || err != nil {
		return found, err
	}
	return first(all, nil, func(s SDC) bool { return s.HasIP(ip) })
}
