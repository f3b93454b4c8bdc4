// Package agentflags reads and changes the flags of the host's Mesos agent.
//
// Where flags are kept depends on who installed the agent: a file for each flag
// and a file of variables for Mesosphere's packages, files of variables alone
// for DC/OS. A change keeps everything else in the file, comments and spacing
// too, and leaves a copy of the file as it first was beside it. Setting what is
// set already changes nothing.
package agentflags
