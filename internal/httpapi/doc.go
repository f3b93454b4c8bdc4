// Package httpapi is the scheduler's HTTP interface.
//
// Every instance answers /healthz, /readyz, /metrics, /version and /artifacts/
// itself. The leader answers the rest from what is committed; a standby passes
// it on to the leader, so that an operator or a load balancer may talk to any
// instance. When no leader is known a request waits a moment, then gets 503.
//
// An answer never holds a secret: it is made from znodes, which hold none.
package httpapi
