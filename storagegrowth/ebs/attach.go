package ebs

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"scaleio-framework/storagegrowth/cloud"
)

// AttachVolume implements cloud.Cloud. When EC2 refuses because something is
// in use, it may be this very attachment, made by a reply that was lost or by
// another leader: the volume knows.
func (c *Client) AttachVolume(ctx context.Context, volumeID, instanceID, device string) (cloud.Attachment, error) {
	within, call, end := c.begin(ctx, "AttachVolume")
	defer end()
	out, err := c.api.AttachVolume(within, &ec2.AttachVolumeInput{
		VolumeId: aws.String(volumeID), InstanceId: aws.String(instanceID), Device: aws.String(device),
	}, call.options)
	if err == nil {
		return cloud.Attachment{
			InstanceID: aws.ToString(out.InstanceId), Device: aws.ToString(out.Device), State: string(out.State),
			Since: aws.ToTime(out.AttachTime),
		}, nil
	}
	failed := call.fail(err)
	switch failed.Kind {
	case cloud.ErrVolumeInUse, cloud.ErrDeviceInUse, cloud.ErrWrongState:
	default:
		return cloud.Attachment{}, failed
	}
	v, known, err := c.look(ctx, volumeID)
	if err != nil || !known {
		failed.Message += "; and where the volume is could not be read"
		return cloud.Attachment{}, failed
	}
	if a, ok := v.AttachedTo(instanceID); ok && (a.State == cloud.Attaching || a.State == cloud.Attached) {
		return a, nil
	}
	failed.Ambiguous = false // the volume was looked at afterwards
	for _, a := range v.Attachments {
		if failed.Kind == cloud.ErrVolumeInUse && a.State != cloud.Detached {
			failed.Where = fmt.Sprintf("%s as %s, %s", a.InstanceID, a.Device, a.State)
		}
	}
	return cloud.Attachment{}, failed
}

// DetachVolume implements cloud.Cloud.
func (c *Client) DetachVolume(ctx context.Context, volumeID, instanceID string) error {
	within, call, end := c.begin(ctx, "DetachVolume")
	defer end()
	_, err := c.api.DetachVolume(within, &ec2.DetachVolumeInput{VolumeId: aws.String(volumeID), InstanceId: aws.String(instanceID)}, call.options)
	if err == nil {
		return nil
	}
	failed := call.fail(err)
	if failed.Kind != cloud.ErrWrongState {
		return failed
	}
	v, known, err := c.look(ctx, volumeID)
	if err != nil || !known {
		failed.Message += "; and where the volume is could not be read"
		return failed
	}
	a, attached := v.AttachedTo(instanceID)
	switch {
	case !attached:
		failed.Kind = cloud.ErrNotAttached
	case a.State == cloud.Detaching || a.State == cloud.Busy:
		return nil
	}
	failed.Ambiguous = false
	return failed
}

func (c *Client) look(ctx context.Context, volumeID string) (cloud.VolumeInfo, bool, error) {
	all, err := c.Volumes(ctx, []string{volumeID})
	v, known := all[volumeID]
	return v, known, err
}
