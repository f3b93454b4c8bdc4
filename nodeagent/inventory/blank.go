package inventory

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// head is how much of a disk's beginning, and of its end, must be zeros. Who
// formats a disk writes there, a header of a database, of a storage system or
// of RAID; a new disk reads as zeros everywhere.
const head = 1 << 20

// blank reports what is written at the beginning or the end of a disk, and
// whether somebody has it for himself: an iSCSI target, a database or a virtual
// machine can have taken a disk and not have written to it yet.
func blank(device string) finding {
	// The kernel lets one at a time open a block device with O_EXCL, and counts
	// mounts and layers among them. For anything else it means nothing here.
	f, err := os.OpenFile(device, os.O_RDONLY|os.O_EXCL, 0)
	switch {
	case errors.Is(err, unix.EBUSY):
		return seen("a program or the kernel has it for itself")
	case err != nil:
		return unknown(fmt.Sprintf("it was not examined: %v", err))
	}
	defer func() { _ = f.Close() }()
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return unknown(fmt.Sprintf("it was not examined: %v", err))
	}
	buf := make([]byte, head)
	for _, from := range []int64{0, max(size-head, 0)} {
		n, err := f.ReadAt(buf, from)
		if err != nil && !errors.Is(err, io.EOF) {
			return unknown(fmt.Sprintf("it was not examined: %v", err))
		}
		for i, b := range buf[:n] {
			if b != 0 {
				return seen(fmt.Sprintf("something unknown is written on it, at byte %d: if nobody needs it, overwrite the first and the last MiB with zeros", from+int64(i)))
			}
		}
	}
	return finding{}
}
