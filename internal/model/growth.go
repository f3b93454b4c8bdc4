package model

import (
	"errors"
	"fmt"
	"time"
)

// GrowthState is where a growth stands.
type GrowthState string

const (
	// GrowthAwaiting: an operator must approve what the preview says.
	GrowthAwaiting GrowthState = "awaiting-approval"
	// GrowthOpen: volumes are being made, attached and added.
	GrowthOpen GrowthState = "open"
	// GrowthDone: every volume is a device of the pool.
	GrowthDone GrowthState = "done"
	// GrowthPartial: some slots are parked or failed; the rest is done.
	GrowthPartial GrowthState = "partial"
	// GrowthDeclined: an operator declined it; nothing was made.
	GrowthDeclined GrowthState = "declined"
)

// SlotState is where one volume of a growth stands. A state is entered by the
// commit that records what is about to be done next (R3).
type SlotState string

const (
	// SlotPlanned: the request, complete with token and tags, is committed.
	SlotPlanned SlotState = "planned"
	// SlotCreated: the volume exists and is available; VolumeID is known.
	SlotCreated SlotState = "created"
	// SlotAttached: the volume is attached under Device.
	SlotAttached SlotState = "attached"
	// SlotLocated: the node agent found the block device; Path is known.
	SlotLocated SlotState = "located"
	// SlotAdded: the gateway took it; DeviceID is known.
	SlotAdded SlotState = "added"
	// SlotDone: the device was seen normal in the pool.
	SlotDone SlotState = "done"
	// SlotParked: its node is lost or is another instance now; a later growth
	// plans without it. What was made is reported, never deleted unasked.
	SlotParked SlotState = "parked"
	// SlotFailed: given up, with the reason in Error.
	SlotFailed SlotState = "failed"
	// SlotRollingBack: its volume is proven unused and is being removed.
	SlotRollingBack SlotState = "rolling-back"
	// SlotRolledBack: nothing of it is left.
	SlotRolledBack SlotState = "rolled-back"
)

// Growth is /growth/<id>: one addition of volumes to a pool.
type Growth struct {
	ID               string      `json:"id"`
	State            GrowthState `json:"state"`
	ProtectionDomain string      `json:"protection_domain"`
	StoragePool      string      `json:"storage_pool"`
	// Reason says in words why the pool grows, by whom or by which rule.
	Reason string `json:"reason"`
	// UsedBefore and UsedAfter are the fullness, 0 to 1, when it was decided
	// and as planned.
	UsedBefore float64 `json:"used_before"`
	UsedAfter  float64 `json:"used_after"`
	// Clipped says which limit kept it from reaching its target.
	Clipped  string    `json:"clipped,omitempty"`
	Decided  time.Time `json:"decided"`
	Approved string    `json:"approved,omitempty"` // by whom
	// ApprovedAt is set where it waited for that.
	ApprovedAt *time.Time   `json:"approved_at,omitempty"`
	Finished   *time.Time   `json:"finished,omitempty"`
	Provider   string       `json:"provider"` // aws or manual
	Slots      []GrowthSlot `json:"slots"`
}

// GrowthSlot is one volume of a growth, with its complete intent.
type GrowthSlot struct {
	Index int       `json:"index"`
	Host  string    `json:"host"`
	SDS   string    `json:"sds"`
	State SlotState `json:"state"`
	// InstanceID and Zone are frozen: another instance under the same name
	// parks the slot.
	InstanceID string        `json:"instance_id,omitempty"`
	Zone       string        `json:"zone,omitempty"`
	Request    VolumeRequest `json:"request"`
	VolumeID   string        `json:"volume_id,omitempty"`
	// Device is the name asked for at the attachment; BadDevices are names
	// that were refused.
	Device     string   `json:"device,omitempty"`
	BadDevices []string `json:"bad_devices,omitempty"`
	// Detaching says that a detachment is intended: this volume is never
	// attached again (R10).
	Detaching bool `json:"detaching,omitempty"`
	// Path is where the node agent found the block device.
	Path     string `json:"path,omitempty"`
	DeviceID string `json:"device_id,omitempty"` // ScaleIO's
	Attempts int    `json:"attempts,omitempty"`  // failed ones of the present state
	Error    string `json:"error,omitempty"`
	// Since is when State last changed; NotBefore when the next try may start.
	Since     time.Time  `json:"since"`
	NotBefore *time.Time `json:"not_before,omitempty"`
}

// VolumeRequest is a complete CreateVolume request: nothing of it is ever
// derived again from flags or from the epoch.
type VolumeRequest struct {
	Token      string            `json:"token"`
	Zone       string            `json:"zone"`
	SizeGiB    int               `json:"size_gib"`
	Type       string            `json:"type"`
	IOPS       int               `json:"iops,omitempty"`
	Throughput int               `json:"throughput,omitempty"` // MiB/s
	Encrypted  bool              `json:"encrypted,omitempty"`
	KMSKeyID   string            `json:"kms_key_id,omitempty"`
	Tags       map[string]string `json:"tags"`
}

// Over reports whether nothing more happens to the slot by itself.
func (s *GrowthSlot) Over() bool {
	switch s.State {
	case SlotDone, SlotParked, SlotFailed, SlotRolledBack:
		return true
	}
	return false
}

// Validate checks a record that an operator may have edited.
func (g *Growth) Validate() error {
	switch g.State {
	case GrowthAwaiting, GrowthOpen, GrowthDone, GrowthPartial, GrowthDeclined:
	default:
		return fmt.Errorf("state %q is none of awaiting-approval, open, done, partial, declined", g.State)
	}
	if g.ID == "" {
		return errors.New("id is empty")
	}
	for i, s := range g.Slots {
		switch s.State {
		case SlotPlanned, SlotCreated, SlotAttached, SlotLocated, SlotAdded, SlotDone, SlotParked, SlotFailed, SlotRollingBack, SlotRolledBack:
		default:
			return fmt.Errorf("slot %d: unknown state %q", i, s.State)
		}
		if s.Index != i {
			return fmt.Errorf("slot %d has index %d", i, s.Index)
		}
		if s.State != SlotPlanned && !s.Over() && g.Provider == "aws" && s.VolumeID == "" {
			return fmt.Errorf("slot %d is %s without a volume_id", i, s.State)
		}
	}
	return nil
}
