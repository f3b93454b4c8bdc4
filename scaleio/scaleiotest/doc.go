// Package scaleiotest is a double of a whole ScaleIO installation.
//
// A System is one ScaleIO world shared by all its hosts: packages, services,
// the MDM cluster, protection domains, fault sets, pools, SDSs, devices, SDCs
// and volumes. It behaves; it does not record calls. What is done through one
// door is seen through all of them:
//
//   - Gateway gives the REST API of the gateway on one host, and starting the
//     service scaleio-gateway on a host makes it listen over TLS;
//   - Tool is the multi-call entry of the stand-ins for scli, systemctl,
//     drv_cfg, dpkg, rpm and their like. They are separate processes, find
//     their host by the environment variable SIO_HOST_ROOT and reach the System
//     over its control API, which Serve listens on;
//   - the methods of System itself set up and inspect the world for tests.
//
// # Contract
//
//  1. Nothing happens twice unnoticed: every effect is counted by operation
//     and name (Count), every refusal too (Refused).
//  2. A fault given to Inject strikes the next matching operation, before or
//     after its effect, whichever door it comes through.
//  3. Statistics obey the arithmetic of the real system at every moment:
//     limit = spare + in use + unused, exactly.
//  4. Time comes from Options.Now. Device tests and rebalancing move on with
//     it and are evaluated when somebody looks: there are no background jobs.
//  5. Close ends every listener and waits for every request.
//
// The package is for tests and the sandbox; production code never imports it.
package scaleiotest
