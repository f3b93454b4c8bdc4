package ebs

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"scaleio-framework/storagegrowth/cloud"
)

const (
	instancesAtOnce = 200 // ids in one DescribeInstances; EC2 names no limit and counsels moderation
	typesAtOnce     = 100 // names that one DescribeInstanceTypes takes
)

// Instances implements cloud.Cloud: one describe for 200 instances, and one
// more for the instance types not seen before.
func (c *Client) Instances(ctx context.Context, ids []string) (map[string]cloud.InstanceInfo, error) {
	var found []types.Instance
	for batch := range slices.Chunk(distinct(ids), instancesAtOnce) {
		some, err := c.someInstances(ctx, batch)
		if err != nil {
			return nil, err
		}
		found = append(found, some...)
	}
	names := map[types.InstanceType]bool{}
	for _, i := range found {
		names[i.InstanceType] = true
	}
	kinds, err := c.instanceTypes(ctx, slices.Sorted(maps.Keys(names)))
	if err != nil {
		return nil, err
	}
	all := map[string]cloud.InstanceInfo{}
	for _, i := range found {
		info := instanceInfo(i)
		if kind, ok := kinds[info.Type]; ok {
			info.Limit, info.NonEBS = attachments(kind, len(i.NetworkInterfaces))
		}
		all[info.ID] = info
	}
	return all, nil
}

// someInstances asks by id, and by a filter when one id is unknown, as
// someVolumes does.
func (c *Client) someInstances(ctx context.Context, ids []string) ([]types.Instance, error) {
	found, err := c.describeInstances(ctx, &ec2.DescribeInstancesInput{InstanceIds: ids})
	if !errors.Is(err, cloud.ErrNotFound) {
		return found, err
	}
	return c.describeInstances(ctx, &ec2.DescribeInstancesInput{
		Filters: []types.Filter{{Name: aws.String("instance-id"), Values: ids}}, MaxResults: aws.Int32(pageSize),
	})
}

// describeInstances reads all pages.
func (c *Client) describeInstances(ctx context.Context, in *ec2.DescribeInstancesInput) ([]types.Instance, error) {
	var found []types.Instance
	for {
		out, err := c.instancesPage(ctx, in)
		if err != nil {
			return nil, err
		}
		for _, r := range out.Reservations {
			found = append(found, r.Instances...)
		}
		next := aws.ToString(out.NextToken)
		if next == "" {
			return found, nil
		}
		if next == aws.ToString(in.NextToken) {
			return nil, &cloud.Error{Action: "ec2:DescribeInstances", Kind: cloud.ErrUnavailable, Message: "the same page again and again"}
		}
		in.NextToken = out.NextToken
	}
}

func (c *Client) instancesPage(ctx context.Context, in *ec2.DescribeInstancesInput) (*ec2.DescribeInstancesOutput, error) {
	ctx, call, end := c.begin(ctx, "DescribeInstances")
	defer end()
	out, err := c.api.DescribeInstances(ctx, in, call.options)
	if err != nil {
		return nil, call.fail(err)
	}
	return out, nil
}

// instanceTypes returns what is known of the types, asking for new ones only.
func (c *Client) instanceTypes(ctx context.Context, names []types.InstanceType) (map[string]types.InstanceTypeInfo, error) {
	c.mu.Lock()
	known := maps.Clone(c.kinds)
	c.mu.Unlock()
	unseen := slices.DeleteFunc(slices.Clone(names), func(n types.InstanceType) bool {
		_, ok := known[string(n)]
		return ok || n == ""
	})
	for batch := range slices.Chunk(unseen, typesAtOnce) {
		infos, err := c.describeTypes(ctx, batch)
		if err != nil {
			return nil, err
		}
		for _, info := range infos {
			known[string(info.InstanceType)] = info
		}
	}
	c.mu.Lock()
	maps.Copy(c.kinds, known)
	c.mu.Unlock()
	return known, nil
}

func (c *Client) describeTypes(ctx context.Context, names []types.InstanceType) ([]types.InstanceTypeInfo, error) {
	ctx, call, end := c.begin(ctx, "DescribeInstanceTypes")
	defer end()
	out, err := c.api.DescribeInstanceTypes(ctx, &ec2.DescribeInstanceTypesInput{InstanceTypes: names}, call.options)
	if err != nil {
		return nil, call.fail(err)
	}
	return out.InstanceTypes, nil
}

func instanceInfo(i types.Instance) cloud.InstanceInfo {
	info := cloud.InstanceInfo{ID: aws.ToString(i.InstanceId), Type: string(i.InstanceType), Devices: map[string]string{}}
	if i.Placement != nil {
		info.Zone = aws.ToString(i.Placement.AvailabilityZone)
	}
	if i.State != nil {
		info.State = string(i.State.Name)
	}
	for _, m := range i.BlockDeviceMappings {
		id := ""
		if m.Ebs != nil {
			id = aws.ToString(m.Ebs.VolumeId)
		}
		info.Devices[aws.ToString(m.DeviceName)] = id
	}
	return info
}
