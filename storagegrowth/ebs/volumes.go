package ebs

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"scaleio-framework/storagegrowth/cloud"
)

// CreateVolume implements cloud.Cloud.
func (c *Client) CreateVolume(ctx context.Context, req cloud.VolumeRequest) (cloud.VolumeInfo, error) {
	ctx, call, end := c.begin(ctx, "CreateVolume")
	defer end()
	if req.Token == "" {
		// Without a token a repetition makes a second volume.
		return cloud.VolumeInfo{}, call.invalid("a volume request needs a token")
	}
	if req.SizeGiB <= 0 || req.SizeGiB > 1<<20 || req.IOPS < 0 || req.IOPS > 1<<24 || req.Throughput < 0 || req.Throughput > 1<<20 {
		return cloud.VolumeInfo{}, call.invalid(fmt.Sprintf("size %d GiB, %d IOPS or %d MiB/s is out of range", req.SizeGiB, req.IOPS, req.Throughput))
	}
	in := &ec2.CreateVolumeInput{
		ClientToken:      aws.String(req.Token),
		AvailabilityZone: aws.String(req.Zone),
		Size:             aws.Int32(int32(req.SizeGiB)),
		VolumeType:       types.VolumeType(req.Type),
		Iops:             positive(req.IOPS),
		Throughput:       positive(req.Throughput),
		Encrypted:        aws.Bool(req.Encrypted),
	}
	if req.KMSKeyID != "" {
		in.KmsKeyId = aws.String(req.KMSKeyID)
	}
	if len(req.Tags) > 0 {
		in.TagSpecifications = []types.TagSpecification{{ResourceType: types.ResourceTypeVolume, Tags: tags(req.Tags)}}
	}
	out, err := c.api.CreateVolume(ctx, in, call.options)
	if err != nil {
		return cloud.VolumeInfo{}, call.fail(err)
	}
	v := volumeInfo(types.Volume{
		VolumeId: out.VolumeId, AvailabilityZone: out.AvailabilityZone, State: out.State, Size: out.Size,
		Tags: out.Tags, Attachments: out.Attachments, CreateTime: out.CreateTime,
	})
	if v.ID == "" {
		return cloud.VolumeInfo{}, &cloud.Error{Action: "ec2:CreateVolume", Kind: cloud.ErrAmbiguous, Ambiguous: true, Message: "the answer names no volume"}
	}
	return v, nil
}

// DeleteVolume implements cloud.Cloud.
func (c *Client) DeleteVolume(ctx context.Context, volumeID string) error {
	ctx, call, end := c.begin(ctx, "DeleteVolume")
	defer end()
	if _, err := c.api.DeleteVolume(ctx, &ec2.DeleteVolumeInput{VolumeId: aws.String(volumeID)}, call.options); err != nil {
		return call.fail(err)
	}
	return nil
}

// pageSize is how many volumes one page of a search holds.
const pageSize = 500

// VolumesByTags implements cloud.Cloud.
func (c *Client) VolumesByTags(ctx context.Context, wanted map[string]string) ([]cloud.VolumeInfo, error) {
	if len(wanted) == 0 {
		_, call, end := c.begin(ctx, "DescribeVolumes")
		defer end()
		return nil, call.invalid("a search by tags needs a tag")
	}
	var filters []types.Filter
	for _, key := range slices.Sorted(maps.Keys(wanted)) {
		filters = append(filters, types.Filter{Name: aws.String("tag:" + key), Values: []string{literal.Replace(wanted[key])}})
	}
	found, err := c.search(ctx, filters)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(found, func(a, b cloud.VolumeInfo) int { return strings.Compare(a.ID, b.ID) })
	return found, nil
}

