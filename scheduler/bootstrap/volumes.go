package bootstrap

import (
	"cmp"
	"encoding/json"
	"path"
	"strings"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
)

// A disk that is a volume of a growth is added by that growth, whatever its
// state is. The plan neither sees it as free nor waits for it to be examined.
//
// A volume that can be attached to a host is known here: its id was committed
// with its growth before, and is either in the snapshot of Load or came in this
// term by the answer that told the growth core of it. A growth that was removed
// as one of the oldest had ended: its disks belong to ScaleIO, which refuses
// them under another name.

// learnVolumes takes the volumes of a stored growth. One that cannot be read
// may name any volume (R8).
func (b *Bootstrap) learnVolumes(data []byte) {
	var growth struct {
		Slots []struct {
			VolumeID string `json:"volume_id"`
		} `json:"slots"`
	}
	if err := json.Unmarshal(data, &growth); err != nil {
		b.anyVolume = true
		return
	}
	for _, slot := range growth.Slots {
		b.learnVolume(slot.VolumeID)
	}
}

// cloudAnswered takes the volumes that were made or found in this term.
func (t *turn) cloudAnswered(e core.CloudAnswered) {
	for _, v := range e.Volumes {
		t.learnVolume(v.ID)
	}
	for _, v := range e.ByTag {
		t.learnVolume(v.ID)
	}
}

func (b *Bootstrap) learnVolume(id string) {
	if id != "" {
		b.volumes[serialOf(id)] = true
	}
}

// ofGrowth says to which growth's volume a disk belongs; empty when to none.
func (b *Bootstrap) ofGrowth(d model.Disk) string {
	_, named, _ := strings.Cut(path.Base(d.Path), "_Store_") // nvme-Amazon_Elastic_Block_Store_vol...
	switch serial := serialOf(cmp.Or(d.Serial, named)); {
	case serial == "":
		return ""
	case b.volumes[serial]:
		return "it is volume " + serial + " of a growth"
	case b.anyVolume && strings.HasPrefix(serial, "vol"):
		return "it may be a volume of a growth, and the record of one below /growth is unreadable"
	}
	return ""
}

// serialOf is how a volume shows on its host: an NVMe disk has the id without
// its dash as serial number. On older instances a disk has none.
func serialOf(id string) string {
	return strings.ToLower(strings.ReplaceAll(strings.TrimSpace(id), "-", ""))
}
