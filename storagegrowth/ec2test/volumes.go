package ec2test

import (
	"maps"
	"strconv"
	"time"
)

// modifyEvery is how long EC2 refuses another ModifyVolume of one volume.
const modifyEvery = 6 * time.Hour

// volumeNamed finds a volume by the parameter VolumeId.
func (c *Cloud) volumeNamed(q query) (*volume, *Refusal) {
	id, refused := q.required("VolumeId")
	if refused != nil {
		return nil, refused
	}
	if refused := wellFormed("vol", id); refused != nil {
		return nil, refused
	}
	if v := c.volumes[id]; v != nil {
		return v, nil
	}
	return nil, missing("InvalidVolume.NotFound", "volume", []string{id})
}

func (c *Cloud) describeVolumes(q query) (reply, bool, *Refusal) {
	defer func() {
		for _, v := range c.volumes {
			v.hidden = max(0, v.hidden-1)
		}
	}()
	filters, refused := q.filters()
	if refused != nil {
		return nil, false, refused
	}
	ids, refused := c.asked(q, "VolumeId", "vol", "InvalidVolume.NotFound", "volume", func(id string) bool {
		v := c.volumes[id]
		return v != nil && v.hidden == 0
	})
	if refused != nil {
		return nil, false, refused
	}
	if ids == nil {
		ids = sorted(c.volumes)
	}
	out := &describeVolumesXML{}
	for _, id := range ids {
		v := c.volumes[id]
		fit, refused := fits(filters, v.fields)
		if refused != nil {
			return nil, false, refused
		}
		if fit && v.hidden == 0 {
			out.Volumes = append(out.Volumes, v.xml())
		}
	}
	out.Volumes, out.NextToken, refused = page(q, "VolumeId", c.opts.PageSize, out.Volumes)
	return out, false, refused
}

// fields answers the filters of DescribeVolumes.
func (v *volume) fields(name string) ([]string, bool) {
	if values, ok := tagFields(v.tags, name); ok {
		return values, true
	}
	one := func(s string) ([]string, bool) { return []string{s}, true }
	switch name {
	case "volume-id":
		return one(v.id)
	case "status":
		return one(v.state)
	case "availability-zone":
		return one(v.zone)
	case "volume-type":
		return one(v.kind)
	case "size":
		return one(strconv.Itoa(v.sizeGiB))
	case "encrypted":
		return one(strconv.FormatBool(v.encrypted))
	case "attachment.instance-id", "attachment.device", "attachment.status", "attachment.delete-on-termination":
		if v.att == nil {
			return nil, true
		}
		return one(map[string]string{
			"attachment.instance-id": v.att.instance, "attachment.device": v.att.device, "attachment.status": v.att.state,
			"attachment.delete-on-termination": strconv.FormatBool(v.att.dot),
		}[name])
	}
	return nil, false
}

func (c *Cloud) deleteVolume(q query) (reply, bool, *Refusal) {
	v, refused := c.volumeNamed(q)
	switch {
	case refused != nil:
		return nil, false, refused
	case v.att != nil:
		return nil, false, invalid("VolumeInUse", "Volume %s is currently attached to %s", v.id, v.att.instance)
	case v.state == "creating":
		return nil, false, invalid("IncorrectState", "Volume '%s' is in the 'creating' state.", v.id)
	}
	c.drop(v)
	return &doneXML{Return: true}, true, nil
}

func (c *Cloud) modifyVolume(q query) (reply, bool, *Refusal) {
	v, refused := c.volumeNamed(q)
	if refused != nil {
		return nil, false, refused
	}
	size, refused := q.number("Size")
	now := c.opts.Now()
	switch {
	case refused != nil:
		return nil, false, refused
	case v.state == "creating" || v.state == "error":
		return nil, false, invalid("IncorrectState", "Volume '%s' is in the '%s' state.", v.id, v.state)
	case size != 0 && size < v.sizeGiB:
		return nil, false, invalid("InvalidParameterValue", "New size cannot be smaller than existing size")
	case !v.modified.IsZero() && now.Sub(v.modified) < modifyEvery:
		return nil, false, invalid("VolumeModificationRateExceeded", "You've reached the maximum modification rate per volume limit. Wait at least 6 hours between modifications per EBS volume.")
	}
	from := v.sizeGiB
	if size != 0 {
		v.sizeGiB = size
	}
	v.modified = now
	return &modifyVolumeXML{VolumeID: v.id, State: "modifying", From: from, To: v.sizeGiB, Start: stamp(now)}, true, nil
}

func (c *Cloud) createTags(q query) (reply, bool, *Refusal) {
	tags, refused := q.tags("Tag")
	if refused != nil {
		return nil, false, refused
	}
	ids := q.list("ResourceId")
	if len(ids) == 0 || len(tags) == 0 {
		return nil, false, invalid("MissingParameter", "The request must contain resources and tags")
	}
	for _, id := range ids {
		if c.volumes[id] == nil {
			return nil, false, missing("InvalidVolume.NotFound", "volume", []string{id})
		}
	}
	for _, id := range ids {
		maps.Copy(c.volumes[id].tags, tags)
	}
	return &doneXML{Return: true}, true, nil
}
