package ec2test_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/storagegrowth/ec2test"
)

func tagged(key, value string) []string {
	return []string{"TagSpecification.1.ResourceType", "volume", "TagSpecification.1.Tag.1.Key", key, "TagSpecification.1.Tag.1.Value", value}
}

func TestDescribesPage(t *testing.T) {
	c := newCloud(t, ec2test.Options{PageSize: 4})
	for n := range 9 {
		require.Equal(t, 200, create(t, c, fmt.Sprint(n), tagged("growth", "g1")...).Status)
	}
	var all []string
	next := ""
	for range 3 {
		a := send(t, c, "DescribeVolumes", "Filter.1.Name", "tag:growth", "Filter.1.Value.1", "g1", "NextToken", next)
		all = append(all, a.Volumes...)
		next = a.NextToken
	}
	require.Empty(t, next)
	require.Len(t, all, 9)
	require.IsIncreasing(t, all)

	require.Equal(t, "InvalidParameterCombination", send(t, c, "DescribeVolumes", "VolumeId.1", all[0], "MaxResults", "5").Code)
	require.Equal(t, "InvalidParameterValue", send(t, c, "DescribeVolumes", "MaxResults", "4").Code)
	require.Equal(t, "InvalidNextToken", send(t, c, "DescribeVolumes", "NextToken", "what").Code)
	missing := send(t, c, "DescribeVolumes", "VolumeId.1", all[0], "VolumeId.2", "vol-0dead", "VolumeId.3", "vol-0beef")
	require.Equal(t, "The volumes 'vol-0dead, vol-0beef' do not exist", missing.Message)
}

func TestFiltersAllHaveToFit(t *testing.T) {
	c := newCloud(t, ec2test.Options{})
	one := create(t, c, "1", tagged("slot", "g1/0")...).VolumeID
	two := create(t, c, "2", tagged("slot", "g*/1")...).VolumeID
	attach(t, c, two, "i-0b", "/dev/sdf")
	cases := []struct {
		why     string
		filters []string
		want    []string
	}{
		{"a tag", []string{"tag:slot", "g1/0"}, []string{one}},
		{"a tag by a wildcard", []string{"tag:slot", "g?/*"}, []string{one, two}},
		{"a wildcard meant literally", []string{"tag:slot", `g\*/1`}, []string{two}},
		{"a key", []string{"tag-key", "slot", "status", "available"}, []string{one}},
		{"an attachment", []string{"attachment.instance-id", "i-0b", "tag-key", "slot"}, []string{two}},
		{"an attachment's state and name", []string{"attachment.status", "attached", "attachment.device", "/dev/sdf"}, []string{two}},
		{"ids that are not there harm nothing", []string{"volume-id", one, "volume-type", "gp3"}, []string{one}},
		{"a zone without any", []string{"availability-zone", "us-east-1b", "size", "100"}, nil},
	}
	for _, k := range cases {
		t.Run(k.why, func(t *testing.T) {
			var pairs []string
			for n := 0; n < len(k.filters); n += 2 {
				prefix := fmt.Sprintf("Filter.%d.", n/2+1)
				pairs = append(pairs, prefix+"Name", k.filters[n], prefix+"Value.1", k.filters[n+1], prefix+"Value.2", "nothing")
			}
			require.Equal(t, k.want, send(t, c, "DescribeVolumes", pairs...).Volumes)
		})
	}
	require.Equal(t, "InvalidParameterValue", send(t, c, "DescribeVolumes", "Filter.1.Name", "colour", "Filter.1.Value.1", "red").Code)
}

func TestANewVolumeMayBeInvisibleForAWhile(t *testing.T) {
	c := newCloud(t, ec2test.Options{HideNew: 2})
	v := create(t, c, "1").VolumeID
	require.Equal(t, "InvalidVolume.NotFound", send(t, c, "DescribeVolumes", "VolumeId.1", v).Code)
	all := send(t, c, "DescribeVolumes")
	require.NotContains(t, all.Volumes, v)
	require.Equal(t, []string{v}, send(t, c, "DescribeVolumes", "VolumeId.1", v).Volumes)
}

func TestAVolumeIsModifiedOnceInSixHoursAndNeverShrinks(t *testing.T) {
	c := newCloud(t, ec2test.Options{})
	v := create(t, c, "1").VolumeID
	require.Equal(t, "InvalidParameterValue", send(t, c, "ModifyVolume", "VolumeId", v, "Size", "99").Code)
	require.Equal(t, 200, send(t, c, "ModifyVolume", "VolumeId", v, "Size", "200").Status)
	require.Equal(t, "VolumeModificationRateExceeded", send(t, c, "ModifyVolume", "VolumeId", v, "Size", "300").Code)
	require.Equal(t, []string{v}, send(t, c, "DescribeVolumes", "Filter.1.Name", "size", "Filter.1.Value.1", "200").Volumes)

	require.Equal(t, 200, send(t, c, "CreateTags", "ResourceId.1", v, "Tag.1.Key", "k", "Tag.1.Value", "x").Status)
	require.Equal(t, []string{v}, send(t, c, "DescribeVolumes", "Filter.1.Name", "tag:k", "Filter.1.Value.1", "x").Volumes)
	require.Equal(t, []string{"us-east-1a", "us-east-1b", "us-east-1c"}, send(t, c, "DescribeAvailabilityZones").Zones)
}
