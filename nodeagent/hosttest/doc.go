// Package hosttest makes real hosts for tests: machines of systemd-nspawn that
// boot a real systemd on a root file system of their own, with a network
// address, disks that are loop devices, dpkg and apt.
//
// A Rack is a set of machines on one bridge. What it makes on this system
// (mounts, network namespaces, loop devices, control groups) carries its name,
// so that Close, or the next rack after a crash, finds and removes all of it.
//
// It needs root, and Debian's packages debootstrap, systemd-container,
// iproute2 and util-linux. The base that machines stand on is made once, from
// Debian's archive, and kept in the user's cache directory.
//
// # What a machine is not
//
//   - It shares this system's kernel: no module is loaded, and what a disk is
//     called is made up (see Disk).
//   - udev does not run in it, so disks have no names in /dev/disk/by-id.
//   - Its os-release says what the vendor's packages are made for, while the
//     base is Debian's.
//
// The package is for tests and the sandbox; production code never imports it.
package hosttest
