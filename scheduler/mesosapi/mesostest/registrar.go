package mesostest

import "context"

// Registrar announces the leading master, for example as a json.info_NNNNNNNNNN node in ZooKeeper.
type Registrar interface {
	// Register publishes data (a MasterInfo in JSON) and returns what takes it back. The withdrawal is called once, when
	// the master has died or the cluster closes.
	Register(ctx context.Context, data []byte) (withdraw func(), err error)
}
