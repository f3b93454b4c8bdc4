// Package badinput gives the real programs what they may be given by mistake
// or by mishap, against a real ZooKeeper and the double of Mesos: each has a
// clear error, the documented exit code, and nothing is lost.
package badinput
