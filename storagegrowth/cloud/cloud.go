package cloud

import "context"

// Cloud creates, finds and attaches block volumes. All methods may be called
// side by side. A deadline of the context ends a call, retries included.
type Cloud interface {
	// CreateVolume asks for a volume; it answers while the volume is still
	// being created. See the contract of the package about tokens.
	CreateVolume(ctx context.Context, req VolumeRequest) (VolumeInfo, error)
	// VolumesByTags returns the volumes in any state that carry every one of
	// the tags, ordered by id. A volume made a moment ago may be missing. No
	// tags is ErrInvalid: it would mean every volume of the account.
	VolumesByTags(ctx context.Context, tags map[string]string) ([]VolumeInfo, error)
	// Volumes looks up many volumes at once. An id that is not known is absent
	// from the answer; a volume made a moment ago may be.
	Volumes(ctx context.Context, ids []string) (map[string]VolumeInfo, error)
	// Instances looks up many instances at once. An id that is not known is
	// absent from the answer.
	Instances(ctx context.Context, ids []string) (map[string]InstanceInfo, error)
	// AttachVolume starts to attach the volume under a device name. A volume
	// that is attached, or being attached, to that instance is a success even
	// under another name: the answer has the real one.
	AttachVolume(ctx context.Context, volumeID, instanceID, device string) (Attachment, error)
	// DetachVolume starts to detach the volume from that instance and from no
	// other. ErrNotAttached when it is not attached there.
	DetachVolume(ctx context.Context, volumeID, instanceID string) error
	// DeleteVolume deletes a volume that is attached nowhere. ErrNotFound when
	// it is gone, ErrVolumeInUse when it is attached.
	DeleteVolume(ctx context.Context, volumeID string) error
}
