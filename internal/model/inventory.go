package model

import (
	"errors"
	"fmt"
)

// Inventory is what a node agent found on its host.
type Inventory struct {
	Hostname  string `json:"hostname"`
	MachineID string `json:"machine_id"`
	// BootID changes with each boot of the host.
	BootID string `json:"boot_id,omitempty"`
	OS     OS     `json:"os"`
	Kernel string `json:"kernel"`
	// Address is where other nodes reach this host: the address at which the
	// Mesos agent is reachable, unless the operator configured another.
	Address string `json:"address"`
	// Addresses are all global unicast addresses of the host.
	Addresses []string `json:"addresses,omitempty"`
	CPUs      int      `json:"cpus,omitempty"`
	MemoryMB  int64    `json:"memory_mb,omitempty"` // MiB
	Disks     []Disk   `json:"disks,omitempty"`
	// Cloud is set on a host that a cloud runs.
	Cloud *CloudHost `json:"cloud,omitempty"`
	// PublicKey is the X25519 key to which secrets for this node agent process
	// are sealed, in base64.
	PublicKey string `json:"public_key"`
	// Agent is the version of the node agent.
	Agent string `json:"agent,omitempty"`
}

// CloudHost is what a cloud's metadata service says of a host.
type CloudHost struct {
	Provider     string `json:"provider"` // aws
	InstanceID   string `json:"instance_id"`
	InstanceType string `json:"instance_type,omitempty"`
	Zone         string `json:"zone"`
}

// OS names an operating system as /etc/os-release does.
type OS struct {
	ID      string `json:"id"`      // ubuntu, centos, rhel, sles, flatcar
	Version string `json:"version"` // 14.04, 7, 12.2
	// Family is the package family: deb, rpm, or unpacked on a system whose /usr
	// is read-only.
	Family string `json:"family"`
}

// The package families.
const (
	FamilyDeb      = "deb"
	FamilyRPM      = "rpm"
	FamilyUnpacked = "unpacked"
)

// Disk is a whole block device.
type Disk struct {
	// Path is the most stable path the agent knows, for example a by-id link.
	Path string `json:"path"`
	// Device is the kernel's name, for example /dev/sdb.
	Device string `json:"device"`
	// Size is in bytes.
	Size       int64  `json:"size"`
	Rotational bool   `json:"rotational,omitempty"`
	Serial     string `json:"serial,omitempty"`
	Model      string `json:"model,omitempty"`
	// Free says that the disk carries no partition, holder, mount, swap or
	// signature of any kind; otherwise Why says what was seen. A disk that
	// could not be examined is not free.
	Free bool   `json:"free"`
	Why  string `json:"why,omitempty"`
	// Unexamined says that Why is about what could not be found out, not about
	// something that stands on the disk.
	Unexamined bool `json:"unexamined,omitempty"`
}

// Validate checks what the leader relies on.
func (i *Inventory) Validate() error {
	switch {
	case i.Hostname == "":
		return errors.New("no hostname")
	case i.Address == "":
		return errors.New("no address")
	case i.PublicKey == "":
		return errors.New("no public key")
	case i.OS.Family != FamilyDeb && i.OS.Family != FamilyRPM && i.OS.Family != FamilyUnpacked:
		return fmt.Errorf("operating system %q %q has package family %q, want deb, rpm or unpacked", i.OS.ID, i.OS.Version, i.OS.Family)
	}
	return nil
}
