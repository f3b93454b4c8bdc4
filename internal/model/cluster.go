package model

import (
	"errors"
	"fmt"
	"time"
)

// Cluster is /cluster: the ScaleIO system as a whole.
type Cluster struct {
	// UUID names this installation for ever; it is drawn before anything is
	// made, and tags and tokens derive from it.
	UUID string `json:"uuid"`
	// Paused stops the start of new steps; running ones end.
	Paused bool `json:"paused,omitempty"`
	// SystemName is the name that the system gets, or has.
	SystemName     string `json:"system_name"`
	SystemID       string `json:"system_id,omitempty"`
	InstallationID string `json:"installation_id,omitempty"`
	Version        string `json:"version,omitempty"`
	// Release is that of the packages, frozen when the first host is prepared:
	// what the plan does follows from it. Empty before, and in records of older
	// schedulers, whose systems are of before 4.0.
	Release string `json:"release,omitempty"`
	// MDMAuthority is the authority of the MDMs' certificates, from 4.0 on: the
	// SHA-256 of its own, in hexadecimal.
	MDMAuthority string    `json:"mdm_authority,omitempty"`
	Placed       time.Time `json:"placed,omitzero"`
	// Members are the MDM cluster, in the order of placement; the first one
	// creates the cluster.
	Members  []Member  `json:"members,omitempty"`
	Gateways []Gateway `json:"gateways,omitempty"`
	// MDMCertificates are the managers' certificates as a gateway first saw
	// them, in PEM by address. Another one is refused until it is taken out of
	// here.
	MDMCertificates map[string]string `json:"mdm_certificates,omitempty"`
	// SparePercent is chosen at placement from the number of fault units.
	SparePercent int  `json:"spare_percent,omitempty"`
	UseFaultSets bool `json:"use_fault_sets,omitempty"`
	// Problem says why nothing happens, with the remedy.
	Problem string `json:"problem,omitempty"`
	// Uninstall is set when the system is to be taken away.
	Uninstall *Uninstall      `json:"uninstall,omitempty"`
	Steps     map[string]Step `json:"steps,omitempty"`
}

// Member is one node of the MDM cluster.
type Member struct {
	Name    string  `json:"name"` // mdm1, mdm2, tb1
	Host    string  `json:"host"`
	Persona Persona `json:"persona"` // manager or tie-breaker
	Address string  `json:"address,omitempty"`
}

// Gateway is one REST endpoint.
type Gateway struct {
	Host string `json:"host"` // empty for a management platform
	URL  string `json:"url"`
	// CertificatePEM is the certificate seen on its own host, trusted for this
	// gateway besides the configured authorities; that of a management platform
	// is the one that a leader saw first.
	CertificatePEM string `json:"certificate_pem,omitempty"`
	// SystemID marks the management platform of a 4.x system, which is not of the
	// plan and may come to serve another system: every call makes sure that it
	// serves this one.
	SystemID string `json:"system_id,omitempty"`
}

// Platform reports whether the endpoint is a management platform.
func (g Gateway) Platform() bool { return g.SystemID != "" }

// Validate checks a record that an operator may have edited.
func (c *Cluster) Validate() error {
	if c.UUID == "" {
		return errors.New("uuid is empty")
	}
	seen := make(map[string]bool)
	for _, m := range c.Members {
		if m.Persona != Manager && m.Persona != TieBreaker {
			return fmt.Errorf("member %q has persona %q, want manager or tie-breaker", m.Name, m.Persona)
		}
		if m.Host == "" || m.Name == "" || seen[m.Host] {
			return fmt.Errorf("member %q on host %q is unnamed or twice on one host", m.Name, m.Host)
		}
		seen[m.Host] = true
	}
	return validateSteps(c.Steps)
}

// Started reports whether the ScaleIO cluster was intended: from then on its
// members cannot be replaced by placement.
func (c *Cluster) Started(createCluster string) bool {
	s, ok := c.Steps[createCluster]
	return ok && s.Attempt > 0
}
