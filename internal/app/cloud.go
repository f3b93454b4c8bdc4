package app

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"scaleio-framework/internal/core"
	"scaleio-framework/storagegrowth/cloud"
)

// performCloud asks the provider of volumes for one thing. What came of it is
// always an answer; an outcome that is not known is told as such, and the core
// asks before it repeats.
func performCloud(ctx context.Context, provider cloud.Cloud, now func() time.Time, call core.CloudCall) core.CloudAnswered {
	answer := core.CloudAnswered{Op: call.Op, Growth: call.Growth, Slot: call.Slot}
	if provider == nil {
		answer.Err, answer.Text = core.CloudUnauthorized, "this scheduler has no provider of volumes: set --growth.provider=aws and --aws.region on every instance"
		answer.At = now()
		return answer
	}
	var err error
	switch call.Op {
	case core.CloudCreate:
		var v cloud.VolumeInfo
		if v, err = provider.CreateVolume(ctx, cloud.VolumeRequest(call.Request)); err == nil {
			answer.Volumes = []core.CloudVolume{volumeOf(v)}
		}
	case core.CloudFindByTag:
		answer.Volumes, err = byTags(ctx, provider, call.Request.Tags)
	case core.CloudAttach:
		_, err = provider.AttachVolume(ctx, call.VolumeID, call.InstanceID, call.Device)
	case core.CloudDetach:
		err = provider.DetachVolume(ctx, call.VolumeID, call.InstanceID)
		if errors.Is(err, cloud.ErrNotAttached) {
			err = nil // what was wanted is so
		}
	case core.CloudDelete:
		err = provider.DeleteVolume(ctx, call.VolumeID)
		if errors.Is(err, cloud.ErrNotFound) {
			err = nil
		}
	case core.CloudLook:
		err = look(ctx, provider, call, &answer)
	default:
		err = errors.New("no such call: " + string(call.Op))
	}
	answer.At = now()
	if err != nil {
		answer.Volumes, answer.Instances, answer.ByTag = nil, nil, nil
		answer.Err, answer.Text = cloudError(err), err.Error()
	}
	return answer
}

// look answers a batch: one describe for all volumes, one for all instances,
// one for everything that carries our tags.
func look(ctx context.Context, provider cloud.Cloud, call core.CloudCall, answer *core.CloudAnswered) error {
	if len(call.VolumeIDs) > 0 {
		volumes, err := provider.Volumes(ctx, call.VolumeIDs)
		if err != nil {
			return err
		}
		for _, id := range slices.Sorted(maps.Keys(volumes)) {
			answer.Volumes = append(answer.Volumes, volumeOf(volumes[id]))
		}
	}
	if len(call.InstanceIDs) > 0 {
		instances, err := provider.Instances(ctx, call.InstanceIDs)
		if err != nil {
			return err
		}
		for _, id := range slices.Sorted(maps.Keys(instances)) {
			answer.Instances = append(answer.Instances, instanceOf(instances[id]))
		}
	}
	if len(call.Tags) == 0 {
		return nil
	}
	var err error
	answer.ByTag, err = byTags(ctx, provider, call.Tags)
	return err
}

func byTags(ctx context.Context, provider cloud.Cloud, tags map[string]string) ([]core.CloudVolume, error) {
	found, err := provider.VolumesByTags(ctx, tags)
	if err != nil {
		return nil, err
	}
	volumes := make([]core.CloudVolume, 0, len(found))
	for _, v := range found {
		volumes = append(volumes, volumeOf(v))
	}
	return volumes, nil
}

func volumeOf(v cloud.VolumeInfo) core.CloudVolume {
	volume := core.CloudVolume{ID: v.ID, Zone: v.Zone, State: v.State, SizeGiB: v.SizeGiB, Tags: v.Tags}
	for _, a := range v.Attachments {
		volume.Attachments = append(volume.Attachments, core.CloudAttachment{InstanceID: a.InstanceID, Device: a.Device, State: a.State, Since: a.Since})
	}
	return volume
}

func instanceOf(i cloud.InstanceInfo) core.CloudInstance {
	instance := core.CloudInstance{ID: i.ID, Zone: i.Zone, Type: i.Type, State: i.State, Devices: i.Devices}
	if i.Limit > 0 {
		// At least 1, since 0 says that the limit is not known.
		instance.Limit = max(i.Limit-i.NonEBS, 1)
	}
	return instance
}

// cloudError classifies an error for the core. An outcome that is not known
// goes before everything else.
func cloudError(err error) core.CloudError {
	if errors.Is(err, cloud.ErrAmbiguous) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return core.CloudUnknown
	}
	for _, known := range []struct {
		err  error
		kind core.CloudError
	}{
		{cloud.ErrIdempotentParameterMismatch, core.CloudMismatch},
		{cloud.ErrLimitExceeded, core.CloudLimit},
		{cloud.ErrAttachmentLimit, core.CloudAttachLimit},
		{cloud.ErrZoneMismatch, core.CloudZone},
		{cloud.ErrDeviceInUse, core.CloudDeviceInUse},
		{cloud.ErrVolumeInUse, core.CloudVolumeInUse},
		{cloud.ErrNotFound, core.CloudNotFound},
		{cloud.ErrUnauthorized, core.CloudUnauthorized},
		{cloud.ErrNoCredentials, core.CloudUnauthorized},
		{cloud.ErrThrottled, core.CloudThrottled},
		{cloud.ErrUnavailable, core.CloudThrottled},
		{cloud.ErrWrongState, core.CloudThrottled},
		{cloud.ErrNoCapacity, core.CloudNoCapacity},
		{cloud.ErrKeyNotUsable, core.CloudKey},
	} {
		if errors.Is(err, known.err) {
			return known.kind
		}
	}
	return core.CloudOther
}
