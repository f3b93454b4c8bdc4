package leader

import "strings"

// The znodes below the root. docs/znodes.md tells what they hold.
const (
	// PathVersion holds the layout version; checked before anything else.
	PathVersion = "/version"
	// PathEpoch holds the last leader; its znode version is the fence.
	PathEpoch = "/epoch"
	// PathLeader is the present leader's ephemeral card.
	PathLeader = "/leader"
	// PathCandidates has an ephemeral card for each running scheduler.
	PathCandidates = "/candidates"
	// PathFramework holds the framework id.
	PathFramework = "/framework"
	// PathNodes has a record for each agent host, and its plan below.
	PathNodes = "/nodes"
	// PathCluster holds the ScaleIO cluster's record.
	PathCluster = "/cluster"
	// PathGrowth has a record for each growth.
	PathGrowth = "/growth"
	// PathOrders has the operators' orders, numbered by ZooKeeper.
	PathOrders = "/orders"
	// PathOrdersRefused has the orders that could not be read.
	PathOrdersRefused = "/orders-refused"
)

// containers are made by the elector, so that records can be created below
// them; they hold nothing themselves.
func containers() []string {
	return []string{PathCandidates, PathNodes, PathGrowth, PathOrders, PathOrdersRefused}
}

// reserved tells the paths that only the election itself may write.
func reserved(path string) bool {
	switch path {
	case "/", PathVersion, PathEpoch, PathLeader, PathCandidates:
		return true
	default:
		return strings.HasPrefix(path, PathCandidates+"/")
	}
}

// volatile tells the paths that live with a session and are no state.
func volatile(path string) bool { return path == PathLeader || path == PathCandidates }
