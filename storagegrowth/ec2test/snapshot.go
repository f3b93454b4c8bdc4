package ec2test

import (
	"maps"
	"time"
)

// Snapshot is the account at one moment, each list ordered by id.
type Snapshot struct {
	Volumes   []Volume   `json:"volumes"`
	Instances []Instance `json:"instances"`
}

// Volume is a volume that exists.
type Volume struct {
	ID         string            `json:"id"`
	Zone       string            `json:"zone"`
	Type       string            `json:"type"`
	SizeGiB    int               `json:"size_gib"`
	IOPS       int               `json:"iops"`
	Throughput int               `json:"throughput"`
	Encrypted  bool              `json:"encrypted"`
	KMSKeyID   string            `json:"kms_key_id,omitempty"`
	State      string            `json:"state"`
	Root       bool              `json:"root"`
	Tags       map[string]string `json:"tags"`
	Token      string            `json:"token"`
	CreatedAt  time.Time         `json:"created_at"`
	Attachment *Attachment       `json:"attachment,omitempty"`
}

// Attachment is a volume at an instance.
type Attachment struct {
	VolumeID            string    `json:"volume_id"`
	InstanceID          string    `json:"instance_id"`
	Device              string    `json:"device"`
	State               string    `json:"state"`
	SizeGiB             int       `json:"size_gib"`
	DeleteOnTermination bool      `json:"delete_on_termination"`
	Since               time.Time `json:"since"`
}

// Instance is an instance.
type Instance struct {
	ID      string            `json:"id"`
	Zone    string            `json:"zone"`
	Type    string            `json:"type"`
	State   string            `json:"state"`
	Devices map[string]string `json:"devices"` // device name to volume id
}

// Counter is what came of the calls of one action.
type Counter struct {
	Calls   int            // requests that were understood, struck by faults or not
	Effects int            // calls that changed something; a repeated create does not
	Refused map[string]int // refusals by code, those of faults included
}

// Snapshot looks at the account without taking any step.
func (c *Cloud) Snapshot() Snapshot {
	c.mu.Lock()
	defer c.mu.Unlock()
	var s Snapshot
	for _, id := range sorted(c.volumes) {
		s.Volumes = append(s.Volumes, c.volumes[id].snapshot())
	}
	for _, id := range sorted(c.instances) {
		i := c.instances[id]
		at := Instance{ID: id, Zone: i.Zone, Type: i.Type, State: i.State, Devices: map[string]string{}}
		for _, v := range c.attachedTo(id) {
			at.Devices[v.att.device] = v.id
		}
		s.Instances = append(s.Instances, at)
	}
	return s
}

// Count returns what came of the calls of an action.
func (c *Cloud) Count(action string) Counter {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.counts[action].clone()
}

// Counts returns what came of the calls by action.
func (c *Cloud) Counts() map[string]Counter {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := map[string]Counter{}
	for action, n := range c.counts {
		all[action] = n.clone()
	}
	return all
}

func (n *Counter) clone() Counter {
	if n == nil {
		return Counter{Refused: map[string]int{}}
	}
	return Counter{Calls: n.Calls, Effects: n.Effects, Refused: maps.Clone(n.Refused)}
}

func (c *Cloud) count(action string) *Counter {
	n := c.counts[action]
	if n == nil {
		n = &Counter{Refused: map[string]int{}}
		c.counts[action] = n
	}
	return n
}

// LeakedVolumes returns the ids of the volumes that exist, are no instance's
// root volume and are not in the set of those that somebody uses, ordered.
func (c *Cloud) LeakedVolumes(inUse map[string]bool) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var leaked []string
	for _, id := range sorted(c.volumes) {
		if !c.volumes[id].root && !inUse[id] {
			leaked = append(leaked, id)
		}
	}
	return leaked
}
