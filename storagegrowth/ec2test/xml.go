package ec2test

import "time"

// stamp is EC2's form of a time.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

type tagXML struct {
	Key   string `xml:"key"`
	Value string `xml:"value"`
}

func tagsXML(tags map[string]string) []tagXML {
	var out []tagXML
	for _, key := range sorted(tags) {
		out = append(out, tagXML{key, tags[key]})
	}
	return out
}

type attachmentXML struct {
	VolumeID            string `xml:"volumeId"`
	InstanceID          string `xml:"instanceId"`
	Device              string `xml:"device"`
	Status              string `xml:"status"`
	AttachTime          string `xml:"attachTime"`
	DeleteOnTermination bool   `xml:"deleteOnTermination"`
}

func (v *volume) attachmentXML() attachmentXML {
	return attachmentXML{v.id, v.att.instance, v.att.device, v.att.state, stamp(v.att.since), v.att.dot}
}

type attachmentReplyXML struct {
	header
	attachmentXML
}

type volumeXML struct {
	VolumeID    string          `xml:"volumeId"`
	Size        int             `xml:"size"`
	Zone        string          `xml:"availabilityZone"`
	Status      string          `xml:"status"`
	CreateTime  string          `xml:"createTime"`
	Type        string          `xml:"volumeType"`
	IOPS        int             `xml:"iops,omitempty"`
	Throughput  int             `xml:"throughput,omitempty"`
	Encrypted   bool            `xml:"encrypted"`
	Key         string          `xml:"kmsKeyId,omitempty"`
	Attachments []attachmentXML `xml:"attachmentSet>item"`
	Tags        []tagXML        `xml:"tagSet>item"`
}

func (v *volume) xml() volumeXML {
	out := volumeXML{
		VolumeID: v.id, Size: v.sizeGiB, Zone: v.zone, Status: v.state, CreateTime: stamp(v.created), Type: v.kind, IOPS: v.iops,
		Throughput: v.throughput, Encrypted: v.encrypted, Key: v.key, Tags: tagsXML(v.tags),
	}
	if v.att != nil {
		out.Attachments = []attachmentXML{v.attachmentXML()}
	}
	return out
}

type createVolumeXML struct {
	header
	volumeXML
}

type describeVolumesXML struct {
	header
	Volumes   []volumeXML `xml:"volumeSet>item"`
	NextToken string      `xml:"nextToken,omitempty"`
}

type modifyVolumeXML struct {
	header
	VolumeID string `xml:"volumeModification>volumeId"`
	State    string `xml:"volumeModification>modificationState"`
	From     int    `xml:"volumeModification>originalSize"`
	To       int    `xml:"volumeModification>targetSize"`
	Start    string `xml:"volumeModification>startTime"`
}

type doneXML struct {
	header
	Return bool `xml:"return"`
}

type mappingXML struct {
	Device              string `xml:"deviceName"`
	VolumeID            string `xml:"ebs>volumeId"`
	Status              string `xml:"ebs>status"`
	AttachTime          string `xml:"ebs>attachTime"`
	DeleteOnTermination bool   `xml:"ebs>deleteOnTermination"`
}

type interfaceXML struct {
	Status string `xml:"status"`
}

type instanceXML struct {
	InstanceID string         `xml:"instanceId"`
	State      string         `xml:"instanceState>name"`
	Type       string         `xml:"instanceType"`
	Zone       string         `xml:"placement>availabilityZone"`
	IP         string         `xml:"privateIpAddress,omitempty"`
	Root       string         `xml:"rootDeviceName"`
	Mappings   []mappingXML   `xml:"blockDeviceMapping>item"`
	Interfaces []interfaceXML `xml:"networkInterfaceSet>item"`
	Tags       []tagXML       `xml:"tagSet>item"`
}

func (c *Cloud) instanceXML(i *instance) instanceXML {
	out := instanceXML{InstanceID: i.ID, State: i.State, Type: i.Type, Zone: i.Zone, IP: i.IP, Root: i.root, Tags: tagsXML(i.Tags)}
	for _, v := range c.attachedTo(i.ID) {
		out.Mappings = append(out.Mappings, mappingXML{v.att.device, v.id, v.att.state, stamp(v.att.since), v.att.dot})
	}
	for range i.ENIs {
		out.Interfaces = append(out.Interfaces, interfaceXML{"in-use"})
	}
	return out
}

type reservationXML struct {
	ReservationID string        `xml:"reservationId"`
	Instances     []instanceXML `xml:"instancesSet>item"`
}

type describeInstancesXML struct {
	header
	Reservations []reservationXML `xml:"reservationSet>item"`
	NextToken    string           `xml:"nextToken,omitempty"`
}

type instanceTypeXML struct {
	Name       string    `xml:"instanceType"`
	Hypervisor string    `xml:"hypervisor,omitempty"`
	BareMetal  bool      `xml:"bareMetal"`
	MaxEBS     int       `xml:"ebsInfo>maximumEbsAttachments,omitempty"`
	LimitType  string    `xml:"ebsInfo>attachmentLimitType,omitempty"`
	NVMe       string    `xml:"ebsInfo>nvmeSupport"`
	Store      *storeXML `xml:"instanceStorageInfo"`
	ENIs       int       `xml:"networkInfo>maximumNetworkInterfaces"`
}

type storeXML struct {
	NVMe  string    `xml:"nvmeSupport"`
	Disks []diskXML `xml:"disks>item"`
}

type diskXML struct {
	Count int `xml:"count"`
}

func (t InstanceType) xml() instanceTypeXML {
	out := instanceTypeXML{Name: t.Name, Hypervisor: t.Hypervisor, BareMetal: t.BareMetal, MaxEBS: t.MaxEBS, LimitType: t.LimitType, NVMe: "required", ENIs: t.ENIs}
	if t.Hypervisor == "xen" {
		out.NVMe = "unsupported"
	}
	if t.NVMeDisks > 0 {
		out.Store = &storeXML{"required", []diskXML{{t.NVMeDisks}}}
	}
	return out
}

type describeInstanceTypesXML struct {
	header
	Types     []instanceTypeXML `xml:"instanceTypeSet>item"`
	NextToken string            `xml:"nextToken,omitempty"`
}

type zoneXML struct {
	Name   string `xml:"zoneName"`
	State  string `xml:"zoneState"`
	Region string `xml:"regionName"`
}

type describeZonesXML struct {
	header
	Zones []zoneXML `xml:"availabilityZoneInfo>item"`
}