// literal takes the wildcards out of a filter's value.
var literal = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`)

// search reads all pages of the volumes that pass the filters.
func (c *Client) search(ctx context.Context, filters []types.Filter) ([]cloud.VolumeInfo, error) {
	var found []cloud.VolumeInfo
	in := &ec2.DescribeVolumesInput{Filters: filters, MaxResults: aws.Int32(pageSize)}
	for {
		out, err := c.describe(ctx, in)
		if err != nil {
			return nil, err
		}
		for _, v := range out.Volumes {
			found = append(found, volumeInfo(v))
		}
		next := aws.ToString(out.NextToken)
		if next == "" {
			return found, nil
		}
		if next == aws.ToString(in.NextToken) {
			return nil, &cloud.Error{Action: "ec2:DescribeVolumes", Kind: cloud.ErrUnavailable, Message: "the same page again and again"}
		}
		in.NextToken = out.NextToken
	}
}

func (c *Client) describe(ctx context.Context, in *ec2.DescribeVolumesInput) (*ec2.DescribeVolumesOutput, error) {
	ctx, call, end := c.begin(ctx, "DescribeVolumes")
	defer end()
	out, err := c.api.DescribeVolumes(ctx, in, call.options)
	if err != nil {
		return nil, call.fail(err)
	}
	return out, nil
}

const (
	volumesAtOnce = 500 // ids that one DescribeVolumes takes
	filterValues  = 200 // values that one filter takes
)

// Volumes implements cloud.Cloud: one describe for 500 volumes.
func (c *Client) Volumes(ctx context.Context, ids []string) (map[string]cloud.VolumeInfo, error) {
	all := map[string]cloud.VolumeInfo{}
	for batch := range slices.Chunk(distinct(ids), volumesAtOnce) {
		found, err := c.someVolumes(ctx, batch)
		if err != nil {
			return nil, err
		}
		for _, v := range found {
			all[v.ID] = v
		}
	}
	return all, nil
}

// someVolumes asks by id first. One unknown id makes EC2 refuse them all, and
// its message may name one, several or the wrong ones: so it then asks by a
// filter, which minds none, rather than believe the message.
func (c *Client) someVolumes(ctx context.Context, ids []string) ([]cloud.VolumeInfo, error) {
	out, err := c.describe(ctx, &ec2.DescribeVolumesInput{VolumeIds: ids})
	if err == nil {
		var found []cloud.VolumeInfo
		for _, v := range out.Volumes {
			found = append(found, volumeInfo(v))
		}
		return found, nil
	}
	if !errors.Is(err, cloud.ErrNotFound) {
		return nil, err
	}
	var all []cloud.VolumeInfo
	for batch := range slices.Chunk(ids, filterValues) {
		found, err := c.search(ctx, []types.Filter{{Name: aws.String("volume-id"), Values: batch}})
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

func distinct(ids []string) []string { return slices.Compact(slices.Sorted(slices.Values(ids))) }

func (c *call) invalid(message string) *cloud.Error {
	return &cloud.Error{Action: "ec2:" + c.action, Kind: cloud.ErrInvalid, Message: message}
}

func positive(n int) *int32 {
	if n == 0 {
		return nil
	}
	return aws.Int32(int32(n))
}

// tags come in the order of their keys: a repeated request is equal in bytes.
func tags(m map[string]string) []types.Tag {
	var out []types.Tag
	for _, key := range slices.Sorted(maps.Keys(m)) {
		out = append(out, types.Tag{Key: aws.String(key), Value: aws.String(m[key])})
	}
	return out
}

func volumeInfo(v types.Volume) cloud.VolumeInfo {
	info := cloud.VolumeInfo{
		ID: aws.ToString(v.VolumeId), Zone: aws.ToString(v.AvailabilityZone), State: string(v.State), SizeGiB: int(aws.ToInt32(v.Size)),
		Tags: map[string]string{}, CreatedAt: aws.ToTime(v.CreateTime),
	}
	for _, t := range v.Tags {
		info.Tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	for _, a := range v.Attachments {
		info.Attachments = append(info.Attachments, cloud.Attachment{
			InstanceID: aws.ToString(a.InstanceId), Device: aws.ToString(a.Device), State: string(a.State),
			Since: aws.ToTime(a.AttachTime),
		})
	}
	return info
}
