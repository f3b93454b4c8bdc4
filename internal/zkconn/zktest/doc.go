// Package zktest runs Debian's ZooKeeper for tests and for the sandbox: one
// server or an ensemble, in plain java processes that die with the program
// that started them, on free ports of 127.0.0.1.
//
// A test takes a root of its own on the server that its test binary shares:
//
//	func TestMain(m *testing.M) {
//		goleak.VerifyTestMain(m, goleak.Cleanup(zktest.Exit))
//	}
//
//	func TestX(t *testing.T) {
//		opts, err := zkconn.ParseURL(zktest.Start(t).URL(t))
//		...
//	}
//
// A test that freezes or kills servers starts its own with StartOwn or
// StartEnsemble. Faults of the network between one client and the servers are
// made by a Proxy, which knows enough of the protocol to lose the answer to a
// chosen request.
package zktest
