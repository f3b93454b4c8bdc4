package ec2test

import "regexp"

// deviceShape are the names EC2 takes for data volumes.
var deviceShape = regexp.MustCompile(`^/dev/(sd[b-z][0-9]{0,2}|xvd[b-z]|xvd[a-d][a-z])$`)

func (c *Cloud) instanceNamed(q query) (*instance, *Refusal) {
	id, refused := q.required("InstanceId")
	if refused != nil {
		return nil, refused
	}
	if refused := wellFormed("i", id); refused != nil {
		return nil, refused
	}
	if i := c.instances[id]; i != nil {
		return i, nil
	}
	return nil, missing("InvalidInstanceID.NotFound", "instance ID", []string{id})
}

func (c *Cloud) attachVolume(q query) (reply, bool, *Refusal) {
	v, refused := c.volumeNamed(q)
	if refused != nil {
		return nil, false, refused
	}
	i, refused := c.instanceNamed(q)
	if refused != nil {
		return nil, false, refused
	}
	device, refused := q.required("Device")
	if refused == nil {
		refused = c.mayAttach(v, i, device)
	}
	if refused != nil {
		return nil, false, refused
	}
	now := c.opts.Now()
	v.state = "in-use"
	v.att = &attachment{instance: i.ID, device: device, state: "attaching", since: now, due: now.Add(c.opts.Delays.Attach)}
	return &attachmentReplyXML{attachmentXML: v.attachmentXML()}, true, nil
}

func (c *Cloud) mayAttach(v *volume, i *instance, device string) *Refusal {
	switch {
	case i.State != "running" && i.State != "stopped":
		return invalid("IncorrectState", "Instance '%s' is not 'running'.", i.ID)
	case v.zone != i.Zone:
		return invalid("InvalidVolume.ZoneMismatch", "The volume '%s' is not in the same availability zone as instance '%s'", v.id, i.ID)
	case v.att != nil:
		return invalid("VolumeInUse", "%s is already attached to an instance", v.id)
	case v.state != "available":
		return invalid("IncorrectState", "%s is not 'available'.", v.id)
	case !deviceShape.MatchString(device):
		return invalid("InvalidParameterValue", "Value (%s) for parameter device is invalid. %s is not a valid EBS device name.", device, device)
	}
	at := c.attachedTo(i.ID)
	for _, other := range at {
		if other.att.device == device {
			return invalid("InvalidParameterValue", "Invalid value '%s' for unixDevice. Attachment point %s is already in use", device, device)
		}
	}
	if t := c.types[i.Type]; !t.takes(len(at), i.ENIs) {
		return invalid("AttachmentLimitExceeded", "Attachment limit for instance %s exceeded (%d volumes, %d network interfaces)", i.ID, len(at), i.ENIs)
	}
	return nil
}

func (c *Cloud) detachVolume(q query) (reply, bool, *Refusal) {
	v, refused := c.volumeNamed(q)
	if refused != nil {
		return nil, false, refused
	}
	instance, device := q.get("InstanceId"), q.get("Device")
	switch {
	case v.att == nil:
		return nil, false, invalid("IncorrectState", "Volume '%s' is in the '%s' state.", v.id, v.state)
	case instance != "" && instance != v.att.instance, device != "" && device != v.att.device:
		return nil, false, invalid("InvalidAttachment.NotFound", "The volume '%s' is not attached to instance '%s' as device '%s'", v.id, instance, device)
	case v.att.state == "detaching":
		return nil, false, invalid("IncorrectState", "Volume '%s' is in the 'detaching' state.", v.id)
	case v.root && c.instances[v.att.instance].State == "running":
		return nil, false, invalid("OperationNotPermitted", "Unable to detach root volume '%s' from instance '%s'", v.id, v.att.instance)
	}
	v.att.state, v.att.stuck = "detaching", false
	v.att.due = c.opts.Now().Add(c.opts.Delays.Detach)
	return &attachmentReplyXML{attachmentXML: v.attachmentXML()}, true, nil
}

func (c *Cloud) modifyInstanceAttribute(q query) (reply, bool, *Refusal) {
	i, refused := c.instanceNamed(q)
	if refused != nil {
		return nil, false, refused
	}
	device, refused := q.required("BlockDeviceMapping.1.DeviceName")
	if refused != nil {
		return nil, false, refused
	}
	yes, refused := q.yes("BlockDeviceMapping.1.Ebs.DeleteOnTermination")
	if refused != nil {
		return nil, false, refused
	}
	for _, v := range c.attachedTo(i.ID) {
		if v.att.device == device && v.att.state == "attached" {
			changed := v.att.dot != yes
			v.att.dot = yes
			return &doneXML{Return: true}, changed, nil
		}
	}
	return nil, false, invalid("InvalidInstanceAttributeValue", "No device is currently mapped at %s", device)
}
