package ec2test

import (
	"encoding/json"
	"slices"
)

// volumeKind is what EC2 lets a type be.
type volumeKind struct {
	minGiB, maxGiB         int
	iops, maxIOPS          int // default and most; 0: none may be given
	throughput, maxThrough int
	wantsIOPS              bool
}

var volumeKinds = map[string]volumeKind{
	"gp3":      {minGiB: 1, maxGiB: 65536, iops: 3000, maxIOPS: 80000, throughput: 125, maxThrough: 2000},
	"gp2":      {minGiB: 1, maxGiB: 16384},
	"io1":      {minGiB: 4, maxGiB: 16384, maxIOPS: 64000, wantsIOPS: true},
	"io2":      {minGiB: 4, maxGiB: 65536, maxIOPS: 256000, wantsIOPS: true},
	"st1":      {minGiB: 125, maxGiB: 16384},
	"sc1":      {minGiB: 125, maxGiB: 16384},
	"standard": {minGiB: 1, maxGiB: 1024},
}

// creation is a request in canonical form: what a token stands for.
type creation struct {
	Zone       string
	Kind       string
	SizeGiB    int
	IOPS       int
	Throughput int
	Encrypted  bool
	Key        string
	Tags       map[string]string
}

func (q query) creation() (creation, *Refusal) {
	var r creation
	var refused [7]*Refusal
	r.Zone, refused[0] = q.required("AvailabilityZone")
	r.SizeGiB, refused[1] = q.number("Size")
	r.IOPS, refused[2] = q.number("Iops")
	r.Throughput, refused[3] = q.number("Throughput")
	r.Encrypted, refused[4] = q.yes("Encrypted")
	r.Tags, refused[5] = q.volumeTags()
	r.Key = q.get("KmsKeyId")
	if r.Kind = q.get("VolumeType"); r.Kind == "" {
		r.Kind = "gp2"
	}
	if len(q.get("ClientToken")) > 64 {
		refused[6] = invalid("InvalidParameterValue", "Invalid value for parameter clientToken, value exceeds the maximum of 64 ASCII characters")
	}
	for _, no := range refused {
		if no != nil {
			return creation{}, no
		}
	}
	return r, nil
}

// check refuses what EC2 never does.
func (r creation) check(zones []string) *Refusal {
	kind, known := volumeKinds[r.Kind]
	switch {
	case !known:
		return invalid("UnknownVolumeType", "Unknown volume type: %s", r.Kind)
	case !slices.Contains(zones, r.Zone):
		return invalid("InvalidZone.NotFound", "The zone '%s' does not exist.", r.Zone)
	case r.SizeGiB == 0:
		return invalid("MissingParameter", "The request must contain the parameter size/snapshot")
	case r.SizeGiB < kind.minGiB || r.SizeGiB > kind.maxGiB:
		return invalid("InvalidParameterValue", "Volume of %dGiB is not between %d and %dGiB for the volume type %s.", r.SizeGiB, kind.minGiB, kind.maxGiB, r.Kind)
	case r.IOPS > 0 && kind.maxIOPS == 0:
		return invalid("InvalidParameterCombination", "The parameter iops is not supported for %s volumes.", r.Kind)
	case r.IOPS == 0 && kind.wantsIOPS:
		return invalid("MissingParameter", "The request must contain the parameter iops for %s volumes.", r.Kind)
	case r.IOPS > 0 && (r.IOPS < 100 || r.IOPS > kind.maxIOPS || r.IOPS > 500*r.SizeGiB && r.IOPS > kind.iops):
		return invalid("InvalidParameterValue", "Volume iops of %d is not supported for %dGiB of %s.", r.IOPS, r.SizeGiB, r.Kind)
	case r.Throughput > 0 && kind.maxThrough == 0:
		return invalid("InvalidParameterCombination", "The parameter throughput is not supported for %s volumes.", r.Kind)
	case r.Throughput > 0 && (r.Throughput < kind.throughput || r.Throughput > kind.maxThrough):
		return invalid("InvalidParameterValue", "Throughput (MiBps) of %d is not between %d and %d.", r.Throughput, kind.throughput, kind.maxThrough)
	case r.Key != "" && !r.Encrypted:
		return invalid("InvalidParameterDependency", "The parameter KmsKeyId requires the parameter Encrypted to be set.")
	}
	return nil
}

// createVolume checks limits before tokens: that is how idempotency is
// forgotten when one volume more would pass a limit.
func (c *Cloud) createVolume(q query) (reply, bool, *Refusal) {
	r, refused := q.creation()
	if refused == nil {
		refused = r.check(c.opts.Zones)
	}
	if refused == nil {
		refused = c.withinLimits(r)
	}
	if refused != nil {
		return nil, false, refused
	}
	canonical, err := json.Marshal(r)
	if err != nil {
		return nil, false, invalid("InternalError", "%v", err)
	}
	name, now := q.get("ClientToken"), c.opts.Now()
	if t := c.tokens[name]; name != "" && t != nil && now.Sub(t.made) < tokenLife {
		if t.burnt || t.request != string(canonical) {
			return nil, false, invalid("IdempotentParameterMismatch", "The client token you have provided is associated with a resource that is already deleted, or with other parameters. Please use a different client token.")
		}
		return &createVolumeXML{volumeXML: c.volumes[t.volume].xml()}, false, nil
	}
	if c.noRoom[r.Zone] {
		return nil, false, &Refusal{Code: "InsufficientVolumeCapacity", Status: 500, Message: "There is not enough capacity to fulfill your EBS volume provision request in " + r.Zone + "."}
	}
	v := c.newVolume(r)
	v.token = name
	if name != "" {
		c.tokens[name] = &token{request: string(canonical), volume: v.id, made: now}
	}
	return &createVolumeXML{volumeXML: v.xml()}, true, nil
}

func (c *Cloud) newVolume(r creation) *volume {
	kind, now := volumeKinds[r.Kind], c.opts.Now()
	v := &volume{
		id: c.newID("vol"), zone: r.Zone, kind: r.Kind, sizeGiB: r.SizeGiB, iops: r.IOPS, throughput: r.Throughput, encrypted: r.Encrypted,
		key: r.Key, tags: r.Tags, state: "creating", created: now, due: now.Add(c.opts.Delays.Create), hidden: c.opts.HideNew,
	}
	if v.iops == 0 {
		v.iops = kind.iops
	}
	if v.throughput == 0 {
		v.throughput = kind.throughput
	}
	if c.badKeys[r.Key] {
		v.fails = FailAndVanish
	}
	c.volumes[v.id] = v
	return v
}

func (c *Cloud) withinLimits(r creation) *Refusal {
	l := c.limits
	switch {
	case l.Volumes > 0 && len(c.volumes)+1 > l.Volumes:
		return invalid("VolumeLimitExceeded", "Maximum number of active volumes, %d, exceeded.", l.Volumes)
	case l.StorageGiB > 0 && c.storageGiB()+r.SizeGiB > l.StorageGiB:
		return invalid("VolumeLimitExceeded", "You have exceeded your maximum %s storage limit of %d GiB in this region. Please contact AWS Support to request an Elastic Block Store service limit increase.", r.Kind, l.StorageGiB)
	}
	return nil
}
