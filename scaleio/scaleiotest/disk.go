package scaleiotest

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// DeviceSignature is what the double writes at the start of a disk that is a
// device; a Disk that has it belonged to a ScaleIO before.
const DeviceSignature = "SCALEIO-DEVICE-1"

// probed is what an SDS finds out about a path.
type probed struct {
	bytes  int64
	signed bool
}

// probe looks at a disk as the SDS does before it takes it.
func (s *System) probe(h *host, path string) (probed, error) {
	absent := refuse(0, "Could not open SDS device")
	if h.root == "" {
		for _, d := range h.disks {
			if "/dev/"+d.Name == path {
				return probed{bytes: d.SizeBytes, signed: d.Signature == DeviceSignature}, d.refusal()
			}
		}
		return probed{}, absent
	}
	at := h.path(path)
	// A block device that is mounted, or that something is built on, cannot be
	// opened exclusively; for a file it means nothing.
	f, err := os.OpenFile(at, os.O_RDONLY|syscall.O_EXCL, 0)
	if errors.Is(err, syscall.EBUSY) {
		return probed{}, errMounted()
	}
	if err != nil {
		return probed{}, absent
	}
	defer func() { _ = f.Close() }()
	size, err := f.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		return probed{}, absent
	}
	name := filepath.Base(at)
	if parts, _ := filepath.Glob(filepath.Join(h.sys(), "block", name, name+"*")); len(parts) > 0 {
		return probed{}, errPartitioned()
	}
	mounts, _ := h.read("/proc/mounts")
	for line := range strings.Lines(mounts) {
		if src, _, _ := strings.Cut(line, " "); src == "/dev/"+name || src == path {
			return probed{}, errMounted()
		}
	}
	head := make([]byte, len(DeviceSignature))
	_, err = io.ReadFull(f, head)
	return probed{bytes: size, signed: err == nil && string(head) == DeviceSignature}, nil
}

// sys is where the host's disks are described.
func (h *host) sys() string {
	if h.device != nil {
		return "/sys"
	}
	return filepath.Join(h.root, "sys")
}

func errPartitioned() error {
	return refuse(340, "Unable to add a device that was already partitioned")
}

func errMounted() error { return refuse(341, "Unable to add a device that was already mounted") }

func (d Disk) refusal() error {
	if d.Mounted != "" {
		return errMounted()
	}
	if len(d.Partitions) > 0 {
		return errPartitioned()
	}
	return nil
}

// sign puts the header on a disk or takes it off.
func sign(h *host, path string, on bool) error {
	if h.root == "" {
		for i := range h.disks {
			if "/dev/"+h.disks[i].Name == path {
				h.disks[i].Signature = ""
				if on {
					h.disks[i].Signature = DeviceSignature
				}
			}
		}
		return nil
	}
	f, err := os.OpenFile(h.path(path), os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("header of %s: %w", path, err)
	}
	head := make([]byte, len(DeviceSignature))
	if on {
		copy(head, DeviceSignature)
	}
	_, err = f.WriteAt(head, 0)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}

// AddDisk gives a host one more disk, as attaching an EBS volume does.
func (s *System) AddDisk(hostname string, d Disk) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.hostNamed(hostname)
	if h == nil {
		return fmt.Errorf("host %s is not known", hostname)
	}
	if h.root != "" {
		return AddDisk(h.root, d)
	}
	h.disks = append(h.disks, d)
	return nil
}
