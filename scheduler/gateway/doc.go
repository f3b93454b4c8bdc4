// Package gateway performs the steps of the install plan that go through a
// ScaleIO gateway's REST API.
//
// A step's parameters are a committed intent, complete and named. The package
// asks by name before it creates, so a step may be performed again at any
// later time, by any leader and through any gateway, with the same end state.
// When a gateway does not answer, or its answer is lost, the next one is asked:
// all of them speak for one MDM.
package gateway
