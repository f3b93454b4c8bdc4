// Package hosts proves on real hosts what the node agent does to them: three
// machines with a real systemd, dpkg and apt, and loop devices for disks, on
// which the programs as they are shipped install a ScaleIO system whose
// packages are stand-ins.
//
// It has no code of its own. Its tests are built with the tag hosts and need
// root: make test-hosts. docs/design/hosts.md says what they cannot show.
package hosts
