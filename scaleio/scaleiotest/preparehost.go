package scaleiotest

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// OS is the operating system of a host.
type OS string

// The systems a host can have.
const (
	Ubuntu OS = "ubuntu"
	EL7    OS = "el7"
	// Ubuntu22 and EL9 are what 4.x is made for.
	Ubuntu22 OS = "ubuntu22"
	EL9      OS = "el9"
	// EL8 is of machines only.
	EL8 OS = "el8"
)

// rpm tells the systems whose packages are rpm's.
func (o OS) rpm() bool { return o == EL7 || o == EL8 || o == EL9 }

// Disk is a whole disk of a host.
type Disk struct {
	// Name below /dev: sdb, xvdf, nvme1n1.
	Name      string
	SizeBytes int64
	// Mounted is the mount point, empty when the disk is not mounted.
	Mounted string
	// Partitions are the names of its partitions: sdb1.
	Partitions []string
	// Holders are devices built on it: dm-0.
	Holders []string
	// Signature is what is written at the disk's start; "ext4" and
	// "LVM2_member" become superblocks that blkid recognises.
	Signature           string
	Removable, ReadOnly bool
	// Serial is the serial number; for EBS volumes the volume id. A disk with
	// one gets a link in /dev/disk/by-id.
	Serial string
}

// HostSpec describes a host to lay out.
type HostSpec struct {
	Hostname, IP string
	OS           OS
	Disks        []Disk
}

// osRelease is the text of /etc/os-release.
var osRelease = map[OS]string{
	Ubuntu:   "NAME=\"Ubuntu\"\nVERSION=\"16.04.7 LTS (Xenial Xerus)\"\nID=ubuntu\nID_LIKE=debian\nPRETTY_NAME=\"Ubuntu 16.04.7 LTS\"\nVERSION_ID=\"16.04\"\n",
	Ubuntu22: "NAME=\"Ubuntu\"\nVERSION=\"22.04.4 LTS (Jammy Jellyfish)\"\nID=ubuntu\nID_LIKE=debian\nPRETTY_NAME=\"Ubuntu 22.04.4 LTS\"\nVERSION_ID=\"22.04\"\n",
	EL9:      "NAME=\"Rocky Linux\"\nVERSION=\"9.3 (Blue Onyx)\"\nID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\nVERSION_ID=\"9.3\"\nPRETTY_NAME=\"Rocky Linux 9.3 (Blue Onyx)\"\n",
	EL7:      "NAME=\"CentOS Linux\"\nVERSION=\"7 (Core)\"\nID=\"centos\"\nID_LIKE=\"rhel fedora\"\nVERSION_ID=\"7\"\nPRETTY_NAME=\"CentOS Linux 7 (Core)\"\n",
}

// kernel is the kernel release of each system.
var kernel = map[OS]string{Ubuntu: "4.4.0-210-generic", EL7: "3.10.0-1160.el7.x86_64", Ubuntu22: "5.15.0-101-generic", EL9: "5.14.0-362.el9.x86_64"}

// PrepareHost lays out a directory as the root of a host: what a node agent
// reads of a system, and its disks as sparse files in dev.
func PrepareHost(root string, spec HostSpec) error {
	if spec.Hostname == "" || spec.IP == "" {
		return errors.New("preparing a host: it needs a name and an address")
	}
	if spec.OS == "" {
		spec.OS = Ubuntu
	}
	if osRelease[spec.OS] == "" {
		return fmt.Errorf("preparing host %s: operating system %q is not known", spec.Hostname, spec.OS)
	}
	machine := sha256.Sum256([]byte("machine " + spec.Hostname))
	files := map[string]string{
		"etc/os-release":            osRelease[spec.OS],
		"etc/hostname":              spec.Hostname + "\n",
		"etc/machine-id":            hex.EncodeToString(machine[:16]) + "\n",
		"proc/version":              "Linux version " + kernel[spec.OS] + " (double)\n",
		"proc/sys/kernel/osrelease": kernel[spec.OS] + "\n",
		"proc/swaps":                "Filename\t\t\t\tType\t\tSize\tUsed\tPriority\n",
		"proc/mounts":               "/dev/sda1 / ext4 rw,relatime 0 0\nproc /proc proc rw 0 0\n",
		"etc/mesos-slave/work_dir":  "/var/lib/mesos\n",
		"etc/mesos/zk":              "zk://127.0.0.1:2181/mesos\n",
		"var/lib/dpkg/status":       "",
		"var/lib/dpkg/available":    "",
	}
	for _, dir := range []string{
		"dev/disk/by-id", "sys/block", "tmp", "run", "var/lib/mesos", "var/log", "opt", "usr/bin", "bin",
		"etc/systemd/system", "var/lib/dpkg/info", "var/lib/dpkg/updates", "var/lib/dpkg/triggers",
	} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			return fmt.Errorf("preparing host %s: %w", spec.Hostname, err)
		}
	}
	for name, text := range files {
		if err := put(root, name, text); err != nil {
			return fmt.Errorf("preparing host %s: %w", spec.Hostname, err)
		}
	}
	for _, d := range spec.Disks {
		if err := AddDisk(root, d); err != nil {
			return fmt.Errorf("preparing host %s: %w", spec.Hostname, err)
		}
	}
	return nil
}

