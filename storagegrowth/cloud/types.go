package cloud

import "time"

// VolumeRequest is everything a volume is created from. Two requests with one
// token must be equal in every field.
type VolumeRequest struct {
	Token      string            // client token, at most 64 ASCII characters
	Zone       string            // availability zone of the instance it is for
	SizeGiB    int               // whole GiB
	Type       string            // gp3, io2, ...
	IOPS       int               // 0: the default of the type
	Throughput int               // MiB/s, gp3 only; 0: the default
	Encrypted  bool              // with the account's default key when no key is named
	KMSKeyID   string            // id or ARN of the key; needs Encrypted
	Tags       map[string]string // put on the volume by the same call
}

// Volume states as EC2 words them.
const (
	VolumeCreating  = "creating"
	VolumeAvailable = "available"
	VolumeInUse     = "in-use"
	VolumeDeleting  = "deleting"
	VolumeDeleted   = "deleted"
	VolumeError     = "error" // the creation failed afterwards; its token is burnt
)

// VolumeInfo is a volume as it was read.
type VolumeInfo struct {
	ID          string
	Zone        string
	State       string // one of the Volume constants
	SizeGiB     int
	Tags        map[string]string
	Attachments []Attachment
	CreatedAt   time.Time
}

// AttachedTo returns the attachment to that instance, detaching ones included.
func (v VolumeInfo) AttachedTo(instanceID string) (Attachment, bool) {
	for _, a := range v.Attachments {
		if a.InstanceID == instanceID && a.State != Detached {
			return a, true
		}
	}
	return Attachment{}, false
}

// Attachment states as EC2 words them.
const (
	Attaching = "attaching"
	Attached  = "attached"
	Detaching = "detaching"
	Detached  = "detached"
	Busy      = "busy" // detaching while the guest still uses the device
)

// Attachment is one volume at one instance.
type Attachment struct {
	InstanceID string
	Device     string    // the name asked for; a Nitro guest shows another
	State      string    // one of the attachment constants
	Since      time.Time // when attaching began
}

// InstanceInfo is an instance as it was read.
type InstanceInfo struct {
	ID      string
	Zone    string
	Type    string
	State   string            // pending, running, stopping, stopped, shutting-down, terminated
	Devices map[string]string // device name to volume id, the root volume included
	Limit   int               // most attachments of the instance; 0: unknown
	NonEBS  int               // attachments that count against Limit and are no volumes
}

// Free returns how many volumes more the instance takes, and false when its
// limit is not known. Attachments under way that the instance does not show
// yet are for the caller to take off.
func (i InstanceInfo) Free() (int, bool) {
	if i.Limit == 0 {
		return 0, false
	}
	return max(0, i.Limit-i.NonEBS-len(i.Devices)), true
}
