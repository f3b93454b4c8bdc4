package ec2test

import (
	"maps"
	"time"
)

type volume struct {
	id         string
	zone       string
	kind       string
	sizeGiB    int
	iops       int
	throughput int
	encrypted  bool
	key        string
	tags       map[string]string
	state      string // creating, available, in-use, error
	created    time.Time
	due        time.Time // when creating ends
	fails      string    // "", FailWithError or FailAndVanish
	token      string
	hidden     int // describes that do not see it yet
	root       bool
	modified   time.Time // last ModifyVolume
	att        *attachment
}

type attachment struct {
	instance string
	device   string
	state    string
	since    time.Time
	due      time.Time
	stuck    bool
	dot      bool // delete on termination
}

// tokenLife is how long EC2 remembers a token: twelve hours after a failure,
// at least as long after a success.
const tokenLife = 12 * time.Hour

type token struct {
	request string // canonical form of what was asked for
	volume  string
	burnt   bool
	made    time.Time
}

// finishCreation makes a volume available or lets it fail.
func (c *Cloud) finishCreation(v *volume) {
	switch v.fails {
	case FailWithError:
		v.state = "error"
		c.burn(v.token)
	case FailAndVanish:
		c.drop(v)
	default:
		v.state = "available"
	}
}

// drop removes a volume; its token stays burnt.
func (c *Cloud) drop(v *volume) {
	c.burn(v.token)
	delete(c.volumes, v.id)
}

func (c *Cloud) burn(name string) {
	if t := c.tokens[name]; t != nil {
		t.burnt = true
		t.made = c.opts.Now()
	}
}

// finishDetaching frees the volume.
func (c *Cloud) finishDetaching(v *volume) {
	v.att.state = "detached"
	c.announce(c.opts.OnDetach, v)
	v.att = nil
	v.state = "available"
}

// storageGiB is the sum of the sizes of all volumes.
func (c *Cloud) storageGiB() int {
	sum := 0
	for _, v := range c.volumes {
		sum += v.sizeGiB
	}
	return sum
}

func (v *volume) attachment() Attachment {
	return Attachment{
		VolumeID: v.id, InstanceID: v.att.instance, Device: v.att.device, State: v.att.state, SizeGiB: v.sizeGiB,
		DeleteOnTermination: v.att.dot, Since: v.att.since,
	}
}

func (v *volume) snapshot() Volume {
	s := Volume{
		ID: v.id, Zone: v.zone, Type: v.kind, SizeGiB: v.sizeGiB, IOPS: v.iops, Throughput: v.throughput,
		Encrypted: v.encrypted, KMSKeyID: v.key, State: v.state, Root: v.root, Tags: maps.Clone(v.tags), Token: v.token, CreatedAt: v.created,
	}
	if v.att != nil {
		a := v.attachment()
		s.Attachment = &a
	}
	return s
}
