package core

import (
	"fmt"

	"scaleio-framework/internal/model"
)

// ClusterKnown is told by bootstrap: what other cores need of /cluster, after
// TermStarted and whenever it changes.
type ClusterKnown struct {
	UUID     string
	Release  string // of the packages; empty until it is known
	Gateways []model.Gateway
	// Uninstalling says that the system is being removed: nothing grows.
	Uninstalling bool
}

// GrowthsOpen is told by growth as long as the system is being removed: the
// growths that are not over. Nothing is removed before the list was told empty.
type GrowthsOpen struct{ IDs []string }

// HostReleased is told by bootstrap when nothing is left to do on a host: its
// node agent ends, and none is launched there. It is told after TermStarted too.
type HostReleased struct{ Host string }

func (e GrowthsOpen) String() string  { return fmt.Sprintf("%d growths are open", len(e.IDs)) }
func (e HostReleased) String() string { return "host " + e.Host + " released" }

func (e ClusterKnown) String() string {
	if e.Uninstalling {
		return fmt.Sprintf("cluster %s has %d gateways and is being removed", e.UUID, len(e.Gateways))
	}
	return fmt.Sprintf("cluster %s has %d gateways", e.UUID, len(e.Gateways))
}
