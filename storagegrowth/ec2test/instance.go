package ec2test

import (
	"fmt"
	"slices"
)

// InstanceSpec describes an instance to add.
type InstanceSpec struct {
	ID    string            // default: a new id
	Zone  string            // default: the first zone
	Type  string            // default: m7i.large
	ENIs  int               // network interfaces; default 1
	IP    string            // private address, as IMDS tells it
	Tags  map[string]string // of the instance
	State string            // default: running
}

type instance struct {
	InstanceSpec
	root string // name of the root device
}

// InstanceType is what DescribeInstanceTypes tells, and what attachments are
// counted against.
type InstanceType struct {
	Name       string
	Hypervisor string // nitro or xen; "" for bare metal
	BareMetal  bool
	MaxEBS     int    // MaximumEbsAttachments; 0: not told
	LimitType  string // shared, dedicated; "": not told
	NVMeDisks  int    // instance store disks on NVMe
	ENIs       int    // most network interfaces
}

// instanceTypes are one of each rule; the numbers are those of their family.
func instanceTypes() map[string]InstanceType {
	types := map[string]InstanceType{}
	for _, t := range []InstanceType{
		{Name: "m7i.large", Hypervisor: "nitro", MaxEBS: 32, LimitType: "dedicated", ENIs: 3},
		{Name: "m6i.large", Hypervisor: "nitro", MaxEBS: 28, LimitType: "shared", ENIs: 3},
		{Name: "m5.large", Hypervisor: "nitro", ENIs: 3},
		{Name: "i3en.xlarge", Hypervisor: "nitro", NVMeDisks: 1, ENIs: 4},
		{Name: "c5.metal", BareMetal: true, ENIs: 15},
		{Name: "m4.large", Hypervisor: "xen", ENIs: 2},
	} {
		types[t.Name] = t
	}
	return types
}

// Attachments a type has room for where EC2 does not tell: Nitro shares 28
// with network interfaces and NVMe instance store; Xen takes about 39 volumes.
const (
	nitroAttachments = 28
	xenAttachments   = 39
)

// takes reports whether an instance of the type with so many volumes and
// network interfaces takes one volume more.
func (t InstanceType) takes(volumes, enis int) bool {
	switch {
	case t.LimitType == "dedicated":
		return volumes < t.MaxEBS
	case t.Hypervisor == "xen":
		return volumes < xenAttachments
	case t.MaxEBS > 0:
		return volumes+enis+t.NVMeDisks < t.MaxEBS
	default:
		return volumes+enis+t.NVMeDisks < nitroAttachments
	}
}

// AddInstanceType makes a type known, or changes it.
func (c *Cloud) AddInstanceType(t InstanceType) {
	c.change(func() { c.types[t.Name] = t })
}

// AddInstance starts an instance with a root volume of 8 GiB, attached as
// /dev/xvda and deleted with it, and returns its id.
func (c *Cloud) AddInstance(spec InstanceSpec) (string, error) {
	var id string
	var err error
	c.change(func() { id, err = c.addInstance(spec) })
	return id, err
}

func (c *Cloud) addInstance(spec InstanceSpec) (string, error) {
	if spec.ID == "" {
		spec.ID = c.newID("i")
	}
	if spec.Zone == "" {
		spec.Zone = c.opts.Zones[0]
	}
	if spec.Type == "" {
		spec.Type = "m7i.large"
	}
	if spec.ENIs == 0 {
		spec.ENIs = 1
	}
	if spec.State == "" {
		spec.State = "running"
	}
	if c.instances[spec.ID] != nil {
		return "", fmt.Errorf("ec2test: instance %s exists", spec.ID)
	}
	if !slices.Contains(c.opts.Zones, spec.Zone) {
		return "", fmt.Errorf("ec2test: instance %s: no zone %s in %s", spec.ID, spec.Zone, c.opts.Region)
	}
	if _, known := c.types[spec.Type]; !known {
		return "", fmt.Errorf("ec2test: instance %s: type %s is not known, AddInstanceType first", spec.ID, spec.Type)
	}
	i := &instance{InstanceSpec: spec, root: "/dev/xvda"}
	c.instances[spec.ID] = i
	now := c.opts.Now()
	v := &volume{
		id: c.newID("vol"), zone: spec.Zone, kind: "gp3", sizeGiB: 8, iops: 3000, throughput: 125, tags: map[string]string{},
		state: "in-use", created: now, root: true,
		att: &attachment{instance: spec.ID, device: i.root, state: "attached", since: now, dot: true},
	}
	c.volumes[v.id] = v
	return spec.ID, nil
}

// SetInstanceState puts an instance into running, stopped or the like.
func (c *Cloud) SetInstanceState(id, state string) error {
	var err error
	c.change(func() {
		if i := c.instances[id]; i != nil {
			i.State = state
			return
		}
		err = fmt.Errorf("ec2test: no instance %s", id)
	})
	return err
}

// Terminate ends an instance: its volumes are deleted or set free, each as its
// DeleteOnTermination says. It stays visible as terminated.
func (c *Cloud) Terminate(id string) error {
	var err error
	c.change(func() {
		i := c.instances[id]
		if i == nil {
			err = fmt.Errorf("ec2test: no instance %s", id)
			return
		}
		i.State = "terminated"
		for _, v := range c.attachedTo(id) {
			dies := v.att.dot
			c.finishDetaching(v)
			if dies {
				c.drop(v)
			}
		}
	})
	return err
}

// attachedTo returns the volumes at an instance in any attachment state,
// ordered by id.
func (c *Cloud) attachedTo(id string) []*volume {
	var at []*volume
	for _, name := range sorted(c.volumes) {
		if v := c.volumes[name]; v.att != nil && v.att.instance == id {
			at = append(at, v)
		}
	}
	return at
}
