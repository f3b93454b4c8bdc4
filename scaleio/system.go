package scaleio

import (
	"context"
	"errors"
)

// System is the whole installation.
type System struct {
	ID             string     `json:"id" need:"yes"`
	Name           string     `json:"name"` // empty until it is renamed
	VersionName    string     `json:"systemVersionName"`
	InstallationID string     `json:"installId"`
	MDMCluster     MDMCluster `json:"mdmCluster"`
	// The thresholds are percent of the capacity that is not spare.
	CapacityAlertHigh     int64  `json:"capacityAlertHighThresholdPercent"`
	CapacityAlertCritical int64  `json:"capacityAlertCriticalThresholdPercent"`
	MDMManagementPort     int64  `json:"mdmManagementPort"`
	UpgradeState          string `json:"upgradeState"`           // NoUpgrade when none is under way
	RestrictedSDCMode     string `json:"restrictedSdcMode"`      // None, Guid or ApprovedIp
	MaxCapacityGB         string `json:"maxCapacityInGb"`        // of the licence; "Unlimited"
	LicenceDaysLeft       string `json:"capacityTimeLeftInDays"` // "Unlimited"
}

// MDMCluster is the state of the metadata managers.
type MDMCluster struct {
	ID           string `json:"id"`
	State        string `json:"clusterState"` // ClusteredNormal is the only good one
	Mode         string `json:"clusterMode"`  // OneNode, ThreeNodes or FiveNodes
	GoodNodes    int64  `json:"goodNodesNum"`
	GoodReplicas int64  `json:"goodReplicasNum"`
	// The older words are master and slaves, those of 4.x primary and
	// secondaries.
	Primary     *MDM  `json:"master|primary"`
	Secondaries []MDM `json:"slaves|secondaries|secondary|worker"`
	TieBreakers []MDM `json:"tieBreakers"`
	Standby     []MDM `json:"standbyMDMs"`
}

// MDM is one member of the cluster.
type MDM struct {
	ID            string   `json:"id" need:"yes"`
	Name          string   `json:"name"`
	Role          string   `json:"role"`   // Manager or TieBreaker
	Status        string   `json:"status"` // Normal; absent for the primary before 3.6
	IPs           []string `json:"ips"`
	ManagementIPs []string `json:"managementIPs|managementIps"`
	Port          int64    `json:"port"`
	Version       string   `json:"versionInfo"`
}

// Healthy reports that all members of a cluster of three or five are there.
func (m MDMCluster) Healthy() bool { return m.State == "ClusteredNormal" }

// Systems lists the installations that the gateway serves: one.
func (c *Client) Systems(ctx context.Context) ([]System, error) {
	return list[System](ctx, c, "list systems", "/api/types/System/instances")
}

// System is the one installation behind the gateway.
func (c *Client) System(ctx context.Context) (System, error) {
	all, err := c.Systems(ctx)
	if err != nil {
		return System{}, err
	}
	if len(all) != 1 {
		return System{}, &ReplyError{Op: "list systems", Err: errors.New("want exactly one system")}
	}
	return all[0], nil
}
