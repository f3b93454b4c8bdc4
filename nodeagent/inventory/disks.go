package inventory

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"scaleio-framework/internal/model"
)

// sector is the unit of sysfs's size, whatever the device's own sectors are.
const sector = 512

// virtual are the kernel's names of block devices that are no disks of the
// host: memory, files, what keeps nothing, programs, layers over other devices,
// optical drives, and volumes that come from the network. scini is ScaleIO's own
// volume; given back to ScaleIO as a device it would hold itself.
func virtual(name string) bool {
	for _, prefix := range []string{
		"loop", "ram", "zram", "dm-", "md", "sr", "fd", "scini", "nbd", "rbd", "drbd", "bcache", "zd", "mtdblock", "nullb", "ublkb", "rnbd",
	} {
		rest, ok := strings.CutPrefix(name, prefix)
		if ok && (prefix == "scini" || prefix == "dm-" || rest == "" || rest[0] >= '0' && rest[0] <= '9') {
			return true
		}
	}
	return false
}

// lookAtDisks lists the whole disks of the host, by name.
func (c *Collector) lookAtDisks(ctx context.Context) ([]model.Disk, error) {
	entries, err := c.opt.Root.ReadDir("/sys/block")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("disks: %w", err)
	}
	links := c.stableLinks()
	used := c.inUse()
	var disks []model.Disk
	wwids := map[string]string{} // by device
	for _, entry := range entries {
		name := entry.Name()
		if virtual(name) || c.attribute(name, "hidden") == "1" {
			continue
		}
		d := c.disk(ctx, name, links, used)
		wwids[d.Device] = c.wwid(name)
		disks = append(disks, d)
	}
	slices.SortFunc(disks, func(a, b model.Disk) int { return strings.Compare(a.Device, b.Device) })
	onePath(disks, wwids)
	return disks, ctx.Err()
}

func (c *Collector) disk(ctx context.Context, name string, links map[string]string, used usage) model.Disk {
	device := "/dev/" + strings.ReplaceAll(name, "!", "/")
	d := model.Disk{
		Path: device, Device: device,
		Rotational: c.attribute(name, "queue/rotational") == "1",
		Serial:     c.attribute(name, "device/serial"),
		Model:      c.attribute(name, "device/model"),
	}
	if link, ok := links[device]; ok {
		d.Path = link
	}
	sectors, err := strconv.ParseInt(c.attribute(name, "size"), 10, 64)
	var found finding
	switch {
	case err != nil:
		found = unknown("its size cannot be read")
	case sectors <= 0:
		found = seen("it has no medium")
	default:
		d.Size = sectors * sector
		found = c.occupied(ctx, name, device, used)
	}
	d.Free, d.Why, d.Unexamined = found.why == "", found.why, found.unexamined
	return d
}

// finding is what stands against a disk; the zero value is nothing.
type finding struct {
	why string
	// unexamined: it could not be found out what is on the disk.
	unexamined bool
}

func seen(why string) finding    { return finding{why: why} }
func unknown(why string) finding { return finding{why: why, unexamined: true} }

// occupied says what stands against a disk, the cheap questions first. What is
// there for certain counts before what could not be found out.
func (c *Collector) occupied(ctx context.Context, name, device string, used usage) finding {
	switch {
	case c.attribute(name, "removable") == "1":
		return seen("it is removable")
	case c.attribute(name, "ro") == "1":
		return seen("it is read-only")
	}
	var doubt finding
	for _, look := range []func() finding{
		func() finding { return c.partitions(name) },
		func() finding { return c.holders(name) },
		func() finding { return used.of(device, c.attribute(name, "dev")) },
		func() finding { return c.signature(ctx, device) },
	} {
		switch found := look(); {
		case found.why != "" && !found.unexamined:
			return found
		case doubt.why == "":
			doubt = found
		}
	}
	return doubt
}

func (c *Collector) partitions(name string) finding {
	entries, err := c.opt.Root.ReadDir(path.Join("/sys/block", name))
	if err != nil {
		return unknown("its partitions cannot be listed")
	}
	for _, e := range entries {
		if c.opt.Root.Exists(path.Join("/sys/block", name, e.Name(), "partition")) {
			return seen("it has the partition " + e.Name())
		}
	}
	return finding{}
}

func (c *Collector) holders(name string) finding {
	entries, err := c.opt.Root.ReadDir(path.Join("/sys/block", name, "holders"))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return finding{}
	case err != nil:
		return unknown("its holders cannot be listed")
	case len(entries) > 0:
		return seen("it is held by " + entries[0].Name())
	}
	return finding{}
}

// attribute reads a file of the disk in sysfs; empty when it is not there.
func (c *Collector) attribute(name, attribute string) string {
	return c.line(path.Join("/sys/block", name, attribute))
}

// linkDirs are where udev keeps names that survive a reboot, best first.
func linkDirs() []string { return []string{"/dev/disk/by-id"} }

// linkRank prefers names made of a serial number over worldwide names, and any
// over the ones of layers.
func linkRank(name string) int {
	switch {
	case strings.HasPrefix(name, "nvme-eui."), strings.HasPrefix(name, "nvme-nvme."), strings.HasPrefix(name, "wwn-"):
		return 1
	case strings.HasPrefix(name, "lvm-"), strings.HasPrefix(name, "dm-"), strings.HasPrefix(name, "md-"), strings.HasPrefix(name, "emc-vol-"):
		return 2
	}
	return 0
}

// stableLinks maps a device to its best by-id link.
func (c *Collector) stableLinks() map[string]string {
	best, shared := map[string]string{}, c.sharedSerials()
	for _, dir := range linkDirs() {
		entries, err := c.opt.Root.ReadDir(dir)
		if err != nil {
			continue // no udev: the kernel's names serve
		}
		for _, e := range entries {
			if e.Type()&fs.ModeSymlink == 0 {
				continue
			}
			link := path.Join(dir, e.Name())
			device := c.opt.Root.Resolve(link)
			if c.anothers(e.Name(), device, shared) {
				continue
			}
			old, taken := best[device]
			if !taken || linkRank(e.Name()) < linkRank(path.Base(old)) {
				best[device] = link
			}
		}
	}
	return best
}

// sharedSerials are the serial numbers that several disks have, as the
// namespaces of one NVMe controller do.
func (c *Collector) sharedSerials() map[string]bool {
	entries, err := c.opt.Root.ReadDir("/sys/block")
	if err != nil {
		return nil
	}
	seen, shared := map[string]bool{}, map[string]bool{}
	for _, e := range entries {
		serial := plain(c.attribute(e.Name(), "device/serial"))
		shared[serial] = seen[serial]
		seen[serial] = true
	}
	return shared
}

// anothers reports whether a link is made of another serial number than the
// kernel tells of the disk: left over, it leads elsewhere before long. So does
// one that is made of nothing but a serial number that several disks share.
func (c *Collector) anothers(link, device string, shared map[string]bool) bool {
	if linkRank(link) != 0 || !strings.HasPrefix(link, "nvme-") {
		return false // a name of another kind, or of a disk whose serial number is not told there
	}
	serial := plain(c.attribute(path.Base(device), "device/serial"))
	if serial == "" {
		return false
	}
	return !strings.Contains(plain(link), serial) || shared[serial] && strings.HasSuffix(plain(link), serial)
}

// plain is a name by its letters and digits alone: udev replaces others.
func plain(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(name))
}
