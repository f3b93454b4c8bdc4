package ec2test_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/storagegrowth/devicename"
	"scaleio-framework/storagegrowth/ec2test"
)

// disks notes which volumes appeared and went.
type disks struct {
	mu    sync.Mutex
	there map[string]string
}

func (d *disks) options() ec2test.Options {
	d.there = map[string]string{}
	return ec2test.Options{
		Manual:   true,
		OnAttach: func(a ec2test.Attachment) { d.mu.Lock(); d.there[a.VolumeID] = a.InstanceID; d.mu.Unlock() },
		OnDetach: func(a ec2test.Attachment) { d.mu.Lock(); delete(d.there, a.VolumeID); d.mu.Unlock() },
	}
}

func (d *disks) at(id string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.there[id]
}

func attach(t *testing.T, c *ec2test.Cloud, volume, instance, device string) answer {
	t.Helper()
	return send(t, c, "AttachVolume", "VolumeId", volume, "InstanceId", instance, "Device", device)
}

func TestAVolumeGoesFromCreatingToAttachedAndBack(t *testing.T) {
	var d disks
	c := newCloud(t, d.options())
	v := create(t, c, "t1").VolumeID
	require.Equal(t, "IncorrectState", attach(t, c, v, "i-0a", "/dev/sdf").Code, "creating volumes are not attached")
	require.Equal(t, "IncorrectState", send(t, c, "DeleteVolume", "VolumeId", v).Code)
	c.Advance()

	require.Equal(t, "attaching", attach(t, c, v, "i-0a", "/dev/sdf").State)
	require.Empty(t, d.at(v), "no disk yet")
	require.Equal(t, "VolumeInUse", attach(t, c, v, "i-0a", "/dev/sdf").Code)
	notYet := send(t, c, "ModifyInstanceAttribute", "InstanceId", "i-0a", "BlockDeviceMapping.1.DeviceName", "/dev/sdf", "BlockDeviceMapping.1.Ebs.DeleteOnTermination", "true")
	require.Equal(t, "InvalidInstanceAttributeValue", notYet.Code)
	c.Advance()
	require.Equal(t, "i-0a", d.at(v))
	look := send(t, c, "DescribeVolumes", "VolumeId.1", v)
	require.Equal(t, []string{"in-use"}, look.States)
	require.Equal(t, []string{"attached"}, look.Attachments)

	require.Equal(t, "InvalidAttachment.NotFound", send(t, c, "DetachVolume", "VolumeId", v, "InstanceId", "i-0b").Code)
	require.Equal(t, "VolumeInUse", send(t, c, "DeleteVolume", "VolumeId", v).Code)
	require.Equal(t, "detaching", send(t, c, "DetachVolume", "VolumeId", v, "InstanceId", "i-0a").State)
	require.Equal(t, "i-0a", d.at(v), "the disk stays while detaching")
	c.Advance()
	require.Empty(t, d.at(v))
	require.Equal(t, "IncorrectState", send(t, c, "DetachVolume", "VolumeId", v).Code)
	require.Equal(t, 200, send(t, c, "DeleteVolume", "VolumeId", v).Status)
	require.Equal(t, "InvalidVolume.NotFound", send(t, c, "DeleteVolume", "VolumeId", v).Code)
}

func TestWithoutManualWhoeverLooksSeesTheStep(t *testing.T) {
	var d disks
	opts := d.options()
	opts.Manual = false
	c := newCloud(t, opts)
	v := create(t, c, "t1").VolumeID
	require.Equal(t, "attaching", attach(t, c, v, "i-0a", "/dev/sdf").State, "available by now")
	require.Equal(t, []string{"attached"}, send(t, c, "DescribeVolumes", "VolumeId.1", v).Attachments)
	require.Equal(t, "i-0a", d.at(v), "the disk is there before the answer is")
}

