package sandbox

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"scaleio-framework/internal/redact"
	"scaleio-framework/scaleio/scaleiotest"
	"scaleio-framework/storagegrowth/ec2test"
)

// awsRegion is where the hosts' instances are.
const awsRegion = "us-east-1"

// awsDelays are how long EC2 takes: a fraction of the real times, long enough
// for a leader to die in between.
func awsDelays() ec2test.Delays {
	return ec2test.Delays{Create: 300 * time.Millisecond, Attach: 500 * time.Millisecond, Detach: 500 * time.Millisecond}
}

// aws is the account that the hosts of a world are instances of: what is
// attached to an instance appears as a disk of its host.
type aws struct {
	cloud    *ec2test.Cloud
	endpoint string
	// keyID and key are what the schedulers sign with. The double verifies no
	// signature, but they are secrets all the same.
	keyID, key redact.Secret

	mu       sync.Mutex
	hosts    map[string]string // instance -> host
	disks    map[string]string // volume -> name of its disk
	count    map[string]int    // instance -> disks so far
	attached map[string]int    // volume -> how often it was attached
	errs     []error           // of disks that could not be added or removed
}

func (w *World) startAWS() error {
	a := &aws{
		keyID: redact.New("AKIA" + rand.Text()[:16]), key: redact.New(rand.Text() + rand.Text()[:14]),
		hosts: make(map[string]string), disks: make(map[string]string), count: make(map[string]int), attached: make(map[string]int),
	}
	w.aws = a
	var err error
	a.cloud, err = ec2test.New(ec2test.Options{
		Region: awsRegion, Delays: awsDelays(),
		OnAttach: func(at ec2test.Attachment) { a.note(a.appear(w, at)) },
		OnDetach: func(at ec2test.Attachment) { a.note(a.vanish(w, at)) },
	})
	if err != nil {
		return err
	}
	a.endpoint, err = a.cloud.ServeEC2("")
	return err
}

// addInstance makes a host an instance, each in a zone of its own as its rack
// is, and returns the URL of its metadata service.
func (a *aws) addInstance(h *Host, n int) (string, error) {
	id, err := a.cloud.AddInstance(ec2test.InstanceSpec{Zone: awsRegion + string(rune('a'+(n-1)%3)), IP: h.IP, Tags: map[string]string{"Name": h.Name}})
	if err != nil {
		return "", err
	}
	a.mu.Lock()
	a.hosts[id] = h.Name
	a.mu.Unlock()
	return a.cloud.ServeIMDS(id, "")
}

// appear gives the host a disk, as Nitro shows it: under a name that is not the
// one asked for, with the volume's id as its serial number.
func (a *aws) appear(w *World, at ec2test.Attachment) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.attached[at.VolumeID]++
	a.count[at.InstanceID]++
	name := fmt.Sprintf("nvme%dn1", a.count[at.InstanceID])
	a.disks[at.VolumeID] = name
	return w.system.AddDisk(a.hosts[at.InstanceID], scaleiotest.Disk{
		Name: name, SizeBytes: int64(at.SizeGiB) << 30, Serial: strings.ReplaceAll(at.VolumeID, "-", ""),
	})
}

func (a *aws) vanish(w *World, at ec2test.Attachment) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	name := a.disks[at.VolumeID]
	delete(a.disks, at.VolumeID)
	for _, h := range w.hosts {
		if h.Name == a.hosts[at.InstanceID] {
			return scaleiotest.RemoveDisk(h.Root, name)
		}
	}
	return errors.New("instance " + at.InstanceID + " is no host")
}

func (a *aws) note(err error) {
	if err == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.errs = append(a.errs, err)
}

// attachedTwice names the volumes that were attached more than once.
func (a *aws) attachedTwice() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var twice []string
	for volume, n := range a.attached {
		if n > 1 {
			twice = append(twice, fmt.Sprintf("attachment of %s (%d times)", volume, n))
		}
	}
	return twice
}

// environment is what the schedulers get, as an operator would give it: the
// keys by their SDK's own variables, never by a flag.
func (a *aws) environment() []string {
	return []string{
		"AWS_ACCESS_KEY_ID=" + a.keyID.Reveal(),
		"AWS_SECRET_ACCESS_KEY=" + a.key.Reveal(),
		"AWS_EC2_METADATA_DISABLED=true",
		"SIO_AWS_REGION=" + awsRegion,
		"SIO_AWS_ENDPOINT=" + a.endpoint,
		"SIO_GROWTH_PROVIDER=aws",
		"SIO_GROWTH_FOR=1s",
		"SIO_GROWTH_INTERVAL=200ms",
		"SIO_GROWTH_COOLDOWN=30s",
	}
}

// close ends the account's doors and tells what went wrong behind them.
func (a *aws) close() error {
	err := error(nil)
	if a.cloud != nil {
		err = a.cloud.Close()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return errors.Join(append(a.errs, err)...)
}
