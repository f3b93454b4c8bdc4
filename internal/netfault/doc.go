// Package netfault puts a Link between two programs that talk over TCP: a
// stretch of network that can be broken, for tests and for the sandbox's
// drills.
//
// A Link can be broken as networks are. Cut breaks the connections of the
// moment, as a restarted firewall does. Block also refuses new ones, as a host
// without the program does. Freeze lets everything silently disappear, the end
// of a connection too, as a pulled cable does; what was under way arrives after
// Thaw, because TCP sends it again.
//
// Both ends are shared by everybody who uses the address: to cut off one
// program alone, give it a Link of its own.
package netfault