func TestWhatIsNotAttached(t *testing.T) {
	c := newCloud(t, ec2test.Options{})
	v, taken := create(t, c, "t1").VolumeID, create(t, c, "t2").VolumeID
	require.Equal(t, 200, attach(t, c, taken, "i-0a", "/dev/sdf").Status)
	require.NoError(t, c.SetInstanceState("i-0b", "terminated"))
	cases := []struct{ why, volume, instance, device, code string }{
		{"a volume of another zone", v, "i-0c", "/dev/sdf", "InvalidVolume.ZoneMismatch"},
		{"a name that is taken", v, "i-0a", "/dev/sdf", "InvalidParameterValue"},
		{"a name that is none", v, "i-0a", "/dev/nvme1n1", "InvalidParameterValue"},
		{"the name of the root volume", v, "i-0a", "/dev/xvda", "InvalidParameterValue"},
		{"no name", v, "i-0a", "", "MissingParameter"},
		{"a volume that is attached", taken, "i-0a", "/dev/sdg", "VolumeInUse"},
		{"a volume that is not there", "vol-0dead", "i-0a", "/dev/sdg", "InvalidVolume.NotFound"},
		{"an instance that is not there", v, "i-0dead", "/dev/sdg", "InvalidInstanceID.NotFound"},
		{"an instance that is gone", v, "i-0b", "/dev/sdg", "IncorrectState"},
		{"no id at all", "disk", "i-0a", "/dev/sdg", "InvalidParameterValue"},
	}
	for _, k := range cases {
		t.Run(k.why, func(t *testing.T) {
			require.Equal(t, k.code, attach(t, c, k.volume, k.instance, k.device).Code)
		})
	}
	require.Equal(t, "OperationNotPermitted", send(t, c, "DetachVolume", "VolumeId", c.Snapshot().Instances[0].Devices["/dev/xvda"]).Code)
}

func TestAttachmentsAreLimitedByTheType(t *testing.T) {
	cases := []struct {
		kind string
		enis int
		fits int // besides the root volume
	}{
		{"m7i.large", 3, 31},   // 32 of its own
		{"m6i.large", 2, 25},   // 28 shared: root, two interfaces
		{"m5.large", 1, 26},    // the same when it is not told
		{"i3en.xlarge", 1, 25}, // and a disk of instance store
		{"m4.large", 2, 38},
	}
	for _, k := range cases {
		t.Run(k.kind, func(t *testing.T) {
			c := newCloud(t, ec2test.Options{})
			id, err := c.AddInstance(ec2test.InstanceSpec{Type: k.kind, ENIs: k.enis})
			require.NoError(t, err)
			for n := range k.fits + 1 {
				v := create(t, c, fmt.Sprint(n)).VolumeID
				a := attach(t, c, v, id, fmt.Sprintf("/dev/xvd%c%c", 'a'+n/26, 'a'+n%26))
				if n < k.fits {
					require.Empty(t, a.Code, "volume %d", n)
				} else {
					require.Equal(t, "AttachmentLimitExceeded", a.Code)
				}
			}
		})
	}
}

func TestAStuckAttachmentKeepsItsNameUntilDetached(t *testing.T) {
	var d disks
	c := newCloud(t, d.options())
	v := create(t, c, "t1").VolumeID
	c.Advance()
	c.Inject(ec2test.Fault{Action: "AttachVolume", Stick: true})
	require.Equal(t, 200, attach(t, c, v, "i-0a", "/dev/sdf").Status)
	c.Advance()
	c.Advance()
	require.Equal(t, []string{"attaching"}, send(t, c, "DescribeVolumes", "VolumeId.1", v).Attachments)
	require.Equal(t, 200, send(t, c, "DetachVolume", "VolumeId", v, "InstanceId", "i-0a").Status)
	c.Advance()
	require.Equal(t, 200, attach(t, c, v, "i-0a", "/dev/sdg").Status)
	c.Advance()
	require.Equal(t, "i-0a", d.at(v))
}

func TestATerminatedInstanceTakesSomeVolumesWithIt(t *testing.T) {
	var d disks
	opts := d.options()
	opts.Manual = false
	c := newCloud(t, opts)
	dies, lives := create(t, c, "t1").VolumeID, create(t, c, "t2").VolumeID
	attach(t, c, dies, "i-0a", "/dev/sdf")
	attach(t, c, lives, "i-0a", "/dev/sdg")
	set := send(t, c, "ModifyInstanceAttribute", "InstanceId", "i-0a", "BlockDeviceMapping.1.DeviceName", "/dev/sdf", "BlockDeviceMapping.1.Ebs.DeleteOnTermination", "true")
	require.Equal(t, 200, set.Status)
	require.NoError(t, c.Terminate("i-0a"))

	require.Equal(t, []string{lives}, c.LeakedVolumes(nil))
	require.Empty(t, c.LeakedVolumes(map[string]bool{lives: true}))
	require.Equal(t, []string{"available"}, send(t, c, "DescribeVolumes", "VolumeId.1", lives).States)
	require.Empty(t, d.at(lives))
}

func TestEveryNameThatIsChosenIsTaken(t *testing.T) {
	c := newCloud(t, ec2test.Options{})
	c.AddInstanceType(ec2test.InstanceType{Name: "m9.huge", Hypervisor: "nitro", MaxEBS: 128, LimitType: "dedicated"})
	id, err := c.AddInstance(ec2test.InstanceSpec{Type: "m9.huge"})
	require.NoError(t, err)
	for n, name := range devicename.Candidates() {
		require.Empty(t, attach(t, c, create(t, c, fmt.Sprint(n)).VolumeID, id, name).Message)
	}
}
