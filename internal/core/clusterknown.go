package core

import (
	"fmt"

	"scaleio-framework/internal/model"
)

// ClusterKnown is told by bootstrap: what other cores need of /cluster, after
// TermStarted and whenever it changes.
type ClusterKnown struct {
	UUID     string
	Gateways []model.Gateway
}

func (e ClusterKnown) String() string {
	return fmt.Sprintf("cluster %s has %d gateways", e.UUID, len(e.Gateways))
}