func put(root, name, text string) error {
	at := filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		return err
	}
	return os.WriteFile(at, []byte(text), 0o644)
}

// AddDisk adds a disk to a host's directory: its device file, its description
// in sys/block, its mounts.
func AddDisk(root string, d Disk) error {
	if d.Name == "" || strings.Contains(d.Name, "/") || d.SizeBytes <= 0 {
		return fmt.Errorf("disk %q of %d bytes: want a plain name and a size", d.Name, d.SizeBytes)
	}
	if err := sparse(filepath.Join(root, "dev", d.Name), d.SizeBytes, d.Signature); err != nil {
		return fmt.Errorf("disk %s: %w", d.Name, err)
	}
	flag := func(on bool) string {
		if on {
			return "1\n"
		}
		return "0\n"
	}
	base := "sys/block/" + d.Name + "/"
	files := map[string]string{
		base + "size": fmt.Sprintf("%d\n", d.SizeBytes/512), base + "removable": flag(d.Removable), base + "ro": flag(d.ReadOnly),
		base + "queue/logical_block_size": "512\n", base + "queue/rotational": "0\n", base + "device/model": "Double\n",
		base + "dev": "8:16\n",
	}
	if d.Serial != "" {
		files[base+"device/serial"] = strings.ReplaceAll(d.Serial, "-", "") + "\n"
	}
	for i, part := range d.Partitions {
		files[base+part+"/partition"] = fmt.Sprintf("%d\n", i+1)
		files[base+part+"/size"] = fmt.Sprintf("%d\n", d.SizeBytes/512-2048)
		files["dev/"+part] = ""
	}
	for name, text := range files {
		if err := put(root, name, text); err != nil {
			return fmt.Errorf("disk %s: %w", d.Name, err)
		}
	}
	if err := os.MkdirAll(filepath.Join(root, base, "holders"), 0o755); err != nil {
		return fmt.Errorf("disk %s: %w", d.Name, err)
	}
	for _, holder := range d.Holders {
		if err := put(root, base+"holders/"+holder, ""); err != nil {
			return fmt.Errorf("disk %s: %w", d.Name, err)
		}
	}
	return connectDisk(root, d)
}

// connectDisk adds the disk's mount and its stable names.
func connectDisk(root string, d Disk) error {
	if d.Mounted != "" {
		device := d.Name
		if len(d.Partitions) > 0 {
			device = d.Partitions[0]
		}
		f, err := os.OpenFile(filepath.Join(root, "proc/mounts"), os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o644)
		if err != nil {
			return fmt.Errorf("disk %s: %w", d.Name, err)
		}
		_, err = fmt.Fprintf(f, "/dev/%s %s ext4 rw,relatime 0 0\n", device, d.Mounted)
		if err := errors.Join(err, f.Close()); err != nil {
			return fmt.Errorf("disk %s: %w", d.Name, err)
		}
	}
	if d.Serial == "" {
		return nil
	}
	link := filepath.Join(root, "dev/disk/by-id", "nvme-Amazon_Elastic_Block_Store_"+strings.ReplaceAll(d.Serial, "-", ""))
	if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
		return fmt.Errorf("disk %s: %w", d.Name, err)
	}
	if err := os.Symlink("../../"+d.Name, link); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("disk %s: %w", d.Name, err)
	}
	return nil
}

// RemoveDisk takes a disk out of a host's directory.
func RemoveDisk(root, name string) error {
	links, err := filepath.Glob(filepath.Join(root, "dev/disk/by-id/*"))
	if err != nil {
		return fmt.Errorf("removing disk %s: %w", name, err)
	}
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil && filepath.Base(target) == name {
			if err := os.Remove(link); err != nil {
				return fmt.Errorf("removing disk %s: %w", name, err)
			}
		}
	}
	return errors.Join(os.RemoveAll(filepath.Join(root, "sys/block", name)), os.Remove(filepath.Join(root, "dev", name)))
}

// sparse makes a file of the size that takes no room, with the signature's
// bytes where tools look for them.
func sparse(path string, size int64, signature string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	err = f.Truncate(size)
	switch {
	case err != nil || signature == "":
	case signature == "ext4":
		// The magic number of an ext superblock, and a revision and features
		// that make it one of ext4.
		_, err = f.WriteAt([]byte{0x53, 0xef, 1, 0}, 1024+56)
	case signature == "LVM2_member":
		_, err = f.WriteAt([]byte("LABELONE\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x20\x00\x00\x00LVM2 001"), 512)
	default:
		_, err = f.WriteAt([]byte(signature), 0)
	}
	return errors.Join(err, f.Close())
}
