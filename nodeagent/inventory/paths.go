package inventory

import "scaleio-framework/internal/model"

// wwid is the name that a disk gives itself, the same over every path to it;
// empty where it gives none. A serial number would not do: the namespaces of
// one NVMe controller share it.
func (c *Collector) wwid(name string) string {
	if id := c.attribute(name, "wwid"); id != "" {
		return id // of NVMe
	}
	return c.attribute(name, "device/wwid") // of SCSI
}

// onePath keeps disks that are seen over several paths from being offered:
// without multipath nothing holds them, and each would be given away as a disk
// of its own. wwids are by device.
func onePath(disks []model.Disk, wwids map[string]string) {
	seen := map[string][]int{}
	for i, d := range disks {
		if id := wwids[d.Device]; id != "" {
			seen[id] = append(seen[id], i)
		}
	}
	for id, same := range seen {
		if len(same) < 2 {
			continue
		}
		for n, i := range same {
			if d, other := &disks[i], disks[same[(n+1)%len(same)]].Device; d.Free || d.Unexamined {
				d.Free, d.Unexamined = false, false
				d.Why = "it is the same disk as " + other + ", over another path (" + id + "): leave one path to it"
			}
		}
	}
}
